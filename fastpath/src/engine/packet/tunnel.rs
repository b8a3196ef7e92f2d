//! Packets that carry packets.

mod geneve;
pub(super) mod gre;
pub(super) mod ip;
mod teredo;
mod vxlan;

use etherparse::UdpSlice;

use super::{DecodeEvent, Packet, Settings};
use crate::engine::meta::LinkType;

/// The packet that a tunnel's packet carries. Whether it can be read is told when it is decoded.
#[derive(Clone, Copy, Debug)]
pub struct Inner<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// First header of `bytes`.
    pub link: LinkType,
    /// What carries it.
    pub kind: Tunnel,
    /// VLAN that the tunnel's header says it was in (ERSPAN).
    pub(super) vlan: Option<u16>,
    /// Layers around it.
    pub(super) layers: u8,
}

/// What carries a packet inside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tunnel {
    /// IPv4 (RFC 2003, RFC 4213).
    Ipv4,
    /// IPv6 (RFC 2473).
    Ipv6,
    /// GRE (RFC 2784, RFC 2890; PPTP: RFC 2637), also with ERSPAN in it.
    Gre,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
    /// Teredo (RFC 4380).
    Teredo,
}

impl Tunnel {
    /// Suricata's name for where the inner packet comes from (EVE `pkt_src`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4 tunnel",
            Self::Ipv6 => "ipv6 tunnel",
            Self::Gre => "gre tunnel",
            Self::Vxlan => "vxlan encapsulation",
            Self::Geneve => "geneve encapsulation",
            Self::Teredo => "teredo tunnel",
        }
    }
}

/// Finds the packet that a UDP datagram carries. What is on a tunnel's port and does not look like that tunnel stays
/// a datagram.
pub(super) fn find_in_udp<'a>(udp: &UdpSlice<'a>, packet: &mut Packet<'a>, settings: &Settings) {
    let (source, destination) = (udp.source_port(), udp.destination_port());
    let either = |ports: &super::TunnelPorts| ports.contains(source) || ports.contains(destination);
    let payload = udp.payload();
    let _ = (either(&settings.teredo_ports) && teredo::decode(payload, packet, settings))
        || (either(&settings.geneve_ports) && geneve::decode(payload, packet, settings))
        || (settings.vxlan_ports.contains(destination) && vxlan::decode(payload, packet, settings));
}

impl<'a> Packet<'a> {
    /// Takes note of the packet inside, unless it lies too deep.
    fn contain(&mut self, bytes: &'a [u8], link: LinkType, kind: Tunnel, settings: &Settings) {
        if self.enter(settings) {
            self.inner = Some(Inner { bytes, link, kind, vlan: None, layers: self.layers });
        }
    }
}
