//! `dsize`: the length of the payload (Suricata's "Payload Keywords").

use super::Condition;
use crate::engine::{
    packet::Packet,
    rules::{draft::Draft, fault::Fault, lexer::Token, number::Comparison},
};

/// Bytes of the packet's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test(Comparison<u16>);

impl Test {
    pub(super) fn holds(self, packet: &Packet<'_>) -> bool {
        u16::try_from(packet.payload.len()).is_ok_and(|size| self.0.holds(size))
    }

    pub(super) fn largest(self) -> Option<usize> {
        self.0.largest().map(usize::from)
    }
}

pub(in crate::engine::rules) fn dsize(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    if draft.conditions.iter().any(|condition| matches!(condition, Condition::PayloadSize(_))) {
        return Err(value.fault("`dsize` may stand in a rule once"));
    }
    draft.conditions.push(Condition::PayloadSize(Test(Comparison::parse(value, u16::MAX)?)));
    Ok(())
}
