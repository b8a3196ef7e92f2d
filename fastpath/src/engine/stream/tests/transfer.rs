//! Acknowledgements, windows, timestamps, FIN and RST.

use super::*;
use crate::engine::stream::Phase;
use StreamEvent::*;

fn inline() -> Wire {
    Wire::established(settings(Enforcement::Drop))
}

/// From the client.
fn client(seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Segment<'_> {
    segment(ISN + 1 + seq, SERVER_ISN + 1 + ack, flags, payload)
}

/// From the server.
fn server(seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Segment<'_> {
    segment(SERVER_ISN + 1 + seq, ISN + 1 + ack, flags, payload)
}

#[test]
fn only_what_was_sent_can_be_acknowledged() {
    let mut wire = inline();
    assert_eq!(wire.hear(0, b"hello"), "hello");
    wire.refuse(EstInvalidAck, SERVER, &server(0, 6, ACK, b""));
    wire.refuse(PktInvalidAck, SERVER, &server(0, 5, 0, b"no ack"));
    wire.accept(SERVER, &server(0, 5, ACK, b"hi"));
    wire.accept(SERVER, &server(2, 5, ACK, b" there"));
    // RFC 5961: at most a window old.
    wire.accept(CLIENT, &client(5, 0, ACK, b""));
    let old = (SERVER_ISN + 1).wrapping_sub(70_000);
    wire.refuse(EstInvalidAck, CLIENT, &segment(ISN + 6, old, ACK, b"x"));
    // An acknowledgement number without the flag.
    let tracked = wire.track(CLIENT, &client(5, 0, 0, b"x"));
    assert!(tracked.events.contains(PktBrokenAck) && !tracked.outcome.is_accepted());
}

#[test]
fn nobody_has_what_never_came_by() {
    let mut wire = inline();
    assert_eq!(wire.hear(2, b"llo"), "");
    wire.accept(CLIENT, &client(5, 0, ACK | FIN, b""));
    for ack in [1, 2, 5, 6] {
        wire.refuse(ClosewaitInvalidAck, SERVER, &server(0, ack, ACK, b""));
    }
    assert_eq!(wire.hear(0, b"he"), "hello");
    wire.accept(SERVER, &server(0, 6, ACK, b""));
}

#[test]
fn data_stays_in_the_receivers_window() {
    let mut wire = inline();
    // The SYN/ACK's window, and one byte to probe.
    wire.refuse(EstPacketOutOfWindow, CLIENT, &client(8190, 0, ACK, b"0123"));
    wire.refuse(FinOutOfWindow, CLIENT, &client(8194, 0, ACK | FIN, b""));
    assert_eq!(wire.hear(8190, b"012"), "");
    // What was refused left no trace.
    assert_eq!(wire.hear(0, &[b'a'; 8190]).len(), 8193);
    wire.acknowledge(8193);
    assert_eq!(wire.hear(8193, b"3456"), "3456");
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let mut wire = inline();
    let bad = b"bad!";
    for segment in [
        client(0, 7, ACK, bad),
        client(0, 0, 0, bad),
        client(u32::from(u16::MAX), 0, ACK, bad),
        client(0, 0, SYN, bad),
        client(0, 0, SYN | ACK, bad),
        client(0, 0, SYN | FIN, bad),
    ] {
        let tracked = wire.track(CLIENT, &segment);
        assert!(matches!(tracked.outcome, Outcome::Invalid(_)), "{segment:?}: {tracked:?}");
        assert!(tracked.fresh.is_none());
    }
    // Nor does a RST's payload, which no receiver reads.
    wire.refuse(RstInvalidAck, CLIENT, &client(9000, 0, RST, bad));
    assert_eq!(wire.hear(0, b"good"), "good");
}

#[test]
fn old_timestamps_are_refused() {
    let mut wire = Wire::inline();
    let at = |segment: Segment<'static>, value, echo| {
        let options = SegmentOptions { timestamps: Some((value, echo)), ..SegmentOptions::default() };
        Segment { options, ..segment }
    };
    // The clock wraps.
    let start = u32::MAX - 1;
    wire.accept(CLIENT, &at(segment(ISN, 0, SYN, b""), start, 0));
    wire.accept(SERVER, &at(segment(SERVER_ISN, ISN + 1, SYN | ACK, b""), 7, start));
    wire.accept(CLIENT, &at(client(0, 0, ACK, b""), start, 7));
    assert!(wire.accept(CLIENT, &at(client(0, 0, ACK, b"a"), 3, 7)).is_some());
    wire.refuse(PktInvalidTimestamp, CLIENT, &at(client(1, 0, ACK, b"bad"), start, 7));
    // Out of order: no later than the last acknowledgement, so that it does not count.
    assert!(wire.accept(CLIENT, &at(client(2, 0, ACK, b"c"), 90, 7)).is_none());
    assert_eq!(wire.accept(CLIENT, &at(client(1, 0, ACK, b"b"), 4, 7)).unwrap().len(), 2);
    // After 24 days without a segment it says nothing (RFC 7323, section 5.5).
    wire.now += 25 * 86_400 * 1_000_000_000;
    assert!(wire.accept(CLIENT, &at(client(3, 0, ACK, b"d"), start, 7)).is_some());
}

