//! `rpc:PROGRAM,[VERSION|*],[PROCEDURE|*]`: a call of ONC RPC (Suricata: detect-rpc.c).

use super::Condition;
use crate::engine::{
    packet::{Packet, Transport},
    rules::{draft::Draft, fault::Fault, lexer::Token, number::number},
};

/// What is called: a packet's payload begins with such a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test {
    program: u32,
    version: Option<u32>,
    procedure: Option<u32>,
}

/// The type of a message that is a call (RFC 5531, section 9).
const CALL: u32 = 0;

impl Test {
    pub(super) fn holds(self, packet: &Packet<'_>) -> bool {
        let message = match packet.transport {
            Some(Transport::Udp(_)) => Some(packet.payload),
            // Behind the length of a record's fragment (RFC 5531, section 11).
            Some(Transport::Tcp(_)) => packet.payload.get(4..),
            _ => None,
        };
        // The number of the call, then type, version of RPC, and what is called.
        let Some((words, _)) = message.and_then(<[u8]>::split_first_chunk::<24>) else { return false };
        let [_, kind, _, program, version, procedure] = *words.as_chunks::<4>().0 else { return false };
        let is = |word, wanted: Option<u32>| wanted.is_none_or(|wanted| u32::from_be_bytes(word) == wanted);
        is(kind, Some(CALL))
            && is(program, Some(self.program))
            && is(version, self.version)
            && is(procedure, self.procedure)
    }
}

pub(in crate::engine::rules) fn rpc(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let program = number(parts.next().unwrap_or(value), 0..=u32::MAX)?;
    let mut optional = || match parts.next() {
        None => Ok(None),
        Some(any) if any.text == "*" => Ok(None),
        Some(part) => number(part, 0..=u32::MAX).map(Some).map_err(|_| {
            part.fault(format!("`{}` is neither `*` nor a whole number from 0 to {}", part.text, u32::MAX))
        }),
    };
    let test = Test { program, version: optional()?, procedure: optional()? };
    match parts.next() {
        None => draft.conditions.push(Condition::Rpc(test)),
        Some(more) => return Err(more.fault("`rpc` is `PROGRAM,[VERSION|*],[PROCEDURE|*]`")),
    }
    Ok(())
}
