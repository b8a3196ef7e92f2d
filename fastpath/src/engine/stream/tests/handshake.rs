//! From nothing to an established session.

use super::*;
use crate::engine::policy::Failure;
use StreamEvent::*;

/// With the client's SYN behind it.
fn syn_sent() -> Wire {
    let mut wire = Wire::inline();
    wire.accept(CLIENT, &segment(ISN, 0, SYN, b""));
    assert_eq!(wire.state(), State::SynSent);
    wire
}

/// With the server's answer behind it.
fn syn_received() -> Wire {
    let mut wire = syn_sent();
    wire.accept(SERVER, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
    assert_eq!(wire.state(), State::SynReceived);
    wire
}

fn with_timestamps<'a>(segment: Segment<'a>, value: u32, echo: u32) -> Segment<'a> {
    Segment { options: SegmentOptions { timestamps: Some((value, echo)), ..segment.options }, ..segment }
}

#[test]
fn three_segments_establish_a_session() {
    let wire = Wire::established(settings(Enforcement::Drop));
    assert_eq!(wire.streams.counters().sessions, 1);
    assert_eq!(wire.streams.counters().active, 1);
}

#[test]
fn what_is_no_beginning_is_told_apart() {
    let mut wire = Wire::inline();
    let tracked = wire.track(CLIENT, &segment(ISN, 7, RST | ACK, b""));
    assert_eq!((tracked.outcome, names(&tracked)), (Outcome::Accept, vec!["stream.rst_but_no_session"]));
    let tracked = wire.track(CLIENT, &segment(ISN, 7, FIN | ACK, b""));
    assert_eq!(tracked.outcome, Outcome::Failure(Failure::Midstream));
    assert_eq!(names(&tracked), ["stream.fin_but_no_session"]);
    for flags in [0, ACK, SYN | ACK] {
        let tracked = wire.track(CLIENT, &segment(ISN, 7, flags, b"data"));
        assert_eq!(tracked.outcome, Outcome::Failure(Failure::Midstream), "{flags}");
    }
    wire.refuse(FinSyn, CLIENT, &segment(ISN, 0, SYN | FIN, b""));
    assert_eq!((wire.state(), wire.streams.counters().active), (State::None, 0));
}

