//! From nothing to an established session (RFC 9293, section 3.5).
//!
//! What a receiver takes a sequence number for depends on the SYN it has seen. So a SYN goes on only if it is the one that is
//! kept, or if its receiver is past that; and a direction's data only when its receiver has answered, or lies in the SYN itself.

use super::{
    event::StreamEvent,
    half::{CONFIRMED, FAST_OPEN, HAS_SCALE, HAS_TIMESTAMPS, HEARD, Half, MAX_SCALE, VOID},
    segment::{ACK, FIN, RST, SYN},
    session::{ALTERNATIVE, ASYNC, MIDSTREAM, RIVAL, SIMULTANEOUS, Session, State, TIMESTAMPS},
    tracker::{Taken, Tracker},
};
use crate::engine::{meta::Direction, policy::Failure, verdict::Enforcement};

impl Tracker<'_> {
    /// The first segment of a session.
    pub(super) fn begin(&mut self) -> Taken {
        let segment = self.segment;
        if segment.has(RST) {
            self.notes.event(StreamEvent::RstButNoSession);
            return Ok(None);
        }
        let opens = segment.has(SYN) && !segment.has(ACK);
        if !opens && !self.settings.midstream {
            if segment.has(FIN) {
                self.notes.event(StreamEvent::FinButNoSession);
            }
            return Err(super::Outcome::Failure(Failure::Midstream));
        }
        let simulated = self.number != 0 && self.number == self.settings.fail_session_at;
        if simulated || self.vacancies == 0 {
            return Err(super::Outcome::Failure(Failure::StreamMemcap));
        }
        // The end that speaks first is the client, the one that answers a SYN the server.
        let direction = match () {
            () if opens => Direction::ToServer,
            () if segment.has(SYN) => Direction::ToClient,
            () => self.direction,
        };
        self.swap = direction != self.direction;
        self.direction = direction;
        let taken = if opens { self.open() } else { self.pick_up() };
        if taken.is_err() {
            self.session.client.buffer.clear(self.pool);
            self.session.server.buffer.clear(self.pool);
            *self.session = Session::default();
            self.swap = false;
        }
        taken
    }

    /// The client's SYN.
    fn open(&mut self) -> Taken {
        let segment = self.segment;
        let (mine, peer) = self.session.halves(self.direction);
        mine.open(segment, self.seconds);
        // Data in the SYN comes before the receiver can have offered a window.
        mine.edge = segment.payload.len() as u64;
        peer.edge = u64::from(segment.window);
        self.session.state = State::SynSent;
        if segment.payload.is_empty() { Ok(None) } else { self.take_data() }
    }

    /// A session that was not seen from its start.
    fn pick_up(&mut self) -> Taken {
        let segment = self.segment;
        self.session.flags |= MIDSTREAM;
        if self.settings.async_oneside {
            self.session.flags |= ASYNC;
        }
        let (mine, peer) = self.session.halves(self.direction);
        peer.isn = segment.ack.wrapping_sub(1);
        if segment.has(SYN) {
            mine.open(segment, self.seconds);
            peer.flags |= CONFIRMED;
            peer.edge = u64::from(segment.window);
            // The client's shift is in its SYN, which was not seen.
            peer.scale = if mine.is(HAS_SCALE) { MAX_SCALE } else { 0 };
            mine.edge = u64::from(u16::MAX) << peer.scale;
            self.session.state = State::SynReceived;
            return self.take_data_if_any();
        }
        mine.isn = segment.seq.wrapping_sub(1);
        (mine.scale, peer.scale) = (MAX_SCALE, MAX_SCALE);
        mine.edge = u64::from(u16::MAX) << MAX_SCALE;
        peer.edge = mine.edge;
        self.session.state = State::Established;
        self.transfer()
    }

    fn take_data_if_any(&mut self) -> Taken {
        if self.segment.payload.is_empty() { Ok(None) } else { self.take_data() }
    }

    /// What follows the client's SYN.
    pub(super) fn answer(&mut self) -> Taken {
        match (self.direction, self.segment.has(SYN), self.segment.has(ACK)) {
            (Direction::ToServer, true, false) => self.open_again(),
            (Direction::ToServer, true, true) => {
                self.notes.invalid(StreamEvent::ThreeWaySynackInWrongDirection)
            }
            (Direction::ToClient, true, false) => self.open_from_both(),
            (Direction::ToClient, true, true) => self.accept_synack(),
            (Direction::ToServer, false, true)
                if self.settings.async_oneside && !self.session.server.is(HEARD) =>
            {
                self.go_on_one_sided()
            }
            // Without data it does no harm, and the client may have to know: a server that still has an old session answers
            // the SYN with an ACK (RFC 5961, section 4).
            (_, false, _) if self.segment.payload.is_empty() && !self.segment.has(FIN) => {
                let (mine, _) = self.session.halves(self.direction);
                mine.flags |= HEARD;
                Ok(None)
            }
            (Direction::ToClient, false, _) => self.notes.invalid(StreamEvent::ThreeWayAckDataInject),
            (Direction::ToServer, false, _) => self.notes.invalid(StreamEvent::ThreeWayWrongSeqWrongAck),
        }
    }

    /// Another SYN before any answer: the same once more, or the client begins anew.
    ///
    /// Inline it brings no data that the first one did not. Should the server have got another SYN before, its answer to that could
    /// look as if it had taken the data. No client sends such a SYN: the second one has the same data, or none.
    fn open_again(&mut self) -> Taken {
        let client = &mut self.session.client;
        let same = client.isn == self.segment.seq;
        let length = self.segment.payload.len() as u64;
        let adds_data = length > if same { client.highest } else { 0 };
        // The server may have taken the data of the first (RFC 7413), and would go on from there.
        let moves_data = !same && client.highest > 0;
        if moves_data || (adds_data && self.settings.enforcement == Enforcement::Drop) {
            return self.notes.invalid(StreamEvent::ThreeWaySynResendDiffSeqOnSynRecv);
        }
        if same {
            client.edge = client.edge.max(length);
            return self.take_data_if_any();
        }
        let old = std::mem::take(self.session);
        let taken = self.open();
        if taken.is_err() {
            self.session.client.buffer.clear(self.pool);
            *self.session = old;
        }
        taken
    }

    /// A SYN from the server too (RFC 9293, section 3.5, figure 7).
    fn open_from_both(&mut self) -> Taken {
        let segment = self.segment;
        let (mine, peer) = self.session.halves(self.direction);
        mine.open(segment, self.seconds);
        peer.edge = peer.edge.max(u64::from(segment.window));
        self.session.flags |= SIMULTANEOUS;
        self.session.state = State::SynReceived;
        self.agree_on_options();
        let taken = self.take_data_if_any();
        if taken.is_err() {
            self.forget_server();
        }
        taken
    }

    /// The server's SYN/ACK.
    fn accept_synack(&mut self) -> Taken {
        let segment = self.segment;
        let (mine, peer) = self.session.halves(self.direction);
        let ack = peer.offset(segment.ack);
        if ack < 0 || ack > peer.highest.cast_signed() {
            return self.notes.invalid(StreamEvent::ThreeWaySynackWithWrongAck);
        }
        mine.open(segment, self.seconds);
        mine.edge = mine.edge.max(segment.payload.len() as u64);
        self.session.state = State::SynReceived;
        let taken = self.take_data_if_any();
        if taken.is_err() {
            self.forget_server();
            return taken;
        }
        let (_, peer) = self.session.halves(self.direction);
        // The window of a SYN is never scaled (RFC 7323, section 2.2).
        peer.acknowledge(ack, u64::from(segment.window));
        if peer.highest > 0 {
            if ack > 0 {
                peer.flags |= FAST_OPEN;
            } else {
                self.notes.event(StreamEvent::ThreeWaySynackTfoDataIgnored);
            }
        }
        self.agree_on_options();
        taken
    }

    /// The server's SYN must not go on: as if it had not come.
    fn forget_server(&mut self) {
        self.session.server.buffer.clear(self.pool);
        let edge = self.session.server.edge;
        self.session.server = Half { edge, ..Half::default() };
        self.session.flags &= !(SIMULTANEOUS | TIMESTAMPS);
        self.session.state = State::SynSent;
    }

    /// Scales and timestamps are in use if both SYNs have them (RFC 7323, sections 2.2 and 3.2).
    fn agree_on_options(&mut self) {
        let Session { client, server, flags, .. } = &mut *self.session;
        if !(client.is(HAS_SCALE) && server.is(HAS_SCALE)) && *flags & MIDSTREAM == 0 {
            (client.scale, server.scale) = (0, 0);
        }
        if client.is(HAS_TIMESTAMPS) && server.is(HAS_TIMESTAMPS) {
            *flags |= TIMESTAMPS;
        }
    }

    /// The client goes on although no answer was seen: only its direction is.
    fn go_on_one_sided(&mut self) -> Taken {
        let client = &self.session.client;
        if client.offset(self.segment.seq) != client.highest.cast_signed() {
            return self.notes.invalid(StreamEvent::ThreeWayAsyncWrongSeq);
        }
        self.session.server.isn = self.segment.ack.wrapping_sub(1);
        self.session.client.edge = u64::from(u16::MAX) << MAX_SCALE;
        self.session.flags |= ASYNC;
        self.session.state = State::Established;
        let taken = self.transfer();
        if taken.is_err() {
            self.session.flags &= !ASYNC;
            self.session.state = State::SynSent;
        }
        taken
    }

    /// What follows the SYN/ACK, or the second SYN of two.
    pub(super) fn complete(&mut self) -> Taken {
        let simultaneous = self.session.is(SIMULTANEOUS);
        match (self.segment.has(SYN), self.segment.has(ACK)) {
            (true, true) if simultaneous => self.accept_synack_of_both(),
            (true, true) => self.accept_synack_again(),
            (true, false) => self.syn_after_synack(),
            (false, _) if simultaneous || self.direction == Direction::ToServer => self.accept_last_ack(),
            (false, _) => self.speak_early(),
        }
    }

    /// The ACK that makes the session established, perhaps with data.
    fn accept_last_ack(&mut self) -> Taken {
        let segment = self.segment;
        let simultaneous = self.session.is(SIMULTANEOUS);
        self.choose_synack();
        let (mine, peer) = self.session.halves(self.direction);
        let ack = peer.offset(segment.ack);
        if !segment.has(ACK) || ack < 0 || ack > peer.acknowledgeable().cast_signed() {
            let fits = mine.offset(segment.seq) == mine.highest.cast_signed();
            return self.notes.invalid(match (simultaneous, fits) {
                (true, _) => StreamEvent::FourWayInvalidAck,
                (false, true) => StreamEvent::ThreeWayRightSeqWrongAckEvasion,
                (false, false) => StreamEvent::ThreeWayWrongSeqWrongAck,
            });
        }
        if simultaneous && !mine.is(CONFIRMED) && !segment.payload.is_empty() {
            return self.notes.invalid(StreamEvent::FourWayWrongSeq);
        }
        if !simultaneous || mine.is(CONFIRMED) {
            self.session.state = State::Established;
        }
        let taken = self.transfer();
        if taken.is_err() {
            self.session.state = State::SynReceived;
        }
        taken
    }

    /// Of two SYN/ACKs the client's ACK says which one it took.
    fn choose_synack(&mut self) {
        let Session { client, server, flags, rival, .. } = &mut *self.session;
        let takes_other = self.segment.has(ACK)
            && self.segment.ack == rival.wrapping_add(1)
            && self.direction == Direction::ToServer;
        if *flags & ALTERNATIVE == 0 || !takes_other {
            return;
        }
        // Its options were not kept: the widest window, and no timestamps.
        server.isn = *rival;
        server.scale = if client.is(HAS_SCALE) { MAX_SCALE } else { 0 };
        *flags &= !(ALTERNATIVE | TIMESTAMPS);
    }

    /// The server speaks before the client has acknowledged its SYN/ACK. It may after a fast open (RFC 7413, section 3), as
    /// whatever the client takes the SYN/ACK for is what is kept of it.
    fn speak_early(&mut self) -> Taken {
        let has_data = !self.segment.payload.is_empty() || self.segment.has(FIN);
        if !self.session.client.is(FAST_OPEN) {
            if has_data && self.inline() {
                return self.notes.invalid(StreamEvent::ThreeWayAckDataInject);
            }
            self.notes.event(StreamEvent::ThreeWayAckInWrongDir);
        }
        if has_data { self.transfer() } else { Ok(None) }
    }

    /// The SYN/ACK once more.
    fn accept_synack_again(&mut self) -> Taken {
        if self.direction == Direction::ToServer {
            return self.notes.invalid(StreamEvent::ThreeWaySynackToserverOnSynRecv);
        }
        let (mine, peer) = self.session.halves(self.direction);
        let ack = peer.offset(self.segment.ack);
        if ack < 0 || ack > peer.highest.cast_signed() {
            self.notice_another_session();
            return self.notes.invalid(StreamEvent::ThreeWaySynackResendWithDiffAck);
        }
        if mine.isn == self.segment.seq {
            return self.take_data_if_any();
        }
        // From behind a load balancer, or made from a SYN cookie. As no data of the server goes on before the client has
        // acknowledged one of them, it is the client that chooses. It has to be an answer to the SYN that counts.
        if mine.highest > 0 || peer.is(FAST_OPEN) || ack > 0 || !self.segment.payload.is_empty() {
            self.notice_another_session();
            return self.notes.invalid(StreamEvent::ThreeWaySynackResendWithDiffSeq);
        }
        self.notes.event(StreamEvent::ThreeWaySynackResendWithDiffSeq);
        self.session.rival = self.segment.seq;
        self.session.flags = self.session.flags & !RIVAL | ALTERNATIVE;
        Ok(None)
    }

    /// After two SYNs, each end answers the other's.
    fn accept_synack_of_both(&mut self) -> Taken {
        let segment = self.segment;
        let (mine, peer) = self.session.halves(self.direction);
        if mine.isn != segment.seq {
            return self.notes.invalid(StreamEvent::FourWaySynackWithWrongSyn);
        }
        let ack = peer.offset(segment.ack);
        if ack < 0 || ack > peer.highest.cast_signed() {
            return self.notes.invalid(StreamEvent::FourWaySynackWithWrongAck);
        }
        let taken = self.take_data_if_any()?;
        let (mine, peer) = self.session.halves(self.direction);
        peer.acknowledge(ack, u64::from(segment.window));
        if mine.is(CONFIRMED) {
            self.session.state = State::Established;
        }
        Ok(taken)
    }

    /// A SYN without ACK after the SYN/ACK.
    fn syn_after_synack(&mut self) -> Taken {
        let (mine, _) = self.session.halves(self.direction);
        let same = mine.isn == self.segment.seq;
        let acknowledged = mine.acked > 0;
        match (self.direction, same) {
            // The client has not got the SYN/ACK, or both ends sent a SYN.
            (_, true) if self.direction == Direction::ToServer || self.session.is(SIMULTANEOUS) => {
                if acknowledged && !self.segment.payload.is_empty() {
                    // A server that has lost the session takes data that the last one has acknowledged, and that may be forgotten.
                    return self.notes.invalid(StreamEvent::ReassemblySegmentBeforeBaseSeq);
                }
                self.take_data_if_any()
            }
            // The server is past that: it answers with an ACK (RFC 5961, section 4), the client then with a RST.
            (Direction::ToServer, _)
                if self.segment.payload.is_empty() && self.session.client.is(CONFIRMED) =>
            {
                self.notes.event(StreamEvent::ThreeWaySynResendDiffSeqOnSynRecv);
                self.take_rival();
                Ok(None)
            }
            (Direction::ToServer, _) => self.notes.invalid(StreamEvent::ThreeWaySynResendDiffSeqOnSynRecv),
            (Direction::ToClient, _) => self.notes.invalid(StreamEvent::ThreeWaySynToclientOnSynRecv),
        }
    }

    fn take_rival(&mut self) {
        self.session.rival = self.segment.seq;
        self.session.flags = self.session.flags & !ALTERNATIVE | RIVAL;
    }

    /// A SYN or SYN/ACK in a session that is established or closes.
    pub(super) fn synchronize_again(&mut self) -> Taken {
        let segment = self.segment;
        let acknowledges = segment.has(ACK);
        let established = self.session.state == State::Established;
        let simultaneous = self.session.is(SIMULTANEOUS);
        let (mine, peer) = self.session.halves(self.direction);
        let same = mine.isn == segment.seq;
        match (acknowledges, self.direction) {
            (false, Direction::ToServer) => {
                let event = match (established, same) {
                    (false, _) => StreamEvent::ShutdownSynResend,
                    (true, true) => StreamEvent::EstSynResend,
                    (true, false) => StreamEvent::EstSynResendDiffSeq,
                };
                if !segment.payload.is_empty() || !mine.is(CONFIRMED) {
                    return self.notes.invalid(event);
                }
                // The server answers with an ACK, or, if it has lost the session, begins another one.
                self.notes.event(event);
                self.take_rival();
                Ok(None)
            }
            (false, Direction::ToClient) => self.notes.invalid(StreamEvent::EstSynToclient),
            (true, Direction::ToServer) if !simultaneous => {
                self.notes.invalid(StreamEvent::EstSynackToserver)
            }
            (true, _) => {
                let ack = peer.offset(segment.ack);
                if !same {
                    self.notice_another_session();
                    return self.notes.invalid(StreamEvent::EstSynackResendWithDiffSeq);
                }
                if ack < 0 || ack > peer.acknowledgeable().cast_signed() {
                    return self.notes.invalid(StreamEvent::EstSynackResendWithDiffAck);
                }
                self.notes.event(StreamEvent::EstSynackResend);
                self.take_data_if_any()
            }
        }
    }

    /// If the SYN/ACK answers the client's other SYN, the server has begun another session. What the client says in this one it takes
    /// for that one's.
    fn notice_another_session(&mut self) {
        let answers = self.segment.ack == self.session.rival.wrapping_add(1);
        if self.session.is(RIVAL) && answers {
            self.session.client.flags |= VOID;
        }
    }

    /// Whether the segment begins another connection of the same ends. Inline not if it has data: should the server still be about
    /// to accept the last connection, its answer would look as if it had taken that data. The client then sends it without.
    pub(super) fn is_reuse(&self) -> bool {
        let segment = self.segment;
        let has_data = self.inline() && !segment.payload.is_empty();
        let opens = segment.has(SYN) && !segment.has(ACK | RST | FIN) && !has_data;
        let over =
            matches!(self.session.state, State::Closing | State::LastAck | State::TimeWait | State::Closed);
        opens && (over || self.session.client.is(VOID))
    }
}
