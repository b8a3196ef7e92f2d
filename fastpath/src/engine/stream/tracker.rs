//! One segment's way through its session.

use super::{
    Settings, Streams,
    data::Intake,
    event::{StreamEvent, StreamEvents},
    pool::Pool,
    segment::{ACK, FIN, RST, SYN, Segment},
    session::{ASYNC, Session, State, UNANSWERED},
    tracked::{Fresh, Outcome, Tracked},
};
use crate::engine::{
    meta::{Direction, Timestamp},
    verdict::Enforcement,
};

/// What is noticed on the way.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) events: StreamEvents,
    /// There is data before it.
    pub(super) out_of_order: bool,
    /// There is data in the same place.
    pub(super) overlap: bool,
    /// There is other data in the same place.
    pub(super) contradiction: bool,
    /// The end of inspection was reached just now.
    pub(super) depth_reached: bool,
    /// The end of inspection was reached.
    pub(super) beyond_depth: bool,
    /// Some of the segment's data lies behind it.
    pub(super) left_out: bool,
}

impl Notes {
    pub(super) fn event(&mut self, event: StreamEvent) {
        self.events.insert(event);
    }

    /// The segment is invalid because of `event`.
    pub(super) fn invalid<T>(&mut self, event: StreamEvent) -> Result<T, Outcome> {
        self.event(event);
        Err(Outcome::Invalid(event))
    }
}

/// What became of a segment: what is new in it, or why it must not go on.
pub(super) type Taken = Result<Option<Fresh>, Outcome>;

/// A segment, its session, and what it is tracked with.
pub(super) struct Tracker<'a> {
    pub(super) settings: &'a Settings,
    pub(super) pool: &'a mut Pool,
    /// Sessions there may still be.
    pub(super) vacancies: u64,
    pub(super) session: &'a mut Session,
    pub(super) direction: Direction,
    pub(super) segment: &'a Segment<'a>,
    pub(super) seconds: u32,
    pub(super) number: u64,
    pub(super) swap: bool,
    pub(super) notes: Notes,
}

impl<'a> Tracker<'a> {
    pub(super) fn new(
        streams: &'a mut Streams,
        session: &'a mut Session,
        direction: Direction,
        segment: &'a Segment<'a>,
        time: Timestamp,
        number: u64,
    ) -> Self {
        Self {
            vacancies: streams.vacancies(),
            settings: &streams.settings,
            pool: &mut streams.pool,
            session,
            direction,
            segment,
            seconds: (time.seconds() & 0xffff_ffff) as u32,
            number,
            swap: false,
            notes: Notes::default(),
        }
    }

    pub(super) fn track(mut self) -> (Tracked, Notes) {
        let reuse = self.is_reuse();
        let taken = if reuse { Ok(None) } else { self.take() };
        let (outcome, fresh) = match taken {
            Ok(fresh) if self.notes.contradiction => (Outcome::Contradiction, fresh),
            Ok(fresh) if self.notes.depth_reached => (Outcome::DepthReached, fresh),
            Ok(fresh) => (Outcome::Accept, fresh),
            Err(outcome) => (outcome, None),
        };
        let state = self.session.state;
        let tracked = Tracked {
            events: self.notes.events,
            outcome,
            part_of_stream: state != State::None
                && !reuse
                && !self.notes.left_out
                && taken_part(outcome, fresh.is_some()),
            fresh,
            state,
            swap: self.swap,
            reuse,
        };
        (tracked, self.notes)
    }

    fn take(&mut self) -> Taken {
        let segment = self.segment;
        if !segment.has(ACK) && segment.ack != 0 {
            self.notes.event(StreamEvent::PktBrokenAck);
        }
        if segment.has(SYN) && segment.has(FIN) && !segment.has(RST) {
            // No receiver needs to take it, and those that do differ in what it is.
            return self.notes.invalid(StreamEvent::FinSyn);
        }
        if self.inline() && self.answers_with_data() {
            return self.notes.invalid(StreamEvent::ThreeWayAckDataInject);
        }
        if self.session.state == State::SynSent && self.direction == Direction::ToClient {
            self.check_echo()?;
        }
        match self.session.state {
            State::None => self.begin(),
            _ if segment.has(RST) => self.reset(),
            State::SynSent => self.answer(),
            State::Closed if self.session.is(UNANSWERED) => self.answer(),
            State::SynReceived => self.complete(),
            _ if segment.has(SYN) => self.synchronize_again(),
            _ => self.transfer(),
        }
    }

    /// Whether it is a server's SYN with data. Should the client still be in another session, its acknowledgement of that could look
    /// as if it had taken part of the data. Hardly any server sends such a SYN; the data comes again without.
    fn answers_with_data(&self) -> bool {
        let Segment { flags, payload, .. } = self.segment;
        let state = self.session.state;
        let from_server = match state {
            State::None => self.settings.midstream && flags & ACK != 0,
            _ => flags & ACK != 0 || self.direction == Direction::ToClient,
        };
        flags & (SYN | RST) == SYN && from_server && !payload.is_empty() && state < State::Established
    }

    pub(super) fn inline(&self) -> bool {
        self.settings.enforcement == Enforcement::Drop
    }

    /// Takes the segment's data, at its place by its sequence number.
    pub(super) fn take_data(&mut self) -> Taken {
        let one_sided = self.session.is(ASYNC);
        let (mine, _) = self.session.halves(self.direction);
        let offset = mine.offset(self.segment.data_seq());
        let mut intake = Intake { settings: self.settings, pool: self.pool, number: self.number, one_sided };
        intake.take(mine, self.segment, offset, &mut self.notes)
    }
}

fn taken_part(outcome: Outcome, fresh: bool) -> bool {
    outcome.is_accepted() || (outcome == Outcome::Contradiction && fresh)
}
