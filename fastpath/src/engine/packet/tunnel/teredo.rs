//! Teredo (RFC 4380): IPv6 in UDP, with nothing that marks it, so that it is checked closely.

use super::{DecodeEvent, LinkType, Packet, Settings, Tunnel};
use crate::engine::packet::link::ether_type;

/// Reads a Teredo packet; false when it looks like none.
pub(super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) -> bool {
    // An origin indication may stand in front (section 5.1.1).
    let bytes = match bytes {
        [0, 0, _, _, _, _, _, _, behind @ ..] => behind,
        bytes => bytes,
    };
    let Some((&[first, _, _, _, length_high, length_low, next_header, hop_limit, ..], payload)) =
        bytes.split_first_chunk::<40>()
    else {
        return false;
    };
    let length = u16::from_be_bytes([length_high, length_low]);
    if first >> 4 != 6
        || usize::from(length) != payload.len()
        || hop_limit == 0
        || (next_header == 0 && length < 8)
    {
        return false;
    }
    packet.contain(bytes, LinkType::EtherType(ether_type::IPV6), Tunnel::Teredo, settings);
    let is_tunnel = packet.inner.is_some_and(|inner| {
        let events = Packet::decode_inner(&inner, settings).events;
        !events.is_invalid() || events.contains(DecodeEvent::TooManyLayers)
    });
    if !is_tunnel {
        packet.inner = None;
    }
    is_tunnel
}
