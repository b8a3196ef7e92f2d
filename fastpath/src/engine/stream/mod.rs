//! TCP: sessions, and the data that their receivers will read.
//!
//! *The first data accepted wins.* Every byte of a stream has a place, its offset from the SYN. What was accepted there is
//! remembered until the receiver has acknowledged it, and anything else in the same place is a contradiction, which inline never
//! reaches the receiver. So whatever a receiver puts together from overlaps, retransmissions and reordered segments is what was
//! handed out for inspection, in order, as [`Fresh`].

mod buffer;
mod data;
mod event;
mod half;
mod handshake;
mod pool;
pub mod segment;
mod session;
mod settings;
mod tracked;
mod tracker;
mod transfer;

#[cfg(test)]
mod tests;

pub use event::{StreamEvent, StreamEvents};
pub use segment::{Segment, SegmentOptions};
pub use session::{Phase, Session, State};
pub use settings::{Settings, UrgentPolicy};
pub use tracked::{Fresh, Outcome, Tracked, Window};

use pool::{BLOCK, Pool};
use tracker::{Notes, Tracker};

use super::{
    counters::TcpCounters,
    meta::{Direction, Timestamp},
    policy::Failure,
};

/// A worker's sessions: settings, memory, counters. The sessions themselves are with their flows.
#[derive(Debug)]
pub struct Streams {
    settings: Settings,
    pool: Pool,
    counters: Counters,
}

/// What a worker's sessions come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sessions there are.
    pub active: u64,
    /// Sessions there were and are (`tcp.sessions`).
    pub sessions: u64,
    /// Of these, picked up without a handshake (`tcp.midstream_pickups`).
    pub midstream_pickups: u64,
    /// Segments that are not valid in their session (`tcp.invalid…`).
    pub invalid: u64,
    /// Segments with data that came before its turn (`tcp.out_of_order`, ours).
    pub out_of_order: u64,
    /// Segments with data in places where something is remembered (`tcp.overlap`).
    pub overlaps: u64,
    /// Segments with other data than before in the same place (`tcp.overlap_diff_data`).
    pub contradictions: u64,
    /// Places where the receiver has data that was never seen (`tcp.reassembly_gap`).
    pub gaps: u64,
    /// Segments for which there was no memory (`tcp.segment_memcap_drop`).
    pub reassembly_memcap: u64,
    /// Sessions for which there was no memory (`tcp.ssn_memcap_drop`).
    pub session_memcap: u64,
    /// Directions that are not inspected any more (`tcp.stream_depth_reached`).
    pub depth_reached: u64,
}

impl Streams {
    /// Without sessions.
    pub fn new(settings: Settings) -> Self {
        Self { pool: Pool::new(settings.reassembly_memcap), settings, counters: Counters::default() }
    }

    /// What they come to.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Adds what they come to to an engine's counters.
    pub fn report(&self, to: &mut TcpCounters) {
        let own = &self.counters;
        to.active_sessions += own.active;
        to.memory += own.active * Session::SIZE as u64;
        to.reassembly_memory += self.memory();
        to.sessions += own.sessions;
        to.midstream_pickups += own.midstream_pickups;
        to.invalid += own.invalid;
        to.out_of_order += own.out_of_order;
        to.overlap += own.overlaps;
        to.overlap_diff_data += own.contradictions;
        to.reassembly_gap += own.gaps;
        to.segment_memcap_drop += own.reassembly_memcap;
        to.ssn_memcap_drop += own.session_memcap;
        to.stream_depth_reached += own.depth_reached;
    }

    /// Bytes in use for remembered data (`tcp.reassembly_memuse`).
    pub fn memory(&self) -> u64 {
        u64::from(self.pool.used()) * BLOCK as u64
    }

    /// Sessions there may still be.
    fn vacancies(&self) -> u64 {
        (self.settings.memcap / Session::SIZE as u64).saturating_sub(self.counters.active)
    }

    /// Takes note of a segment, and says what it is to its session.
    ///
    /// `number` is the packet's position in the capture, 0 on a live wire. `time` may jump back.
    pub fn track(
        &mut self,
        session: &mut Session,
        direction: Direction,
        segment: &Segment<'_>,
        time: Timestamp,
        number: u64,
    ) -> Tracked {
        let is_new = session.state() == State::None;
        let (tracked, notes) = Tracker::new(self, session, direction, segment, time, number).track();
        if is_new && session.state() != State::None {
            self.counters.active += 1;
            self.counters.sessions += 1;
            self.counters.midstream_pickups += u64::from(session.is(session::MIDSTREAM));
        }
        self.count(&tracked, &notes);
        tracked
    }

