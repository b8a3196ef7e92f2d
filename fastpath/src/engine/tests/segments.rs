//! Any rules over any way to cut a stream: what the whole of it would give, its pieces give.

use std::collections::BTreeSet;

use super::*;
use crate::engine::{
    flow::FlowSettings,
    packet::defrag,
    rules::programs::{Part, part, write},
};

/// Rules whose steps [`part`] does not make.
const OTHERS: [&str; 12] = [
    "content:\"a\"; startswith; content:\"b\"; endswith; ",
    "content:\"ab\"; endswith; ",
    "content:\"AB\"; nocase; content:\"A\"; nocase; fast_pattern:only; ",
    "content:\"abab\"; fast_pattern:1,2; ",
    "content:\"ab\"; base64_decode:bytes 4,relative; base64_data; content:\"|69|\"; ",
    "base64_decode:bytes 4,offset 2; base64_data; content:\"|b6|\"; ",
    "content:\"b\"; byte_math:bytes 1,offset 0,oper *,rvalue 2,result r,relative; content:\"a\"; distance:r; ",
    "pcre:\"/a.b\\x00+a/s\"; ",
    "pcre:\"/b[^b]{3,}b/s\"; isdataat:!1,relative; ",
    "isdataat:20; content:!\"aba\"; ",
    "content:\"|00 00|\"; entropy: value > 1; ",
    "content:\"ba\"; content:!\"ba\"; distance:0; within:6; byte_jump:1,0,relative; pcre:\"/^[ab]/R\"; ",
];

#[derive(Clone, Debug)]
enum Body {
    Parts(Vec<Part>),
    Other(&'static str),
}

impl Body {
    fn options(&self) -> String {
        match self {
            Self::Parts(parts) => write(parts),
            Self::Other(options) => (*options).into(),
        }
    }
}

/// What a rule has to do with the one bit of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bit {
    Nothing,
    Sets,
    Asks,
}

impl Bit {
    fn options(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Sets => "flowbits:set,a; ",
            Self::Asks => "flowbits:isset,a; ",
        }
    }
}

fn bodies() -> impl Strategy<Value = Body> {
    prop_oneof![
        3 => prop::collection::vec(part(), 1..5).prop_map(Body::Parts),
        1 => prop::sample::select(&OTHERS[..]).prop_map(Body::Other),
    ]
}

/// Bytes of both alphabets, so that they make and break matches.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"\x00\x01\x02\x03abab".to_vec()), 1..40)
}

/// Where a stream is cut, and the order in which the pieces are sent.
type Pieces = Vec<(std::ops::Range<usize>, bool)>;

fn pieces(length: usize) -> impl Strategy<Value = Pieces> {
    let cuts = prop::collection::vec(1..=length, 0..12);
    let again = prop::collection::vec((0..length, 1..=length), 0..3);
    (cuts, again, 0..3_u8).prop_flat_map(move |(mut cuts, again, disorder)| {
        cuts.extend([0, length]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut pieces: Vec<_> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        pieces.extend(again.into_iter().map(|(from, size)| from..length.min(from + size)));
        let order = if disorder == 0 { Just(pieces).prop_shuffle().boxed() } else { Just(pieces).boxed() };
        order.prop_flat_map(|pieces| {
            let number = pieces.len();
            prop::collection::vec(any::<bool>(), number)
                .prop_map(move |acknowledged| pieces.iter().cloned().zip(acknowledged).collect())
        })
    })
}

/// With little memory: thousands are made.
fn small(rules: &Arc<RuleSet>, enforcement: Enforcement) -> Engine {
    let settings = Settings::new(enforcement);
    Engine::new(
        Arc::clone(rules),
        Settings {
            flow: FlowSettings { capacity: 64, ..settings.flow },
            defrag: defrag::Settings { trackers: 16, memcap: 1 << 16, ..settings.defrag },
            stream: crate::engine::stream::Settings { reassembly_memcap: 1 << 20, ..settings.stream },
            ..settings
        },
    )
}

/// One connection.
struct Connection<'e> {
    engine: &'e mut Engine,
    port: u16,
}

impl<'e> Connection<'e> {
    fn new(engine: &'e mut Engine, port: u16) -> Self {
        let mut connection = Self { engine, port };
        for (to_server, seq, syn, ack) in
            [(true, 99, true, None), (false, 499, true, Some(100)), (true, 100, false, Some(500))]
        {
            assert_eq!(connection.send(to_server, seq, syn, ack, b"").0, Verdict::Forward);
        }
        connection
    }

