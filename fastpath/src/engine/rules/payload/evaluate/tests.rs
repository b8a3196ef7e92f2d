#![allow(clippy::cast_possible_wrap)] // the slow reference counts in isize

use proptest::prelude::*;

use super::*;
use crate::engine::rules::{Variables, environment::Context, header::HeaderParser, parser, parser::Rule};

/// A content as the reference evaluator sees it.
#[derive(Clone, Debug)]
struct Plain {
    text: String,
    negated: bool,
    nocase: bool,
    ends: bool,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Anywhere,
    Starts,
    Only,
    Absolute(usize, Option<usize>),
    Relative(Option<isize>, Option<usize>),
}

impl Plain {
    fn write(&self, out: &mut String) {
        let Self { text, negated, nocase, ends, place } = self;
        *out += &format!("content:{}\"{text}\"; ", if *negated { "!" } else { "" });
        *out += if *nocase { "nocase; " } else { "" };
        *out += if *ends { "endswith; " } else { "" };
        match place {
            Place::Anywhere => {}
            Place::Starts => *out += "startswith; ",
            Place::Only => *out += "fast_pattern:only; ",
            Place::Absolute(offset, depth) => {
                // Either order means the same.
                *out += &depth.map_or(String::new(), |depth| format!("depth:{depth}; "));
                *out += &format!("offset:{offset}; ");
            }
            Place::Relative(distance, within) => {
                *out += &distance.map_or(String::new(), |distance| format!("distance:{distance}; "));
                *out += &within.map_or(String::new(), |within| format!("within:{within}; "));
            }
        }
    }

    /// Whether an occurrence at `at` is one that the content accepts, the content before ending at `cursor`.
    fn accepts(&self, payload: &[u8], cursor: usize, at: usize) -> bool {
        let Some(found) = payload.get(at..at + self.text.len()) else {
            return false;
        };
        let same = if self.nocase {
            found.eq_ignore_ascii_case(self.text.as_bytes())
        } else {
            found == self.text.as_bytes()
        };
        let end = at + self.text.len();
        let (from, to) = match self.place {
            Place::Anywhere | Place::Only => (0, payload.len() as isize),
            Place::Starts => (0, self.text.len() as isize),
            Place::Absolute(offset, depth) => {
                (offset as isize, depth.map_or(payload.len(), |depth| offset + depth) as isize)
            }
            Place::Relative(distance, within) => {
                let from = cursor as isize + distance.unwrap_or(0);
                (from, within.map_or(payload.len() as isize, |within| from + within as isize))
            }
        };
        same && at as isize >= from && end as isize <= to && (!self.ends || end == payload.len())
    }
}

/// The obvious way: try every occurrence of every content.
fn reference(contents: &[Plain], payload: &[u8], cursor: usize) -> bool {
    let Some((content, rest)) = contents.split_first() else {
        return true;
    };
    let mut places = (0..payload.len()).filter(|&at| content.accepts(payload, cursor, at));
    if content.negated {
        places.next().is_none() && reference(rest, payload, cursor)
    } else if matches!(content.place, Place::Only) {
        places.next().is_some() && reference(rest, payload, cursor)
    } else {
        places.any(|at| reference(rest, payload, at + content.text.len()))
    }
}

fn place(length: usize) -> impl Strategy<Value = Place> {
    let depth = prop::option::of(length..8);
    let within = prop::option::of(length..8);
    prop_oneof![
        Just(Place::Anywhere),
        Just(Place::Starts),
        (0..6_usize, depth).prop_map(|(offset, depth)| Place::Absolute(offset, depth)),
        (prop::option::of(-5..5_isize), within).prop_map(|(distance, within)| match (distance, within) {
            (None, None) => Place::Relative(Some(0), None),
            (distance, within) => Place::Relative(distance, within),
        }),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    "[aAb]{1,3}".prop_flat_map(|text| {
        let place = place(text.len());
        (Just(text), prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.1), place)
            .prop_map(|(text, negated, nocase, ends, place)| Plain { text, negated, nocase, ends, place })
    })
}

/// Contents with, at times, one that is `fast_pattern:only` where that is allowed.
fn contents() -> impl Strategy<Value = Vec<Plain>> {
    (prop::collection::vec(plain(), 1..5), any::<bool>()).prop_map(|(mut contents, only)| {
        let apart = (0..contents.len()).find(|&at| {
            let next = contents.get(at + 1).map(|next| &next.place);
            let this = &contents[at];
            matches!(this.place, Place::Anywhere)
                && !this.negated
                && !this.ends
                && !matches!(next, Some(Place::Relative(..)))
        });
        if let Some(at) = apart.filter(|_| only) {
            contents[at].place = Place::Only;
        }
        contents
    })
}

pub(super) fn compile(options: &str) -> Rule {
    let variables = Variables::default();
    let text = format!("alert ip any any -> any any ({options}sid:1;)");
    parser::parse(&text, &mut HeaderParser::new(&variables), Context::empty()).unwrap().rule
}

pub(super) fn found(options: &str, payload: &[u8]) -> bool {
    Cursors::default().satisfy(&compile(options).payload, Text::whole(payload))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn agrees_with_the_obvious_evaluator(contents in contents(), payload in "[aAb]{1,14}") {
        let mut options = String::new();
        contents.iter().for_each(|content| content.write(&mut options));
        let expected = reference(&contents, payload.as_bytes(), 0);
        prop_assert_eq!(found(&options, payload.as_bytes()), expected, "{}", options);
    }

    /// The prefilter may only let go what cannot match.
    #[test]
    fn a_match_has_its_fast_pattern(contents in contents(), payload in "[aAb]{1,14}") {
        let mut options = String::new();
        contents.iter().for_each(|content| content.write(&mut options));
        let rule = compile(&options);
        if let Some(pattern) = &rule.fast_pattern && Cursors::default().satisfy(&rule.payload, Text::whole(payload.as_bytes())) {
            let (pattern, payload) = (pattern.to_ascii_lowercase(), payload.to_ascii_lowercase());
            prop_assert!(payload.as_bytes().windows(pattern.len()).any(|window| window == pattern));
        }
    }
}

