use proptest::prelude::*;

use super::*;
use crate::engine::{
    meta::Timestamp,
    rules::{
        environment::Context,
        fault::Fault,
        header::HeaderParser,
        parser::{self, Rule},
    },
};

/// What comes of the last of these matches, from the whole history: slow, and obvious.
///
/// Periods are found by going through all matches: the first begins one, and each that does not belong to the period before begins
/// the next. What is reported follows from the position of the last match in its period.
fn model(limit: Limit, times: &[u64]) -> Judgement {
    let seconds = u64::from(limit.seconds) * 1_000_000_000;
    let mut period: Vec<u64> = Vec::new();
    for &time in times {
        if period.first().is_some_and(|first| time.abs_diff(*first) > seconds) {
            period.clear();
        }
        period.push(time);
    }
    let count = limit.count as usize;
    let nth = if limit.kind == (Kind::Backoff { multiplier: 3 }) { times.len() } else { period.len() };
    match limit.kind {
        Kind::Limit if nth <= count => Judgement::Match,
        Kind::Limit => Judgement::Silent,
        Kind::Threshold if nth % count == 0 => Judgement::Match,
        Kind::Threshold => Judgement::Nothing,
        Kind::Both if nth < count => Judgement::Nothing,
        Kind::Both if nth == count => Judgement::Match,
        Kind::Both => Judgement::Silent,
        Kind::DetectionFilter if nth > count => Judgement::Match,
        Kind::DetectionFilter => Judgement::Nothing,
        Kind::Backoff { multiplier } => {
            let reported = std::iter::successors(Some(count), |n| Some(n * multiplier as usize));
            if reported.take_while(|n| *n <= nth).any(|n| n == nth) {
                Judgement::Match
            } else if nth == 1 {
                Judgement::Nothing
            } else {
                Judgement::Silent
            }
        }
        Kind::Rate { .. } => unreachable!("has a model of its own"),
    }
}

/// The same of a rate filter: matches while it is active are not counted, and the one that ends it neither.
fn rate_model(limit: Limit, timeout: u64, times: &[u64]) -> Judgement {
    let seconds = u64::from(limit.seconds) * 1_000_000_000;
    let (mut period, mut active): (Vec<u64>, Option<u64>) = (Vec::new(), None);
    let mut last = Judgement::Match;
    for &time in times {
        let second = time / 1_000_000_000;
        last = Judgement::Match;
        if let Some(began) = active {
            match second.abs_diff(began) > timeout {
                true => active = None,
                false => last = Judgement::Filtered,
            }
            continue;
        }
        if period.first().is_some_and(|first| time.abs_diff(*first) > seconds) {
            period.clear();
        }
        period.push(time);
        if period.len() > limit.count as usize {
            active = Some(second);
            last = Judgement::Filtered;
        }
    }
    last
}

fn limit() -> impl Strategy<Value = Limit> {
    let kind = prop::sample::select(vec![
        Kind::Limit,
        Kind::Threshold,
        Kind::Both,
        Kind::DetectionFilter,
        Kind::Backoff { multiplier: 3 },
        Kind::Rate { timeout: 2 },
    ]);
    (kind, 1..5_u32, 0..4_u32).prop_map(|(kind, count, seconds)| {
        // A rate filter's first match is the rule's own whatever the count.
        Limit { kind, track: Track::Rule, count, seconds }
    })
}

/// Times in half seconds that go on, stand still, go back a little, and now and then are set back.
fn times() -> impl Strategy<Value = Vec<u64>> {
    let step = prop_oneof![8 => 0..3_i64, 2 => -2..0_i64, 1 => -20..20_i64, 1 => Just(i64::from(i32::MAX))];
    prop::collection::vec(step, 1..60).prop_map(|steps| {
        let mut now = 40_i64;
        let times = steps.into_iter().map(|step| {
            now = (now + step).max(0);
            now.unsigned_abs() * 500_000_000
        });
        times.collect()
    })
}

