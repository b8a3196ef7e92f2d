//! TCP: sessions, and the data that their receivers will read.
//!
//! *The first data accepted wins.* Every byte of a stream has a place, its offset from the SYN. What was accepted there is
//! remembered until the receiver has acknowledged it, and anything else in the same place is a contradiction, which inline never
//! reaches the receiver. So whatever a receiver puts together from overlaps, retransmissions and reordered segments is what was
//! handed out for inspection, in order, as [`Fresh`].

mod buffer;
mod event;
pub mod segment;
mod session;
mod settings;
mod tracked;

pub use event::{StreamEvent, StreamEvents};
pub use segment::{Segment, SegmentOptions};
pub use session::{Phase, Session, State};
pub use settings::{Settings, UrgentPolicy};
pub use tracked::{Fresh, Outcome, Tracked, Window};

use super::meta::{Direction, Timestamp};

/// A worker's sessions: settings, memory, counters. The sessions themselves are with their flows.
#[derive(Debug)]
pub struct Streams {
    settings: Settings,
}

impl Streams {
    /// Without sessions.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
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
        let _ = (direction, segment, time, number, self.settings);
        Tracked {
            events: StreamEvents::default(),
            outcome: Outcome::Accept,
            fresh: None,
            state: session.state(),
            part_of_stream: false,
            swap: false,
            reuse: false,
        }
    }

    /// What is new, with up to [`Settings::window`] bytes of what was before it, in one piece: `payload` itself where that is all,
    /// else put together in `scratch`.
    ///
    /// To be called with the `fresh` and `payload` of the session's last [`Self::track`], with the direction as tracked (after a swap).
    pub fn window<'s>(
        &self,
        session: &Session,
        direction: Direction,
        fresh: &Fresh,
        payload: &'s [u8],
        scratch: &'s mut Vec<u8>,
    ) -> Window<'s> {
        let _ = (session, direction, scratch);
        Window {
            bytes: payload.get(fresh.in_segment.clone()).unwrap_or_default(),
            start: fresh.offset,
            fresh_at: 0,
        }
    }

    /// The last `length` bytes before `fresh`, fewer if fewer are remembered. As [`Self::window`].
    pub fn seam<'s>(
        &self,
        session: &Session,
        direction: Direction,
        fresh: &Fresh,
        length: usize,
        scratch: &'s mut Vec<u8>,
    ) -> &'s [u8] {
        let _ = (session, direction, fresh, length);
        scratch.clear();
        scratch
    }

    /// At the end of a flow: what was remembered behind a hole and so was never handed out. To be called until there is none, before
    /// [`Self::release`]; [`Self::window`] with an empty payload has the bytes.
    pub fn flush(&mut self, session: &mut Session, direction: Direction) -> Option<Fresh> {
        let _ = (session, direction);
        None
    }

    /// Gives back what is remembered of a session, and leaves none.
    pub fn release(&mut self, session: &mut Session) {
        *session = Session::default();
    }
}