#[test]
fn a_session_ends_with_two_fins_whoever_is_first() {
    let mut wire = inline();
    wire.accept(CLIENT, &client(0, 0, ACK | FIN, b"bye"));
    assert_eq!(wire.state(), State::CloseWait);
    assert!(wire.accept(SERVER, &server(0, 4, ACK, b"rest")).is_some());
    wire.accept(SERVER, &server(4, 4, ACK | FIN, b""));
    assert_eq!(wire.state(), State::LastAck);
    wire.accept(CLIENT, &client(4, 5, ACK, b""));
    assert_eq!((wire.state(), wire.state().phase()), (State::Closed, Phase::Closed));

    let mut wire = inline();
    wire.accept(SERVER, &server(0, 0, ACK | FIN, b""));
    assert_eq!(wire.state(), State::FinWait1);
    wire.accept(CLIENT, &client(0, 1, ACK, b""));
    assert_eq!(wire.state(), State::FinWait2);
    assert_eq!(wire.accept(CLIENT, &client(0, 1, ACK | FIN, b"bye")).unwrap().len(), 3);
    assert_eq!(wire.state(), State::TimeWait);
    wire.accept(SERVER, &server(1, 4, ACK, b""));
    assert_eq!(wire.state(), State::Closed);

    let mut wire = inline();
    wire.accept(SERVER, &server(0, 0, ACK | FIN, b""));
    wire.accept(CLIENT, &client(0, 0, ACK | FIN, b""));
    assert_eq!(wire.state(), State::Closing);
    wire.accept(CLIENT, &client(1, 1, ACK, b""));
    assert_eq!(wire.state(), State::TimeWait);
    wire.accept(SERVER, &server(1, 1, ACK, b""));
    assert_eq!(wire.state(), State::Closed);
}

#[test]
fn a_fin_stays_where_it_is() {
    let mut wire = inline();
    assert_eq!(wire.hear(0, b"hello"), "hello");
    wire.refuse(FinOutOfWindow, CLIENT, &client(3, 0, ACK | FIN, b""));
    wire.accept(CLIENT, &client(5, 0, ACK | FIN, b""));
    wire.refuse(FinOutOfWindow, CLIENT, &client(5, 0, ACK | FIN, b"!"));
    wire.refuse(ReassemblyInsertInvalid, CLIENT, &client(5, 0, ACK, b" world"));
    wire.refuse(ClosewaitInvalidAck, SERVER, &server(0, 7, ACK, b""));
    wire.accept(CLIENT, &client(5, 0, ACK | FIN, b""));
    wire.accept(SERVER, &server(0, 6, ACK, b""));
}

#[test]
fn a_fin_may_come_before_the_data() {
    let mut wire = inline();
    wire.accept(CLIENT, &client(3, 0, ACK | FIN, b"lo"));
    assert_eq!((wire.state(), wire.hear(0, b"hel").as_str()), (State::CloseWait, "hello"));
}

#[test]
fn a_rst_has_to_be_in_the_window() {
    let mut wire = inline();
    assert_eq!(wire.hear(0, b"hello"), "hello");
    wire.acknowledge(5);
    wire.refuse(RstInvalidAck, CLIENT, &client(4, 0, RST, b""));
    wire.refuse(RstInvalidAck, CLIENT, &client(5 + 8193, 0, RST, b""));
    // In the window, but not the next byte: its receiver asks back (RFC 5961, section 3).
    wire.accept(CLIENT, &client(6, 0, RST | ACK, b""));
    assert_eq!(wire.state(), State::Established);
    wire.accept_with(RstWithData, CLIENT, &client(5, 0, RST | ACK, b"why"));
    assert_eq!(wire.state(), State::Closed);
}