proptest! {
    #[test]
    fn steps_are_what_the_whole_history_says(limit in limit(), times in times()) {
        let mut record = None;
        for (at, &time) in times.iter().enumerate() {
            let (new, judged) = limit.step(record, Timestamp(time));
            let history = &times[..=at];
            let expected = match limit.kind {
                Kind::Rate { timeout } => rate_model(limit, timeout.into(), history),
                _ => model(limit, history),
            };
            prop_assert_eq!(judged, expected, "{:?} {:?}", limit, history);
            record = Some(new);
        }
    }

    #[test]
    fn no_figure_is_too_large(
        mut limit in limit(),
        count in any::<u32>(),
        seconds in any::<u32>(),
        since in any::<u64>(),
        now in any::<u64>(),
        extra in any::<u32>(),
    ) {
        limit.seconds = seconds;
        let record = Record { since, until: since, count, extra };
        let _ = limit.step(Some(record), Timestamp(now));
        let _ = limit.step(None, Timestamp(now));
    }
}

fn rule_with(options: &str) -> Result<Rule, Fault> {
    let text = format!("alert ip any any -> any any ({options} sid:1;)");
    let context = Context::empty();
    parser::parse(&text, &mut HeaderParser::new(&context.environment.variables), context)
        .map(|parsed| parsed.rule)
        .map_err(parser::Unusable::into_fault)
}

#[test]
fn good_keywords_are_read() {
    for (text, kind, track, count, seconds) in [
        ("threshold:type limit, track by_src, count 1, seconds 60;", Kind::Limit, Track::Source, 1, 60),
        ("threshold: seconds 5,count 2,track by_dst,type both;", Kind::Both, Track::Destination, 2, 5),
        (
            "threshold:type  threshold , track by_both, count 3, seconds 0;",
            Kind::Threshold,
            Track::Both,
            3,
            0,
        ),
        ("threshold:type limit, track by_rule, count 1, seconds 60;", Kind::Limit, Track::Rule, 1, 60),
        (
            "threshold:type backoff, track by_flow, count 1, multiplier 10;",
            Kind::Backoff { multiplier: 10 },
            Track::Flow,
            1,
            0,
        ),
        ("detection_filter:track by_src,count 15,seconds 2;", Kind::DetectionFilter, Track::Source, 15, 2),
        ("detection_filter:count 1, track by_flow, seconds 2;", Kind::DetectionFilter, Track::Flow, 1, 2),
    ] {
        let limit = rule_with(text).unwrap().thresholding.counter.unwrap().limit;
        assert_eq!(limit, Limit { kind, track, count, seconds }, "{text}");
    }
    let alerts = |options| rule_with(options).unwrap().thresholding.alert;
    assert!(alerts("") && !alerts("noalert;") && alerts("noalert; alert;") && !alerts("xbits:noalert;"));
}

#[test]
fn bad_keywords_fault_where_they_are_wrong() {
    for (options, wrong, reason) in [
        ("threshold:track by_src, count 1, seconds 60;", "track", "`type` is missing"),
        ("threshold:type limit, count 1, seconds 60;", "type", "`track` is missing"),
        ("threshold:type limits, track by_src, count 1, seconds 60;", "limits", "no type"),
        ("threshold:type limit, track by_dest, count 1, seconds 60;", "by_dest", "track by"),
        ("threshold:type limit, track by_src, count 0, seconds 60;", "0", "whole number from 1"),
        ("threshold:type limit, track by_src, count 1, seconds -1;", "-1", "whole number"),
        ("threshold:type limit, track by_src, count 1, count 2, seconds 6;", "count 2", "twice"),
        ("threshold:type limit, track by_src, count 1, seconds 60, x 1;", "x 1", "nothing that stands here"),
        ("threshold:type limit, track by_src, count 1, seconds;", "seconds", "name and value"),
        ("threshold:type limit, track by_src, count 1, seconds 1,;", ";", "name and value"),
        ("threshold:type backoff, track by_src, count 1, multiplier 2;", "backoff", "by_flow"),
        ("threshold:type backoff, track by_flow, count 1, multiplier 1;", "1;", "from 2"),
        ("threshold:type backoff, track by_flow, count 1, seconds 1;", "type", "`multiplier` is missing"),
        ("detection_filter:track by_src, count 1, seconds 0;", "0", "from 1"),
        (
            "detection_filter:type limit, track by_src, count 1, seconds 1;",
            "type",
            "nothing that stands here",
        ),
        (
            "detection_filter:track by_src, count 1, seconds 1; threshold:type limit, track by_src, count 1, seconds 1;",
            "type",
            "one",
        ),
        ("noalert:1;", "1;", "takes no value"),
    ] {
        let text = format!("alert ip any any -> any any ({options} sid:1;)");
        let fault = rule_with(options).unwrap_err();
        assert!(fault.reason.contains(reason), "{options}: {}", fault.reason);
        assert!(text[fault.at..].starts_with(wrong), "{options}: at {:?}", &text[fault.at..]);
    }
}

