//! MPLS label stacks (RFC 3032), and what is behind them: IP, or an Ethernet pseudo-wire (RFC 4448).

use super::{DecodeEvent, Packet, Settings, ipv4, ipv6, link};

pub(super) fn decode<'a>(mut bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    packet.shims.mpls = true;
    if !packet.enter(settings) {
        return;
    }
    let label = loop {
        let Some((&entry, rest)) = bytes.split_first_chunk() else {
            packet.events.raise_invalid(DecodeEvent::MplsHeaderTooSmall);
            return;
        };
        bytes = rest;
        let entry = u32::from_be_bytes(entry);
        if entry & 0x100 != 0 {
            break entry >> 12;
        }
    };
    match label {
        0 => return ipv4::decode(bytes, packet, settings),
        1 => return packet.events.raise(DecodeEvent::MplsBadLabelRouterAlert),
        2 => return ipv6::decode(bytes, packet, settings),
        3 => return packet.events.raise(DecodeEvent::MplsBadLabelImplicitNull),
        4..15 => return packet.events.raise(DecodeEvent::MplsBadLabelReserved),
        _ => {}
    }
    // Nothing names the payload: its first four bits have to tell (RFC 4385, section 3).
    let Some((&[first, ..], pseudo_wire)) = bytes.split_first_chunk::<4>() else {
        packet.events.raise_invalid(DecodeEvent::MplsPktTooSmall);
        return;
    };
    match first >> 4 {
        4 => ipv4::decode(bytes, packet, settings),
        6 => ipv6::decode(bytes, packet, settings),
        0 => link::ethernet(pseudo_wire, packet, settings),
        _ => packet.events.raise_invalid(DecodeEvent::MplsUnknownPayloadType),
    }
}
