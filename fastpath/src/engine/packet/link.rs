//! Link layers: from the packet's first byte to the protocol above.

use super::{DecodeEvent, Packet, Settings, arp, ipv4, ipv6, mpls, ppp};
use crate::engine::meta::LinkType;

/// EtherTypes (IEEE 802 numbers).
pub(super) mod ether_type {
    pub(in super::super) const IPV4: u16 = 0x0800;
    pub(in super::super) const ARP: u16 = 0x0806;
    /// Transparent Ethernet bridging: an Ethernet frame (RFC 1701).
    pub(in super::super) const BRIDGE: u16 = 0x6558;
    pub(in super::super) const VLAN: u16 = 0x8100;
    pub(in super::super) const IPV6: u16 = 0x86dd;
    /// RFC 2637.
    pub(in super::super) const PPP: u16 = 0x880b;
    pub(in super::super) const MPLS: u16 = 0x8847;
    pub(in super::super) const MPLS_UPSTREAM: u16 = 0x8848;
    pub(in super::super) const PPPOE_DISCOVERY: u16 = 0x8863;
    pub(in super::super) const PPPOE_SESSION: u16 = 0x8864;
    /// IEEE 802.1ad service tag.
    pub(in super::super) const SERVICE_VLAN: u16 = 0x88a8;
    pub(in super::super) const ERSPAN: u16 = 0x88be;
    pub(in super::super) const ERSPAN_III: u16 = 0x22eb;
    /// QinQ before 802.1ad.
    pub(in super::super) const OLD_QINQ: u16 = 0x9100;
}

/// Reads `bytes`, which start with the header that `link` names.
pub(super) fn decode<'a>(bytes: &'a [u8], link: LinkType, packet: &mut Packet<'a>, settings: &Settings) {
    match link {
        LinkType::Ethernet => ethernet(bytes, packet, settings),
        LinkType::EtherType(protocol) => {
            payload(protocol, bytes, packet, settings);
        }
        LinkType::RawIp => raw(bytes, packet, settings),
        LinkType::Null => null(bytes, packet, settings),
        LinkType::LinuxSll => cooked::<16, 14>(bytes, DecodeEvent::SllPktTooSmall, packet, settings),
        LinkType::LinuxSll2 => cooked::<20, 0>(bytes, DecodeEvent::Sll2PktTooSmall, packet, settings),
        LinkType::CiscoHdlc => cooked::<4, 2>(bytes, DecodeEvent::ChdlcPktTooSmall, packet, settings),
        LinkType::Ppp => ppp::decode(bytes, packet, settings),
        LinkType::Other(_) => {}
    }
}

/// An Ethernet II frame without check sequence.
pub(super) fn ethernet<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    packet.ether = bytes.first_chunk();
    cooked::<14, 12>(bytes, DecodeEvent::EthernetPktTooSmall, packet, settings);
}

/// A header of `LENGTH` bytes that has the EtherType of what follows at `AT`.
fn cooked<'a, const LENGTH: usize, const AT: usize>(
    bytes: &'a [u8],
    too_small: DecodeEvent,
    packet: &mut Packet<'a>,
    settings: &Settings,
) {
    let Some((header, rest)) = bytes.split_first_chunk::<LENGTH>() else {
        packet.events.raise_invalid(too_small);
        return;
    };
    if packet.enter(settings) {
        payload(u16::from_be_bytes([header[AT], header[AT + 1]]), rest, packet, settings);
    }
}

/// What an EtherType names; false when it is none that is decoded.
pub(super) fn payload<'a>(
    protocol: u16,
    bytes: &'a [u8],
    packet: &mut Packet<'a>,
    settings: &Settings,
) -> bool {
    match protocol {
        ether_type::IPV4 => ipv4::decode(bytes, packet, settings),
        ether_type::IPV6 => ipv6::decode(bytes, packet, settings),
        ether_type::VLAN | ether_type::SERVICE_VLAN | ether_type::OLD_QINQ => vlan(bytes, packet, settings),
        ether_type::ARP => arp::decode(bytes, packet, settings),
        ether_type::MPLS | ether_type::MPLS_UPSTREAM => mpls::decode(bytes, packet, settings),
        ether_type::PPPOE_SESSION => ppp::decode_session(bytes, packet, settings),
        ether_type::PPPOE_DISCOVERY => ppp::decode_discovery(bytes, packet),
        _ => {
            packet.events.raise(DecodeEvent::EthernetUnknownEthertype);
            return false;
        }
    }
    true
}

/// A VLAN tag behind its EtherType. A fourth one is not taken off: what lies behind it is not seen, but a receiver may.
fn vlan<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    let Some(id) = packet.vlan.iter_mut().find(|id| id.is_none()) else {
        packet.events.raise_invalid(DecodeEvent::VlanTooManyLayers);
        return;
    };
    let Some((&[control_high, control_low, type_high, type_low], rest)) = bytes.split_first_chunk() else {
        packet.events.raise_invalid(DecodeEvent::VlanHeaderTooSmall);
        return;
    };
    *id = Some(u16::from_be_bytes([control_high & 0x0f, control_low]));
    if packet.enter(settings) && !payload(u16::from_be_bytes([type_high, type_low]), rest, packet, settings) {
        // Suricata has this among the errors. Inline that would drop every other protocol as soon as it is tagged.
        packet.events.raise(DecodeEvent::VlanUnknownType);
    }
}

/// LINKTYPE_NULL: the address family in the capturing host's byte order, so either is taken. AF_INET is 2
/// everywhere, AF_INET6 10 (Linux), 23 (Windows), 24 (NetBSD, OpenBSD), 26 (Solaris), 28 (FreeBSD) or 30 (Darwin).
fn null<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    let Some((&family, rest)) = bytes.split_first_chunk() else {
        packet.events.raise_invalid(DecodeEvent::LtnullPktTooSmall);
        return;
    };
    let family = u32::from_ne_bytes(family);
    match if family > 0xffff { family.swap_bytes() } else { family } {
        2 => ipv4::decode(rest, packet, settings),
        10 | 23 | 24 | 26 | 28 | 30 => ipv6::decode(rest, packet, settings),
        _ => packet.events.raise(DecodeEvent::LtnullUnsupportedType),
    }
}

/// LINKTYPE_RAW: the IP version tells.
fn raw<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    match bytes.first().map(|first| first >> 4) {
        _ if bytes.len() < 20 => packet.events.raise_invalid(DecodeEvent::Ipv4PktTooSmall),
        Some(4) => ipv4::decode(bytes, packet, settings),
        Some(6) => ipv6::decode(bytes, packet, settings),
        _ => packet.events.raise(DecodeEvent::IprawInvalidIpVersion),
    }
}
