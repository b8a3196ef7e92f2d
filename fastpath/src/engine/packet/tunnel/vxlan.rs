//! VXLAN (RFC 7348).

use super::{DecodeEvent, LinkType, Packet, Settings, Tunnel};
use crate::engine::packet::link::ether_type;

/// Reads a VXLAN packet; false when it looks like none.
pub(super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) -> bool {
    let Some((&[flags, _, _, _, _, _, _, reserved], frame)) = bytes.split_first_chunk() else {
        return false;
    };
    let Some(&[.., type_high, type_low]) = frame.first_chunk::<14>() else {
        return false;
    };
    // The flag says that the network identifier is valid.
    if !packet.enter(settings) || flags & 0x08 == 0 || reserved != 0 {
        return false;
    }
    match u16::from_be_bytes([type_high, type_low]) {
        ether_type::ARP
        | ether_type::IPV4
        | ether_type::IPV6
        | ether_type::VLAN
        | ether_type::SERVICE_VLAN
        | ether_type::OLD_QINQ => {
            packet.contain(frame, LinkType::Ethernet, Tunnel::Vxlan, settings);
        }
        // With Suricata an error; see `link::vlan`.
        _ => packet.events.raise(DecodeEvent::VxlanUnknownPayloadType),
    }
    true
}
