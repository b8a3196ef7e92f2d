//! The rules of the cases, and what they match told in the plainest way.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
};

use fastpath::engine::rules::{RuleSet, Variables};

type Matches = fn(&[u8]) -> bool;

/// Protocols and bodies of rules, and whether a stream matches them. With `tcp`, `offset` and `depth` also count from the start
/// of a segment, as in Suricata, so that what matches would depend on how the stream is cut.
const RULES: [(&str, &str, Matches); 6] = [
    ("tcp", "content:\"evilword\";", |stream| !places(stream, b"evilword").is_empty()),
    ("tcp", "content:\"EVIL\"; nocase; content:\"word\"; distance:1; within:30;", |stream| {
        let words = places(stream, b"word");
        places(&stream.to_ascii_lowercase(), b"evil")
            .into_iter()
            // `within` counts from where `distance` leads, as in Suricata.
            .any(|evil| words.iter().any(|&word| word > evil + 4 && word + 4 <= evil + 4 + 1 + 30))
    }),
    ("tcp-stream", "content:\"HEAD\"; offset:2; depth:20;", |stream| {
        places(stream, b"HEAD").into_iter().any(|at| at >= 2 && at + 4 <= 22)
    }),
    ("tcp", "content:\"HEAD\"; content:\"TAIL\";", |stream| {
        !places(stream, b"HEAD").is_empty() && !places(stream, b"TAIL").is_empty()
    }),
    ("tcp", "content:\"0123456789abcdef0123456789abcdef+long\";", |stream| {
        !places(stream, LONG.as_bytes()).is_empty()
    }),
    ("tcp", "content:\"wordHEAD\"; fast_pattern:1,3;", |stream| !places(stream, b"wordHEAD").is_empty()),
];

/// Longer than what is searched of a content at once.
pub(crate) const LONG: &str = "0123456789abcdef0123456789abcdef+long";

/// Where `needle` lies in `stream`.
fn places(stream: &[u8], needle: &[u8]) -> Vec<usize> {
    let windows = stream.windows(needle.len()).enumerate();
    windows.filter(|(_, window)| *window == needle).map(|(at, _)| at).collect()
}

/// The sids of the rules that match the stream.
pub(crate) fn matches(stream: &[u8]) -> BTreeSet<u32> {
    (1..).zip(RULES).filter(|(_, (_, _, matches))| matches(stream)).map(|(sid, _)| sid).collect()
}

/// The rules with this action.
pub(crate) fn set(action: &'static str) -> Arc<RuleSet> {
    static SETS: Mutex<BTreeMap<&str, Arc<RuleSet>>> = Mutex::new(BTreeMap::new());
    let mut sets = SETS.lock().unwrap();
    Arc::clone(sets.entry(action).or_insert_with(|| {
        let rule = |(sid, (protocol, body, _))| {
            format!("{action} {protocol} any any -> any any ({body} sid:{sid};)\n")
        };
        let text: String = (1_u32..).zip(RULES).map(rule).collect();
        let (rules, report) =
            RuleSet::parse([(Path::new("evasion.rules"), text.as_str())], &Variables::default());
        assert_eq!(report.failed, []);
        Arc::new(rules)
    }))
}
