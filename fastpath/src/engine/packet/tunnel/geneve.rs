//! Geneve (RFC 8926).

use super::{DecodeEvent, LinkType, Packet, Settings, Tunnel};
use crate::engine::packet::link::ether_type;

/// Reads a Geneve packet; false when it looks like none.
pub(super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) -> bool {
    let Some((&[first, flags, type_high, type_low, _, _, _, reserved], rest)) = bytes.split_first_chunk()
    else {
        return false;
    };
    let Some((options, payload)) = rest.split_at_checked(usize::from(first & 0x3f) * 4) else {
        return false;
    };
    let valid = first >> 6 == 0 && flags & 0x3f == 0 && reserved == 0 && options_fit(options);
    if !packet.enter(settings) || !valid {
        return false;
    }
    let protocol = u16::from_be_bytes([type_high, type_low]);
    let link = match protocol {
        ether_type::BRIDGE => LinkType::Ethernet,
        ether_type::IPV4 | ether_type::IPV6 | ether_type::ARP => LinkType::EtherType(protocol),
        _ => {
            // With Suricata an error; see `link::vlan`.
            packet.events.raise(DecodeEvent::GeneveUnknownPayloadType);
            return true;
        }
    };
    packet.contain(payload, link, Tunnel::Geneve, settings);
    true
}

/// Whether the lengths of the options add up.
fn options_fit(mut options: &[u8]) -> bool {
    while let Some((&[_, _, _, length], rest)) = options.split_first_chunk() {
        let Some(behind) = rest.get(usize::from(length & 0x1f) * 4..) else {
            return false;
        };
        options = behind;
    }
    options.is_empty()
}