mod file {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::engine::rules::{Environment, HostSettings, LoadReport, RuleError, RuleSet, Variables};

    const RULES: &str = "alert ip any any -> any any (sid:1;)
alert ip any any -> any any (sid:2; threshold:type limit, track by_src, count 1, seconds 60;)
alert ip any any -> any any (sid:3; gid:7;)";

    fn load(text: &str) -> (RuleSet, LoadReport) {
        let environment = Environment {
            variables: Variables::suricata_defaults(),
            thresholds: Some((PathBuf::from("threshold.config"), text.into())),
            hosts: HostSettings { memory: 1 << 12, seed: 0 },
            ..Environment::default()
        };
        RuleSet::load([(Path::new("a.rules"), RULES)], &environment, None)
    }

    /// Which of the rules 1, 2 and 3 have a counter, of which kind.
    fn kinds(text: &str) -> Vec<Option<Kind>> {
        let (set, report) = load(text);
        assert_eq!(report.failed, []);
        set.rules.iter().map(|rule| Some(rule.thresholding.counter.as_ref()?.limit.kind)).collect()
    }

    const TYPE: &str = "type both, track by_dst, count 2, seconds 5";
    const RATE: &str = "track by_rule, count 100, seconds 60, new_action drop, timeout 30";

    #[test]
    fn entries_go_to_the_rules_they_name() {
        let (limit, both, rate) = (Some(Kind::Limit), Some(Kind::Both), Some(Kind::Rate { timeout: 30 }));
        for (text, expected) in [
            ("", [None, limit, None]),
            (&*format!("# comment\n\n threshold gen_id 1, sig_id 1, {TYPE}"), [both, limit, None]),
            // One for a single rule replaces what that has; one for many does not, and the first of these stays.
            (&format!("event_filter gen_id 1, sig_id 2, {TYPE}"), [None, both, None]),
            (&format!("threshold gen_id 1, sig_id 0, {TYPE}"), [both, limit, None]),
            (
                &format!("threshold gen_id 0, \\\nsig_id 0, {TYPE}\nrate_filter gen_id 0, sig_id 0, {RATE}"),
                [both, limit, both],
            ),
            (&format!("rate_filter gen_id 0, sig_id 0, {RATE}"), [rate, limit, rate]),
            (
                &format!("rate_filter gen_id 7,sig_id 3,{RATE}\nthreshold gen_id 7, sig_id 3, {TYPE}"),
                [None, limit, both],
            ),
        ] {
            assert_eq!(kinds(text), expected, "{text}");
        }
    }

    #[test]
    fn suppressions_go_with_everything() {
        let text = "suppress gen_id 1, sig_id 1
suppress gen_id 1, sig_id 2, track by_src, ip [10.0.0.0/8, !10.1.0.0/16]
suppress gen_id 0, sig_id 0, track by_either, ip $HOME_NET";
        let (set, report) = load(text);
        assert_eq!((report.failed, report.idle, report.thresholds), (vec![], vec![], 3));
        let alerts: Vec<_> = set.rules.iter().map(|rule| rule.thresholding.alert).collect();
        let suppressions: Vec<_> =
            set.rules.iter().map(|rule| rule.thresholding.suppressions.len()).collect();
        assert_eq!((alerts, suppressions), (vec![false, true, true], vec![1, 2, 1]));
        let holds = |rule: usize, source: &str, destination: &str| {
            let pair = (source.parse().unwrap(), destination.parse().unwrap());
            set.rules[rule].thresholding.suppressions.iter().any(|suppression| suppression.holds(pair))
        };
        assert!(holds(1, "10.1.0.1", "8.8.8.8"), "it is in $HOME_NET");
        assert!(holds(2, "8.8.8.8", "192.168.0.1") && !holds(2, "8.8.8.8", "9.9.9.9"));
    }

