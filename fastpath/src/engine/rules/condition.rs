//! Keywords that look at one header field: dsize, itype, icode.

use super::{draft::Draft, fault::Fault, lexer::Token, number::Comparison};
use crate::engine::packet::Packet;

/// One such keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// `dsize`: length of the payload in bytes.
    PayloadSize(Comparison),
    /// `itype`: ICMP type.
    IcmpType(Comparison),
    /// `icode`: ICMP code.
    IcmpCode(Comparison),
}

impl Condition {
    /// The largest payload that it allows, if it limits it.
    pub(super) fn largest_payload(&self) -> Option<usize> {
        match self {
            Self::PayloadSize(size) => size.largest().map(usize::from),
            Self::IcmpType(_) | Self::IcmpCode(_) => None,
        }
    }

    pub(super) fn holds(self, packet: &Packet<'_>) -> bool {
        match self {
            Self::PayloadSize(size) => size.holds(packet.payload.len()),
            Self::IcmpType(kind) => packet.icmp().is_some_and(|(t, _)| kind.holds(t.into())),
            Self::IcmpCode(code) => packet.icmp().is_some_and(|(_, c)| code.holds(c.into())),
        }
    }
}

pub(super) fn dsize(draft: &mut Draft, value: Token<'_>) -> Result<(), Fault> {
    if draft.conditions.iter().any(|condition| matches!(condition, Condition::PayloadSize(_))) {
        return Err(value.fault("`dsize` may stand in a rule once"));
    }
    draft.conditions.push(Condition::PayloadSize(Comparison::parse(value, u16::MAX)?));
    Ok(())
}

pub(super) fn itype(draft: &mut Draft, value: Token<'_>) -> Result<(), Fault> {
    draft.conditions.push(Condition::IcmpType(Comparison::parse(value, u8::MAX.into())?));
    Ok(())
}

pub(super) fn icode(draft: &mut Draft, value: Token<'_>) -> Result<(), Fault> {
    draft.conditions.push(Condition::IcmpCode(Comparison::parse(value, u8::MAX.into())?));
    Ok(())
}