    fn send(
        &mut self,
        to_server: bool,
        seq: u32,
        syn: bool,
        ack: Option<u32>,
        payload: &[u8],
    ) -> (Verdict, Vec<(u32, Outcome)>) {
        let (client, server) = (([10, 0, 0, 1], self.port), ([8, 8, 8, 8], 80));
        let (from, to) = if to_server { (client, server) } else { (server, client) };
        let mut builder =
            PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4(from.0, to.0, 64).tcp(from.1, to.1, seq, u16::MAX);
        if syn {
            builder = builder.syn();
        }
        if let Some(ack) = ack {
            builder = builder.ack(ack);
        }
        let mut bytes = Vec::new();
        builder.write(&mut bytes, payload).unwrap();
        inspect(self.engine, bytes)
    }

    /// The client's data from `offset` on.
    fn data(&mut self, offset: usize, payload: &[u8]) -> (Verdict, Vec<(u32, Outcome)>) {
        self.send(true, 100 + u32::try_from(offset).unwrap(), false, Some(500), payload)
    }

    fn acknowledge(&mut self, offset: usize) {
        self.send(false, 500, false, Some(100 + u32::try_from(offset).unwrap()), b"");
    }
}

/// The sids that a stream gives in one piece.
fn whole(engine: &mut Engine, port: u16, stream: &[u8]) -> BTreeSet<u32> {
    Connection::new(engine, port).data(0, stream).1.into_iter().map(|(sid, _)| sid).collect()
}

fn rules(action: &str, protocol: &str, bodies: &[(Body, Bit)]) -> Arc<RuleSet> {
    let rule = |(sid, (body, bit)): (u32, &(Body, Bit))| {
        format!("{action} {protocol} any any -> any any ({}{}sid:{sid};)\n", body.options(), bit.options())
    };
    let text: String = (1..).zip(bodies).map(rule).collect();
    let (rules, report) = load(&text);
    assert_eq!(report.failed, [], "{text}");
    Arc::new(rules)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").map_or(1024, |cases| cases.parse().unwrap())
    ))]

    /// The segment that completes a match is dropped, and none before it.
    #[test]
    fn what_completes_a_match_is_dropped_however_the_stream_is_cut(
        bodies in prop::collection::vec((bodies(), Just(Bit::Nothing)), 1..9),
        (stream, pieces) in streams().prop_flat_map(|stream| { let length = stream.len(); (Just(stream), pieces(length)) }),
    ) {
        let rules = rules("drop", "tcp-stream", &bodies);
        let mut model = small(&rules, Enforcement::Report);
        let mut inline = small(&rules, Enforcement::Drop);
        let mut has = vec![false; stream.len()];
        let mut read = 0;
        let mut connection = Connection::new(&mut inline, 1);
        for (port, (piece, acknowledged)) in (2..).zip(pieces) {
            has[piece.clone()].fill(true);
            let next = has.iter().take_while(|&&there| there).count();
            let expected = if next == read { BTreeSet::new() } else { whole(&mut model, port, &stream[..next]) };
            let (verdict, seen) = connection.data(piece.start, &stream[piece]);
            let seen: BTreeSet<u32> = seen.into_iter().map(|(sid, _)| sid).collect();
            prop_assert_eq!(&seen, &expected, "behind {} bytes", next);
            if !expected.is_empty() {
                prop_assert_eq!(verdict, Verdict::Drop(DropReason::Rule));
                break;
            }
            prop_assert_eq!(verdict, Verdict::Forward);
            read = next;
            if acknowledged {
                connection.acknowledge(read);
            }
        }
    }

    /// With flow bits, and rules that may look at segments too: never later than in one piece.
    #[test]
    fn no_alert_of_the_whole_stream_is_missing(
        bodies in prop::collection::vec((bodies(), prop::sample::select(vec![Bit::Nothing, Bit::Sets, Bit::Asks, Bit::Asks])), 1..9),
        (stream, pieces) in streams().prop_flat_map(|stream| { let length = stream.len(); (Just(stream), pieces(length)) }),
    ) {
        let rules = rules("alert", "tcp", &bodies);
        let mut model = small(&rules, Enforcement::Report);
        let mut engine = small(&rules, Enforcement::Report);
        let mut has = vec![false; stream.len()];
        let mut read = 0;
        let mut seen = BTreeSet::new();
        let mut connection = Connection::new(&mut engine, 1);
        for (port, (piece, acknowledged)) in (2..).zip(pieces) {
            has[piece.clone()].fill(true);
            let next = has.iter().take_while(|&&there| there).count();
            let expected = if next == read { BTreeSet::new() } else { whole(&mut model, port, &stream[..next]) };
            seen.extend(connection.data(piece.start, &stream[piece]).1.into_iter().map(|(sid, _)| sid));
            prop_assert!(seen.is_superset(&expected), "behind {} bytes: {:?} of {:?}", next, seen, expected);
            read = next;
            if acknowledged {
                connection.acknowledge(read);
            }
        }
    }
}

