//! IPv4 options, checked as Suricata does.

use super::DecodeEvent;
use crate::engine::packet::DecodeEvents;

const RECORD_ROUTE: u8 = 0x07;
const QUICK_START: u8 = 0x19;
const TIMESTAMP: u8 = 0x44;
const SECURITY: u8 = 0x82;
const LOOSE_SOURCE_ROUTE: u8 = 0x83;
const EXTENDED_SECURITY: u8 = 0x85;
const COMMERCIAL_SECURITY: u8 = 0x86;
const STREAM_ID: u8 = 0x88;
const STRICT_SOURCE_ROUTE: u8 = 0x89;
const ROUTER_ALERT: u8 = 0x94;

/// Options of which a second one is an anomaly, in the order of their bits in `seen`.
const KNOWN: [u8; 10] = [
    RECORD_ROUTE,
    QUICK_START,
    TIMESTAMP,
    SECURITY,
    LOOSE_SOURCE_ROUTE,
    EXTENDED_SECURITY,
    COMMERCIAL_SECURITY,
    STREAM_ID,
    STRICT_SOURCE_ROUTE,
    ROUTER_ALERT,
];

/// The options of a header, each with its type and all its bytes: up to the end-of-list option (RFC 791, section 3.1), which is one of
/// them, or to what can be none.
#[derive(Clone, Debug)]
pub struct Options<'a>(pub &'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = match *self.0 {
            [0 | 1, ..] => 1,
            [_, length, ..] if length >= 2 => length.into(),
            _ => 0,
        };
        let (option, rest) = self.0.split_at_checked(length).filter(|_| length > 0)?;
        let kind = *option.first()?;
        self.0 = if kind == 0 { &[] } else { rest };
        Some((kind, option))
    }
}

/// Checks all `options`; fails when they cannot be told apart.
#[cold]
pub(super) fn validate(mut options: &[u8], events: &mut DecodeEvents) -> Result<(), DecodeEvent> {
    if !options.len().is_multiple_of(8) {
        events.raise(DecodeEvent::Ipv4OptPadRequired);
    }
    let mut seen = 0_u16;
    loop {
        match *options {
            [] | [0, ..] => return Ok(()),
            [1, ref rest @ ..] => options = rest,
            [_] => {
                events.raise(DecodeEvent::Ipv4OptEolRequired);
                return Ok(());
            }
            [kind, length, ..] => {
                let (option, rest) = options
                    .split_at_checked(length.into())
                    .filter(|_| length >= 2)
                    .ok_or(DecodeEvent::Ipv4OptInvalidLen)?;
                options = rest;
                let Some(known) = KNOWN.iter().position(|&known| known == kind) else {
                    events.raise(DecodeEvent::Ipv4OptInvalid);
                    continue;
                };
                if seen & 1 << known != 0 {
                    events.raise(DecodeEvent::Ipv4OptDuplicate);
                } else if let Err(event) = validate_one(kind, option) {
                    events.raise_invalid(event);
                } else {
                    seen |= 1 << known;
                }
            }
        }
    }
}

/// Checks an option, which includes its type and length.
fn validate_one(kind: u8, option: &[u8]) -> Result<(), DecodeEvent> {
    let length = option.len();
    let long_enough = match kind {
        RECORD_ROUTE | LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE | SECURITY | EXTENDED_SECURITY => length >= 3,
        TIMESTAMP => length >= 5,
        QUICK_START => length >= 8,
        COMMERCIAL_SECURITY => length >= 10,
        // STREAM_ID and ROUTER_ALERT.
        _ => length == 4,
    };
    if !long_enough {
        return Err(DecodeEvent::Ipv4OptInvalidLen);
    }
    // A pointer counts from 1, steps by whole records and goes up to one behind the option.
    let points_to_record = |pointer: u8, first: u8, size: u8| {
        pointer >= first && (pointer - first).is_multiple_of(size) && usize::from(pointer) <= length + 1
    };
    let well_formed = match (kind, option) {
        (RECORD_ROUTE | LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, &[_, _, pointer, ..]) => {
            points_to_record(pointer, 4, 4)
        }
        (TIMESTAMP, &[_, _, pointer, flag, ..]) => {
            points_to_record(pointer, 5, if matches!(flag & 0x0f, 1 | 3) { 8 } else { 4 })
        }
        (COMMERCIAL_SECURITY, [_, _, _, _, _, _, tags @ ..]) => tags_are_well_formed(tags),
        _ => true,
    };
    if well_formed { Ok(()) } else { Err(DecodeEvent::Ipv4OptMalformed) }
}

/// CIPSO's tags (draft-ietf-cipso-ipsecurity-01; FIPS 188 for 6 and 7).
fn tags_are_well_formed(mut tags: &[u8]) -> bool {
    loop {
        match *tags {
            [] => return true,
            [kind @ (1 | 2 | 5 | 6 | 7), length, alignment, ..]
                if length >= 4 && (kind == 7 || alignment == 0) =>
            {
                let Some(rest) = tags.get(usize::from(length)..) else {
                    return false;
                };
                tags = rest;
            }
            _ => return false,
        }
    }
}
