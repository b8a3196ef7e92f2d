//! What the receiver reads is what was inspected: random payloads, cut into segments and fragments, in disorder, repeated, in
//! tunnels. The alerts are those of the whole stream, and inline no receiver ever reads a match.
//!
//! `PROPTEST_CASES` says how many cases (100,000 when it is not set).
#![allow(clippy::unwrap_used)] // A test may panic; clippy.toml knows only of #[test] functions.

mod case;
mod receiver;
mod rules;
mod wire;

use std::{collections::BTreeSet, sync::Arc};

use case::{Case, cases};
use fastpath::engine::{
    Engine, Settings,
    event::{Event, EventKind},
    flow::{FlowSettings, Share},
    meta::{ChecksumState, Meta, Timestamp},
    packet::defrag,
    referral::{Judgement, Referral},
    rules::RuleSet,
    verdict::{Enforcement, Verdict},
};
use proptest::prelude::*;
use receiver::Receiver;
use wire::Frame;

/// Engines that share all flows, as the workers of a wire do. With little memory: thousands are made.
fn engines(workers: u16, rules: &Arc<RuleSet>, enforcement: Enforcement) -> Vec<Engine> {
    let settings = Settings::new(enforcement);
    let engine = |worker| {
        Engine::new(
            Arc::clone(rules),
            Settings {
                share: Share { worker, of: workers },
                flow: FlowSettings { capacity: 64, ..settings.flow },
                defrag: defrag::Settings { trackers: 256, memcap: 1 << 20, ..settings.defrag },
                ..settings
            },
        )
    };
    (0..workers).map(engine).collect()
}

/// Inspects a packet as the workers do, without the rings between them: whoever owns it first, then whoever is asked in turn.
fn inspect(engines: &mut [Engine], packet: &mut [u8], meta: &Meta, events: &mut Vec<Event>) -> Verdict {
    let share = Share { worker: 0, of: u16::try_from(engines.len()).unwrap() };
    let mut asked = usize::from(share.owner(engines[0].steering().steer(packet, meta.link)));
    let mut judgement = engines[asked].inspect_shared(packet, meta, events);
    let mut waits = Vec::new();
    loop {
        match judgement {
            Judgement::Verdict(verdict) => {
                let back = waits.into_iter().rev();
                return back.fold(verdict, |verdict, (asker, referral): (usize, Box<Referral>)| {
                    engines[asker].settle(*referral, verdict)
                });
            }
            Judgement::Refer(referral) => {
                let owner = usize::from(referral.owner);
                assert_ne!(owner, asked, "it can answer that itself");
                judgement = engines[owner].inspect_datagram(&referral, events);
                waits.push((asked, referral));
                asked = owner;
            }
        }
    }
}

/// Sends all frames through the engines; those that it forwards reach the receiver.
fn run(engines: &mut [Engine], case: &Case, frames: &[Frame]) -> (Receiver, BTreeSet<u32>, Vec<Event>) {
    let mut events: Vec<Event> = Vec::new();
    let mut receiver = Receiver::new(case.payload.len());
    for (number, frame) in (1..).zip(frames) {
        let meta = Meta {
            time: Timestamp(1_700_000_000_000_000_000 + number * 1_000_000),
            number,
            checksums: ChecksumState::Unverified,
            ..Meta::default()
        };
        let mut bytes = frame.bytes.clone();
        let verdict = inspect(engines, &mut bytes, &meta, &mut events);
        assert_eq!(bytes, frame.bytes, "the engine never changes a frame");
        if !matches!(verdict, Verdict::Drop(_)) {
            receiver.take(frame);
        }
    }
    let alerts = events.iter().filter_map(|event| match &event.kind {
        EventKind::Alert { rule, .. } => Some(rule.sid),
        _ => None,
    });
    let alerts = alerts.collect();
    (receiver, alerts, events)
}

/// Bytes that are kept of fragments.
fn kept(engines: &[Engine]) -> u64 {
    engines.iter().map(|engine| engine.counters().defrag.memory).sum()
}

fn check(case: &Case, workers: u16) -> Result<(), TestCaseError> {
    let frames = case.frames();
    let expected = rules::matches(&case.payload);

    let rules = rules::set("alert");
    let (receiver, alerts, _) = run(&mut engines(workers, &rules, Enforcement::Report), case, &frames);
    prop_assert_eq!(&alerts, &expected, "alerts of the whole stream");
    prop_assert_eq!(receiver.stream(&case.payload), &*case.payload);

    let rules = rules::set("drop");
    let mut inline = engines(workers, &rules, Enforcement::Drop);
    let (receiver, alerts, events) = run(&mut inline, case, &frames);
    let read = receiver.stream(&case.payload);
    prop_assert_eq!(rules::matches(read), BTreeSet::new(), "a receiver reads a match in {:?}", read);
    if expected.is_empty() {
        prop_assert_eq!(read, &*case.payload, "good traffic is dropped: {:?}", events);
        let mut alone = engines(1, &rules, Enforcement::Drop);
        run(&mut alone, case, &frames);
        prop_assert_eq!(kept(&inline), kept(&alone), "a datagram waits for its verdict");
    } else {
        prop_assert!(!alerts.is_empty() && alerts.is_subset(&expected), "{:?} of {:?}", alerts, expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(100_000, |cases| cases.parse().unwrap()),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_way_to_send_a_stream_gives_its_alerts_and_hides_no_match(case in cases(), workers in 1..4_u16) {
        check(&case, workers)?;
    }
}
