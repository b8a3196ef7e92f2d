//! What rules set in a flow, and ask of it.

use super::*;

/// The sids that each of `packets`, all of one flow, gives under `text`'s rules.
#[track_caller]
fn each(text: &str, packets: &[&[u8]]) -> Vec<Vec<u32>> {
    let mut engine = engine(text, Enforcement::Report);
    let sids =
        |payload: &&[u8]| inspect(&mut engine, udp(payload)).1.into_iter().map(|(sid, _)| sid).collect();
    packets.iter().map(sids).collect()
}

#[test]
fn a_bit_lasts_as_long_as_its_flow() {
    let rules = "alert udp any any -> any any (content:\"on\"; flowbits:set,a; flowbits:noalert; sid:1;)
alert udp any any -> any any (content:\"off\"; flowbits:unset,a; flowbits:noalert; sid:2;)
alert udp any any -> any any (content:\"flip\"; flowbits:toggle,a; flowbits:noalert; sid:3;)
alert udp any any -> any any (flowbits:isset,a; content:\"?\"; sid:4;)
alert udp any any -> any any (flowbits: isnotset , a; content:\"?\"; sid:5;)";
    let packets: [&[u8]; 8] = [b"?", b"on", b"?", b"off", b"?", b"flip", b"?", b"flip ?"];
    let expected: [&[u32]; 8] = [&[5], &[], &[4], &[], &[5], &[], &[4], &[5]];
    assert_eq!(each(rules, &packets), expected);

    let mut engine = engine(rules, Enforcement::Report);
    inspect(&mut engine, udp_from(1, b"on"));
    assert_eq!(inspect(&mut engine, udp_from(2, b"?")).1, [(5, Allowed)], "of another flow");
    assert_eq!(inspect(&mut engine, udp_from(1, b"?")).1, [(4, Allowed)]);
}

#[test]
fn one_of_several_bits_is_enough() {
    let rules = "alert udp any any -> any any (content:\"b\"; flowbits:set,b; flowbits:noalert; sid:1;)
alert udp any any -> any any (content:\"c\"; flowbits:set,c; flowbits:noalert; sid:2;)
alert udp any any -> any any (flowbits:isset,a|b; sid:3;)
alert udp any any -> any any (flowbits:isnotset,b | c; sid:4;)";
    assert_eq!(each(rules, &[b"", b"b", b"c"]), [vec![4], vec![3, 4], vec![3]]);
}

#[test]
fn who_sets_comes_before_who_asks_but_actions_come_first() {
    let rules = "alert udp any any -> any any (flowbits:isset,a; priority:1; sid:1;)
alert udp any any -> any any (content:\"x\"; flowbits:set,a; priority:200; sid:2;)
alert udp any any -> any any (flowbits:isset,a; flowbits:set,b; priority:255; sid:3;)
alert udp any any -> any any (content:\"x\"; priority:1; sid:4;)
alert udp any any -> any any (content:\"x\"; flowint:n,+,1; sid:5;)
alert udp any any -> any any (flowint:n,>,0; sid:6;)
drop udp any any -> any any (flowbits:isset,a; content:\"x\"; sid:7;)";
    assert_eq!(each(rules, &[b"x", b"x"]), [vec![2, 3, 1, 5, 6, 4], vec![7, 2, 3, 1, 5, 6, 4]]);
}

#[test]
fn a_rule_without_alert_has_its_other_consequences() {
    let rules = "drop udp any any -> any any (content:\"x\"; flowbits:set,a; flowbits:noalert; sid:1;)
alert udp any any -> any any (flowbits:isset,a; sid:2;)";
    let mut engine = engine(rules, Enforcement::Drop);
    assert_eq!(inspect(&mut engine, udp(b"x")), (Verdict::Drop(DropReason::Rule), vec![(2, Allowed)]));
    assert_eq!(inspect(&mut engine, udp(b"y")), (Verdict::Forward, vec![(2, Allowed)]));
}

#[test]
fn a_pass_rule_sets_bits_too() {
    let rules = "pass udp any any -> any any (content:\"x\"; flowbits:set,a; sid:1;)
alert udp any any -> any any (flowbits:isset,a; sid:2;)";
    assert_eq!(each(rules, &[b"x", b"y"]), [vec![], vec![2]]);
}

#[test]
fn numbers_count_and_compare() {
    let rules = "alert udp any any -> any any (content:\"+\"; flowint:n,+,1; flowbits:noalert; sid:1;)
alert udp any any -> any any (content:\"-\"; flowint:n,-,2; flowbits:noalert; sid:2;)
alert udp any any -> any any (content:\"=\"; flowint:m, =, 3; flowbits:noalert; sid:3;)
alert udp any any -> any any (content:\"c\"; flowint:n,=,m; flowbits:noalert; sid:4;)
alert udp any any -> any any (flowint:n,isset; sid:10;)
alert udp any any -> any any (flowint:n,isnotset; sid:11;)
alert udp any any -> any any (flowint:n,notset; sid:12;)
alert udp any any -> any any (flowint:n,==,m; sid:13;)
alert udp any any -> any any (flowint:n,!=,0; sid:14;)
alert udp any any -> any any (flowint:n,<,2; sid:15;)
alert udp any any -> any any (flowint:n,<=,2; sid:16;)
alert udp any any -> any any (flowint:n,>,2; sid:17;)
alert udp any any -> any any (flowint:n,>=,2; sid:18;)";
    let packets: [&[u8]; 6] = [b"-", b"c", b"+", b"+", b"=+", b"- -"];
    let expected: [&[u32]; 6] = [
        &[11, 12],             // what is not set is not counted down
        &[10, 13, 15, 16],     // 0, from a number that is not set either
        &[10, 14, 15, 16],     // 1
        &[10, 14, 16, 18],     // 2
        &[10, 13, 14, 17, 18], // 3, and the other is 3
        &[10, 14, 15, 16],     // 1
    ];
    assert_eq!(each(rules, &packets), expected);
}

#[test]
fn bits_are_not_forgotten_when_the_rules_are_replaced() {
    let old = "alert udp any any -> any any (content:\"x\"; flowbits:set,a; sid:1;)";
    let new = "alert udp any any -> any any (content:\"z\"; flowbits:set,other; sid:1;)
alert udp any any -> any any (flowbits:isset,a; sid:2;)";
    let (first, _) = load(old);
    let environment =
        crate::engine::rules::Environment { variables: Variables::suricata_defaults(), ..Default::default() };
    let (second, report) = RuleSet::load([(Path::new("b.rules"), new)], &environment, Some(&first));
    assert_eq!(report.failed, []);
    let mut engine = Engine::new(Arc::new(first), Settings::new(Enforcement::Report));
    inspect(&mut engine, udp(b"x"));
    engine.rules = Arc::new(second);
    engine.scratch = engine.rules.scratch();
    assert_eq!(inspect(&mut engine, udp(b"y")).1, [(2, Allowed)]);
}

#[test]
fn a_bit_that_nobody_sets_is_pointed_out() {
    let rules = "alert udp any any -> any any (flowbits:isset,a|b; sid:1;)
alert udp any any -> any any (flowbits:isset,a; flowbits:isnotset,c; sid:2;)
alert udp any any -> any any (flowbits:toggle,b; sid:3;)";
    let (_, report) = load(rules);
    let warnings: Vec<_> =
        report.warnings.iter().map(|warning| (warning.sid, warning.reason.as_str())).collect();
    assert_eq!(warnings, [(Some(1), "flow bit `a` is asked for, but no rule sets it")]);
}

#[test]
fn what_a_bypass_rule_matches_is_the_last_that_is_looked_at() {
    let rules = "alert udp any any -> any any (content:\"trusted\"; bypass; sid:1;)
drop udp any any -> any any (content:\"evil\"; sid:2;)";
    let mut engine = engine(rules, Enforcement::Drop);
    let dropped = Verdict::Drop(DropReason::Rule);
    assert_eq!(inspect(&mut engine, udp_from(1, b"evil")).0, dropped);
    assert_eq!(inspect(&mut engine, udp_from(1, b"trusted")), (Verdict::Forward, vec![(1, Allowed)]));
    assert_eq!(inspect(&mut engine, udp_from(1, b"evil")), (Verdict::Forward, vec![]));
    // A rule that drops the same packet is heard.
    assert_eq!(inspect(&mut engine, udp_from(2, b"trusted evil")).0, dropped);
    assert_eq!(inspect(&mut engine, udp_from(2, b"evil")).0, Verdict::Forward);
    let mut states = Vec::new();
    engine.flows.drain(&mut |ended| states.push(ended.flow.state().name()));
    assert_eq!(states, ["bypassed"; 2]);
}

#[test]
fn amounts_include_the_packet() {
    let rules = "alert udp any any -> any any (flow.pkts:toserver,2; sid:1;)
alert udp any any -> any any (flow.pkts_toserver:>1; sid:2;)
alert udp any any -> any any (flow.pkts:either,>1; sid:3;)
alert udp any any -> any any (flow.pkts_toclient:>0; sid:4;)
alert udp any any -> any any (flow.bytes:toserver,86; sid:5;)
alert udp any any -> any any (flow.bytes_toserver:<86; sid:6;)
alert udp any any -> any any (flow.bytes_toclient:0; flow.age:0; sid:7;)
alert udp any any -> any any (stream_size:either,>=,0; sid:8;)";
    assert_eq!(each(rules, &[b"a", b"a"]), [vec![6, 7], vec![1, 2, 3, 5, 7]]);
}

#[test]
fn a_flows_age_counts_from_its_first_packet() {
    let rules = "alert udp any any -> any any (flow.age:>2; sid:1;)";
    let mut engine = engine(rules, Enforcement::Report);
    let mut at = |seconds: u64| {
        let mut events: Vec<Event> = Vec::new();
        let time = Timestamp(1_000_000_000 * seconds + 999_999_999);
        engine.inspect(&mut udp(b"a"), &Meta { time, ..Meta::default() }, &mut events);
        events.iter().filter(|event| matches!(event.kind, EventKind::Alert { .. })).count()
    };
    assert_eq!([at(10), at(12), at(13), at(40)], [0, 0, 1, 1]);
}

#[test]
fn stream_sizes_are_sequence_numbers() {
    let rules = "alert tcp any any -> any any (stream_size:client,=,1; flags:S; sid:1;)
alert tcp any any -> any any (stream_size:server,=,0; flags:S; sid:2;)
alert tcp any any -> any any (stream_size:both,>,0; sid:3;)
alert tcp any any -> any any (stream_size:client,>,3; sid:4;)
alert tcp any any -> any any (stream_size:either,=,5; sid:5;)";
    let mut engine = engine(rules, Enforcement::Report);
    let mut send = |to_server: bool, seq: u32, ack: Option<u32>, flags: &str, payload: &[u8]| {
        let (a, b) = ([10, 0, 0, 1], [8, 8, 8, 8]);
        let (from, to) = if to_server { ((a, 1000), (b, 80)) } else { ((b, 80), (a, 1000)) };
        let mut builder =
            PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4(from.0, to.0, 64).tcp(from.1, to.1, seq, 1024);
        if let Some(ack) = ack {
            builder = builder.ack(ack);
        }
        if flags.contains('S') {
            builder = builder.syn();
        }
        if flags.contains('F') {
            builder = builder.fin();
        }
        let mut bytes = Vec::new();
        builder.write(&mut bytes, payload).unwrap();
        inspect(&mut engine, bytes).1.into_iter().map(|(sid, _)| sid).collect::<Vec<_>>()
    };
    assert_eq!(send(true, 100, None, "S", b""), [1, 2]);
    assert_eq!(send(false, 500, Some(101), "S", b""), [3]);
    assert_eq!(send(true, 101, Some(501), "", b""), [3]);
    assert_eq!(send(true, 101, Some(501), "", b"abc"), [3, 4]);
    assert_eq!(send(true, 104, Some(501), "F", b""), [3, 4, 5]);
}

#[test]
fn bad_forms_are_refused() {
    let cases = [
        ("flowbits:a;", "`a` is nothing that `flowbits` knows"),
        ("flowbits:set;", "needs the name of a bit"),
        ("flowbits:set,;", "needs the name of a bit"),
        ("flowbits:noalert,a;", "takes no name"),
        ("flowbits:set,a b;", "no space"),
        ("flowbits:set,a|b;", "only isset and isnotset"),
        ("flowbits:isset,a||b;", "at least one letter"),
        ("flowbits:isset,a; flowbits:isnotset,a;", "both set and not set"),
        ("flowint:a;", "`name,operator"),
        ("flowint:1,=,1;", "`1` is no name"),
        ("flowint:a,=;", "needs a number or a name"),
        ("flowint:a,isset,1;", "compares with nothing"),
        ("flowint:a,=,1,2;", "`name,operator"),
        ("flowint:a,*,2;", "`*` is no operator"),
        ("flowint:a,=,4294967296;", "from 0 to 4294967295"),
        ("flowint:a,+,-1;", "`-1` is no name"),
        ("bypass; bypass;", "once"),
        ("bypass:1;", "takes no value"),
        ("flow.age:x;", "`x` is no whole number"),
        ("flow.pkts:3;", "`toclient,>3`"),
        ("flow.pkts:both,3;", "`both` is none of"),
        ("flow.pkts_toserver:toserver,3;", "is no whole number"),
        ("flow.bytes:toserver,3,4;", "`toclient,>3`"),
        ("flow.bytes_toclient:;", "needs a value"),
        ("stream_size:server,3;", "`server,>,1000`"),
        ("stream_size:us,>,3;", "`us` is none of"),
        ("stream_size:server,>>,3;", "`>>` is none of"),
        ("stream_size:server,<,0;", "no number is below 0"),
    ];
    for (options, part) in cases {
        let (_, report) = load(&format!("alert ip any any -> any any ({options} sid:1;)"));
        let reason = report.failed.first().map(|error| error.reason.clone()).unwrap_or_default();
        assert!(reason.contains(part), "{options}: {reason}");
    }
}