#[test]
fn a_syn_ack_has_to_answer_the_syn() {
    let mut wire = syn_sent();
    for ack in [ISN, ISN + 2, 0] {
        wire.refuse(ThreeWaySynackWithWrongAck, SERVER, &segment(SERVER_ISN, ack, SYN | ACK, b""));
    }
    wire.refuse(ThreeWaySynackInWrongDirection, CLIENT, &segment(ISN, 9, SYN | ACK, b""));
    assert_eq!(wire.state(), State::SynSent);
    wire.accept(SERVER, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
}

#[test]
fn no_data_before_the_answer() {
    let mut wire = syn_sent();
    wire.refuse(ThreeWayWrongSeqWrongAck, CLIENT, &segment(ISN + 1, 9, ACK, b"x"));
    wire.refuse(ThreeWayAckDataInject, SERVER, &segment(SERVER_ISN + 1, ISN + 1, ACK, b"x"));
    // A challenge ACK of a server that has not forgotten an earlier session (RFC 5961, section 4).
    wire.accept(SERVER, &segment(77, 99, ACK, b""));
    let mut wire = syn_received();
    wire.refuse(ThreeWayAckDataInject, SERVER, &segment(SERVER_ISN + 1, ISN + 1, ACK, b"x"));
    assert_eq!(wire.state(), State::SynReceived);
}

#[test]
fn the_last_ack_has_to_fit() {
    let mut wire = syn_received();
    wire.refuse(ThreeWayRightSeqWrongAckEvasion, CLIENT, &segment(ISN + 1, SERVER_ISN + 2, ACK, b"evil"));
    wire.refuse(ThreeWayWrongSeqWrongAck, CLIENT, &segment(ISN + 9, SERVER_ISN, ACK, b"evil"));
    wire.refuse(ThreeWayRightSeqWrongAckEvasion, CLIENT, &segment(ISN + 1, 0, 0, b"evil"));
    assert_eq!(wire.state(), State::SynReceived);
    let fresh = wire.accept(CLIENT, &segment(ISN + 1, SERVER_ISN + 1, ACK, b"good")).unwrap();
    assert_eq!((fresh.offset, fresh.in_segment.clone(), wire.state()), (0, 0..4, State::Established));
}

#[test]
fn a_syn_that_is_sent_again_is_the_same_or_begins_anew() {
    let mut wire = syn_sent();
    wire.accept(CLIENT, &segment(ISN, 0, SYN, b""));
    wire.accept(CLIENT, &segment(ISN + 100, 0, SYN, b""));
    wire.refuse(ThreeWaySynackWithWrongAck, SERVER, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
    wire.accept(SERVER, &segment(SERVER_ISN, ISN + 101, SYN | ACK, b""));
    // The answer may have been lost behind us.
    wire.accept(CLIENT, &segment(ISN + 100, 0, SYN, b""));
    wire.accept(SERVER, &segment(SERVER_ISN, ISN + 101, SYN | ACK, b""));
    wire.refuse(ThreeWaySynackResendWithDiffAck, SERVER, &segment(SERVER_ISN, ISN, SYN | ACK, b""));
    wire.refuse(ThreeWaySynackToserverOnSynRecv, CLIENT, &segment(ISN, 9, SYN | ACK, b""));
    wire.refuse(ThreeWaySynToclientOnSynRecv, SERVER, &segment(SERVER_ISN, 0, SYN, b""));
    wire.accept(CLIENT, &segment(ISN + 101, SERVER_ISN + 1, ACK, b""));
    assert_eq!((wire.state(), wire.streams.counters().active), (State::Established, 1));
}

#[test]
fn of_two_syn_acks_the_client_chooses() {
    for chosen in [SERVER_ISN, 9000] {
        let mut wire = syn_received();
        wire.accept_with(ThreeWaySynackResendWithDiffSeq, SERVER, &segment(9000, ISN + 1, SYN | ACK, b""));
        wire.accept(CLIENT, &segment(ISN + 1, chosen + 1, ACK, b""));
        let fresh = wire.accept(SERVER, &segment(chosen + 1, ISN + 1, ACK, b"hello"));
        assert_eq!(fresh.unwrap().offset, 0);
        let other = SERVER_ISN + 9000 - chosen;
        let tracked = wire.track(SERVER, &segment(other + 1 - 5, ISN + 1, ACK, b"other"));
        assert!(tracked.fresh.is_none(), "{tracked:?}");
    }
}

#[test]
fn a_syn_ack_may_answer_another_syn() {
    // The first SYN had data that the server did not take. Then it lost the session.
    let mut wire = Wire::inline();
    wire.accept(CLIENT, &segment(ISN, 0, SYN, b"GET /"));
    let answer = segment(SERVER_ISN, ISN + 1, SYN | ACK, b"");
    wire.accept_with(ThreeWaySynackTfoDataIgnored, SERVER, &answer);
    wire.accept_with(ThreeWaySynResendDiffSeqOnSynRecv, CLIENT, &segment(ISN + 1, 0, SYN, b""));
    wire.refuse(ThreeWaySynackResendWithDiffSeq, SERVER, &segment(9000, ISN + 2, SYN | ACK, b""));
    assert!(wire.track(CLIENT, &segment(ISN + 1, 0, SYN, b"")).reuse);
}

#[test]
fn a_server_that_lost_the_session_begins_another_one() {
    let mut wire = Wire::established(settings(Enforcement::Drop));
    wire.accept_with(EstSynResendDiffSeq, CLIENT, &segment(9000, 0, SYN, b""));
    // It still has it:
    let fresh = wire.accept(SERVER, &segment(SERVER_ISN + 1, ISN + 1, ACK, b"challenge"));
    assert!(fresh.is_some());
    // It has begun another one, in which old sequence numbers mean something else.
    wire.refuse(EstSynackResendWithDiffSeq, SERVER, &segment(70_000, 9001, SYN | ACK, b""));
    wire.refuse(EstSynackResendWithDiffSeq, CLIENT, &segment(ISN + 1, SERVER_ISN + 1, ACK, b"evil"));
    let tracked = wire.track(CLIENT, &segment(9000, 0, SYN, b""));
    assert!(tracked.reuse);
    wire.streams.release(&mut wire.session);
    wire.accept(CLIENT, &segment(9000, 0, SYN, b""));
    wire.accept(SERVER, &segment(70_000, 9001, SYN | ACK, b""));
}

#[test]
fn both_ends_may_begin() {
    let mut wire = syn_sent();
    wire.accept(SERVER, &segment(SERVER_ISN, 0, SYN, b""));
    wire.refuse(FourWaySynackWithWrongSyn, SERVER, &segment(SERVER_ISN + 1, ISN + 1, SYN | ACK, b""));
    wire.refuse(FourWaySynackWithWrongAck, SERVER, &segment(SERVER_ISN, ISN + 2, SYN | ACK, b""));
    wire.accept(SERVER, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
    wire.refuse(FourWayInvalidAck, CLIENT, &segment(ISN + 1, SERVER_ISN + 5, ACK, b""));
    wire.accept(CLIENT, &segment(ISN, SERVER_ISN + 1, SYN | ACK, b""));
    assert_eq!(wire.state(), State::Established);
    assert!(wire.accept(CLIENT, &segment(ISN + 1, SERVER_ISN + 1, ACK, b"hello")).is_some());
    assert!(wire.accept(SERVER, &segment(SERVER_ISN + 1, ISN + 6, ACK, b"hello")).is_some());
}

#[test]
fn data_of_a_syn_is_inspected() {
    // The server takes it (RFC 7413), and speaks before the handshake is over.
    let mut wire = Wire::inline();
    let fresh = wire.accept(CLIENT, &segment(ISN, 0, SYN, b"GET /")).unwrap();
    assert_eq!((fresh.offset, fresh.in_segment.clone()), (0, 0..5));
    wire.accept(SERVER, &segment(SERVER_ISN, ISN + 6, SYN | ACK, b""));
    wire.accept(CLIENT, &segment(ISN, 0, SYN, b""));
    wire.refuse(ReassemblySegmentBeforeBaseSeq, CLIENT, &segment(ISN, 0, SYN, b"PUT /"));
    assert!(wire.accept(SERVER, &segment(SERVER_ISN + 1, ISN + 6, ACK, b"200")).is_some());
    wire.accept(CLIENT, &segment(ISN + 6, SERVER_ISN + 4, ACK, b" HTTP"));
    assert_eq!(wire.state(), State::Established);

    // It does not take it: the client sends it again, and it has to be the same.
    let mut wire = Wire::inline();
    wire.accept(CLIENT, &segment(ISN, 0, SYN, b"GET /"));
    wire.refuse(ThreeWaySynResendDiffSeqOnSynRecv, CLIENT, &segment(ISN + 1, 0, SYN, b"GET /"));
    let tracked = wire.track(CLIENT, &segment(ISN, 0, SYN, b"PUT /"));
    assert_eq!(tracked.outcome, Outcome::Contradiction);
    wire.accept_with(ThreeWaySynackTfoDataIgnored, SERVER, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
    wire.refuse(ThreeWayAckDataInject, SERVER, &segment(SERVER_ISN + 1, ISN + 1, ACK, b"200"));
    wire.accept(CLIENT, &segment(ISN + 1, SERVER_ISN + 1, ACK, b""));
    assert_eq!(wire.say(0, b"PUT /").outcome, Outcome::Contradiction);
    assert_eq!(wire.hear(0, b"GET / HTTP"), " HTTP");
}

#[test]
fn data_of_a_syn_belongs_to_that_syn_alone() {
    // The server has the first SYN, and acknowledges that.
    let mut wire = syn_sent();
    let second = segment(ISN - 5, 0, SYN, b"first");
    wire.refuse(ThreeWaySynResendDiffSeqOnSynRecv, CLIENT, &second);
    wire.accept(CLIENT, &segment(ISN - 5, 0, SYN, b""));
    wire.refuse(ThreeWaySynResendDiffSeqOnSynRecv, CLIENT, &second);
    // Nor is it sure whether the server has taken a RST.
    let mut wire = syn_sent();
    wire.accept(CLIENT, &segment(ISN + 1, 0, RST, b""));
    assert_eq!(wire.state(), State::Closed);
    wire.refuse(ThreeWaySynResendDiffSeqOnSynRecv, CLIENT, &second);
    assert!(wire.track(CLIENT, &segment(ISN - 5, 0, SYN, b"")).reuse);
}

#[test]
fn an_answer_brings_no_data() {
    for flags in [SYN, SYN | ACK] {
        let answer = segment(SERVER_ISN, ISN + 1, flags, b"early");
        let mut wire = syn_sent();
        let tracked = wire.track(SERVER, &answer);
        assert_eq!(tracked.outcome, Outcome::Invalid(ThreeWayAckDataInject));
        let mut wire = Wire::with(settings(Enforcement::Report));
        wire.accept(CLIENT, &segment(ISN, 0, SYN, b""));
        assert_eq!(wire.track(SERVER, &answer).fresh.unwrap().len(), 5);
    }
}

#[test]
fn an_answer_has_to_echo_the_timestamp() {
    let mut wire = Wire::inline();
    wire.accept(CLIENT, &with_timestamps(segment(ISN, 0, SYN, b""), 500, 0));
    let answer = segment(SERVER_ISN, ISN + 1, SYN | ACK, b"");
    wire.refuse(PktInvalidTimestamp, SERVER, &with_timestamps(answer, 9, 499));
    wire.accept(SERVER, &with_timestamps(answer, 9, 500));
}

#[test]
fn windows_are_scaled_if_both_ends_scale() {
    let scaled = |segment: Segment<'static>| Segment {
        options: SegmentOptions { window_scale: Some(7), ..SegmentOptions::default() },
        ..segment
    };
    for both in [true, false] {
        let mut wire = Wire::inline();
        wire.accept(CLIENT, &scaled(segment(ISN, 0, SYN, b"")));
        let answer = segment(SERVER_ISN, ISN + 1, SYN | ACK, b"");
        wire.accept(SERVER, &if both { scaled(answer) } else { answer });
        wire.accept(CLIENT, &segment(ISN + 1, SERVER_ISN + 1, ACK, b""));
        wire.acknowledge(0);
        let outcome = wire.say(8192 * 100, b"x").outcome;
        assert_eq!(outcome == Outcome::Accept, both, "{outcome:?}");
    }
}

#[test]
fn sessions_are_picked_up_midstream_when_allowed() {
    let mut wire = Wire::with(Settings { midstream: true, ..settings(Enforcement::Drop) });
    // What looks like the client is the server: a SYN/ACK comes from one.
    let tracked = wire.track(CLIENT, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
    assert!(tracked.swap && tracked.outcome == Outcome::Accept);
    wire.accept(CLIENT, &segment(ISN + 1, SERVER_ISN + 1, ACK, b"hello"));
    assert_eq!((wire.state(), wire.streams.counters().midstream_pickups), (State::Established, 1));

    let mut wire = Wire::with(Settings { midstream: true, ..settings(Enforcement::Drop) });
    assert_eq!(wire.hear(0, b"hello"), "hello");
    assert_eq!(wire.state(), State::Established);
    // From before the first segment: nobody knows what the receiver has of it.
    let before = |wire: &mut Wire, payload| wire.say(u32::MAX - 9, payload).outcome;
    for payload in [&b"0123456789"[..], b"0123456789hel"] {
        let outcome = before(&mut wire, payload);
        assert_eq!(outcome, Outcome::Invalid(ReassemblySegmentBeforeBaseSeq));
    }
    wire.acknowledge(5);
    assert_eq!(wire.say(3, b"LO").outcome, Outcome::Contradiction);
    assert_eq!(wire.hear(5, b" world"), " world");
    // Long with the receiver.
    assert_eq!(before(&mut wire, b"0123456789"), Outcome::Accept);
    assert_eq!(before(&mut wire, b"0123456789hel"), Outcome::Accept);
    assert_eq!(before(&mut wire, b"0123456789HEL"), Outcome::Contradiction);
}

/// With the client's handshake and first data behind it; the server is not seen.
fn one_sided(enforcement: Enforcement) -> Wire {
    let reach = 1 << 16;
    let mut wire = Wire::with(Settings { async_oneside: true, reach, ..settings(enforcement) });
    wire.accept(CLIENT, &segment(ISN, 0, SYN, b""));
    wire.refuse(ThreeWayAsyncWrongSeq, CLIENT, &segment(ISN + 2, SERVER_ISN + 1, ACK, b""));
    wire.accept(CLIENT, &segment(ISN + 1, SERVER_ISN + 1, ACK, b""));
    assert_eq!(wire.state(), State::Established);
    assert_eq!(wire.hear(0, b"one "), "one ");
    wire.accept(CLIENT, &segment(ISN + 5, SERVER_ISN + 80_001, ACK, b"two "));
    wire
}

#[test]
fn one_direction_is_enough_when_allowed() {
    let mut wire = one_sided(Enforcement::Drop);
    assert_eq!(wire.say(0, b"ONE ").outcome, Outcome::Contradiction);
    // Inline every byte comes by: a hole is no loss.
    assert_eq!(wire.say(8 + (1 << 16) + 1, b"x").outcome, Outcome::Invalid(ReassemblyInsertLimit));
    assert_eq!(wire.hear(8, b"three"), "three");
}

#[test]
fn one_direction_is_not_enough_where_both_are_seen() {
    let mut wire = Wire::with(Settings { async_oneside: true, ..settings(Enforcement::Drop) });
    wire.accept(CLIENT, &segment(ISN, 0, SYN, b""));
    wire.accept(SERVER, &segment(SERVER_ISN, 77, ACK, b""));
    wire.refuse(ThreeWayWrongSeqWrongAck, CLIENT, &segment(ISN + 1, SERVER_ISN, ACK, b"data"));
}

#[test]
fn one_direction_goes_on_after_a_hole() {
    let mut wire = one_sided(Enforcement::Report);
    let far = 8 + (1 << 16) + 1;
    let tracked = wire.say(far, b"three");
    assert_eq!((tracked.outcome, names(&tracked)), (Outcome::Accept, vec!["stream.reassembly_seq_gap"]));
    assert_eq!(tracked.fresh.unwrap().gap, u64::from(far) - 8);
    // Whether the receiver has what is not remembered nobody knows.
    for (offset, payload) in [(0, &b"one "[..]), (far - 2, b"//three")] {
        let outcome = wire.say(offset, payload).outcome;
        assert_eq!(outcome, Outcome::Invalid(ReassemblySegmentBeforeBaseSeq));
    }
}

#[test]
fn the_other_direction_may_be_seen_after_all() {
    let mut wire = one_sided(Enforcement::Drop);
    let fresh = wire.accept(SERVER, &segment(SERVER_ISN + 1, ISN + 9, ACK, b"hello"));
    assert_eq!(fresh.unwrap().len(), 5);
    wire.refuse(EstInvalidAck, SERVER, &segment(SERVER_ISN + 6, ISN + 10, ACK, b""));
}

#[test]
fn sessions_are_limited() {
    let room_for_one = Settings { memcap: Session::SIZE as u64, ..settings(Enforcement::Drop) };
    let mut wire = Wire::established(room_for_one);
    let mut second = Session::default();
    let syn = segment(1, 0, SYN, b"data");
    let track = |wire: &mut Wire, session: &mut Session| {
        wire.streams.track(session, CLIENT, &syn, Timestamp(0), 0).outcome
    };
    assert_eq!(track(&mut wire, &mut second), Outcome::Failure(Failure::StreamMemcap));
    assert_eq!((second.state(), wire.streams.counters().session_memcap), (State::None, 1));
    wire.streams.release(&mut wire.session);
    assert_eq!(track(&mut wire, &mut second), Outcome::Accept);
}

#[test]
fn failures_are_simulated() {
    let mut wire =
        Wire::with(Settings { fail_session_at: 1, fail_reassembly_at: 5, ..settings(Enforcement::Drop) });
    let tracked = wire.track(CLIENT, &segment(ISN, 0, SYN, b""));
    assert_eq!(tracked.outcome, Outcome::Failure(Failure::StreamMemcap));
    wire.accept(CLIENT, &segment(ISN, 0, SYN, b""));
    wire.accept(SERVER, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
    wire.accept(CLIENT, &segment(ISN + 1, SERVER_ISN + 1, ACK, b""));
    let tracked = wire.say(0, b"lost");
    assert_eq!(tracked.outcome, Outcome::Failure(Failure::ReassemblyMemcap));
    assert_eq!(names(&tracked), ["stream.reassembly_insert_memcap"]);
    assert_eq!(wire.hear(0, b"back"), "back");
}
