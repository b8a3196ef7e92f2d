use std::path::Path;

use etherparse::PacketBuilder;
use proptest::prelude::*;

use super::*;
use crate::engine::{
    event::{
        Decided, Drops, Event, EventKind,
        Outcome::{self, Allowed, Blocked, WouldBlock},
        Wanted,
    },
    rules::{LoadReport, Recipients, Variables},
    verdict::{DropReason, Enforcement},
};

mod attack;
mod captures;
mod excerpt;
mod expect;
mod header;
mod hostile;
mod remembered;
mod replace;
mod reputation;
mod segments;
mod state;

fn load(text: &str) -> (RuleSet, LoadReport) {
    RuleSet::parse([(Path::new("a.rules"), text)], &Variables::suricata_defaults())
}

fn engine(text: &str, enforcement: Enforcement) -> Engine {
    let (rules, report) = load(text);
    assert_eq!(report.failed, []);
    Engine::new(Arc::new(rules), Settings::new(enforcement))
}

fn udp(payload: &[u8]) -> Vec<u8> {
    udp_from(1000, payload)
}

fn tcp(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv6([1; 16], [2; 16], 64).tcp(1000, 80, 1, 1024);
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

fn ping(kind: u8, code: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let icmp = etherparse::Icmpv4Type::Unknown { type_u8: kind, code_u8: code, bytes5to8: [0; 4] };
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 1], [8, 8, 8, 8], 64).icmpv4(icmp);
    builder.write(&mut bytes, b"ping").unwrap();
    bytes
}

/// A UDP packet of a flow of its own.
fn udp_from(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder =
        PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 1], [8, 8, 8, 8], 64).udp(port, 53);
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

/// Verdict, and sid and outcome of each event.
fn inspect(engine: &mut Engine, mut packet: Vec<u8>) -> (Verdict, Vec<(u32, Outcome)>) {
    let mut events: Vec<Event> = Vec::new();
    let verdict = engine.inspect(&mut packet, &Meta { number: 7, ..Meta::default() }, &mut events);
    let seen = events.iter().filter_map(|event| match &event.kind {
        EventKind::Alert { rule, outcome, .. } => {
            assert_eq!(event.number, 7);
            Some((rule.sid, *outcome))
        }
        _ => None,
    });
    (verdict, seen.collect())
}

/// The sids that `text`'s rules give on `packet`.
#[track_caller]
fn sids(text: &str, packet: Vec<u8>) -> Vec<u32> {
    inspect(&mut engine(text, Enforcement::Report), packet).1.into_iter().map(|(sid, _)| sid).collect()
}

