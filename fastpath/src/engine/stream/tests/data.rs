//! What is remembered, compared and handed out.

use super::*;
use crate::engine::policy::Failure;
use StreamEvent::*;

fn inline() -> Wire {
    Wire::established(settings(Enforcement::Drop))
}

#[test]
fn data_in_order_is_inspected_where_it_lies() {
    let mut wire = inline();
    let payload = [7; 100];
    let fresh = wire.say(0, &payload).fresh.unwrap();
    assert!(fresh.plain && fresh.buffered == 0 && fresh.in_segment == (0..100));
    let mut scratch = Vec::new();
    let window = wire.streams.window(&wire.session, CLIENT, &fresh, &payload, &mut scratch);
    assert_eq!(window.bytes.as_ptr(), payload.as_ptr());
    assert_eq!(scratch.capacity(), 0);
}

#[test]
fn data_out_of_order_is_handed_out_when_it_becomes_contiguous() {
    let mut wire = inline();
    assert_eq!(wire.hear(6, b"world"), "");
    assert_eq!(wire.hear(12, b"again"), "");
    assert_eq!(wire.hear(0, b"hello "), "hello world");
    // Overlaps with the same bytes on either side.
    assert_eq!(wire.hear(9, b"ld aga"), " again");
    let counters = wire.streams.counters();
    assert_eq!((counters.out_of_order, counters.overlaps), (2, 1));
    let tracked = wire.say(0, b"hello world again");
    assert_eq!((tracked.outcome, names(&tracked)), (Outcome::Accept, vec!["stream.pkt_retransmission"]));
    let tracked = wire.say(5, b" world again!");
    let fresh = tracked.fresh.unwrap();
    assert_eq!((fresh.offset, fresh.in_segment.clone(), fresh.buffered), (17, 12..13, 0));
    let (before, new) = wire.window(CLIENT, &fresh, b" world again!");
    assert_eq!((&*before, &*new), (&b"hello world again"[..], &b"!"[..]));
}

#[test]
fn the_first_data_wins() {
    for ahead in [0, 1] {
        let mut wire = inline();
        wire.say(ahead, b"attack");
        for (offset, other) in [(0, &b"atTack"[..]), (3, b"aCk and more"), (5, b"K"), (0, b"A")] {
            let tracked = wire.say(offset + ahead, other);
            assert_eq!(tracked.outcome, Outcome::Contradiction, "{ahead} {offset}");
            assert_eq!(names(&tracked), ["stream.reassembly_overlap_different_data"]);
            assert!(tracked.fresh.is_none() && !tracked.part_of_stream);
        }
        // Acknowledged, but still in the window.
        if ahead == 0 {
            wire.acknowledge(6);
            assert_eq!(wire.say(0, b"Attack").outcome, Outcome::Contradiction);
        }
        assert_eq!(wire.hear(6 + ahead, b"!").is_empty(), ahead == 1);
    }
}

#[test]
fn a_contradiction_is_only_reported_where_nothing_is_dropped() {
    let mut wire = Wire::established(settings(Enforcement::Report));
    wire.say(3, b"tack");
    let payload = b"atTACK!!";
    let tracked = wire.say(0, payload);
    assert_eq!(tracked.outcome, Outcome::Contradiction);
    let fresh = tracked.fresh.unwrap();
    assert_eq!(wire.window(CLIENT, &fresh, payload).1, b"atTtack!");
}

#[test]
fn data_is_let_go_when_it_is_acknowledged_and_out_of_the_window() {
    let mut wire = Wire::established(Settings { window: 2000, ..settings(Enforcement::Drop) });
    let payload = [b'x'; 4000];
    wire.say(0, &payload);
    wire.say(4000, &payload);
    let unacknowledged = wire.streams.memory();
    assert_eq!(unacknowledged, 8 * 1024);
    wire.acknowledge(8000);
    assert_eq!(wire.streams.memory(), 3 * 1024);
    // The receiver has it, and lets it go too.
    let tracked = wire.say(0, b"evil");
    assert_eq!(tracked.outcome, Outcome::Accept);
    assert!(tracked.fresh.is_none() && tracked.events.contains(PktSpuriousRetransmission));
    // Half in what is remembered.
    assert_eq!(wire.say(4000, &[b'y'; 4000]).outcome, Outcome::Contradiction);
    let fresh = wire.say(8000, b"next").fresh.unwrap();
    assert_eq!(wire.window(CLIENT, &fresh, b"next"), (payload[..2000].to_vec(), b"next".to_vec()));
    let mut scratch = Vec::new();
    assert_eq!(wire.streams.seam(&wire.session, CLIENT, &fresh, 3, &mut scratch), b"xxx");
    assert_eq!(wire.streams.seam(&wire.session, CLIENT, &fresh, 9999, &mut scratch).len(), 2000);
    wire.streams.release(&mut wire.session);
    assert_eq!(wire.streams.memory(), 0);
}

