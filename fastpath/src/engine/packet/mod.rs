//! Views over a packet's headers (etherparse's where it has one that serves), from the link layer to the payload.
//!
//! Nothing is copied or allocated, and no bytes make decoding fail: what is odd is in [`Packet::events`], under the
//! names and conditions of Suricata 8. A header that no receiver would take (too short, of the wrong version, longer
//! than the packet) is none: behind it nothing is decoded. What a packet's payload is:
//!
//! | packet | transport | payload |
//! |---|---|---|
//! | TCP, UDP, SCTP, ICMPv4, ICMPv6 | its header | after that header, to the end the IP (and UDP) length gives |
//! | ESP | none | after SPI and sequence number |
//! | another IP protocol, or a transport header that cannot be read | none | the IP payload |
//! | a fragment | none | the IP payload |
//! | not IP | none | empty |
//!
//! Bytes behind the IP length (Ethernet padding) are never payload.
//!
//! A tunnel's packet says where the packet inside starts ([`Packet::inner`]); [`Layers`] goes through all of them.

mod arp;
mod checksum;
pub mod defrag;
mod event;
mod fragment;
mod header;
mod icmp;
mod ipv4;
mod ipv6;
mod layers;
mod link;
mod mpls;
mod network;
mod ppp;
mod rewrite;
mod settings;
mod tcp;
mod transport;
mod tunnel;

use super::{
    event::{EtherFacts, PacketFacts},
    meta::LinkType,
};

pub use etherparse::{ArpPacketSlice, Ipv4HeaderSlice, Ipv6HeaderSlice, UdpSlice};
pub use event::{DecodeEvent, DecodeEvents};
pub use fragment::Fragment;
pub use icmp::{IcmpSlice, Quoted};
pub use ipv4::Options as Ipv4Options;
pub use layers::Layers;
pub use network::{IpHeader, Network};
pub use rewrite::Rewriting;
pub(super) use rewrite::offset_in;
pub use settings::{Settings, TunnelPorts};
pub use tcp::{TcpOptions, TcpSegment};
pub use transport::{SctpSlice, Transport};
pub use tunnel::{Inner, Tunnel};

/// One packet's headers and payload, borrowed from its bytes: of a tunnel the outer ones.
#[derive(Clone, Debug, Default)]
pub struct Packet<'a> {
    /// VLAN ids from the outermost in (IEEE 802.1Q, 802.1ad).
    pub vlan: [Option<u16>; 3],
    /// The Ethernet header: destination, source, and what follows (IEEE 802.3).
    pub ethernet: Option<&'a [u8; 14]>,
    /// An ARP packet for IPv4 over Ethernet (RFC 826).
    pub arp: Option<ArpPacketSlice<'a>>,
    /// The IP header with its extensions.
    pub network: Option<Network<'a>>,
    /// The transport header.
    pub transport: Option<Transport<'a>>,
    /// The bytes that contents are looked for in; see the module's table.
    pub payload: &'a [u8],
    /// The packet that this one carries, when it is a tunnel's.
    pub inner: Option<Inner<'a>>,
    /// What else lies between its headers.
    pub shims: Shims,
    /// What is odd about it.
    pub events: DecodeEvents,
    /// Layers decoded so far, those of the packets around this one included.
    layers: u8,
}

/// Headers of which nothing but their presence is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shims {
    /// A label stack (RFC 3032).
    pub mpls: bool,
    /// PPP over Ethernet (RFC 2516).
    pub pppoe: bool,
    /// ERSPAN in GRE, around the packet inside.
    pub erspan: bool,
}

impl<'a> Packet<'a> {
    /// Reads the headers of `bytes`, which start with the header that `link` names, with Suricata's default settings.
    pub fn decode(bytes: &'a [u8], link: LinkType) -> Self {
        Self::decode_with(bytes, link, &Settings::DEFAULT)
    }

    /// Reads the headers of `bytes`, which start with the header that `link` names.
    pub fn decode_with(bytes: &'a [u8], link: LinkType, settings: &Settings) -> Self {
        let mut packet = Self::default();
        link::decode(bytes, link, &mut packet, settings);
        packet
    }

    /// Reads the headers of the packet that a tunnel carries.
    pub fn decode_inner(inner: &Inner<'a>, settings: &Settings) -> Self {
        let mut packet = Self { layers: inner.layers, ..Self::default() };
        packet.vlan[0] = inner.vlan;
        link::decode(inner.bytes, inner.link, &mut packet, settings);
        packet
    }

    /// Source and destination port of TCP, UDP and SCTP.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self.transport.as_ref()? {
            Transport::Tcp(tcp) => Some((tcp.source_port(), tcp.destination_port())),
            Transport::Udp(udp) => Some((udp.source_port(), udp.destination_port())),
            Transport::Sctp(sctp) => Some((sctp.source_port(), sctp.destination_port())),
            Transport::Icmpv4(_) | Transport::Icmpv6(_) => None,
        }
    }

    /// ICMP type and code.
    pub fn icmp(&self) -> Option<(u8, u8)> {
        match self.transport.as_ref()? {
            Transport::Icmpv4(icmp) | Transport::Icmpv6(icmp) => Some(icmp.type_and_code()),
            Transport::Tcp(_) | Transport::Udp(_) | Transport::Sctp(_) => None,
        }
    }

    /// What an ICMP error message tells of the packet that it is about.
    pub fn quoted(&self) -> Option<Quoted> {
        match self.transport.as_ref()? {
            Transport::Icmpv4(icmp) => icmp.quoted_v4(),
            Transport::Icmpv6(icmp) => icmp.quoted_v6(),
            Transport::Tcp(_) | Transport::Udp(_) | Transport::Sctp(_) => None,
        }
    }

    /// The fragment that this packet is. An IPv6 packet with a fragment header that says "the first and the last"
    /// (RFC 6946) is none: it is decoded like any other.
    pub fn fragment(&self) -> Option<Fragment<'a>> {
        self.network.as_ref()?.fragment(self.vlan)
    }

    /// Counts one more layer; false, with an event, when that is too many.
    fn enter(&mut self, settings: &Settings) -> bool {
        self.layers = self.layers.saturating_add(1);
        let fits = self.layers < settings.max_layers;
        if !fits {
            self.events.raise_invalid(DecodeEvent::TooManyLayers);
        }
        fits
    }

    /// The packet's addresses and protocol as events report them.
    pub fn facts(&self) -> PacketFacts {
        PacketFacts {
            vlan: self.vlan,
            addresses: self.network.as_ref().map(Network::addresses),
            ports: self.ports(),
            protocol: self.network.as_ref().map(|network| network.protocol),
            icmp: self.icmp(),
            ether: self.ethernet.map(EtherFacts::of),
        }
    }
}

#[cfg(test)]
mod tests;
