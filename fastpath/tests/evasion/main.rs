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
    flow::FlowSettings,
    meta::{ChecksumState, Meta, Timestamp},
    packet::defrag,
    rules::RuleSet,
    verdict::{Enforcement, Verdict},
};
use proptest::prelude::*;
use receiver::Receiver;
use wire::Frame;

/// An engine with little memory: thousands are made.
fn engine(rules: &Arc<RuleSet>, enforcement: Enforcement) -> Engine {
    let settings = Settings::new(enforcement);
    Engine::new(
        Arc::clone(rules),
        Settings {
            flow: FlowSettings { capacity: 64, ..settings.flow },
            defrag: defrag::Settings { trackers: 256, memcap: 1 << 20, ..settings.defrag },
            ..settings
        },
    )
}

/// Sends all frames through the engine; those that it forwards reach the receiver.
fn run(engine: &mut Engine, case: &Case, frames: &[Frame]) -> (Receiver, BTreeSet<u32>, Vec<Event>) {
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
        let verdict = engine.inspect(&mut bytes, &meta, &mut events);
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

fn check(case: &Case) -> Result<(), TestCaseError> {
    let frames = case.frames();
    let expected = rules::matches(&case.payload);

    let rules = rules::set("alert");
    let (receiver, alerts, _) = run(&mut engine(&rules, Enforcement::Report), case, &frames);
    prop_assert_eq!(&alerts, &expected, "alerts of the whole stream");
    prop_assert_eq!(receiver.stream(&case.payload), &*case.payload);

    let rules = rules::set("drop");
    let (receiver, alerts, events) = run(&mut engine(&rules, Enforcement::Drop), case, &frames);
    let read = receiver.stream(&case.payload);
    prop_assert_eq!(rules::matches(read), BTreeSet::new(), "a receiver reads a match in {:?}", read);
    if expected.is_empty() {
        prop_assert_eq!(read, &*case.payload, "good traffic is dropped: {:?}", events);
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
    fn any_way_to_send_a_stream_gives_its_alerts_and_hides_no_match(case in cases()) {
        check(&case)?;
    }
}
