//! Views over a packet's headers (etherparse), from the link layer to the payload.
//!
//! Decoding is lax: a truncated or odd packet still gives what could be read of it, nothing is copied or
//! allocated, and no bytes make it fail. What the headers mean is etherparse's business (but ICMP's); what a packet's
//! payload is, is ours:
//!
//! | packet | transport | payload |
//! |---|---|---|
//! | TCP, UDP, ICMPv4, ICMPv6 | its header | after that header, to the end the IP (and UDP) length gives |
//! | another IP protocol, or a transport header that cannot be read | none | the IP payload |
//! | a fragment with an offset above 0 | none | the IP payload |
//! | not IP | none | empty |
//!
//! Bytes behind the IP length (Ethernet padding) are never payload. Where the length field is impossible (smaller
//! than the header, or larger than the packet), the packet's own end stands in for it.

pub mod defrag;
mod fragment;
mod icmp;
mod link;
mod network;

use etherparse::{TcpSlice, UdpSlice};

use super::{event::PacketFacts, meta::LinkType};

pub use fragment::Fragment;
pub use icmp::IcmpSlice;
pub use network::{IpHeader, Network};

/// One packet's headers and payload, borrowed from its bytes.
#[derive(Clone, Debug, Default)]
pub struct Packet<'a> {
    /// VLAN ids from the outermost in (IEEE 802.1Q, 802.1ad).
    pub vlan: [Option<u16>; 3],
    /// The IP header with its extensions.
    pub network: Option<Network<'a>>,
    /// The transport header.
    pub transport: Option<Transport<'a>>,
    /// The bytes that contents are looked for in; see the module's table.
    pub payload: &'a [u8],
}

/// A transport header, and the bytes behind it.
#[derive(Clone, Debug)]
pub enum Transport<'a> {
    /// RFC 9293.
    Tcp(TcpSlice<'a>),
    /// RFC 768.
    Udp(UdpSlice<'a>),
    /// RFC 792.
    Icmpv4(IcmpSlice<'a>),
    /// RFC 4443.
    Icmpv6(IcmpSlice<'a>),
}

impl<'a> Packet<'a> {
    /// Reads the headers of `bytes`, which start with the header that `link` names.
    pub fn decode(bytes: &'a [u8], link: LinkType) -> Self {
        let link = link::decode(bytes, link);
        let mut packet = Packet { vlan: link.vlan, ..Packet::default() };
        let Some(network) = link.protocol.and_then(|protocol| Network::decode(protocol, link.payload)) else {
            return packet;
        };
        packet.payload = network.payload;
        if !network.later_fragment {
            packet.transport = Transport::decode(network.protocol, network.payload);
        }
        if let Some(transport) = &packet.transport {
            packet.payload = transport.payload();
        }
        packet.network = Some(network);
        packet
    }

    /// Source and destination port of TCP and UDP.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self.transport.as_ref()? {
            Transport::Tcp(tcp) => Some((tcp.source_port(), tcp.destination_port())),
            Transport::Udp(udp) => Some((udp.source_port(), udp.destination_port())),
            Transport::Icmpv4(_) | Transport::Icmpv6(_) => None,
        }
    }

    /// ICMP type and code.
    pub fn icmp(&self) -> Option<(u8, u8)> {
        match self.transport.as_ref()? {
            Transport::Icmpv4(icmp) | Transport::Icmpv6(icmp) => Some(icmp.type_and_code()),
            Transport::Tcp(_) | Transport::Udp(_) => None,
        }
    }

    /// The packet's addresses and protocol as events report them.
    pub fn facts(&self) -> PacketFacts {
        PacketFacts {
            vlan: self.vlan,
            addresses: self.network.as_ref().map(Network::addresses),
            ports: self.ports(),
            protocol: self.network.as_ref().map(|network| network.protocol),
            icmp: self.icmp(),
        }
    }
}

impl<'a> Transport<'a> {
    /// The transport header at the start of an IP payload; none for other protocols and for bytes that are no
    /// such header.
    fn decode(protocol: u8, bytes: &'a [u8]) -> Option<Self> {
        use etherparse::ip_number::{ICMP, IPV6_ICMP, TCP, UDP};
        match etherparse::IpNumber(protocol) {
            TCP => TcpSlice::from_slice(bytes).ok().map(Self::Tcp),
            UDP => UdpSlice::from_slice_lax(bytes).ok().map(Self::Udp),
            ICMP => IcmpSlice::from_slice(bytes).map(Self::Icmpv4),
            IPV6_ICMP => IcmpSlice::from_slice(bytes).map(Self::Icmpv6),
            _ => None,
        }
    }

    fn payload(&self) -> &'a [u8] {
        match self {
            Self::Tcp(tcp) => tcp.payload(),
            Self::Udp(udp) => udp.payload(),
            Self::Icmpv4(icmp) | Self::Icmpv6(icmp) => icmp.payload(),
        }
    }
}

#[cfg(test)]
mod tests;
