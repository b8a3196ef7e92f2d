//! A connection whose every segment is put down by hand.

mod attack;
mod data;
mod handshake;
mod inspection;
mod lure;
mod model;
mod receiver;
mod transfer;

use super::{
    Fresh, Outcome, Segment, SegmentOptions, Session, Settings, State, StreamEvent, Streams, Tracked,
    UrgentPolicy, segment,
    segment::{ACK, FIN, RST, SYN, URG},
};
use crate::engine::{
    meta::{Direction, Timestamp},
    verdict::Enforcement,
};

const CLIENT: Direction = Direction::ToServer;
const SERVER: Direction = Direction::ToClient;

/// Sequence numbers of the SYNs.
const ISN: u32 = 1000;
const SERVER_ISN: u32 = 5000;

/// A segment by its first sequence number, acknowledgement number, flags and data.
fn segment(seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Segment<'_> {
    Segment { seq, ack, flags, window: 8192, urgent: 0, options: SegmentOptions::default(), payload }
}

/// Settings with little memory.
fn settings(enforcement: Enforcement) -> Settings {
    Settings { reassembly_memcap: 4 << 20, memcap: 1 << 20, ..Settings::new(enforcement) }
}

/// A connection, seen from between its ends.
struct Wire {
    streams: Streams,
    session: Session,
    /// Nanoseconds.
    now: u64,
    number: u64,
}

impl Wire {
    fn with(settings: Settings) -> Self {
        Self {
            streams: Streams::new(settings),
            session: Session::default(),
            now: 1_700_000_000_000_000_000,
            number: 0,
        }
    }

    fn inline() -> Self {
        Self::with(settings(Enforcement::Drop))
    }

    /// With the handshake behind it.
    fn established(settings: Settings) -> Self {
        let mut wire = Self::with(settings);
        wire.accept(CLIENT, &segment(ISN, 0, SYN, b""));
        wire.accept(SERVER, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
        wire.accept(CLIENT, &segment(ISN + 1, SERVER_ISN + 1, ACK, b""));
        assert_eq!(wire.state(), State::Established);
        wire
    }

    fn state(&self) -> State {
        self.session.state()
    }

    fn track(&mut self, direction: Direction, segment: &Segment<'_>) -> Tracked {
        self.number += 1;
        self.now += 1_000_000;
        let time = Timestamp(self.now);
        let tracked = self.streams.track(&mut self.session, direction, segment, time, self.number);
        assert_eq!(tracked.state, self.session.state());
        tracked
    }

    /// Tracks a segment that has to be accepted without any event.
    fn accept(&mut self, direction: Direction, segment: &Segment<'_>) -> Option<Fresh> {
        let tracked = self.track(direction, segment);
        assert_eq!((tracked.outcome, names(&tracked)), (Outcome::Accept, vec![]), "{segment:?}");
        tracked.fresh
    }

    /// Tracks a segment that has to be accepted with this event.
    fn accept_with(&mut self, event: StreamEvent, direction: Direction, segment: &Segment<'_>) {
        let tracked = self.track(direction, segment);
        assert_eq!((tracked.outcome, names(&tracked)), (Outcome::Accept, vec![event.name()]), "{segment:?}");
    }

    /// Tracks a segment that has to be invalid because of `event`.
    fn refuse(&mut self, event: StreamEvent, direction: Direction, segment: &Segment<'_>) {
        let tracked = self.track(direction, segment);
        assert_eq!(tracked.outcome, Outcome::Invalid(event), "{segment:?}");
        assert!(tracked.events.contains(event) && tracked.fresh.is_none() && !tracked.part_of_stream);
    }

    /// Data of the client at an offset.
    fn say(&mut self, offset: u32, payload: &[u8]) -> Tracked {
        self.track(CLIENT, &segment((ISN + 1).wrapping_add(offset), SERVER_ISN + 1, ACK, payload))
    }

    /// The server's acknowledgement of the client's data up to an offset.
    fn acknowledge(&mut self, offset: u32) {
        self.accept(SERVER, &segment(SERVER_ISN + 1, ISN + 1 + offset, ACK, b""));
    }

    /// What is new, and what is before it.
    fn window(&self, direction: Direction, fresh: &Fresh, payload: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut scratch = Vec::new();
        let window = self.streams.window(&self.session, direction, fresh, payload, &mut scratch);
        let (before, new) = window.bytes.split_at(window.fresh_at);
        (before.to_vec(), new.to_vec())
    }

    /// Data of the client at an offset that has to be accepted, and what is new because of it.
    fn hear(&mut self, offset: u32, payload: &[u8]) -> String {
        let tracked = self.say(offset, payload);
        assert_eq!(tracked.outcome, Outcome::Accept, "{offset}: {payload:?}");
        let new = tracked.fresh.map(|fresh| self.window(CLIENT, &fresh, payload).1);
        String::from_utf8(new.unwrap_or_default()).unwrap()
    }
}

fn names(tracked: &Tracked) -> Vec<&'static str> {
    tracked.events.iter().map(StreamEvent::name).collect()
}
