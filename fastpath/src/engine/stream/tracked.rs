//! What tracking says of a segment.

use std::ops::Range;

use super::{
    event::{StreamEvent, StreamEvents},
    session::State,
};
use crate::engine::policy::Failure;

/// What became of a segment.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// What was noticed about it.
    pub events: StreamEvents,
    /// Whether its receiver may have it.
    pub outcome: Outcome,
    /// What it added to the stream in order; to be inspected before it goes on.
    pub fresh: Option<Fresh>,
    /// The session's state after it.
    pub state: State,
    /// It is a valid part of its session, and of what is inspected of that (Suricata's PKT_STREAM_ADD). Beyond the depth there is no stream
    /// any more, and segments are looked at one by one.
    pub part_of_stream: bool,
    /// The session's client is the end that the caller took for the server. From this packet on, and this one
    /// included, the caller has to swap the directions of the flow; the session already did.
    pub swap: bool,
    /// A new connection of the same ends: nothing was done. The caller has to end the flow, [`super::Streams::release`] its
    /// session and track the segment in a new one.
    pub reuse: bool,
}

/// Whether a segment's receiver may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Yes.
    Accept,
    /// Yes. From here on, this direction is no longer inspected; told once for each direction.
    DepthReached,
    /// No: it is not valid in its session, for this reason in the first place ([`crate::engine::verdict::DropReason::Stream`]).
    Invalid(StreamEvent),
    /// No: its data differs from what was seen before in the same place ([`crate::engine::verdict::DropReason::Stream`]).
    Contradiction,
    /// No: it carries urgent data, and [`super::UrgentPolicy::Drop`] is set ([`crate::engine::verdict::DropReason::StreamUrgent`]).
    Urgent,
    /// As the exception policy for this has it. The segment left no trace in the session.
    Failure(Failure),
}

impl Outcome {
    /// Whether the segment may go on as far as its session is concerned.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Accept | Self::DepthReached)
    }
}

/// Data that became contiguous with what was inspected before.
///
/// The order is: `gap` bytes that were never seen, then the segment's `payload[in_segment]`, then `buffered` bytes that
/// came before it, out of order. What the segment has beside `in_segment` was there before, and was the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// Stream offset of the first byte. Offset 0 is the byte after the SYN, or the first one seen.
    pub offset: u64,
    /// The part of the segment's payload that is new.
    pub in_segment: Range<usize>,
    /// Bytes behind it that were remembered. [`super::Streams::window`] has them.
    pub buffered: u32,
    /// Bytes before `offset` that the receiver has and that were never seen, 0 in general.
    pub gap: u64,
    /// `payload[in_segment]` is the stream as it is. Otherwise urgent bytes are to be left out of it, or (reported only, never
    /// inline) came as others before; [`super::Streams::window`] has what counts.
    pub plain: bool,
}

impl Fresh {
    /// Bytes that are new.
    pub fn len(&self) -> u64 {
        self.in_segment.len() as u64 + u64::from(self.buffered)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A piece of the stream: what is remembered of the time before, and what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<'w> {
    /// The bytes.
    pub bytes: &'w [u8],
    /// Stream offset of the first one.
    pub start: u64,
    /// Where the new data begins in `bytes`.
    pub fresh_at: usize,
}
