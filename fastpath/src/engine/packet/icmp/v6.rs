//! ICMPv6 messages (IANA's list of types), checked as Suricata does.

use super::IcmpSlice;
use crate::engine::packet::{DecodeEvent, DecodeEvents};

/// Checks type and code of `message`, which came with this hop limit.
pub(in super::super) fn validate(message: &IcmpSlice<'_>, hop_limit: u8, events: &mut DecodeEvents) {
    let (kind, code) = message.type_and_code();
    let known_code = match kind {
        // Destination unreachable, packet too big, time exceeded, parameter problem.
        1 => code <= 6,
        2 => code == 0,
        3 => code <= 1,
        4 => code <= 2,
        // Echo, multicast listener discovery, neighbour discovery.
        128..=137 => code == 0,
        // Router renumbering.
        138 => code <= 2 || code == 255,
        // Node information.
        139 | 140 => code <= 2,
        // Inverse discovery, listener reports, home agents, mobile prefixes, certification paths.
        141..=149 => code == 0,
        // Experimental mobility, multicast routers.
        150..=153 => true,
        154 => code == 0,
        // RPL.
        155 => matches!(code, 0..=3 | 128..=132),
        156..=159 => code == 0,
        _ => {
            events.raise(match kind {
                100 | 101 | 200 | 201 => DecodeEvent::Icmpv6ExperimentationType,
                0 | 127 => DecodeEvent::Icmpv6UnknownType,
                _ => DecodeEvent::Icmpv6UnassignedType,
            });
            return;
        }
    };
    if !known_code {
        events.raise(DecodeEvent::Icmpv6UnknownCode);
    } else if matches!(kind, 1..=4) {
        match message.payload() {
            quoted if quoted.len() < 40 => events.raise_invalid(DecodeEvent::Icmpv6Ipv6TruncPkt),
            [first, ..] if first >> 4 != 6 => events.raise_invalid(DecodeEvent::Icmpv6Ipv6UnknownVersion),
            _ => {}
        }
    }
    if matches!(kind, 130..=132) && hop_limit != 1 {
        events.raise(DecodeEvent::Icmpv6MldMessageWithInvalidHl);
    }
}