#[test]
fn a_stream_in_steady_state_takes_no_new_memory() {
    let mut wire = inline();
    let payload = [b'x'; 1460];
    let mut scratch = Vec::new();
    let mut round = |number: u32| {
        // Each third segment comes before the one in front of it.
        let place = number.wrapping_add([0, 1, u32::MAX][number as usize % 3]);
        let tracked = wire.say(place * 1460, &payload);
        let fresh = tracked
            .fresh
            .map(|fresh| wire.streams.window(&wire.session, CLIENT, &fresh, &payload, &mut scratch).fresh_at);
        if number % 3 != 1 {
            wire.acknowledge((number + 1) * 1460);
        }
        assert!(wire.streams.memory() <= 8 * 1024);
        fresh
    };
    (0..60).for_each(|number| assert_eq!(round(number).is_none(), number % 3 == 1));
    let counted = allocation_counter::measure(|| {
        for number in 60..600 {
            round(number);
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn data_too_far_ahead_is_refused() {
    let wide = Settings { reach: 1000, ..settings(Enforcement::Drop) };
    let mut wire = Wire::established(wide);
    assert_eq!(wire.hear(1000, b"x"), "");
    let tracked = wire.say(1001, b"y");
    assert_eq!(tracked.outcome, Outcome::Invalid(ReassemblyInsertLimit));
    assert_eq!(wire.hear(0, b"a"), "a");
    assert_eq!(wire.hear(1001, b"z"), "");
}

#[test]
fn memory_has_its_limit() {
    let small = Settings { reassembly_memcap: 5000, ..settings(Enforcement::Drop) };
    let mut wire = Wire::established(small);
    let payload = [b'x'; 4096];
    assert_eq!(wire.say(0, &payload).outcome, Outcome::Accept);
    let tracked = wire.say(4096, &payload);
    assert_eq!(tracked.outcome, Outcome::Failure(Failure::ReassemblyMemcap));
    assert!(tracked.events.contains(ReassemblyInsertMemcap) && tracked.fresh.is_none());
    assert!(wire.streams.memory() <= 5000);
    assert_eq!(wire.streams.counters().reassembly_memcap, 1);
    // It may have gone on all the same, as the policy says: an acknowledgement of it is no forgery.
    wire.acknowledge(8192);
}

#[test]
fn inspection_ends_at_the_depth() {
    let shallow = Settings { depth: 6, ..settings(Enforcement::Drop) };
    let mut wire = Wire::established(shallow);
    assert_eq!(wire.hear(3, b"45"), "");
    let tracked = wire.say(0, b"123");
    assert_eq!((tracked.outcome, names(&tracked)), (Outcome::Accept, vec![]));
    let tracked = wire.say(5, b"6789");
    assert_eq!(names(&tracked), ["stream.reassembly_depth_reached"]);
    assert_eq!((tracked.outcome, tracked.fresh.unwrap().in_segment), (Outcome::DepthReached, 0..1));
    let tracked = wire.say(9, b"more");
    assert_eq!((names(&tracked), tracked.outcome, tracked.fresh), (vec![], Outcome::Accept, None));
    // What was inspected stays as it is.
    assert_eq!(wire.say(2, b"zzzz").outcome, Outcome::Contradiction);
    wire.acknowledge(13);
    assert_eq!((wire.streams.memory(), wire.streams.counters().depth_reached), (0, 1));
}

#[test]
fn holes_that_the_receiver_does_not_have_are_gaps() {
    let mut wire = Wire::established(settings(Enforcement::Report));
    assert_eq!(wire.hear(0, b"one"), "one");
    assert_eq!(wire.hear(10, b"three"), "");
    assert_eq!(wire.hear(20, b"five"), "");
    wire.acknowledge(24);
    let tracked = wire.say(24, b"six");
    let fresh = tracked.fresh.unwrap();
    assert!(tracked.events.contains(ReassemblySeqGap));
    assert_eq!((fresh.offset, fresh.gap, fresh.len()), (10, 7, 5));
    assert_eq!(wire.window(CLIENT, &fresh, b"six"), (vec![], b"three".to_vec()));
    let fresh = wire.streams.resume(&mut wire.session, CLIENT).unwrap();
    assert_eq!((fresh.offset, fresh.gap), (20, 5));
    assert_eq!(wire.window(CLIENT, &fresh, b"").1, b"fivesix");
    assert_eq!(wire.streams.resume(&mut wire.session, CLIENT), None);
}

#[test]
fn what_is_left_behind_a_hole_is_handed_out_at_the_end() {
    let mut wire = inline();
    assert_eq!(wire.hear(1, b"never"), "");
    assert_eq!(wire.hear(9, b"seen"), "");
    for want in [&b"never"[..], b"seen"] {
        let fresh = wire.streams.flush(&mut wire.session, CLIENT).unwrap();
        assert_eq!(wire.window(CLIENT, &fresh, b"").1, want);
    }
    assert_eq!(wire.streams.flush(&mut wire.session, CLIENT), None);
    assert_eq!(wire.streams.flush(&mut wire.session, SERVER), None);
}

/// Data of the client at an offset, with an urgent pointer.
fn urge(wire: &mut Wire, offset: u32, urgent: u16, payload: &[u8]) -> Tracked {
    let segment = segment(ISN + 1 + offset, SERVER_ISN + 1, ACK | URG, payload);
    wire.track(CLIENT, &Segment { urgent, ..segment })
}

fn new(wire: &Wire, tracked: Tracked, payload: &[u8]) -> Vec<u8> {
    tracked.fresh.map(|fresh| wire.window(CLIENT, &fresh, payload).1).unwrap_or_default()
}

#[test]
fn an_urgent_byte_is_out_of_band() {
    for (urgent, gap) in [(UrgentPolicy::OutOfBand, false), (UrgentPolicy::Gap, true)] {
        let mut wire = Wire::established(Settings { urgent, ..settings(Enforcement::Drop) });
        let tracked = urge(&mut wire, 0, 3, b"evXil");
        assert_eq!(tracked.outcome, Outcome::Accept);
        assert_eq!(tracked.events.contains(ReassemblySeqGap), gap);
        assert_eq!(new(&wire, tracked, b"evXil"), b"evil");
        // It stays what it is: neither does it become part of the stream, nor does another byte leave it.
        let plain = wire.say(0, b"evXil").outcome;
        assert_eq!(plain, Outcome::Invalid(ReassemblyUrgentOobLimitReached));
        let moved = urge(&mut wire, 0, 2, b"evXil").outcome;
        assert_eq!(moved, Outcome::Invalid(ReassemblyUrgentOobLimitReached));
        assert_eq!(urge(&mut wire, 0, 3, b"evXil").outcome, Outcome::Accept);
        wire.acknowledge(5);
        let fresh = wire.say(5, b"!").fresh.unwrap();
        assert_eq!(wire.window(CLIENT, &fresh, b"!"), (b"evil".to_vec(), b"!".to_vec()));
    }
}

#[test]
fn an_urgent_byte_may_be_announced_before_it_comes() {
    let mut wire = inline();
    let tracked = urge(&mut wire, 0, 4, b"ev");
    assert_eq!(new(&wire, tracked, b"ev"), b"ev");
    // Without the announcement the receiver might read it in the stream.
    assert_eq!(wire.say(2, b"iXl").outcome, Outcome::Invalid(ReassemblyUrgentOobLimitReached));
    let tracked = urge(&mut wire, 2, 2, b"iXl");
    assert_eq!(new(&wire, tracked, b"iXl"), b"il");
}

#[test]
fn urgent_data_may_be_part_of_the_stream_or_dropped() {
    let mut wire =
        Wire::established(Settings { urgent: UrgentPolicy::Inline, ..settings(Enforcement::Drop) });
    let tracked = urge(&mut wire, 0, 3, b"evXil");
    assert_eq!(new(&wire, tracked, b"evXil"), b"evXil");
    let mut wire = Wire::established(Settings { urgent: UrgentPolicy::Drop, ..settings(Enforcement::Drop) });
    let tracked = urge(&mut wire, 0, 3, b"evXil");
    assert_eq!((tracked.outcome, tracked.fresh), (Outcome::Urgent, None));
    assert_eq!(wire.hear(0, b"evil"), "evil");
    assert_eq!(UrgentPolicy::from_name("gap"), Some(UrgentPolicy::Gap));
}
