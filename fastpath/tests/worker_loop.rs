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
        rules::{Environment, RuleSet, Variables},
        verdict::{DropReason, Enforcement},
    },
    io::memory::MemoryIo,
    telemetry::counter::{Counter, Published},
    worker::{exchange::Exchange, looping::Worker},
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

fn load(text: &str, previous: Option<&RuleSet>) -> Arc<RuleSet> {
    let (rules, report) = RuleSet::load([(Path::new("test.rules"), text)], &Environment::default(), previous);
    assert_eq!(report.failed, vec![]);
    Arc::new(rules)
}

fn tcp(from_client: bool, flags: &str, (seq, ack): (u32, u32), payload: &[u8]) -> (usize, Vec<u8>) {
    let (side, ips, ports) = match from_client {
        true => (0, [[10, 0, 0, 1], [10, 0, 0, 2]], [1000, 80]),
        false => (1, [[10, 0, 0, 2], [10, 0, 0, 1]], [80, 1000]),
    };
    let builder = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(ips[0], ips[1], 64);
    let builder = builder.tcp(ports[0], ports[1], seq, 60_000);
    let builder = if flags.contains('S') { builder.syn() } else { builder };
    let builder = if flags.contains('A') { builder.ack(ack) } else { builder };
    let mut packet = Vec::new();
    builder.write(&mut packet, payload).unwrap();
    (side, packet)
}

/// A worker that takes its rules from the exchange beside it.
fn exchanging(rules: &Arc<RuleSet>, batch: usize) -> (Worker<MemoryIo, Vec<Event>>, Arc<Exchange>) {
    let engine = Engine::new(Arc::clone(rules), Settings::new(Enforcement::Drop));
    let (io, published) = (MemoryIo::new(2, batch), Arc::new(Published::default()));
    let ports = [PortId(0), PortId(1)];
    let mut worker = Worker::new(io, engine, Vec::new(), ActionMode::Inline, ports, batch, published);
    let exchange = Arc::new(Exchange::default());
    worker.take_rules_from(Arc::clone(&exchange));
    (worker, exchange)
}

#[test]
fn a_connection_goes_on_under_other_rules_and_what_lies_across_the_swap_is_found() {
    let first = load(r#"alert tcp any any -> any 80 (msg:"other"; content:"nowhere"; sid:7;)"#, None);
    let (mut worker, exchange) = exchanging(&first, 8);
    let handshake = [
        tcp(true, "S", (100, 0), b""),
        tcp(false, "SA", (500, 101), b""),
        tcp(true, "A", (101, 501), b""),
        tcp(true, "A", (101, 501), b"some ev"),
    ];
    worker.io().incoming.extend(handshake.clone());
    while worker.turn(Timestamp(1)).unwrap() > 0 {}
    let second = load(r#"drop tcp any any -> any 80 (msg:"evil"; content:"evil"; sid:1;)"#, Some(&first));
    assert!(exchange.offer((Arc::clone(&second), second.scratch())).is_none());
    let (rest, answer) = (tcp(true, "A", (108, 501), b"il"), tcp(false, "A", (501, 108), b"late"));
    worker.io().incoming.extend([rest.clone(), answer]);
    while worker.turn(Timestamp(2)).unwrap() > 0 {}
    worker.publish();
    // The connection is known: its last segment completes the match and is dropped, and what follows with it.
    let sent: Vec<_> = worker.io().outgoing.iter().map(|(_, packet)| packet.clone()).collect();
    assert_eq!(sent, handshake.map(|(_, packet)| packet));
    assert_eq!(worker.io().released[0], rest.1);
    assert_eq!((worker.figures().alerts, worker.figures().residual()), (1, 0));
    let (returned, _) = exchange.take_returned().unwrap();
    assert!(Arc::ptr_eq(&returned, &first) && Arc::strong_count(&first) == 2);
}

proptest! {
    /// However often rules are swapped, whatever the others say, nothing is lost and the rule that all have drops every time.
    #[test]
    fn swapping_rules_loses_nothing_and_misses_nothing(
        steps in proptest::collection::vec(prop_oneof![
            2 => "[a-z]{0,8}".prop_map(Some),
            1 => "[a-z]{0,3}evil".prop_map(Some),
            1 => Just(None),
        ], 0..60),
        batch in 1usize..5,
        collects in any::<u64>(),
    ) {
        let other = |n: usize| format!("{RULES}\nalert udp any any -> any any (msg:\"other\"; content:\"x{n}\"; sid:{};)", n + 2);
        let mut rules = load(RULES, None);
        let (mut worker, exchange) = exchanging(&rules, batch);
        let (mut harmless, mut evil) = (Vec::new(), 0);
        for (number, step) in steps.iter().enumerate() {
            match step {
                Some(text) => {
                    let packet = udp(text.as_bytes());
                    worker.io().incoming.push_back((0, packet.clone()));
                    if text.contains("evil") { evil += 1 } else { harmless.push(packet) }
                }
                None => {
                    rules = load(&other(number), Some(&rules));
                    exchange.offer((Arc::clone(&rules), rules.scratch()));
                    // The old ones may lie there for a while.
                    if collects >> (number % 64) & 1 == 1 {
                        exchange.take_returned();
                    }
                    worker.turn(Timestamp(number as u64)).unwrap();
                }
            }
        }
        while worker.turn(Timestamp(100)).unwrap() > 0 {}
        worker.publish();
        let sent: Vec<_> = worker.io().outgoing.iter().map(|(_, packet)| packet.clone()).collect();
        prop_assert_eq!(sent, harmless);
        prop_assert_eq!(worker.io().released.len(), evil);
        prop_assert_eq!(worker.figures().residual(), 0);
    }

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
