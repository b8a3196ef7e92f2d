//! Internet checksums (RFC 1071).

use super::{IpHeader, Network, Packet, Transport};

impl Packet<'_> {
    /// Whether the checksums of the IP header and of the transport are right; true where there is none to check.
    pub fn checksums_ok(&self) -> bool {
        self.ip_checksum_ok() && self.transport_checksum_ok()
    }

    /// Whether the IPv4 header's checksum is right.
    pub fn ip_checksum_ok(&self) -> bool {
        match self.network.as_ref().map(|network| &network.header) {
            Some(IpHeader::V4(header)) => fold(sum(header.slice())) == 0xffff,
            Some(IpHeader::V6(_)) | None => true,
        }
    }

    /// Whether the checksum of TCP, UDP, ICMPv4 or ICMPv6 is right. SCTP's is not looked at.
    ///
    /// Behind a routing header that has segments left nothing can be told, as the checksum is about the last
    /// destination (RFC 8200, section 8.1).
    pub fn transport_checksum_ok(&self) -> bool {
        let (Some(network), Some(transport)) = (&self.network, &self.transport) else {
            return true;
        };
        let with_pseudo_header = |bytes: &[u8]| {
            network.under_way || fold(sum(bytes) + network.pseudo_header(bytes.len())) == 0xffff
        };
        match transport {
            Transport::Tcp(tcp) => with_pseudo_header(tcp.slice()),
            // Over IPv4 the checksum may be left out (RFC 768), over IPv6 not (RFC 8200).
            Transport::Udp(udp) if udp.checksum() == 0 => matches!(network.header, IpHeader::V4(_)),
            Transport::Udp(udp) => with_pseudo_header(udp.slice()),
            Transport::Icmpv4(_) => fold(sum(network.payload)) == 0xffff,
            Transport::Icmpv6(_) => with_pseudo_header(network.payload),
            Transport::Sctp(_) => true,
        }
    }
}

impl Network<'_> {
    /// Sum of the pseudo-header of a transport of `length` bytes.
    fn pseudo_header(&self, length: usize) -> u64 {
        let addresses = match &self.header {
            IpHeader::V4(header) => header.slice().get(12..20),
            IpHeader::V6(header) => header.slice().get(8..40),
        };
        let last = u32::from(self.protocol).to_be_bytes();
        // It fits: no packet is as long as 4 GiB, and a longer one would only have a wrong checksum.
        let length = u32::try_from(length).unwrap_or_default().to_be_bytes();
        sum(addresses.unwrap_or_default()) + sum(&length) + sum(&last)
    }
}

/// Sum of the 16-bit words of `bytes` in the machine's byte order, which the folded result does not depend on
/// (RFC 1071, section 2 B). 32 bits at a time into 64, so that it cannot overflow below 16 GiB.
fn sum(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<32>();
    let mut lanes = [0_u64; 8];
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<4>().0) {
            *lane += u64::from(u32::from_ne_bytes(*word));
        }
    }
    let (words, odd) = rest.as_chunks::<4>();
    let mut last = [0; 4];
    for (place, byte) in last.iter_mut().zip(odd) {
        *place = *byte;
    }
    let tail = words.iter().chain([&last]).map(|word| u64::from(u32::from_ne_bytes(*word)));
    lanes.into_iter().chain(tail).sum()
}

/// The sum in 16 bits, with end-around carry.
fn fold(sum: u64) -> u16 {
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    (sum & 0xffff) as u16
}
