//! What a fragment says of the datagram it is part of.

use std::net::IpAddr;

/// A fragment of an IP datagram (RFC 791; RFC 8200, section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// VLAN ids from the outermost in: datagrams of different networks are never mixed. 0 is none.
    pub vlan: [Option<u16>; 3],
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Identification: 16 bits of IPv4, 32 bits of IPv6.
    pub identification: u32,
    /// Protocol of the datagram's payload: of IPv6 the fragment header's next header.
    pub protocol: u8,
    /// Where `payload` belongs, in bytes from the datagram's first fragmentable byte; a multiple of 8.
    pub offset: u16,
    /// Whether more fragments follow behind this one.
    pub more: bool,
    /// The headers that the datagram gets if this is its first fragment: the IPv4 header with options, or the IPv6 header
    /// with the extension headers before the fragment header.
    pub header: &'a [u8],
    /// The fragment's part of the datagram, to the end that the IP length gives.
    pub payload: &'a [u8],
}

impl Fragment<'_> {
    /// Whether it is one of IPv6.
    pub fn is_v6(&self) -> bool {
        self.source.is_ipv6()
    }

    /// Whether it is a whole datagram that only carries a fragment header (RFC 6946).
    pub fn is_atomic(&self) -> bool {
        self.offset == 0 && !self.more
    }

    /// Where its payload ends, in bytes from the datagram's first fragmentable byte.
    pub fn end(&self) -> usize {
        usize::from(self.offset) + self.payload.len()
    }
}