#[test]
fn later_occurrences_are_tried() {
    // The first `ab` has no `cd` near it; the second has.
    let rule = r#"content:"ab"; content:"cd"; distance:1; within:3; "#;
    assert!(found(rule, b"ab....ab.cd"));
    assert!(!found(rule, b"ab....abcd"));
    assert!(found(rule, b"ab....ab..cd"));
    assert!(!found(rule, b"ab....ab...cd"));
}

#[test]
fn negation_looks_behind_every_occurrence() {
    let rule = r#"content:"ab"; content:!"x"; within:1; "#;
    assert!(found(rule, b"abx.ab."));
    assert!(!found(rule, b"abxabx"));
}

#[test]
fn negative_distance_looks_back() {
    assert!(found(r#"content:"cd"; content:"ab"; distance:-4; within:2; "#, b"abcd"));
    // Two bytes back from the start of `cd`; the window still ends where its distance says.
    assert!(!found(r#"content:"cd"; content:"ab"; distance:-6; within:2; "#, b"abcd"));
}

#[test]
fn offset_and_depth_bound_the_whole_content() {
    let rule = r#"content:"ab"; offset:1; depth:3; "#;
    assert!(found(rule, b".ab") && found(rule, b"..ab"));
    assert!(!found(rule, b"ab...") && !found(rule, b"...ab"));
}

/// A payload and contents that send naive backtracking through 1400^6 steps.
#[test]
fn hostile_repetition_is_bounded() {
    let mut rule = String::from(r#"content:"a"; "#);
    rule += &r#"content:"a"; distance:0; "#.repeat(5);
    rule += r#"content:"b"; distance:0; "#;
    let mut cursors = Cursors::default();
    assert!(!cursors.satisfy(&compile(&rule).payload, Text::whole(&[b'a'; 1400])));
    assert!(cursors.now.places.len() + cursors.next.places.len() <= 2 * 1400);
}

#[test]
fn decoded_base64_is_looked_at_where_it_is_decoded() {
    let rule = r#"content:"x="; base64_decode:bytes 8,relative; base64_data; content:"ell"; pkt_data; content:"."; "#;
    assert!(found(rule, b"x=aGVsbG8.")); // hello
    assert!(!found(rule, b"x=aGVsbG8"));
    assert!(!found(rule, b"x=SGFsbG8.")); // Hallo
    // Each occurrence of what comes before is tried.
    assert!(found(rule, b"x=SGFsbG8.x=aGVsbG8."));
}

#[test]
fn an_expression_is_tried_behind_each_occurrence() {
    let rule = r#"content:"a"; pcre:"/^\d+b/R"; "#;
    assert!(found(rule, b"axa12b") && !found(rule, b"axa12c"));
    // The first match of the expression is not the one that the content follows.
    assert!(found(r#"pcre:"/\d\d/"; content:"c"; distance:0; within:1; "#, b"12b34c"));
    assert!(
        found(r#"content:"a"; pcre:!"/b/R"; "#, b"aba") && !found(r#"content:"a"; pcre:!"/b/R"; "#, b"aab")
    );
}

/// An expression that backtracks for ever, behind each of 1400 occurrences.
#[test]
fn hostile_expressions_are_bounded() {
    let rule = r#"content:"a"; pcre:"/(a+)+$/R"; "#;
    let mut payload = vec![b'a'; 1400];
    payload.push(b'!');
    let mut cursors = Cursors::default();
    assert!(!cursors.satisfy(&compile(rule).payload, Text::whole(&payload)));
    assert!(
        cursors.take_exceeded() && cursors.budget.left < PCRE_LIMIT_COST,
        "it is the budget that ended it"
    );
}

/// Many variables, each with many values.
#[test]
fn hostile_variables_are_bounded() {
    let mut rule = String::from("content:\"a\"; ");
    for n in 0..250 {
        rule += &format!("byte_extract:1,0,v{n},relative; content:\"a\"; distance:0; ");
    }
    let mut cursors = Cursors::default();
    assert!(!cursors.satisfy(&compile(&rule).payload, Text::whole(&[b'a'; 1400])));
    assert!(cursors.take_exceeded());
    assert!(cursors.now.values.len() + cursors.next.values.len() <= BUDGET);
}

/// What is decoded at each of many places is looked at with one budget.
#[test]
fn hostile_encodings_are_bounded() {
    let rule = r#"content:"a"; base64_decode:relative; base64_data; pcre:"/i\d/"; "#;
    let mut cursors = Cursors::default();
    assert!(!cursors.satisfy(&compile(rule).payload, Text::whole(&[b'a'; 1400])));
    assert!(cursors.take_exceeded() && cursors.budget.left < PCRE_LIMIT_COST);
}

#[test]
fn what_is_anchored_is_at_one_place() {
    let rule = compile("content:\"x\"; pcre:\"/a/AR\"; content:\"b\"; distance:0; within:1; ");
    let mut cursors = Cursors::default();
    let mut holds = |payload| cursors.satisfy(&rule.payload, Text::whole(payload));
    assert!(holds(b"xab") && holds(b"xaxab"));
    assert!(!holds(b"xaab"));
}