const THREE: &str = "alert udp any any -> any any (content:\"evil\"; sid:1;)
drop udp any any -> any 53 (content:\"evil\"; sid:2;)
alert ip any any -> any any (sid:3;)";

#[test]
fn a_drop_rule_drops_or_reports() {
    let dropped = Verdict::Drop(DropReason::Rule);
    let mut inline = engine(THREE, Enforcement::Drop);
    let all = |outcome| vec![(2, outcome), (1, Allowed), (3, Allowed)];
    assert_eq!(inspect(&mut inline, udp(b"an evil word")), (dropped, all(Blocked)));
    let would = Verdict::WouldDrop(DropReason::Rule);
    assert_eq!(inspect(&mut engine(THREE, Enforcement::Report), udp(b"evil")), (would, all(WouldBlock)));
    // Rule 3 is about addresses only: asked once per flow and direction.
    assert_eq!(inspect(&mut inline, udp(b"a good word")), (Verdict::Forward, vec![]));
    assert_eq!(inspect(&mut inline, udp_from(1001, b"a good word")), (Verdict::Forward, vec![(3, Allowed)]));
}

#[test]
fn a_pass_rule_ends_inspection() {
    let text = format!("{THREE}\npass udp 10.0.0.0/8 any -> any any (content:\"friend\"; sid:4;)");
    let mut engine = engine(&text, Enforcement::Drop);
    assert_eq!(inspect(&mut engine, udp(b"evil friend")), (Verdict::Forward, vec![]));
    assert_eq!(inspect(&mut engine, udp(b"evil")).0, Verdict::Drop(DropReason::Rule));
}

#[test]
fn events_come_in_order_of_priority_then_of_the_file() {
    let text = "alert ip any any -> any any (content:\"a\"; sid:1;)
alert ip any any -> any any (sid:2; priority:2;)
alert ip any any -> any any (content:\"b\"; sid:3; priority:1;)
alert udp any any -> any any (sid:4;)";
    assert_eq!(sids(text, udp(b"ab")), [3, 2, 1, 4]);
}

#[test]
fn headers_choose_packets() {
    let rules = "alert tcp any any -> any 80 (sid:1;)
alert tcp any any -> any 1000 (sid:2;)
alert tcp any any <> any 1000 (sid:3;)
alert udp $HOME_NET any -> $EXTERNAL_NET 53 (sid:4;)
alert udp $EXTERNAL_NET any -> $HOME_NET any (sid:5;)
alert ip any any -> any 53 (sid:6;)
alert ip6 any any -> any any (sid:7;)
alert ipv4 any any -> any any (sid:8;)
alert icmp any any -> any any (sid:9;)
alert icmpv6 any any -> any any (sid:10;)
alert tcp-pkt any 1000 -> any [80,443] (sid:11;)";
    assert_eq!(sids(rules, tcp(b"")), [1, 3, 7, 11]);
    assert_eq!(sids(rules, udp(b"")), [4, 6, 8]);
    assert_eq!(sids(rules, ping(8, 0)), [8, 9]);
    let mut arp = udp(b"");
    arp[12..14].copy_from_slice(&[8, 6]);
    assert!(sids(rules, arp).is_empty());
}

#[test]
fn a_content_needs_payload_and_a_header_does_not() {
    let rules = "alert tcp any any -> any any (content:!\"x\"; sid:1;)
alert tcp any any -> any any (dsize:0; sid:2;)";
    assert_eq!(sids(rules, tcp(b"")), [2]);
    assert_eq!(sids(rules, tcp(b"y")), [1]);
    assert!(sids(rules, tcp(b"x")).is_empty());
}

#[test]
fn a_later_fragment_matches_ip_rules_only() {
    let mut fragment = udp(b"evil evil evil");
    fragment[14 + 7] = 1; // offset 8
    let rules = "alert udp any any -> any any (content:\"evil\"; sid:1;)
alert ip any any -> any any (content:\"evil\"; sid:2;)";
    assert_eq!(sids(rules, fragment), [2]);
}

#[test]
fn every_keyword_matches_where_it_should() {
    let udp_rule = |options: &str, payload: &[u8]| {
        !sids(&format!("alert udp any any -> any any ({options} sid:1;)"), udp(payload)).is_empty()
    };
    let cases: [(&str, &[u8], &[u8]); 16] = [
        ("content:\"a|20 0d|\\;\";", b"xa \r;", b"xa \n;"),
        ("content:\"AbC\"; nocase;", b"aBc", b"abd"),
        ("content:\"ab\"; offset:2;", b"..ab", b".ab."),
        ("content:\"ab\"; depth:3;", b".ab.", b"..ab"),
        ("content:\"ab\"; startswith;", b"ab.", b".ab"),
        ("content:\"ab\"; endswith;", b"ab.ab", b"ab."),
        ("content:\"ab\"; content:\"cd\"; distance:1;", b"ab.cd", b"abcd"),
        ("content:\"ab\"; content:\"cd\"; within:3;", b"ab.cd", b"ab..cd"),
        ("content:!\"ab\";", b"ba", b"ab"),
        ("content:!\"ab\"; content:\"long\";", b"long", b"long ab"),
        ("content:\"a\"; fast_pattern; content:\"long\";", b"along", b"long"),
        ("content:\"long\"; fast_pattern:1,2; content:\"b\";", b"longb", b"lonb"),
        ("content:\"LONG\"; nocase; fast_pattern:only; content:\"b\";", b"blong", b"blon"),
        ("content:\"a\"; rawbytes;", b"a", b"b"),
        ("dsize:2<>5;", b"abc", b"abcde"),
        ("dsize:!3;", b"ab", b"abc"),
    ];
    for (options, good, bad) in cases {
        assert!(udp_rule(options, good), "{options} should match {good:?}");
        assert!(!udp_rule(options, bad), "{options} should not match {bad:?}");
    }
    assert_eq!(sids("alert icmp any any -> any any (itype:8; icode:<2; sid:1;)", ping(8, 1)), [1]);
    assert!(sids("alert icmp any any -> any any (itype:8; icode:<2; sid:1;)", ping(8, 2)).is_empty());
    assert!(sids("alert ip any any -> any any (itype:>0; sid:1;)", udp(b"")).is_empty());
}

#[test]
fn what_a_rule_says_of_itself_is_in_the_event() {
    let text = r#"alert udp any any -> any any (msg:"a \"b\"\; c"; classtype:bad-unknown; priority:2; gid:5; rev:9; sid:1;
        reference:url,example.com; metadata:created_at 2020, tag x;)"#
        .replace('\n', "\\\n");
    let mut events: Vec<Event> = Vec::new();
    engine(&text, Enforcement::Drop).inspect(&mut udp(b""), &Meta::default(), &mut events);
    let EventKind::Alert { rule, .. } = &events[0].kind else { panic!("no alert") };
    assert_eq!((rule.msg.as_str(), &*rule.category), (r#"a "b"; c"#, "Potentially Bad Traffic"));
    assert_eq!((rule.gid, rule.rev, rule.priority), (5, 9, 2));
    assert_eq!(events[0].packet.ports, Some((1000, 53)));
}

#[test]
fn an_alert_tells_what_the_packet_has_come_to() {
    let rules = "drop udp any any -> any any (sid:1;)\nrejectboth udp any any -> any any (sid:2;)\n\
                 alert udp any any -> any any (sid:3;)";
    let rejected = Some(Recipients::Both);
    let dropped = Verdict::Drop(DropReason::Rule);
    for (enforcement, verdict, blocked) in [
        (Enforcement::Drop, dropped, Blocked),
        (Enforcement::Report, Verdict::WouldDrop(DropReason::Rule), WouldBlock),
    ] {
        let mut events: Vec<Event> = Vec::new();
        engine(rules, enforcement).inspect(&mut udp(b""), &Meta::default(), &mut events);
        let told: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Alert { rule, outcome, decided, .. } => Some((rule.sid, *outcome, *decided)),
                _ => None,
            })
            .collect();
        let expected = [
            (1, blocked, Decided { verdict, rejected: None }),
            (2, blocked, Decided { verdict, rejected }),
            (3, Allowed, Decided { verdict, rejected }),
        ];
        assert_eq!(told, expected);
    }
}

/// Rules over a tiny alphabet, so that they meet packets.
fn rule_texts() -> impl Strategy<Value = Vec<String>> {
    let action = prop::sample::select(vec!["alert", "alert", "drop", "pass"]);
    let protocol = prop::sample::select(vec!["udp", "ip", "tcp"]);
    let content = ("[ab]{1,3}", any::<bool>())
        .prop_map(|(text, no)| format!("content:{}\"{text}\"; ", if no { "!" } else { "" }));
    let options = prop::collection::vec(content, 0..3).prop_map(|contents| contents.concat());
    prop::collection::vec((action, protocol, options), 1..12).prop_map(|rules| {
        let rule = |(sid, (action, protocol, options)): (u32, (&str, &str, String))| {
            format!("{action} {protocol} any any -> any any ({options}sid:{sid};)")
        };
        (1..).zip(rules).map(rule).collect()
    })
}

#[test]
fn drops_are_reported_as_wanted() {
    let text = "drop udp any any -> any any (content:\"evil\"; sid:1;)";
    let reported = |drops| {
        let (rules, _) = load(text);
        let settings = Settings::new(Enforcement::Drop);
        let settings = Settings { wanted: Wanted { drops, ..settings.wanted }, ..settings };
        let mut engine = Engine::new(Arc::new(rules), settings);
        let mut events: Vec<Event> = Vec::new();
        for payload in [&b"good"[..], b"evil", b"good", b"evil"] {
            let _ = engine.inspect(&mut udp(payload), &Meta::default(), &mut events);
        }
        // TCP data without a session, twice: the policy for that drops the flow.
        for _ in 0..2 {
            let _ = engine.inspect(&mut tcp(b"data"), &Meta::default(), &mut events);
        }
        let reason = |event: &Event| match &event.kind {
            EventKind::Drop { reason, .. } => Some(*reason),
            _ => None,
        };
        events.iter().filter_map(reason).collect::<Vec<_>>()
    };
    let [rule, midstream, flow] = [DropReason::Rule, DropReason::StreamMidstream, DropReason::Flow];
    assert_eq!(reported(Drops::All), [rule, rule, midstream, flow]);
    // Of the TCP flow the first only, but each that a rule drops.
    assert_eq!(reported(Drops::Start), [rule, rule, midstream]);
    assert_eq!(reported(Drops::None), []);
}

proptest! {
    /// The same packets give the same verdicts and events, whatever the engine saw before in other flows.
    #[test]
    fn verdicts_do_not_depend_on_history(
        texts in rule_texts(),
        payloads in prop::collection::vec("[abc]{0,8}", 1..8),
    ) {
        let text = texts.join("\n");
        let mut used = engine(&text, Enforcement::Drop);
        for (port, payload) in (1000..).zip(&payloads) {
            let packet = udp_from(port, payload.as_bytes());
            let fresh = inspect(&mut engine(&text, Enforcement::Drop), packet.clone());
            prop_assert_eq!(inspect(&mut used, packet), fresh);
        }
    }

    /// All rules together (prefilter, order) match what each of them matches alone.
    #[test]
    fn a_set_matches_what_its_rules_match(texts in rule_texts(), payload in "[abc]{0,8}") {
        let alerts: Vec<_> = texts.iter().map(|text| text.replace("drop ", "alert ").replace("pass ", "alert ")).collect();
        let together = sids(&alerts.join("\n"), udp(payload.as_bytes()));
        let alone: Vec<_> = alerts.iter().flat_map(|text| sids(text, udp(payload.as_bytes()))).collect();
        prop_assert_eq!(together, alone);
    }

    #[test]
    fn any_packet_is_inspected(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut packet = bytes.clone();
        let _ = engine(THREE, Enforcement::Drop).inspect(&mut packet, &Meta::default(), &mut Vec::new());
        prop_assert_eq!(packet, bytes);
    }
}