#[test]
fn a_rst_answers_a_syn() {
    let mut wire = Wire::inline();
    wire.accept(CLIENT, &segment(ISN, 0, SYN, b""));
    wire.refuse(RstInvalidAck, SERVER, &segment(0, ISN, RST | ACK, b""));
    wire.refuse(RstInvalidAck, SERVER, &segment(0, ISN + 1, RST, b""));
    wire.accept(SERVER, &segment(0, ISN + 1, RST | ACK, b""));
    assert_eq!(wire.state(), State::Closed);
    // It may have been another session's, in which the client still is.
    wire.refuse(ThreeWayAckDataInject, SERVER, &segment(1, ISN + 1, ACK, b"data"));
    wire.refuse(ThreeWayAckDataInject, SERVER, &segment(1, ISN + 1, ACK | FIN, b""));
    wire.refuse(ThreeWayWrongSeqWrongAck, CLIENT, &segment(ISN + 1, 1, ACK, b"data"));
    // Or the client did not get it.
    wire.accept(SERVER, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
    assert_eq!(wire.state(), State::SynReceived);
}

#[test]
fn data_behind_a_rst_is_inspected() {
    let mut wire = inline();
    wire.accept(SERVER, &server(0, 0, RST | ACK, b""));
    assert_eq!(wire.state(), State::Closed);
    // The client did not take it, whatever the reason.
    let tracked = wire.track(CLIENT, &client(0, 0, ACK, b"evil"));
    assert_eq!((tracked.outcome, tracked.fresh.unwrap().len()), (Outcome::Accept, 4));
    assert!(tracked.events.contains(SuspectedRstInject));
    assert_eq!(wire.state(), State::Established);
}

#[test]
fn a_syn_after_the_end_begins_another_session() {
    let mut wire = inline();
    wire.say(0, b"hello");
    let syn = segment(77, 0, SYN, b"");
    assert!(!wire.track(CLIENT, &syn).reuse);
    wire.accept(SERVER, &server(0, 5, RST | ACK, b""));
    let tracked = wire.track(CLIENT, &syn);
    assert!(tracked.reuse && tracked.fresh.is_none() && !tracked.part_of_stream);
    assert_eq!(wire.state(), State::Closed);
    wire.streams.release(&mut wire.session);
    assert_eq!((wire.streams.memory(), wire.streams.counters().active), (0, 0));
    // Either end may be the client now.
    let tracked = wire.track(SERVER, &syn);
    assert!(tracked.swap && tracked.state == State::SynSent);
    wire.accept(SERVER, &segment(5, 78, SYN | ACK, b""));
}

#[test]
fn syns_of_an_established_session() {
    let mut wire = inline();
    wire.accept_with(EstSynackResend, SERVER, &segment(SERVER_ISN, ISN + 1, SYN | ACK, b""));
    wire.refuse(EstSynackResendWithDiffAck, SERVER, &segment(SERVER_ISN, ISN + 9, SYN | ACK, b""));
    wire.refuse(EstSynackResendWithDiffSeq, SERVER, &segment(9, ISN + 1, SYN | ACK, b""));
    wire.refuse(EstSynToclient, SERVER, &segment(SERVER_ISN, 0, SYN, b""));
    wire.refuse(EstSynackToserver, CLIENT, &segment(ISN, SERVER_ISN + 1, SYN | ACK, b""));
    wire.refuse(EstSynResendDiffSeq, CLIENT, &segment(9, 0, SYN, b"data"));
    wire.accept_with(EstSynResend, CLIENT, &segment(ISN, 0, SYN, b""));
    wire.accept(CLIENT, &client(0, 0, ACK | FIN, b""));
    wire.accept_with(ShutdownSynResend, CLIENT, &segment(9, 0, SYN, b""));
}

#[test]
fn keep_alives_are_no_data() {
    let mut wire = inline();
    assert_eq!(wire.hear(0, b"hello"), "hello");
    wire.acknowledge(5);
    for payload in [&b""[..], b"\0", b"o"] {
        assert_eq!(wire.accept(CLIENT, &client(4, 0, ACK, payload)), None);
    }
    // Where the byte has not been acknowledged it is data.
    assert_eq!(wire.hear(5, b" w"), " w");
    assert_eq!(wire.say(6, b"\0").outcome, Outcome::Contradiction);
}

#[test]
fn time_may_stand_still_and_jump_back() {
    let mut wire = inline();
    wire.now = 0;
    assert_eq!(wire.hear(0, b"a"), "a");
    wire.now = u64::MAX - 5_000_000;
    assert_eq!(wire.hear(1, b"b"), "b");
    wire.now = 3;
    assert_eq!(wire.hear(2, b"c"), "c");
}
