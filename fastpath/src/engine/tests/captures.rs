//! What expressions capture.

use super::{
    attack::{client, connected},
    *,
};
use crate::engine::rules::Captures;

/// The alerts of a packet: sid, and what was captured until then.
fn alerts(engine: &mut Engine, mut packet: Vec<u8>) -> Vec<(u32, Captures)> {
    let mut events: Vec<Event> = Vec::new();
    engine.inspect(&mut packet, &Meta::default(), &mut events);
    let alerts = events.into_iter().filter_map(|event| match event.kind {
        EventKind::Alert { rule, captures, .. } => {
            Some((rule.sid, captures.map(|all| *all).unwrap_or_default()))
        }
        _ => None,
    });
    alerts.collect()
}

fn sids_of(alerts: &[(u32, Captures)]) -> Vec<u32> {
    alerts.iter().map(|(sid, _)| *sid).collect()
}

fn texts(texts: &[(&str, &str)]) -> Vec<(String, Box<[u8]>)> {
    texts.iter().map(|(name, text)| ((*name).to_string(), text.as_bytes().into())).collect()
}

#[test]
fn a_flow_keeps_what_was_captured_and_a_packet_only_its_own() {
    let rules = "alert udp any any -> any any (flowvar:user,\"bo\"; sid:1;)
alert udp any any -> any any (pktvar:host,h|31|; sid:2;)
alert udp any any -> any any (pcre:\"/user=(\\w+) host=(\\w+)/, flow:user, pkt:host\"; sid:3;)
alert udp any any -> any any (flowvar:user,x; sid:4;)";
    let mut engine = engine(rules, Enforcement::Report);
    assert!(alerts(&mut engine, udp(b"nothing")).is_empty());
    // Who captures comes first, wherever it stands.
    let found = alerts(&mut engine, udp(b"user=bob host=h1"));
    assert_eq!(sids_of(&found), [3, 1, 2]);
    let both =
        Captures { flow: texts(&[("user", "bob")]), packet: texts(&[("host", "h1")]), ..Captures::default() };
    assert!(found.iter().all(|(_, captures)| *captures == both));
    assert_eq!(alerts(&mut engine, udp(b"nothing")), [(1, Captures { packet: vec![], ..both })]);
    assert!(alerts(&mut engine, udp_from(1001, b"nothing")).is_empty(), "another flow");
    assert_eq!(sids_of(&alerts(&mut engine, udp(b"user=max host=h2"))), [3, 4], "the last one counts");
}

#[test]
fn what_counts_is_the_choice_that_made_the_rule_match() {
    let text = "alert udp any any -> any any (pcre:\"/(\\w)=(\\w)?/, alert:key, alert:value\"; content:\"!\"; distance:0; within:1; sid:1;)";
    let mut engine = engine(text, Enforcement::Report);
    let mut captured = |payload: &[u8]| {
        alerts(&mut engine, udp(payload)).into_iter().map(|(_, captures)| captures.alert).collect::<Vec<_>>()
    };
    assert_eq!(captured(b"a=1 b=2! c=3!"), [texts(&[("key", "b"), ("value", "2")])]);
    assert_eq!(captured(b"a=1 b=!"), [texts(&[("key", "b")])], "a group that has no part in the match");
    assert!(captured(b"a=1 b=2").is_empty());
}

#[test]
fn nothing_is_kept_of_a_rule_that_does_not_match() {
    let rules =
        "alert udp any any -> any any (pcre:\"/(?P<flow_a>x+)(?:y)(?P<pkt_b>z*)/\"; content:\"!\"; sid:1;)
alert udp any any -> any any (pcre:!\"/(n)/, flow:c\"; content:\"?\"; sid:2;)";
    let mut engine = engine(rules, Enforcement::Report);
    assert_eq!(alerts(&mut engine, udp(b"xxyz")), []);
    assert_eq!(alerts(&mut engine, udp(b"?")), [(2, Captures::default())]);
    let kept = Captures { flow: texts(&[("a", "xx")]), packet: texts(&[("b", "")]), ..Captures::default() };
    assert_eq!(alerts(&mut engine, udp(b"xxy!")), [(1, kept)]);
}

#[test]
fn the_beginning_of_a_long_text_is_kept() {
    let mut engine = engine(
        "alert udp any any -> any any (pcre:\"/((x+))/, flow:a, alert:b\"; sid:1;)",
        Enforcement::Report,
    );
    let (mut inside, mut outside) = (vec![b'x'; 1100], vec![b'y'; 3]);
    inside.append(&mut outside);
    let found = alerts(&mut engine, udp(&inside));
    assert_eq!(found[0].1.flow, texts(&[("a", &"x".repeat(1024))]));
}

#[test]
fn headers_and_the_payload_are_captured_from() {
    let rules = "alert udp any any -> any any (ipv4.hdr; pcre:\"/^E.(..)/s, alert:length\"; content:\"E\"; sid:1;)
alert udp any any -> any any (ipv4.hdr; pcrexform:\"^(E.)\"; pcre:\"/(E)/, alert:first\"; pkt_data; pcre:\"/(d)a/, alert:second\"; sid:2;)";
    let found = alerts(&mut engine(rules, Enforcement::Report), udp(b"data"));
    assert_eq!(found[0], (1, Captures { alert: texts(&[("length", "\0 ")]), ..Captures::default() }));
    let both = texts(&[("first", "E"), ("second", "d")]);
    assert_eq!(found[1], (2, Captures { alert: both, ..Captures::default() }));
}

#[test]
fn what_lies_across_segments_is_captured_whole() {
    let rules =
        "alert tcp any any -> any any (content:\"name=\"; pcre:\"/^(\\w+)\\x3b/R, flow:name\"; sid:1;)
alert tcp any any -> any any (flowvar:name,bob; content:\"more\"; sid:2;)";
    let mut engine = connected(rules);
    assert_eq!(alerts(&mut engine, client("A", 0, b"a na")), []);
    assert_eq!(alerts(&mut engine, client("A", 4, b"me=bo")), []);
    let kept = Captures { flow: texts(&[("name", "bob")]), ..Captures::default() };
    assert_eq!(alerts(&mut engine, client("A", 9, b"b; and")), [(1, kept.clone())]);
    assert_eq!(alerts(&mut engine, client("A", 15, b" more")), [(2, kept)]);
}

#[test]
fn what_matches_nothing_allocates_nothing() {
    let rules = "alert udp any any -> any any (pcre:\"/(\\w+)=(\\w*)/, flow:a, pkt:b\"; content:\"!\"; distance:0; sid:1;)
alert udp any any -> any any (flowvar:a,zzz; pktvar:b,zzz; sid:2;)";
    let mut engine = engine(rules, Enforcement::Report);
    let mut sink: Vec<Event> = Vec::new();
    let mut packets = [udp(b"key=value a=b c=d"), udp(b"k=v! and so on")];
    let mut inspect = |packet: &mut Vec<u8>| {
        engine.inspect(packet, &Meta::default(), &mut sink);
    };
    packets.iter_mut().for_each(&mut inspect);
    let allocated = allocation_counter::measure(|| (0..100).for_each(|_| inspect(&mut packets[0])));
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn whether_a_rule_matches_does_not_depend_on_what_it_captures() {
    let contents =
        "content:\"a\"; content:\"b\"; distance:0; content:\"c\"; distance:0; content:\"d\"; distance:0;";
    let rules = format!(
        "alert udp any any -> any any ({contents} pcre:\"/(e)/R\"; sid:1;)
alert udp any any -> any any ({contents} pcre:\"/(e)/R, alert:x\"; sid:2;)"
    );
    let mut engine = engine(&rules, Enforcement::Report);
    let captured = Captures { alert: texts(&[("x", "e")]), ..Captures::default() };
    assert_eq!(alerts(&mut engine, udp(b"abcde")), [(1, Captures::default()), (2, captured)]);
    // So many choices that they cannot be told apart.
    let decoys = ["a", "b", "c", "d", "e"].map(|letter| letter.repeat(80)).concat();
    assert_eq!(sids_of(&alerts(&mut engine, udp(decoys.as_bytes()))), [1, 2]);
}
