//! The options of hop-by-hop and destination options headers, checked as Suricata does.

use super::{DecodeEvent, DecodeEvents};

/// What is an anomaly in one of the two headers.
pub(super) struct Options {
    unknown: DecodeEvent,
    only_padding: DecodeEvent,
}

pub(super) const HOP_BY_HOP: Options = Options {
    unknown: DecodeEvent::Ipv6HopoptsUnknownOpt,
    only_padding: DecodeEvent::Ipv6HopoptsOnlyPadding,
};

pub(super) const DESTINATION: Options = Options {
    unknown: DecodeEvent::Ipv6DstoptsUnknownOpt,
    only_padding: DecodeEvent::Ipv6DstoptsOnlyPadding,
};

const PAD1: u8 = 0x00;
const PADN: u8 = 0x01;
const ROUTER_ALERT: u8 = 0x05;
const JUMBO_PAYLOAD: u8 = 0xc2;
const HOME_ADDRESS: u8 = 0xc9;

impl Options {
    /// Checks all options of `header`.
    pub(super) fn validate(&self, header: &[u8], events: &mut DecodeEvents) {
        let mut options = header.get(2..).unwrap_or_default();
        let (mut padding, mut others) = (false, false);
        loop {
            let (kind, data) = match *options {
                [] => break,
                [PAD1, ref rest @ ..] => {
                    padding = true;
                    options = rest;
                    continue;
                }
                [kind, length, ref rest @ ..] if rest.len() >= length.into() => {
                    let (data, behind) = rest.split_at(length.into());
                    options = behind;
                    (kind, data)
                }
                _ => {
                    events.raise_invalid(DecodeEvent::Ipv6ExthdrInvalidOptlen);
                    break;
                }
            };
            let least = match kind {
                PADN => {
                    padding = true;
                    if data.is_empty() {
                        events.raise(DecodeEvent::Ipv6ZeroLenPadn);
                    }
                    continue;
                }
                ROUTER_ALERT => 2,
                JUMBO_PAYLOAD => 4,
                HOME_ADDRESS => 16,
                _ => {
                    events.raise(self.unknown);
                    0
                }
            };
            if data.len() < least {
                events.raise_invalid(DecodeEvent::Ipv6ExthdrInvalidOptlen);
                break;
            }
            others |= kind != JUMBO_PAYLOAD;
        }
        if padding && !others {
            events.raise(self.only_padding);
        }
    }
}