    fn count(&mut self, tracked: &Tracked, notes: &Notes) {
        let counters = &mut self.counters;
        match tracked.outcome {
            Outcome::Invalid(_) => counters.invalid += 1,
            Outcome::Contradiction => counters.contradictions += 1,
            Outcome::DepthReached => counters.depth_reached += 1,
            Outcome::Failure(Failure::ReassemblyMemcap) => counters.reassembly_memcap += 1,
            Outcome::Failure(Failure::StreamMemcap) => counters.session_memcap += 1,
            _ => {}
        }
        counters.out_of_order += u64::from(notes.out_of_order);
        counters.overlaps += u64::from(notes.overlap);
        counters.gaps += u64::from(tracked.events.contains(StreamEvent::ReassemblySeqGap));
    }

    /// What is new, with up to [`Settings::window`] bytes of what was before it, in one piece: `payload` itself where that is all,
    /// else put together in `scratch`.
    ///
    /// To be called with the `fresh` and `payload` of the session's last [`Self::track`], and the direction as tracked (after a swap).
    pub fn window<'s>(
        &self,
        session: &Session,
        direction: Direction,
        fresh: &Fresh,
        payload: &'s [u8],
        scratch: &'s mut Vec<u8>,
    ) -> Window<'s> {
        let buffer = &session.half(direction).buffer;
        let from = self.window_start(session, direction, fresh);
        if from == fresh.offset && fresh.buffered == 0 && fresh.plain {
            let bytes = payload.get(fresh.in_segment.clone()).unwrap_or_default();
            return Window { bytes, start: from, fresh_at: 0 };
        }
        scratch.clear();
        buffer.read(&self.pool, from..fresh.offset, scratch);
        let fresh_at = scratch.len();
        buffer.read(&self.pool, fresh.offset..fresh.offset + fresh.len(), scratch);
        Window { bytes: scratch, start: from, fresh_at }
    }

    /// Where [`Self::window`] begins.
    pub fn window_start(&self, session: &Session, direction: Direction, fresh: &Fresh) -> u64 {
        let kept = fresh.offset.saturating_sub(u64::from(self.settings.window));
        kept.max(session.half(direction).buffer.start).min(fresh.offset)
    }

    /// The last `length` bytes before `fresh`, fewer if fewer are remembered, put together in `scratch`. Otherwise as [`Self::window`].
    pub fn seam<'s>(
        &self,
        session: &Session,
        direction: Direction,
        fresh: &Fresh,
        length: usize,
        scratch: &'s mut Vec<u8>,
    ) -> &'s [u8] {
        let length = u64::try_from(length).unwrap_or(u64::MAX).min(u64::from(self.settings.window));
        scratch.clear();
        let range = fresh.offset.saturating_sub(length)..fresh.offset;
        session.half(direction).buffer.read(&self.pool, range, scratch);
        scratch
    }

    /// What comes behind a hole whose bytes the receiver has, though they were never seen. To be called after a [`Fresh`] with a gap,
    /// until there is none: there may be several holes.
    pub fn resume(&mut self, session: &mut Session, direction: Direction) -> Option<Fresh> {
        let (half, _) = session.halves(direction);
        if half.acked <= half.buffer.next {
            return None;
        }
        let limit = half.acked;
        data::resume(half, &mut self.pool, limit, &mut Notes::default())
    }

    /// At the end of a flow: what is remembered behind a hole and so was never handed out. To be called until there is none, before
    /// [`Self::release`]; [`Self::window`] with an empty payload has the bytes.
    pub fn flush(&mut self, session: &mut Session, direction: Direction) -> Option<Fresh> {
        let (half, _) = session.halves(direction);
        data::resume(half, &mut self.pool, u64::MAX, &mut Notes::default())
    }

    /// Gives back what is remembered of a session, and leaves none.
    pub fn release(&mut self, session: &mut Session) {
        if session.state() != State::None {
            self.counters.active = self.counters.active.saturating_sub(1);
        }
        session.client.buffer.clear(&mut self.pool);
        session.server.buffer.clear(&mut self.pool);
        *session = Session::default();
    }
}
