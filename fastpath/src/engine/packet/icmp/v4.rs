//! ICMPv4 messages (RFC 792 and its successors), checked as Suricata does.

use super::IcmpSlice;
use crate::engine::packet::{DecodeEvent, DecodeEvents};

/// Checks type, code and length of `message`.
pub(in super::super) fn validate(message: &IcmpSlice<'_>, events: &mut DecodeEvents) {
    let (kind, code) = message.type_and_code();
    let last_code = match kind {
        // Echo, timestamp, information, address mask: request and reply.
        0 | 8 | 13..=18 => 0,
        // Destination unreachable, redirect, time exceeded.
        3 => 15,
        5 => 3,
        11 => 1,
        // Source quench, parameter problem.
        4 | 12 => 0,
        // Router advertisement.
        9 => u8::MAX,
        _ => {
            events.raise(DecodeEvent::Icmpv4UnknownType);
            return;
        }
    };
    if code > last_code {
        events.raise(DecodeEvent::Icmpv4UnknownCode);
    }
    let payload = message.payload();
    match kind {
        3 | 5 | 11 | 12 if code <= last_code && !payload.is_empty() => validate_quoted(payload, events),
        4 if code <= last_code => validate_quoted(payload, events),
        13 | 14 if payload.len() < 12 => events.raise(DecodeEvent::Icmpv4Ipv4TruncPkt),
        9 => {
            let [_, _, _, _, count, size, ..] = *message.header();
            // Suricata counts the four bytes behind the checksum twice.
            if payload.len() < usize::from(count) * usize::from(size) * 4 {
                events.raise(DecodeEvent::Icmpv4Ipv4TruncPkt);
            }
        }
        _ => {}
    }
}

/// The packet that an error message is about has to be there with its IP header.
fn validate_quoted(quoted: &[u8], events: &mut DecodeEvents) {
    match quoted.first() {
        Some(first) if quoted.len() >= 20 => {
            if first >> 4 != 4 {
                events.raise_invalid(DecodeEvent::Icmpv4Ipv4UnknownVer);
            }
        }
        _ => events.raise_invalid(DecodeEvent::Icmpv4Ipv4TruncPkt),
    }
}
