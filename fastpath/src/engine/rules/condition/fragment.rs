//! `fragbits`, `fragoffset` (Suricata's "Header Keywords"): what the IP header says of fragmentation. Rules see each fragment as it came
//! and the whole datagram, which is none.

use super::Condition;
use crate::engine::{
    packet::{IpHeader, Packet},
    rules::{draft::Draft, fault::Fault, lexer::Token, number::Comparison},
};

/// A field of the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Test {
    /// Flags of IPv4.
    Bits { bits: u8, relation: Relation },
    /// Of IPv4 in units of 8 bytes, of an IPv6 fragment in bytes, as with Suricata.
    Offset(Comparison<u16>),
}

const MORE: u8 = 1;
const DO_NOT: u8 = 1 << 1;
const RESERVED: u8 = 1 << 2;

/// How a packet's flags and those that are named go together. Suricata's code, not its manual: what is there besides is needed for
/// [`Relation::AndMore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Relation {
    /// These and no others.
    Exactly,
    /// These and at least one other (`+`).
    AndMore,
    /// One of these (`*`).
    Any,
    /// Not all of these (`!`).
    NotAll,
}

impl Relation {
    fn holds(self, bits: u8, wanted: u8) -> bool {
        match self {
            Self::Exactly => bits == wanted,
            Self::AndMore => bits & wanted == wanted && bits != wanted,
            Self::Any => bits & wanted != 0,
            Self::NotAll => bits & wanted != wanted,
        }
    }
}

impl Test {
    pub(super) fn holds(self, packet: &Packet<'_>) -> bool {
        let Some(network) = &packet.network else { return false };
        match (self, &network.header) {
            (Self::Bits { bits, relation }, IpHeader::V4(ip)) => {
                // Byte 6 has the three flags in front (RFC 791, section 3.1).
                let flags = ip.slice().get(6).map_or(0, |byte| byte >> 5);
                let flag = |mask: u8, bit: u8| if flags & mask != 0 { bit } else { 0 };
                relation.holds(flag(1, MORE) | flag(2, DO_NOT) | flag(4, RESERVED), bits)
            }
            (Self::Bits { .. }, IpHeader::V6(_)) => false,
            (Self::Offset(wanted), IpHeader::V4(ip)) => wanted.holds(ip.fragments_offset().value()),
            (Self::Offset(wanted), IpHeader::V6(_)) => {
                packet.fragment().is_some_and(|fragment| wanted.holds(fragment.offset))
            }
        }
    }
}

pub(in crate::engine::rules) fn fragbits(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (relation, letters) = match value.text.chars().next() {
        Some('+') => (Relation::AndMore, value.strip_prefix("+")),
        Some('*') => (Relation::Any, value.strip_prefix("*")),
        Some('!') => (Relation::NotAll, value.strip_prefix("!")),
        _ => (Relation::Exactly, Some(value)),
    };
    let letters = letters.unwrap_or(value);
    let mut bits = 0;
    for letter in letters.text.chars() {
        bits |= match letter.to_ascii_uppercase() {
            'M' => MORE,
            'D' => DO_NOT,
            'R' => RESERVED,
            _ => {
                return Err(letters.fault(format!(
                    "`{letter}` is no flag: use M (more fragments), D (do not fragment) and R (reserved)"
                )));
            }
        };
    }
    if bits == 0 {
        return Err(value.fault("`fragbits` is `[+*!]` and at least one of M, D and R"));
    }
    draft.conditions.push(Condition::Fragment(Test::Bits { bits, relation }));
    Ok(())
}

pub(in crate::engine::rules) fn fragoffset(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    draft.conditions.push(Condition::Fragment(Test::Offset(Comparison::parse(value, u16::MAX)?)));
    Ok(())
}