/// The verdicts on a stream's segments.
fn verdicts(engine: &mut Engine, segments: &[&[u8]]) -> Vec<Verdict> {
    let mut connection = Connection::new(engine, 1);
    let mut offset = 0;
    let each = segments.iter().map(|segment| {
        let (verdict, _) = connection.data(offset, segment);
        offset += segment.len();
        verdict
    });
    each.collect()
}

const DROPPED: Verdict = Verdict::Drop(DropReason::Rule);

#[test]
fn a_content_is_remembered_while_the_bit_that_its_rule_asks_for_is_not_set() {
    let rules = "alert tcp any any -> any any (content:\"word\"; flowbits:set,a; noalert; sid:1;)
drop tcp any any -> any any (content:\"evil\"; flowbits:isset,a; sid:2;)";
    for segments in [&[&b"evil"[..], b"word", b"."], &[b"evil word", b"", b"."], &[b"ev", b"il word", b"."]] {
        let expected = [Verdict::Forward, Verdict::Forward, DROPPED];
        assert_eq!(verdicts(&mut engine(rules, Enforcement::Drop), segments), expected, "{segments:?}");
    }
    let rules = "drop tcp any any -> any any (content:\"evil\"; stream_size:client,>,8; sid:1;)";
    let expected = [Verdict::Forward, DROPPED];
    assert_eq!(verdicts(&mut engine(rules, Enforcement::Drop), &[b"evil", b"word"]), expected);
    let rules = "alert tcp any any -> any any (content:\"word\"; flowbits:set,a; sid:1;)
alert tcp any any -> any any (content:\"evil\"; flowbits:isset,a; sid:2;)";
    let mut engine = engine(rules, Enforcement::Report);
    let mut connection = Connection::new(&mut engine, 1);
    let mut sids =
        |at, data: &[u8]| connection.data(at, data).1.into_iter().map(|(sid, _)| sid).collect::<Vec<_>>();
    assert_eq!([sids(0, b"evil"), sids(4, b"word"), sids(8, b"more")], [vec![], vec![1, 2], vec![]]);
}

/// Rules, what makes them work in vain, and what they look for behind that.
const DECOYS: [(&str, &str, &str); 8] = [
    ("content:\"GET \"; pcre:\"/^x+y/R\";", "GET ", "GET xxy"),
    ("content:\"a\"; pcre:\"/^x+y/R\";", "a", "axxy"),
    ("content:\"a\"; pcre:\"/x\\d/R\";", "a", "ax1"),
    ("content:\"a\"; content:\"b\"; distance:0; pcre:\"/x\\d/R\";", "ab", "abx1"),
    ("pcre:\"/(a+)+b\\d/\";", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "aab1"),
    (
        "content:\"|00 01|\"; byte_extract:1,0,v,relative; content:\"evil\"; distance:v;",
        "\0\x01\x7f",
        "\0\x01\x01.evil",
    ),
    ("content:\"a=\"; base64_decode:bytes 8,relative; base64_data; content:\"hello\";", "a=", "a=aGVsbG8="),
    (
        "content:\"a=\"; base64_decode:bytes 40,relative; base64_data; pcre:\"/(o+)+\\d/\";",
        "a=b29vb29vb29vb29vb28",
        "a=bzE=",
    ),
];

#[test]
fn decoys_do_not_hide_a_match() {
    for (rule, decoy, hit) in DECOYS {
        let rule = format!("drop tcp any any -> any any ({rule} sid:1;)");
        for (decoys, size) in
            [1, 100, 400, 1000, 4000].into_iter().flat_map(|n| [(n, 700), (n, 1400), (n, 60_000)])
        {
            let mut payload = decoy.repeat(decoys).into_bytes();
            payload.truncate(50_000);
            payload.extend_from_slice(hit.as_bytes());
            let segments: Vec<_> = payload.chunks(size).collect();
            let verdicts = verdicts(&mut engine(&rule, Enforcement::Drop), &segments);
            assert!(
                verdicts.iter().any(|verdict| *verdict != Verdict::Forward),
                "{rule} {decoys} decoys, {size} each"
            );
        }
    }
}

#[test]
fn what_takes_too_long_to_judge_meets_a_policy() {
    let rules = "drop tcp any any -> any any (content:\"a\"; pcre:\"/(x|y)\\d/R\"; sid:1;)
alert tcp any any -> any any (content:\"c\"; pcre:\"/(x|y)\\d/R\"; sid:2;)";
    let (often, seldom) = ([b'a'; 1400], *b"abbbbbb");
    let dropped = Verdict::Drop(DropReason::Detection);
    let mut inline = engine(rules, Enforcement::Drop);
    assert_eq!(
        verdicts(&mut inline, &[&seldom, &often, b"."]),
        [Verdict::Forward, dropped, Verdict::Drop(DropReason::Flow)]
    );
    let alerts = |engine: &mut Engine| verdicts(engine, &[&often, b"."]);
    assert_eq!(alerts(&mut engine(rules, Enforcement::Report)), [Verdict::Forward; 2]);
    let mut lenient = engine(rules, Enforcement::Drop);
    lenient.settings.policies.set(Failure::Detection, crate::engine::policy::ExceptionPolicy::Ignore);
    assert_eq!(alerts(&mut lenient), [Verdict::Forward; 2]);
    // A rule that only alerts drops nothing.
    assert_eq!(verdicts(&mut engine(rules, Enforcement::Drop), &[&[b'c'; 1400]]), [Verdict::Forward]);
    // Unless one that drops may ask for what it sets.
    let chain = "alert tcp any any -> any any (content:\"c\"; pcre:\"/(x|y)\\d/R\"; flowbits:set,b; sid:2;)
drop tcp any any -> any any (flowbits:isset,b; content:\"d\"; sid:3;)";
    assert_eq!(verdicts(&mut engine(chain, Enforcement::Drop), &[&[b'c'; 1400]]), [dropped]);
    // What another rule lets go is not dropped.
    let passed = format!("{rules}\npass tcp any any -> any any (content:\"aa\"; sid:3;)");
    assert_eq!(verdicts(&mut engine(&passed, Enforcement::Drop), &[&often]), [Verdict::Forward]);
}

/// Alerts on a stream that is sent byte by byte.
fn alerts(rules: &str, stream: &[u8]) -> usize {
    let mut engine = engine(rules, Enforcement::Report);
    let mut connection = Connection::new(&mut engine, 1);
    (0..).zip(stream).map(|(at, byte)| connection.data(at, &[*byte]).1.len()).sum()
}

#[test]
fn a_match_is_told_once_however_many_rules_wait() {
    let mut rules = String::new();
    for sid in 10..30 {
        rules += &format!(
            "alert tcp any any -> any any (content:\"w{sid}\"; fast_pattern; content:\"never\"; sid:{sid};)\n"
        );
    }
    let waits: String = (10..30).map(|sid| format!("w{sid} ")).collect();
    for matches in 1..=4 {
        let mut rules = rules.clone();
        for sid in 1..=matches {
            rules +=
                &format!("alert tcp any any -> any any (content:\"ev{sid}\"; content:\"il\"; sid:{sid};)\n");
        }
        let evil = "ev1 ev2 ev3 ev4 il ";
        for stream in [format!("{evil}{waits}....."), format!("{waits}{evil}.....")] {
            assert_eq!(alerts(&rules, stream.as_bytes()), matches, "{stream}");
        }
    }
}

#[test]
fn the_start_of_a_stream_is_where_it_is() {
    for rule in ["pcre:\"/^ab/\";", "pcre:\"/ab/A\";", "pcre:\"/\\Aab/\";"] {
        let rule = format!("alert tcp-stream any any -> any any ({rule} sid:1;)");
        assert_eq!(alerts(&rule, b"abababab"), 1, "{rule}");
        let long = [&b"."[..], &b"ab".repeat(3000)].concat();
        assert_eq!(alerts(&rule, &long), 0, "{rule}");
    }
}

/// The sids that each of a stream's segments gives.
fn sids_of_each(rules: &str, segments: &[&[u8]]) -> Vec<Vec<u32>> {
    let mut engine = engine(rules, Enforcement::Report);
    let mut connection = Connection::new(&mut engine, 1);
    let mut offset = 0;
    let each = segments.iter().map(|segment| {
        let (_, seen) = connection.data(offset, segment);
        offset += segment.len();
        seen.into_iter().map(|(sid, _)| sid).collect()
    });
    each.collect()
}

#[test]
fn what_begins_in_the_data_of_a_match_counts_when_it_is_complete() {
    let segments = [&b"PA"[..], b"SS PA", b"SS PA", b"SS .", b"."];
    let expected = [vec![], vec![1], vec![1], vec![1], vec![]];
    for rule in ["content:\"PASS \";", "content:\"PASS \"; flowbits:isnotset,never;"] {
        let rule = format!("alert tcp any any -> any any ({rule} sid:1;)");
        assert_eq!(sids_of_each(&rule, &segments), expected, "{rule}");
    }
}

#[test]
fn a_content_is_remembered_while_what_its_rule_asks_for_is_not_captured() {
    let rules = "alert tcp any any -> any any (pcre:\"/user=(\\w+)!/, flow:user\"; noalert; sid:1;)
drop tcp any any -> any any (content:\"evil\"; flowvar:user,root; sid:2;)";
    let expected = [Verdict::Forward, Verdict::Forward, DROPPED];
    assert_eq!(verdicts(&mut engine(rules, Enforcement::Drop), &[b"evil", b"user=root!", b"."]), expected);
}

#[test]
fn what_may_not_be_captured_meets_the_policy_for_limits() {
    let contents = ["a", "b", "c", "d"].map(|letter| format!("content:\"{letter}\"; distance:0; ")).concat();
    let rules = format!(
        "alert tcp any any -> any any ({contents} pcre:\"/(e)/R, flow:x\"; sid:1;)
drop tcp any any -> any any (flowvar:x,e; content:\"evil\"; sid:2;)"
    );
    let decoys = ["a", "b", "c", "d", "e"].map(|letter| letter.repeat(80)).concat();
    let detection = Verdict::Drop(DropReason::Detection);
    assert_eq!(verdicts(&mut engine(&rules, Enforcement::Drop), &[decoys.as_bytes()]), [detection]);
    assert_eq!(
        verdicts(&mut engine(&rules, Enforcement::Drop), &[b"abcde", b"evil"]),
        [Verdict::Forward, DROPPED]
    );
}

/// What was dropped is not looked at again in its stream.
#[test]
fn what_took_too_long_to_judge_cannot_be_sent_again() {
    let rules = "drop tcp any any -> any any (content:\"a\"; pcre:\"/(x|y)\\d/R\"; sid:1;)
drop tcp any any -> any any (dsize:1401; sid:2;)";
    for (length, policy) in [
        (1400, crate::engine::policy::ExceptionPolicy::DropPacket),
        (1401, crate::engine::policy::ExceptionPolicy::DropPacket),
        (1401, crate::engine::policy::ExceptionPolicy::Auto),
    ] {
        let mut engine = engine(rules, Enforcement::Drop);
        engine.settings.policies.set(Failure::Detection, policy);
        let mut connection = Connection::new(&mut engine, 1);
        let often = vec![b'a'; length];
        assert!(matches!(connection.data(0, &often).0, Verdict::Drop(_)));
        for part in [0..700, 700..length] {
            let (verdict, _) = connection.data(part.start, &often[part]);
            assert_eq!(verdict, Verdict::Drop(DropReason::Flow), "{length} {policy:?}");
        }
    }
}

/// An engine that inspects so many bytes of a stream.
fn with_depth(rules: &str, depth: u64) -> Engine {
    let settings = Settings::new(Enforcement::Drop);
    let stream = crate::engine::stream::Settings { depth, ..settings.stream };
    Engine::new(Arc::new(load(rules).0), Settings { stream, ..settings })
}

#[test]
fn segments_beyond_the_depth_are_looked_at_one_by_one() {
    let rules = "drop tcp any any -> any any (content:\"evil\"; sid:1;)";
    let alerts = "alert tcp any any -> any any (content:\"evil\"; sid:1;)";
    for (segments, forwarded) in [
        (&[&b"0123456789"[..], b"more", b"evil"][..], 2),
        (&[b"01234567", b"89evil"], 1),
        (&[b"01234567", b"89", b"evil"], 2),
        (&[b"01234567", b"evil"], 1),
    ] {
        let verdicts = verdicts(&mut with_depth(rules, 10), segments);
        assert_eq!(verdicts.iter().position(|verdict| *verdict == DROPPED), Some(forwarded), "{segments:?}");
    }
    // Before the hole in front of it is filled, too.
    let mut early = with_depth(rules, 10);
    assert_eq!(Connection::new(&mut early, 1).data(20, b"evil").0, DROPPED);
    let mut once = with_depth(alerts, 10);
    let mut connection = Connection::new(&mut once, 1);
    let sids: Vec<usize> = [(0, &b"evil"[..]), (0, b"evil"), (4, b"012345"), (10, b".")]
        .map(|(at, data)| connection.data(at, data).1.len())
        .into();
    assert_eq!(sids, [1, 0, 0, 0]);
}