    #[test]
    fn broken_entries_are_reported_and_the_others_go_on() {
        let text = "suppress gen_id 1, sig_id 1, track by_src, ip 10.0.0.300
suppresss gen_id 1, sig_id 1
suppress gen_id 0, sig_id 1
suppress gen_id 1
suppress gen_id 1, sig_id x
suppress gen_id 1, sig_id 1, track by_rule, ip 1.1.1.1
suppress gen_id 1, sig_id 1, ip 1.1.1.1
suppress gen_id 1, sig_id 1, track by_src
suppress gen_id 1, sig_id 1, track by_src, ip $NOBODY
threshold gen_id 1, sig_id 1, type detection, track by_src, count 1, seconds 1
threshold gen_id 1, sig_id 1, type limit, track by_src, count 0, seconds 1
threshold gen_id 1, sig_id 1
rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 1, new_action sdrop, timeout 1
rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 1, new_action drop
suppress
suppress gen_id 1, sig_id 1, track by_src, ip 10.0.0.1";
        let (set, report) = load(text);
        assert_eq!((report.thresholds, report.idle, set.len()), (16, vec![], 3));
        assert_eq!(set.rules[0].thresholding.suppressions.len(), 1);
        let lines: Vec<_> = text.lines().collect();
        let seen: Vec<_> = report
            .failed
            .iter()
            .map(|RuleError { sid, file, line, column, reason, .. }| {
                assert_eq!(file, Path::new("threshold.config"));
                let wrong = &lines[*line as usize - 1][*column as usize - 1..];
                (*line, *sid, wrong.split([' ', ',']).next().unwrap(), reason.as_str())
            })
            .collect();
        let expected = [
            (1, Some(1), "10.0.0.300", "no address"),
            (2, None, "suppresss", "begins no entry"),
            (3, Some(1), "0", "stands for all"),
            (4, None, "gen_id", "`sig_id` is missing"),
            (5, None, "x", "whole number"),
            (6, Some(1), "by_rule", "by_either"),
            (7, Some(1), "1.1.1.1", "track by_src"),
            (8, Some(1), "gen_id", "`ip` is missing"),
            (9, Some(1), "$NOBODY", "not defined"),
            (10, Some(1), "detection", "no type"),
            (11, Some(1), "0", "from 1"),
            (12, Some(1), "gen_id", "`type` is missing"),
            (13, Some(1), "sdrop", "does nothing"),
            (14, Some(1), "gen_id", "`timeout` is missing"),
            (15, None, "", "name and value"),
        ];
        assert_eq!(seen.len(), expected.len(), "{seen:#?}");
        for (seen, expected) in seen.into_iter().zip(expected) {
            assert_eq!((seen.0, seen.1, seen.2), (expected.0, expected.1, expected.2), "{}", seen.3);
            assert!(seen.3.contains(expected.3), "{seen:?}");
        }
    }

    #[test]
    fn entries_that_change_nothing_are_told_apart() {
        let (_, report) = load(&format!(
            "suppress gen_id 1, sig_id 99\nrate_filter gen_id 1, sig_id 2, {RATE}\nsuppress gen_id 99, sig_id 0"
        ));
        assert_eq!((report.thresholds, report.failed), (3, vec![]));
        let idle: Vec<_> = report.idle.iter().map(|error| (error.line, error.sid, error.column)).collect();
        assert_eq!(idle, [(1, Some(99), 27), (2, Some(2), 30)]);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(?s).{0,80}|(suppress|threshold) gen_id 1, sig_id 1[, a-z0-9\\[\\]]{0,60}") {
            let (set, report) = load(&text);
            prop_assert_eq!(set.len(), 3);
            prop_assert!(report.failed.len() + report.idle.len() <= report.thresholds);
        }
    }
}
