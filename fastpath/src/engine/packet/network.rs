//! The IP layer.

use std::net::IpAddr;

use etherparse::{
    EtherType, IpAuthHeaderSlice, IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice, ether_type, ip_number,
};

/// The IP layer of a packet, behind which `protocol` starts.
#[derive(Clone, Debug)]
pub struct Network<'a> {
    /// The fixed header.
    pub header: IpHeader<'a>,
    /// Protocol number of the payload, behind the extension headers that could be read.
    pub protocol: u8,
    /// Whether this is a fragment that does not start its datagram, so that it holds no transport header.
    pub later_fragment: bool,
    /// Everything behind the IP and extension headers, to the end that the IP length gives.
    pub payload: &'a [u8],
}

/// An IP header, etherparse's view of it.
#[derive(Clone, Debug)]
pub enum IpHeader<'a> {
    /// RFC 791.
    V4(Ipv4HeaderSlice<'a>),
    /// RFC 8200.
    V6(Ipv6HeaderSlice<'a>),
}

impl<'a> Network<'a> {
    /// Reads the IP header that `protocol` names; none when it is another protocol, or when the header is
    /// incomplete or of the wrong version.
    pub(super) fn decode(protocol: EtherType, bytes: &'a [u8]) -> Option<Self> {
        match protocol {
            ether_type::IPV4 => Self::decode_v4(bytes),
            ether_type::IPV6 => Self::decode_v6(bytes),
            _ => None,
        }
    }

    fn decode_v4(bytes: &'a [u8]) -> Option<Self> {
        let header = Ipv4HeaderSlice::from_slice(bytes).ok()?;
        let total = usize::from(header.total_len());
        let length = header.slice().len();
        let payload =
            if total < length { bytes.get(length..) } else { bytes.get(length..total.min(bytes.len())) };
        let mut network = Self {
            protocol: header.protocol().0,
            later_fragment: header.fragments_offset().value() > 0,
            payload: payload?,
            header: IpHeader::V4(header),
        };
        if !network.later_fragment && header.protocol() == ip_number::AUTH {
            network.skip_extension();
        }
        Some(network)
    }

    fn decode_v6(bytes: &'a [u8]) -> Option<Self> {
        let header = Ipv6HeaderSlice::from_slice(bytes).ok()?;
        let rest = bytes.get(header.slice().len()..)?;
        // A length of 0 is a jumbogram (RFC 2675) or not set yet.
        let payload = match usize::from(header.payload_length()) {
            0 => rest,
            length => rest.get(..length).unwrap_or(rest),
        };
        let protocol = header.next_header().0;
        let mut network = Self { header: IpHeader::V6(header), protocol, later_fragment: false, payload };
        while !network.later_fragment && network.skip_extension() {}
        Some(network)
    }

    /// Steps over the extension header that the payload starts with; false when it starts with none, or with one
    /// that ends behind the packet. Not etherparse's own iterator: over a chain that is cut short it reads past
    /// the end.
    fn skip_extension(&mut self) -> bool {
        use ip_number::{AUTH, IPV6_DEST_OPTIONS, IPV6_FRAG, IPV6_HOP_BY_HOP, IPV6_ROUTE};
        let step = match IpNumber(self.protocol) {
            IPV6_HOP_BY_HOP | IPV6_ROUTE | IPV6_DEST_OPTIONS => {
                Ipv6RawExtHeaderSlice::from_slice(self.payload)
                    .ok()
                    .map(|h| (h.next_header(), h.slice().len()))
            }
            IPV6_FRAG => Ipv6FragmentHeaderSlice::from_slice(self.payload).ok().map(|h| {
                self.later_fragment = h.fragment_offset().value() > 0;
                (h.next_header(), h.slice().len())
            }),
            AUTH => {
                IpAuthHeaderSlice::from_slice(self.payload).ok().map(|h| (h.next_header(), h.slice().len()))
            }
            _ => None,
        };
        let Some((next, rest)) = step.and_then(|(next, length)| Some((next, self.payload.get(length..)?)))
        else {
            return false;
        };
        self.protocol = next.0;
        self.payload = rest;
        true
    }

    /// Source and destination address.
    pub fn addresses(&self) -> (IpAddr, IpAddr) {
        match &self.header {
            IpHeader::V4(ip) => (ip.source_addr().into(), ip.destination_addr().into()),
            IpHeader::V6(ip) => (ip.source_addr().into(), ip.destination_addr().into()),
        }
    }
}
