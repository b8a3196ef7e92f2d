//! The worker's loop over an I/O backend in memory: what comes in goes out, once, in order, or is accounted for.
#![allow(clippy::unwrap_used)] // A test may panic; clippy.toml knows only of #[test] functions.

use std::{path::Path, sync::Arc};

use fastpath::{
    config::ActionMode,
    engine::{
        Engine, Settings,
        event::{Event, EventKind, Outcome},
        meta::{PortId, Timestamp},
        policy::{ExceptionPolicy, Failure},
        rules::{RuleSet, Variables},
        verdict::{DropReason, Enforcement},
    },
    io::memory::MemoryIo,
    telemetry::counter::{Counter, Published},
    worker::looping::Worker,
};
use proptest::prelude::*;

const RULES: &str = r#"drop udp any any -> any any (msg:"evil"; content:"evil"; sid:1;)"#;

fn rules() -> Arc<RuleSet> {
    let (rules, report) = RuleSet::parse([(Path::new("test.rules"), RULES)], &Variables::default());
    assert_eq!((report.loaded, report.failed), (1, vec![]));
    Arc::new(rules)
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let builder = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(1000, 2000);
    let mut packet = Vec::new();
    builder.write(&mut packet, payload).unwrap();
    packet
}

/// Sends `packets` through a worker with two sides.
fn run(action: ActionMode, batch: usize, packets: &[(usize, Vec<u8>)]) -> Worker<MemoryIo, Vec<Event>> {
    let enforcement = if action == ActionMode::Inline { Enforcement::Drop } else { Enforcement::Report };
    let mut io = MemoryIo::new(2, batch);
    io.incoming.extend(packets.iter().cloned());
    let mut settings = Settings::new(enforcement);
    // Any bytes are a packet here.
    settings.policies.set(Failure::Decode, ExceptionPolicy::Ignore);
    let engine = Engine::new(rules(), settings);
    let published = Arc::new(Published::default());
    let ports = [PortId(0), PortId(1)];
    let mut worker = Worker::new(io, engine, Vec::new(), action, ports, batch, published);
    while worker.turn(Timestamp(1)).unwrap() > 0 {}
    worker.publish();
    worker
}

#[test]
fn an_evil_packet_is_dropped_inline() {
    let mut worker =
        run(ActionMode::Inline, 8, &[(0, udp(b"good")), (0, udp(b"an evil one")), (1, udp(b"x"))]);
    assert_eq!(worker.io().outgoing, [(1, udp(b"good")), (0, udp(b"x"))]);
    assert_eq!(worker.io().released, [udp(b"an evil one")]);
    let figures = worker.figures();
    assert_eq!(figures.sides[0].get(Counter::Drop(DropReason::Rule)), 1);
    assert_eq!((figures.alerts, figures.residual()), (1, 0));
    let EventKind::Alert { outcome, rule, .. } = &worker.sink().as_slice()[0].kind else {
        panic!("no alert")
    };
    assert_eq!((*outcome, rule.sid), (Outcome::Blocked, 1));
}

#[test]
fn detect_lets_it_through_and_says_so() {
    let mut worker = run(ActionMode::Detect, 8, &[(0, udp(b"evil"))]);
    assert_eq!(worker.io().outgoing, [(1, udp(b"evil"))]);
    let figures = worker.figures();
    assert_eq!(figures.sides[0].get(Counter::WouldDrop), 1);
    assert_eq!(figures.sides[0].get(Counter::Drop(DropReason::Rule)), 0);
    let EventKind::Alert { outcome, .. } = &worker.sink().as_slice()[0].kind else { panic!("no alert") };
    assert_eq!(*outcome, Outcome::WouldBlock);
}

#[test]
fn tap_sends_nothing() {
    let mut worker = run(ActionMode::Tap, 8, &[(0, udp(b"evil")), (1, udp(b"good"))]);
    assert!(worker.io().outgoing.is_empty());
    assert_eq!(worker.io().released.len(), 2);
    let figures = worker.figures();
    let tapped: u64 = figures.sides.iter().map(|side| side.get(Counter::Tapped)).sum();
    assert_eq!((tapped, figures.alerts, figures.residual()), (2, 1, 0));
}

proptest! {
    /// Any packets, well-formed or not, in batches of any size.
    #[test]
    fn every_packet_is_sent_once_in_order_or_accounted_for(
        payloads in proptest::collection::vec(
            (0usize..2, prop_oneof![
                "[a-z]{0,12}".prop_map(|text| udp(text.as_bytes())),
                "[a-z]{0,3}evil[a-z]{0,3}".prop_map(|text| udp(text.as_bytes())),
                proptest::collection::vec(any::<u8>(), 0..80),
            ]), 0..60),
        batch in 1usize..20,
    ) {
        let evil = |packet: &[u8]| packet.len() > 42 && packet[12..14] == [8, 0] && packet[23] == 17
            && packet[42..].windows(4).any(|w| w == b"evil");
        let mut worker = run(ActionMode::Inline, batch, &payloads);
        for side in 0..2 {
            let sent: Vec<_> = worker.io().outgoing.iter().filter(|(to, _)| *to == 1 - side).map(|(_, p)| p).collect();
            let want: Vec<_> = payloads.iter().filter(|(from, p)| *from == side && !evil(p)).map(|(_, p)| p).collect();
            // A random packet may, rarely, be an IPv4 UDP packet of its own making; the payloads above are not.
            prop_assert_eq!(sent, want);
        }
        let figures = worker.figures();
        let received: u64 = figures.sides.iter().map(|side| side.get(Counter::RxPackets)).sum();
        prop_assert_eq!(received, payloads.len() as u64);
        prop_assert_eq!(figures.residual(), 0);
    }
}
