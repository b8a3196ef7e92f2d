//! What rules remember over packets, flows and rule sets: thresholds and the bits of hosts.

use std::path::PathBuf;

use super::*;
use crate::engine::{
    event::EventKind,
    rules::Environment,
    verdict::Verdict::{self, Forward},
};

const DROP: Verdict = Verdict::Drop(DropReason::Rule);

/// An engine, and what it sees.
struct Sight(Engine);

fn sight(rules: &str) -> Sight {
    sight_with(rules, "")
}

fn sight_with(rules: &str, thresholds: &str) -> Sight {
    Sight(Engine::new(Arc::new(set(rules, thresholds, None)), Settings::new(Enforcement::Drop)))
}

fn set(rules: &str, thresholds: &str, previous: Option<&RuleSet>) -> RuleSet {
    let environment = Environment {
        variables: Variables::suricata_defaults(),
        thresholds: Some((PathBuf::from("threshold.config"), thresholds.into())),
        ..Environment::default()
    };
    let (rules, report) = RuleSet::load([(Path::new("a.rules"), rules)], &environment, previous);
    assert_eq!((report.failed, report.idle), (vec![], vec![]));
    rules
}

/// A UDP packet from `10.0.0.source` to `8.8.8.destination`.
fn from_to(source: u8, destination: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([10, 0, 0, source], [8, 8, 8, destination], 64)
        .udp(1000 + u16::try_from(payload.len()).unwrap(), 53);
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

impl Sight {
    /// Verdict and sids of the alerts of a packet at a second, with whether each says that it was blocked.
    fn see(&mut self, second: u64, mut packet: Vec<u8>) -> (Verdict, Vec<(u32, Outcome)>) {
        let meta = Meta { time: Timestamp(second * 1_000_000_000), ..Meta::default() };
        let mut events: Vec<Event> = Vec::new();
        let verdict = self.0.inspect(&mut packet, &meta, &mut events);
        let alerts = events.iter().filter_map(|event| match &event.kind {
            EventKind::Alert { rule, outcome, .. } => Some((rule.sid, *outcome)),
            _ => None,
        });
        (verdict, alerts.collect())
    }

    /// The same of the usual packet, whether it alerts only.
    fn alerts(&mut self, second: u64) -> bool {
        !self.see(second, from_to(1, 1, b"x")).1.is_empty()
    }

    fn over(&mut self, seconds: impl IntoIterator<Item = u64>) -> Vec<bool> {
        seconds.into_iter().map(|second| self.alerts(second)).collect()
    }
}

fn drop_rule(options: &str) -> String {
    format!("drop udp any any -> any any (content:\"x\"; {options} sid:1;)")
}

#[test]
fn limit_reports_some_and_drops_all() {
    let mut sight = sight(&drop_rule("threshold:type limit, track by_src, count 2, seconds 10;"));
    let blocked = (DROP, vec![(1, Blocked)]);
    assert_eq!(sight.see(0, from_to(1, 1, b"x")), blocked);
    assert_eq!(sight.see(1, from_to(1, 2, b"x")), blocked);
    assert_eq!(sight.see(10, from_to(1, 3, b"x")), (DROP, vec![]));
    assert_eq!(sight.see(10, from_to(2, 1, b"x")), blocked, "another source");
    assert_eq!(sight.see(11, from_to(1, 1, b"x")), blocked, "another period");
    assert_eq!(sight.0.counters().detect.suppressed, 1);
    assert_eq!(sight.0.counters().detect.alerts, 4);
}

#[test]
fn before_a_threshold_there_is_no_match() {
    let mut sight = sight(&drop_rule("threshold:type threshold, track by_dst, count 3, seconds 10;"));
    let verdicts: Vec<_> = (0..6_u8).map(|n| sight.see(n.into(), from_to(n, 1, b"x"))).collect();
    let (none, one) = ((Forward, vec![]), (DROP, vec![(1, Blocked)]));
    assert_eq!(verdicts, [none.clone(), none.clone(), one.clone(), none.clone(), none, one]);
}

#[test]
fn both_reports_once_and_drops_from_then_on() {
    let mut sight = sight(&drop_rule("threshold:type both, track by_rule, count 2, seconds 10;"));
    assert_eq!(sight.see(0, from_to(1, 1, b"x")), (Forward, vec![]));
    assert_eq!(sight.see(1, from_to(2, 2, b"x")), (DROP, vec![(1, Blocked)]));
    assert_eq!(sight.see(2, from_to(3, 3, b"x")), (DROP, vec![]));
    assert_eq!(sight.see(11, from_to(3, 3, b"x")), (Forward, vec![]));
}

#[test]
fn a_detection_filter_lets_the_first_ones_go() {
    let mut sight = sight(&drop_rule("detection_filter:track by_both, count 2, seconds 10;"));
    assert_eq!(sight.see(0, from_to(1, 1, b"x")).0, Forward);
    assert_eq!(sight.see(1, from_to(1, 1, b"x")).0, Forward);
    assert_eq!(sight.see(2, from_to(1, 2, b"x")).0, Forward, "another pair");
    assert_eq!(sight.see(3, from_to(1, 1, b"x")), (DROP, vec![(1, Blocked)]));
}

#[test]
fn a_flow_counts_by_itself() {
    let text = "threshold:type backoff, track by_flow, count 1, multiplier 2;";
    let mut sight = sight(&drop_rule(text).replace("drop", "alert"));
    let expected = [true, true, false, true, false, false, false, true];
    assert_eq!(sight.over(0..8), expected);
    assert!(!sight.see(9, from_to(1, 1, b"xx")).1.is_empty(), "another flow");
}

#[test]
fn time_that_was_set_back_begins_a_new_period() {
    let mut sight = sight(&drop_rule("threshold:type limit, track by_src, count 1, seconds 10;"));
    assert_eq!(sight.over([1000, 999, 995, 100, 101]), [true, false, false, true, false]);
}

#[test]
fn a_rate_filter_changes_the_action_for_a_while() {
    let rule = "alert udp any any -> any any (content:\"x\"; sid:1;)\nalert udp any any -> any any (content:\"x\"; sid:2;)";
    let filter = |action: &str| {
        let entry = "rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 10, timeout 5";
        sight_with(rule, &format!("{entry}, new_action {action}"))
    };
    let mut dropping = filter("drop");
    let allowed = (Forward, vec![(1, Allowed), (2, Allowed)]);
    let blocked = (Verdict::Drop(DropReason::RateFilter), vec![(1, Blocked), (2, Allowed)]);
    assert_eq!(dropping.see(0, from_to(1, 1, b"x")), allowed);
    assert_eq!(dropping.see(1, from_to(1, 1, b"x")), blocked);
    assert_eq!(dropping.see(2, from_to(2, 1, b"x")), allowed, "another source");
    assert_eq!(dropping.see(6, from_to(1, 1, b"x")), blocked);
    assert_eq!(dropping.see(7, from_to(1, 1, b"x")), allowed, "five seconds are over");
    let mut passing = filter("pass");
    assert_eq!(passing.see(0, from_to(1, 1, b"x")), allowed);
    assert_eq!(
        passing.see(1, from_to(1, 1, b"x")),
        (Forward, vec![]),
        "it passes, and nothing comes after that"
    );
    let mut rejecting = filter("reject");
    let _ = rejecting.see(0, from_to(1, 1, b"x"));
    assert_eq!(rejecting.see(1, from_to(1, 1, b"x")), blocked);
    assert_eq!(rejecting.0.injections().count(), 1);
}

#[test]
fn suppressed_is_reported_not_but_dropped() {
    let rules = drop_rule("");
    let mut sight = sight_with(&rules, "suppress gen_id 1, sig_id 1, track by_src, ip 10.0.0.1");
    assert_eq!(sight.see(0, from_to(1, 1, b"x")), (DROP, vec![]));
    assert_eq!(sight.see(0, from_to(2, 1, b"x")), (DROP, vec![(1, Blocked)]));
    let mut silent = sight_with(&rules, "suppress gen_id 1, sig_id 1");
    assert_eq!(silent.see(0, from_to(2, 1, b"x")), (DROP, vec![]));
}

#[test]
fn noalert_and_alert() {
    let mut sight = sight(
        "drop udp any any -> any any (content:\"x\"; noalert; sid:1;)
pass udp any any -> any any (content:\"y\"; alert; sid:2;)
alert udp any any -> any any (content:\"y\"; sid:3;)",
    );
    assert_eq!(sight.see(0, from_to(1, 1, b"x")), (DROP, vec![]));
    assert_eq!(sight.see(0, from_to(1, 1, b"yy")), (Forward, vec![(2, Allowed)]));
}

#[test]
fn a_flow_is_alerted_only_when_there_is_an_alert() {
    let text = "threshold:type threshold, track by_rule, count 2, seconds 60;";
    let mut sight = sight(&drop_rule(text).replace("drop", "alert"));
    let _ = sight.see(0, from_to(1, 1, b"x"));
    let _ = sight.see(0, from_to(2, 1, b"x"));
    let mut events: Vec<Event> = Vec::new();
    sight.0.finish(Timestamp(0), &mut events);
    let mut alerted: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Flow(flow) => Some((event.packet.addresses.unwrap().0.to_string(), flow.alerted)),
            _ => None,
        })
        .collect();
    alerted.sort();
    assert_eq!(alerted, [("10.0.0.1".into(), false), ("10.0.0.2".into(), true)]);
}

#[test]
fn bits_are_set_although_nothing_is_reported() {
    let mut sight = sight_with(
        "alert udp any any -> any any (content:\"x\"; xbits:set,seen,track ip_src,expire 10; sid:1;)
alert udp any any -> any any (content:\"y\"; xbits:isset,seen,track ip_src; sid:2;)
alert udp any any -> any any (content:\"y\"; xbits:isnotset,seen,track ip_src; sid:3;)
alert udp any any -> any any (content:\"z\"; hostbits:unset,seen,dst; noalert; sid:4;)
alert udp any any -> any any (content:\"y\"; hostbits:isset,seen; sid:5;)",
        "suppress gen_id 1, sig_id 1",
    );
    let mut sids =
        |second, packet| sight.see(second, packet).1.iter().map(|(sid, _)| *sid).collect::<Vec<_>>();
    assert_eq!(sids(0, from_to(1, 1, b"y")), [3]);
    assert!(sids(1, from_to(1, 1, b"x")).is_empty());
    assert_eq!(
        sids(1, from_to(1, 1, b"xy")),
        [5, 2],
        "set before it is asked for, and by the same name; who asks for bits of hosts comes first"
    );
    assert_eq!(sids(2, from_to(2, 1, b"y")), [3]);
    assert_eq!(sids(11, from_to(1, 1, b"y")), [5, 2], "until its last second");
    assert_eq!(sids(12, from_to(1, 1, b"y")), [3]);
    assert!(sids(12, from_to(1, 1, b"x")).is_empty());
    assert_eq!(sids(0, from_to(1, 1, b"y")), [3], "time was set back");
    assert_eq!(sids(12, from_to(1, 1, b"y")), [5, 2]);
    let mut back = from_to(1, 1, b"z");
    back[26..34].rotate_left(4);
    back[24..26].fill(0);
    assert!(sids(12, back).is_empty());
    assert_eq!(sids(12, from_to(1, 1, b"y")), [3]);
}

#[test]
fn bits_of_pairs_are_theirs_both_ways() {
    let mut sight = sight(
        "alert udp any any -> any any (content:\"x\"; xbits:toggle,t,track ip_pair; noalert; sid:1;)
alert udp any any -> any any (content:\"y\"; xbits:isset,t,track ip_pair; sid:2;)",
    );
    let back = |mut packet: Vec<u8>| {
        packet[26..34].rotate_left(4);
        packet
    };
    let mut set = |packet| !sight.see(0, packet).1.is_empty();
    assert!(!set(from_to(1, 1, b"x")) && set(from_to(1, 1, b"y")));
    assert!(set(back(from_to(1, 1, b"y"))) && !set(from_to(1, 2, b"y")));
    assert!(!set(back(from_to(1, 1, b"x"))) && !set(from_to(1, 1, b"y")), "toggled again");
}

#[test]
fn another_rule_set_goes_on_counting() {
    let text = drop_rule("threshold:type limit, track by_src, count 1, seconds 10;");
    let bits = |command| {
        format!("alert udp any any -> any any (content:\"y\"; xbits:{command},b,track ip_src; sid:7;)")
    };
    let first = set(&format!("{text}\n{}", bits("set")), "", None);
    let more = "alert udp any any -> any any (content:\"z\"; xbits:set,a,track ip_src; threshold:type limit, track by_src, count 1, seconds 1; sid:3;)";
    let second = set(&format!("{more}\n{text}\n{}", bits("isset")), "", Some(&first));
    let mut before = Sight(Engine::new(Arc::new(first), Settings::new(Enforcement::Drop)));
    let mut after = Sight(Engine::new(Arc::new(second), Settings::new(Enforcement::Drop)));
    assert!(before.alerts(0));
    assert!(!after.alerts(1));
    assert_eq!(after.see(2, from_to(1, 1, b"y")).1, []);
    let _ = before.see(2, from_to(1, 1, b"y"));
    assert_eq!(after.see(3, from_to(1, 1, b"y")).1, [(7, Allowed)]);
}

#[test]
fn a_rule_about_addresses_stays_one_with_a_threshold() {
    let mut sight =
        sight("alert ip any any -> any any (threshold:type limit, track by_src, count 9, seconds 9; sid:1;)");
    assert_eq!(sight.over([0, 1]), [true, false]);
}

#[test]
fn bad_bits_fault() {
    for (options, reason) in [
        ("xbits:set,a;", "whose bit"),
        ("xbits:sets,a,track ip_src;", "nothing that `xbits` does"),
        ("xbits:set;", "name is missing"),
        ("xbits:set,a b,track ip_src;", "one word"),
        ("xbits:set,a,track ip;", "tracked by"),
        ("xbits:set,a,track tx;", "not supported"),
        ("xbits:set,a,track ip_src,expire 0;", "whole number"),
        ("xbits:set,a,track ip_src,track ip_dst;", "twice"),
        ("xbits:set,a,track ip_src,noalert;", "after the name"),
        ("xbits:noalert,a;", "nothing may follow"),
        ("hostbits:set,a,both;", "`src` or `dst`"),
        ("hostbits:set,a,src,60;", "nothing may follow"),
        ("hostbits:isset;", "name is missing"),
        ("hostbits:x,a;", "nothing that `hostbits` does"),
    ] {
        let (_, report) = load(&format!("alert udp any any -> any any ({options} sid:1;)"));
        assert!(report.failed[0].reason.contains(reason), "{options}: {}", report.failed[0].reason);
    }
}

/// How many of these packets are reported because of tags.
fn tagged(options: &str, packets: impl IntoIterator<Item = (u64, Vec<u8>)>) -> Vec<bool> {
    let text = format!("alert udp any any -> any any (content:\"x\"; {options} sid:1;)");
    let settings = Settings::new(Enforcement::Drop);
    let settings = Settings { wanted: Wanted { tagged: true, ..settings.wanted }, ..settings };
    let mut engine = Engine::new(Arc::new(set(&text, "", None)), settings);
    let seen = packets.into_iter().map(|(second, mut packet)| {
        let meta = Meta { time: Timestamp(second * 1_000_000_000), ..Meta::default() };
        let mut events: Vec<Event> = Vec::new();
        let _ = engine.inspect(&mut packet, &meta, &mut events);
        events.iter().any(|event| match &event.kind {
            EventKind::Tagged { bytes, .. } => {
                assert_eq!(**bytes, *packet);
                true
            }
            _ => false,
        })
    });
    seen.collect()
}

#[test]
fn packets_of_a_tagged_flow_are_reported() {
    let packet = |payload: &[u8]| (0, from_to(1, 1, payload));
    let of_flow = |options: &str, count: usize| {
        let packets =
            std::iter::once(packet(b"x")).chain(std::iter::repeat_with(|| packet(b"y")).take(count));
        tagged(options, packets)
    };
    assert_eq!(of_flow("", 3), [false; 4]);
    assert_eq!(
        of_flow("tag:session,3,packets;", 4),
        [false, true, true, false, false],
        "the match itself counts"
    );
    // 14 + 20 + 8 + 1 bytes each.
    assert_eq!(of_flow("tag:session,100,bytes;", 2), [false, true, false]);
    let all = of_flow("tag:session;", 300);
    assert_eq!(all.iter().filter(|&&tagged| tagged).count(), 255);
    let again = [packet(b"x"), packet(b"x"), packet(b"y"), packet(b"y")];
    assert_eq!(tagged("tag:session,2,packets;", again), [false, true, true, false], "each match begins anew");
    let seconds = [0, 4, 5, 6].map(|second| (second, from_to(1, 1, if second == 0 { b"x" } else { b"y" })));
    assert_eq!(tagged("tag:session,5,seconds;", seconds), [false, true, true, false]);
    let other = [packet(b"x"), packet(b"yy"), packet(b"y")];
    assert_eq!(tagged("tag:session;", other), [false, false, true], "another flow");
}

#[test]
fn packets_of_a_tagged_host_are_reported() {
    let between = |source, destination, payload: &[u8]| (0, from_to(source, destination, payload));
    let packets = || [between(1, 1, b"x"), between(2, 1, b"y"), between(1, 2, b"y"), between(2, 2, b"y")];
    assert_eq!(tagged("tag:host;", packets()), [false, true, false, false], "the destination");
    assert_eq!(tagged("tag:host,9,packets,src;", packets()), [false, false, true, false]);
    let both = "tag:host,9,packets,src; tag:host,2,packets,dst;";
    assert_eq!(tagged(both, packets()), [false, true, true, false]);
    let back = {
        let (_, mut packet) = between(2, 1, b"y");
        packet[26..34].rotate_left(4);
        (0, packet)
    };
    assert_eq!(tagged("tag:host;", [between(1, 1, b"x"), back]), [false, true], "also as source");
    let idle = [(0, from_to(1, 1, b"x")), (700, from_to(1, 1, b"y"))];
    assert_eq!(tagged("tag:host,9999,seconds;", idle), [false, false], "forgotten after ten minutes");
}

#[test]
fn a_match_that_is_none_tags_nothing() {
    let packets = || [(0, from_to(1, 1, b"x")), (0, from_to(1, 1, b"y"))];
    let filter = "detection_filter:track by_src, count 1, seconds 9; tag:session;";
    assert_eq!(tagged(filter, packets()), [false, false]);
    assert_eq!(tagged("noalert; tag:session;", packets()), [false, true]);
}

#[test]
fn bad_tags_fault() {
    for (value, reason) in [
        ("sessions", "cannot be tagged"),
        ("session,5", "must follow"),
        ("session,x,packets", "whole number"),
        ("session,5,pkts", "not counted"),
        ("host,5,packets,any", "`src` or `dst`"),
        ("host,5,packets,src,x", "nothing may follow"),
    ] {
        let (_, report) = load(&format!("alert udp any any -> any any (tag:{value}; sid:1;)"));
        assert!(report.failed[0].reason.contains(reason), "{value}: {}", report.failed[0].reason);
    }
    let (_, report) = load("alert udp any any -> any any (tag:session,5,packets,src; sid:1;)");
    assert_eq!(report.failed, []);
}

#[test]
fn a_set_has_nothing_of_packets_that_the_rule_does_not_match() {
    let mut sight = sight(
        "alert udp any any -> any any (content:\"login\"; content:\"failed\"; ip.src; dataset:set,bad,type ip; sid:1;)
drop ip any any -> any any (ip.src; dataset:isset,bad; sid:2;)",
    );
    assert_eq!(sight.see(0, from_to(1, 1, b"failed")), (Forward, vec![]));
    assert_eq!(sight.see(1, from_to(1, 1, b"more")), (Forward, vec![]));
    assert_eq!(sight.see(2, from_to(1, 1, b"login failed")), (Forward, vec![(1, Allowed)]));
    assert_eq!(sight.see(3, from_to(1, 1, b"more")), (DROP, vec![(2, Blocked)]));
}
