//! Segments of established and closing sessions (RFC 9293, section 3.10.7.4).

use super::{
    event::StreamEvent,
    half::{BEYOND_DEPTH, HAS_TIMESTAMPS, HEARD, Half, VOID},
    segment::{ACK, FIN},
    session::{ASYNC, LOSSY, MIDSTREAM, RESET_BY_CLIENT, RESET_BY_SERVER, State, TIMESTAMPS, UNANSWERED},
    tracked::Outcome,
    tracker::{Taken, Tracker},
};
use crate::engine::{meta::Direction, policy::Failure};

/// After so many seconds without a segment a timestamp says nothing (RFC 7323, section 5.5: 24 days).
const TIMESTAMP_LIFE: u32 = 24 * 86_400;

/// How long a SYN may be sent again, in ticks of a timestamp clock of at most 1 MHz.
const SYN_LIFE: u32 = 1 << 28;

/// How far an acknowledgement may lie before the last one and still be taken: a window (RFC 5961, section 5).
fn oldest_ack(half: &Half, scale: u8) -> i64 {
    half.acked.cast_signed() - (i64::from(u16::MAX) << scale)
}

impl Tracker<'_> {
    /// A segment with neither SYN nor RST.
    pub(super) fn transfer(&mut self) -> Taken {
        let segment = self.segment;
        self.check_timestamp()?;
        if !segment.has(ACK) {
            // A synchronised receiver drops it (RFC 9293, section 3.10.7.4).
            return self.notes.invalid(StreamEvent::PktInvalidAck);
        }
        let ack = self.check_ack()?;
        let end = self.check_window()?;
        if segment.has(FIN) {
            self.check_fin(end)?;
        }
        let (mine, _) = self.session.halves(self.direction);
        if mine.is(VOID) && (!segment.payload.is_empty() || segment.has(FIN)) {
            return self.notes.invalid(StreamEvent::EstSynackResendWithDiffSeq);
        }
        // RFC 7323, section 4.3: no later than the receiver's last acknowledgement.
        let in_order = mine.offset(segment.seq) <= mine.acked.cast_signed();
        let before_last_ack = end < mine.acked.cast_signed();
        let taken = if segment.payload.is_empty() { Ok(None) } else { self.take_data() };
        if let Err(Outcome::Failure(Failure::ReassemblyMemcap)) = taken {
            self.session.flags |= LOSSY;
        }
        let fresh = taken?;
        if before_last_ack && !segment.payload.is_empty() {
            self.notes.event(match self.session.state {
                State::CloseWait => StreamEvent::ClosewaitPktBeforeLastAck,
                _ => StreamEvent::EstPktBeforeLastAck,
            });
        }
        self.advance(ack, end, in_order);
        Ok(fresh)
    }

    /// Takes what the header says, after the data has been found good.
    fn advance(&mut self, ack: i64, end: i64, in_order: bool) {
        let segment = self.segment;
        let one_sided = self.session.is(ASYNC);
        let (mine, peer) = self.session.halves(self.direction);
        if let (true, Some((value, _))) = (in_order, segment.options.timestamps)
            && value.wrapping_sub(mine.timestamp).cast_signed() >= 0
        {
            mine.timestamp = value;
            mine.timestamp_at = self.seconds;
        }
        mine.flags |= HEARD;
        if let (true, Ok(end)) = (segment.has(FIN), u64::try_from(end)) {
            mine.fin = end;
            mine.highest = mine.highest.max(end);
        }
        if !one_sided {
            peer.acknowledge(ack, u64::from(segment.window) << mine.scale);
            peer.highest = peer.highest.max(peer.acked.min(peer.fin));
            let window = u64::from(self.settings.window);
            let done = peer.is_finished() || peer.is(BEYOND_DEPTH);
            if done && peer.acked >= peer.buffer.next && peer.buffer.end == peer.buffer.next {
                peer.buffer.clear(self.pool);
            } else {
                peer.buffer.trim(self.pool, peer.acked.min(peer.buffer.next.saturating_sub(window)));
            }
        }
        let acks_fin = peer.is_finished();
        if peer.is(HEARD) {
            // The other direction is seen after all: what it says counts from now on.
            self.session.flags &= !ASYNC;
        }
        self.revive();
        self.session.state = next_state(self.session.state, self.direction, segment.has(FIN), acks_fin);
    }

    /// Goes on after a RST that its receiver evidently did not take.
    fn revive(&mut self) {
        let reset_by_peer = match self.direction {
            Direction::ToServer => RESET_BY_SERVER,
            Direction::ToClient => RESET_BY_CLIENT,
        };
        if self.session.is(reset_by_peer) {
            self.session.flags &= !reset_by_peer;
            self.session.state = State::Established;
            self.notes.event(StreamEvent::SuspectedRstInject);
        }
    }

    /// Protection against wrapped sequence numbers (RFC 7323, section 5.3, R1).
    fn check_timestamp(&mut self) -> Result<(), Outcome> {
        let in_use = self.session.is(TIMESTAMPS);
        let (mine, _) = self.session.halves(self.direction);
        let Some((value, _)) = self.segment.options.timestamps.filter(|_| in_use) else { return Ok(()) };
        let older = value.wrapping_sub(mine.timestamp).cast_signed() < 0;
        let age = self.seconds.saturating_sub(mine.timestamp_at);
        if older && age < TIMESTAMP_LIFE {
            self.notes.invalid(StreamEvent::PktInvalidTimestamp)
        } else {
            Ok(())
        }
    }

    /// Whether an answer to the SYN echoes the SYN's timestamp; clients ignore others, as answers to somebody else.
    pub(super) fn check_echo(&mut self) -> Result<(), Outcome> {
        let (_, peer) = self.session.halves(self.direction);
        let Some((_, echo)) = self.segment.options.timestamps.filter(|&(_, echo)| echo != 0) else {
            return Ok(());
        };
        // The SYN may have been sent again, with a later one.
        let age = echo.wrapping_sub(peer.timestamp);
        if peer.is(HAS_TIMESTAMPS) && age < SYN_LIFE {
            return Ok(());
        }
        self.notes.invalid(StreamEvent::PktInvalidTimestamp)
    }

    /// The acknowledgement's offset in the other direction (RFC 5961, section 5).
    fn check_ack(&mut self) -> Result<i64, Outcome> {
        // What went by unseen can be acknowledged where that can be; otherwise an acknowledgement of it belongs to another session.
        let lenient =
            !self.inline() || self.session.is(MIDSTREAM) || self.session.is(ASYNC) || self.session.is(LOSSY);
        let picked_up = self.session.is(MIDSTREAM);
        let one_sided = self.session.is(ASYNC);
        let (mine, peer) = self.session.halves(self.direction);
        let ack = peer.offset(self.segment.ack);
        let limit = match lenient {
            true if peer.fin == u64::MAX => peer.highest.max(peer.edge),
            true => peer.acknowledgeable(),
            false => peer.contiguous(),
        };
        let too_old = ack < oldest_ack(peer, mine.scale) && !picked_up;
        if one_sided || (ack <= limit.cast_signed() && !too_old) {
            return Ok(ack);
        }
        self.notes.event(StreamEvent::PktInvalidAck);
        if self.segment.has(FIN) {
            self.notes.event(StreamEvent::FinInvalidAck);
        }
        let event = match self.session.state {
            State::FinWait1 => StreamEvent::Fin1InvalidAck,
            State::FinWait2 => StreamEvent::Fin2InvalidAck,
            State::Closing => StreamEvent::ClosingInvalidAck,
            State::CloseWait => StreamEvent::ClosewaitInvalidAck,
            State::LastAck => StreamEvent::LastackInvalidAck,
            State::TimeWait => StreamEvent::TimewaitInvalidAck,
            _ => StreamEvent::EstInvalidAck,
        };
        self.notes.invalid(event)
    }

    /// Whether the segment lies before the end of the receiver's window; the offset behind its data.
    fn check_window(&mut self) -> Result<i64, Outcome> {
        let one_sided = self.session.is(ASYNC);
        let (mine, _) = self.session.halves(self.direction);
        let offset = mine.offset(self.segment.seq);
        let end = offset.saturating_add_unsigned(self.segment.payload.len() as u64);
        // A probe of a closed window has one byte too many (RFC 9293, section 3.8.6.1), and so has a FIN.
        let limit = mine.highest.max(mine.edge + 1).cast_signed();
        if one_sided || end <= limit {
            return Ok(end);
        }
        let fin = self.segment.has(FIN);
        let event = match (self.session.state, fin) {
            (State::CloseWait, false) => StreamEvent::ClosewaitAckOutOfWindow,
            (State::CloseWait, true) => StreamEvent::ClosewaitFinOutOfWindow,
            (State::FinWait1, false) => StreamEvent::Fin1AckWrongSeq,
            (State::FinWait1, true) => StreamEvent::Fin1FinWrongSeq,
            (State::FinWait2, false) => StreamEvent::Fin2AckWrongSeq,
            (State::FinWait2, true) => StreamEvent::Fin2FinWrongSeq,
            (State::Closing, _) => StreamEvent::ClosingAckWrongSeq,
            (State::LastAck, _) => StreamEvent::LastackAckWrongSeq,
            (State::TimeWait, _) => StreamEvent::TimewaitAckWrongSeq,
            (_, true) => StreamEvent::FinOutOfWindow,
            (_, false) => StreamEvent::EstPacketOutOfWindow,
        };
        self.notes.invalid(event)
    }

    /// A FIN is the end of the data, and stays where it is.
    fn check_fin(&mut self, end: i64) -> Result<(), Outcome> {
        let (mine, _) = self.session.halves(self.direction);
        let moved = mine.fin != u64::MAX && mine.fin.cast_signed() != end;
        if moved || end < mine.highest.cast_signed() {
            return self.notes.invalid(StreamEvent::FinOutOfWindow);
        }
        Ok(())
    }
}

