//! `decode-event`, `stream-event`, and `engine-event` for both: what decoding and TCP tracking found odd about a packet.

use super::Condition;
use crate::engine::{
    packet::DecodeEvent,
    rules::{draft::Draft, fault::Fault, lexer::Token, subject::Subject},
    stream::StreamEvent,
};

/// An event that must have been raised by the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Test {
    Decode(DecodeEvent),
    Stream(StreamEvent),
}

impl Test {
    pub(super) fn holds(self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Decode(event) => subject.decode_events.contains(event),
            Self::Stream(event) => subject.stream_events.contains(event),
        }
    }
}

pub(in crate::engine::rules) fn decode_event(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let event = DecodeEvent::from_name(value.text)
        .ok_or_else(|| value.fault(format!("`{}` is no decode event", value.text)))?;
    draft.conditions.push(Condition::Event(Test::Decode(event)));
    Ok(())
}

/// `engine-event:decoder.NAME` is `decode-event:NAME`, `engine-event:stream.NAME` is `stream-event:NAME` (Suricata:
/// detect-engine-event.c).
pub(in crate::engine::rules) fn engine_event(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    if let Some(name) = value.strip_prefix("decoder.") {
        return decode_event(draft, name);
    }
    match value.strip_prefix("stream.") {
        Some(_) => stream_event(draft, value),
        None => Err(value.fault(format!("`{}` begins with neither `decoder.` nor `stream.`", value.text))),
    }
}

pub(in crate::engine::rules) fn stream_event(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let event = StreamEvent::from_name(value.text)
        .ok_or_else(|| value.fault(format!("`{}` is no stream event", value.text)))?;
    draft.conditions.push(Condition::Event(Test::Stream(event)));
    Ok(())
}
