//! The ICMP header. Not etherparse's view: that takes no timestamp message that is not exactly 20 bytes long, so one
//! byte more, which every receiver ignores, would hide a packet from all rules about ICMP.

pub(super) mod v4;
pub(super) mod v6;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::ip_number::{ICMP, IPV6_ICMP, SCTP, TCP, UDP};

/// An ICMPv4 (RFC 792) or ICMPv6 (RFC 4443) message: type, code, checksum, four bytes that the type gives a
/// meaning, and the rest.
#[derive(Clone, Copy, Debug)]
pub struct IcmpSlice<'a> {
    header: &'a [u8; 8],
    payload: &'a [u8],
}

/// What an error message tells of the packet that it is about, as that packet had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// Source and destination port of TCP, UDP and SCTP, when they are quoted.
    pub ports: Option<(u16, u16)>,
    /// Type and code of ICMP, when they are quoted.
    pub icmp: Option<(u8, u8)>,
}

impl<'a> IcmpSlice<'a> {
    /// The message that `bytes` are; none when they end within its header.
    pub(super) fn from_slice(bytes: &'a [u8]) -> Option<Self> {
        let (header, payload) = bytes.split_first_chunk()?;
        Some(Self { header, payload })
    }

    /// Type and code.
    pub fn type_and_code(&self) -> (u8, u8) {
        let [kind, code, ..] = *self.header;
        (kind, code)
    }

    /// The eight bytes in front.
    pub fn header(&self) -> &'a [u8; 8] {
        self.header
    }

    /// Everything behind the eight bytes.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The packet that an ICMPv4 error message quotes, as far as it does.
    pub(super) fn quoted_v4(&self) -> Option<Quoted> {
        if !matches!(self.header[0], 3 | 4 | 5 | 11 | 12) {
            return None;
        }
        let header = self.payload.first_chunk::<20>().filter(|header| header[0] >> 4 == 4)?;
        let address = |at| header.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied();
        let later_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0;
        let transport = self.payload.get(usize::from(header[0] & 0x0f) * 4..).filter(|_| !later_fragment);
        let (source, destination) = (Ipv4Addr::from(address(12)?), Ipv4Addr::from(address(16)?));
        Some(Quoted::new(source.into(), destination.into(), header[9], transport))
    }

    /// The packet that an ICMPv6 error message quotes, as far as it does.
    pub(super) fn quoted_v6(&self) -> Option<Quoted> {
        if !matches!(self.header[0], 1..=4) {
            return None;
        }
        let (header, transport) = self.payload.split_first_chunk::<40>().filter(|(h, _)| h[0] >> 4 == 6)?;
        let address = |at| header.get(at..).and_then(|rest| rest.first_chunk::<16>()).copied();
        let (source, destination) = (Ipv6Addr::from(address(8)?), Ipv6Addr::from(address(24)?));
        Some(Quoted::new(source.into(), destination.into(), header[6], Some(transport)))
    }
}

impl Quoted {
    fn new(source: IpAddr, destination: IpAddr, protocol: u8, transport: Option<&[u8]>) -> Self {
        let start = transport.and_then(|bytes| bytes.first_chunk::<4>().copied());
        let has = |protocols: &[etherparse::IpNumber]| {
            start.filter(|_| protocols.iter().any(|known| known.0 == protocol))
        };
        Self {
            source,
            destination,
            protocol,
            ports: has(&[TCP, UDP, SCTP])
                .map(|[a, b, c, d]| (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))),
            icmp: has(&[ICMP, IPV6_ICMP]).map(|[kind, code, ..]| (kind, code)),
        }
    }
}