/// The state after a valid segment.
fn next_state(state: State, direction: Direction, fin: bool, acks_fin: bool) -> State {
    let to_server = direction == Direction::ToServer;
    // First what it acknowledges, then what it ends.
    let state = match state {
        State::FinWait1 if to_server && acks_fin => State::FinWait2,
        State::Closing if to_server && acks_fin => State::TimeWait,
        State::TimeWait if !to_server && acks_fin => State::Closed,
        State::LastAck if to_server && acks_fin => State::Closed,
        state => state,
    };
    if !fin {
        return state;
    }
    match (state, to_server) {
        (State::SynReceived | State::Established, true) => State::CloseWait,
        (State::SynReceived | State::Established, false) => State::FinWait1,
        (State::FinWait1, true) => State::Closing,
        (State::FinWait2, true) => State::TimeWait,
        (State::CloseWait, false) => State::LastAck,
        (state, _) => state,
    }
}

/// Segments with RST.
impl Tracker<'_> {
    /// A RST ends the session if its receiver takes it (RFC 5961, section 3). Data that follows is inspected all the same: where the
    /// receiver does not take it, that is what it reads.
    pub(super) fn reset(&mut self) -> Taken {
        let segment = self.segment;
        if !segment.payload.is_empty() {
            self.notes.event(StreamEvent::RstWithData);
        }
        let state = self.session.state;
        let (mine, peer) = self.session.halves(self.direction);
        let closes = match (state, self.direction) {
            (State::SynSent, Direction::ToClient) => {
                let ack = peer.offset(segment.ack);
                let valid = segment.has(ACK) && ack >= 0 && ack <= peer.highest.cast_signed();
                if !valid {
                    return self.notes.invalid(StreamEvent::RstInvalidAck);
                }
                true
            }
            // The server may have taken the data of the SYN, and this for something else.
            (State::SynSent, Direction::ToServer) if mine.highest > 0 => false,
            (State::SynSent, Direction::ToServer) => mine.offset(segment.seq) == 0,
            _ => {
                let offset = mine.offset(segment.seq);
                // Behind a FIN the next sequence number is one more.
                let next = mine.acknowledgeable().cast_signed();
                let limit = next.max(mine.edge.cast_signed());
                if !(mine.acked.cast_signed()..=limit).contains(&offset) {
                    return self.notes.invalid(StreamEvent::RstInvalidAck);
                }
                offset == next || offset == mine.acked.cast_signed() || offset == mine.highest.cast_signed()
            }
        };
        if closes {
            match state {
                State::SynSent => self.session.flags |= UNANSWERED,
                State::Closed => {}
                _ => self.session.flags &= !UNANSWERED,
            }
            self.session.state = State::Closed;
            self.session.flags |= match self.direction {
                Direction::ToServer => RESET_BY_CLIENT,
                Direction::ToClient => RESET_BY_SERVER,
            };
        }
        Ok(None)
    }
}
