use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::engine::rules::{Kept, Target};

fn load(text: &str) -> (RuleSet, LoadReport) {
    RuleSet::parse([(Path::new("a.rules"), text)], &Variables::suricata_defaults())
}

/// The only error of `text`: sid, line, column, reason.
#[track_caller]
fn error(text: &str) -> (Option<u32>, u32, u32, String) {
    let (_, mut report) = load(text);
    assert_eq!(report.failed.len(), 1, "{:?}", report.failed);
    let error = report.failed.remove(0);
    (error.sid, error.line, error.column, error.reason)
}

/// The error of a rule with these options.
#[track_caller]
fn reason(options: &str) -> String {
    error(&format!("alert udp any any -> any any ({options} sid:1;)")).3
}

#[test]
fn counts_and_names_what_fails() {
    let text = "# a comment\n\nalert udp any any -> any any (sid:1;)\n\nalert udp any any -> any any (nocase; sid:2;)\n";
    let (rules, report) = load(text);
    assert_eq!((rules.len(), report.rules, report.loaded), (1, 2, 1));
    let expected = RuleError {
        missing_parser: None,
        sid: Some(2),
        file: PathBuf::from("a.rules"),
        line: 5,
        column: 31,
        reason: "`nocase` must follow a `content`".into(),
    };
    assert_eq!(report.failed, [expected]);
    assert!(report.failed[0].to_string().starts_with("a.rules:5:31: sid 2: "));
}

#[test]
fn unknown_keywords_are_named_with_sid_line_and_column() {
    let text = "\nalert udp any any -> any any (content:\"a\"; nonsense:1; sid:77;)";
    assert_eq!(error(text), (Some(77), 2, 44, "unknown keyword `nonsense`".into()));
    assert_eq!(reason("lua:a;"), "keyword `lua` is not supported yet");
    assert_eq!(reason("Content:\"a\";"), "unknown keyword `Content`");
}

#[test]
fn headers_are_checked() {
    let check = |header: &str, column: u32, part: &str| {
        let (sid, _, at, reason) = error(&format!("{header} (sid:5;)"));
        assert_eq!((sid, at), (Some(5), column), "{header}: {reason}");
        assert!(reason.contains(part), "{header}: {reason}");
    };
    check("log udp any any -> any any", 1, "unknown action `log`");
    check("alert http any any -> any any", 7, "application protocol `http` is not there yet");
    check("alert foo any any -> any any", 7, "unknown protocol `foo`");
    check("alert udp any any <- any any", 19, "unknown direction `<-`");
    check("alert udp $NOPE any -> any any", 11, "variable `$NOPE` is not defined");
    check("alert udp any $NOPE -> any any", 15, "variable `$NOPE` is not defined");
    check("alert udp any any -> [1.1.1.1,x] any", 31, "`x` is no address");
    check("alert udp any any -> any 70000", 26, "`70000` is no port");
    check("alert udp any any -> any", 26, "destination port is missing");
}

#[test]
fn values_are_checked() {
    let cases = [
        ("sid:x;", "`x` is no whole number"),
        ("rev:-1;", "`-1` is no whole number"),
        ("gid:1; gid:1;", "`gid` may stand in a rule once"),
        ("rev:1; rev:1;", "`rev` may stand in a rule once"),
        ("msg:\"a\"; msg:\"b\";", "`msg` may stand in a rule once"),
        ("msg:a;", "double quotes"),
        ("msg:\"a;", "closing quote is missing"),
        ("msg;", "`msg` needs a value"),
        ("msg:\"\";", "may not be empty"),
        ("classtype:a b;", "`a b` is no name"),
        ("priority:0;", "from 1 to 255"),
        ("reference:url;", "`type,value`"),
        ("target:dst_ip;", "src_ip or dest_ip"),
        ("target:src_ip; target:dest_ip;", "not both"),
        ("target;", "`target` needs a value"),
        ("requires:version 8;", "compared by"),
        ("requires;", "`requires` needs a value"),
        ("content:\"\";", "may not be empty"),
        ("content:a;", "double quotes"),
        ("content:\"|4|\";", "odd number of digits"),
        ("content:\"a\"; nocase:1;", "`nocase` takes no value"),
        ("content:\"a\"; nocase; nocase;", "`nocase` may stand once"),
        ("content:\"a\"; rawbytes; rawbytes;", "`rawbytes` may stand once"),
        ("content:\"a\"; endswith; endswith;", "`endswith` may stand once"),
        ("content:\"abc\"; depth:2;", "depth 2 is shorter than the content of 3 bytes"),
        ("content:\"abc\"; within:2;", "within 2 is shorter than the content of 3 bytes"),
        ("content:\"a\"; depth:70000;", "from 0 to 65535"),
        ("content:\"a\"; offset:x;", "before this sets a variable `x`"),
        ("content:\"a\"; offset:+1;", "from 0 to 65535"),
        ("pcre:/a;", "is written"),
        ("pcre:\"/a/;", "closing quote is missing"),
        ("pcre:\"a/\";", "is written"),
        ("pcre:\"/a\";", "is written"),
        ("pcre:\"/a(/\";", "missing closing parenthesis"),
        ("pcre:\"/a/k\";", "unknown flag `k`"),
        ("pcre:\"/a/UH\";", "about one buffer"),
        ("tcp.hdr;", "nothing is asked of this buffer"),
        ("tcp.hdr; pkt_data; content:\"a\";", "nothing is asked of this buffer"),
        ("content:\"a\"; offset:1; offset:2;", "`offset` may stand once"),
        ("content:\"a\"; distance:2000000;", "from -1048576 to 1048576"),
        ("content:\"a\"; offset:1; distance:1;", "either `offset` and `depth`"),
        ("content:\"a\"; startswith; depth:4;", "`startswith` does not go with"),
        ("content:\"a\"; fast_pattern:only; offset:1;", "`fast_pattern:only` does not go with"),
        ("content:\"a\"; fast_pattern:only; content:\"b\"; distance:0;", "nothing can be relative"),
        ("content:\"a\"; fast_pattern; content:\"b\"; fast_pattern;", "may stand in a rule once"),
        ("content:\"abc\"; fast_pattern:1,3;", "inside the content"),
        ("content:\"abc\"; fast_pattern:+1,1;", "inside the content"),
        ("content:!\"a\"; fast_pattern:only;", "negated"),
        ("fast_pattern;", "must follow a `content`"),
        ("dsize:3<>4;", "no number is strictly between"),
        ("dsize:1; dsize:2;", "once"),
        ("dsize:>65535;", "no number is above 65535"),
        ("content:\"abc\"; offset:2; dsize:<5;", "needs a payload of 5 bytes, but `dsize` allows 4"),
        ("itype:256;", "from 0 to 255"),
        ("icode:a;", "from 0 to 255"),
    ];
    for (options, part) in cases {
        let reason = reason(options);
        assert!(reason.contains(part), "{options}: {reason}");
    }
    let fits = load("alert udp any any -> any any (content:\"abc\"; content:!\"abcdef\"; dsize:3; sid:1;)");
    assert_eq!(fits.1.failed, []);
    let (sid, _, column, reason) = error("alert udp any any -> any any (msg:\"a\";)");
    assert_eq!((sid, column, reason.as_str()), (None, 40, "the rule has no `sid`"));
}

/// The rule with these options, read with everything kept, and what was warned of.
#[track_caller]
fn kept(options: &str) -> (RuleInfo, Vec<String>) {
    let kept = Kept { metadata: true, references: true, text: true };
    let environment = Environment { kept, ..Environment::default() };
    let text = format!("alert udp any any -> any any ({options} sid:1;)");
    let (rules, report) = RuleSet::load([(Path::new("a.rules"), text.as_str())], &environment, None);
    assert_eq!(report.failed, []);
    let warnings = report.warnings.into_iter().map(|warning| warning.reason).collect();
    ((**rules.rules().next().unwrap()).clone(), warnings)
}

#[test]
fn the_class_gives_category_and_priority() {
    let of = |options| {
        let (rule, warnings) = kept(options);
        (rule.category.to_string(), rule.priority, warnings.len())
    };
    assert_eq!(of(""), (String::new(), 3, 0));
    assert_eq!(of("priority:5;"), (String::new(), 5, 0));
    assert_eq!(of("classtype:Trojan-Activity;"), ("A Network Trojan was detected".into(), 1, 0));
    assert_eq!(of("classtype:trojan-activity; priority:4;"), ("A Network Trojan was detected".into(), 4, 0));
    assert_eq!(of("priority:4; classtype:tcp-connection;"), ("A TCP connection was detected".into(), 4, 0));
    assert_eq!(of("classtype:misc-activity; classtype:misc-attack;"), ("Misc Attack".into(), 2, 1));
    assert_eq!(of("classtype:misc-attack; classtype:misc-activity;"), ("Misc Attack".into(), 2, 1));
    assert_eq!(of("classtype:nobodys;"), (String::new(), 3, 1));
    assert!(kept("classtype:nobodys;").1[0].contains("class `nobodys` is not known"));
}

#[test]
fn what_is_odd_is_told_once() {
    let rule = |sid| format!("alert udp any any -> any any (classtype:nobodys; sid:{sid};)\n");
    let (_, report) = load(&(rule(1) + &rule(2)));
    assert_eq!((report.loaded, report.warnings.len()), (2, 1));
    assert_eq!((report.warnings[0].sid, report.warnings[0].column), (Some(1), 41));
}

#[test]
fn details_are_kept_in_the_order_of_the_rule() {
    let options = "metadata:tag b, Created 2020_01_01 x; metadata:TAG a,; reference:cve,2020-1; \
                   reference:url,a.example/b; reference:nobodys,7; target:dest_ip;";
    let (rule, warnings) = kept(options);
    let details = rule.details.unwrap();
    let metadata: Vec<_> = details.metadata.iter().map(|m| (&*m.key, m.values.join("|"))).collect();
    assert_eq!(metadata, [("tag", "b|a".to_string()), ("Created", "2020_01_01 x".to_string())]);
    let references: Vec<_> = details.references.iter().map(ToString::to_string).collect();
    let cve = "https://cve.mitre.org/cgi-bin/cvename.cgi?name=2020-1";
    assert_eq!(references, [cve, "https://a.example/b", "nobodys,7"]);
    assert!(details.text.unwrap().starts_with("alert udp any any -> any any (metadata:"));
    assert_eq!(rule.target, Some(Target::Destination));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("without a value") && warnings[1].contains("`nobodys`"), "{warnings:?}");

    let (rules, _) = load(&format!("alert udp any any -> any any ({options} sid:1;)"));
    assert_eq!(rules.rules().next().unwrap().details, None, "nobody asked for them");
}

#[test]
fn a_rule_for_another_version_is_skipped_whatever_stands_in_it() {
    let rule = |requires: &str, sid: u32| {
        format!("alert x any any -> any any (new.keyword; requires:{requires}; sid:{sid};)\n")
    };
    let good = "alert udp any any -> any any (requires:version >= 7, keyword content; sid:4;)\n";
    let (_, report) =
        load(&(rule("version >= 9", 1) + &rule("feature nothing", 2) + &rule("version > 7", 3) + good));
    assert_eq!((report.rules, report.loaded), (4, 1));
    assert_eq!(
        report.skipped.iter().map(|e| (e.sid, e.line, e.column)).collect::<Vec<_>>(),
        [(Some(1), 1, 51), (Some(2), 2, 51)]
    );
    assert!(report.skipped[0].reason.contains("requires `version >= 9`"), "{}", report.skipped[0].reason);
    assert_eq!(report.failed.len(), 1);
    assert_eq!(report.failed[0].sid, Some(3));
}

#[test]
fn the_sid_is_found_in_rules_that_do_not_lex() {
    assert_eq!(error("alert udp any any -> any any (msg:\"x\"; sid:9; rev:1").0, Some(9));
    assert_eq!(error("alert udp (sid:9;)").0, Some(9));
    assert_eq!(error("nonsense").0, None);
}

#[test]
fn the_higher_rev_of_a_sid_counts() {
    let rule = |sid: u32, rev: u32, gid: u32| {
        format!("alert ip any any -> any any (gid:{gid}; sid:{sid}; rev:{rev};)\n")
    };
    let (rules, report) = load(&(rule(1, 2, 1) + &rule(1, 2, 1) + &rule(1, 1, 1) + &rule(1, 1, 3)));
    assert_eq!((rules.len(), report.loaded, report.rules), (2, 2, 4));
    assert_eq!(report.failed.iter().map(|e| e.line).collect::<Vec<_>>(), [2, 3]);
    assert!(report.failed[0].reason.contains("rule at a.rules:1 with rev 2"), "{}", report.failed[0].reason);

    let (rules, report) = load(&(rule(1, 1, 1) + &rule(1, 3, 1) + &rule(1, 2, 1)));
    assert_eq!(rules.rules().map(|rule| rule.rev).collect::<Vec<_>>(), [3]);
    assert_eq!(report.failed.iter().map(|e| e.line).collect::<Vec<_>>(), [1, 3]);
    assert!(report.failed[0].reason.contains("replaced by rev 3 of sid 1 at a.rules:2"));
    assert_eq!(report.rules, report.loaded + report.failed.len());
}

#[test]
fn a_rule_that_is_too_long_is_refused_without_being_taken_apart() {
    let rule = |length: usize| {
        let options = "content:\"a\"; ".repeat(length / 13);
        format!("alert udp any any -> any any ({options} sid:1;)")
    };
    assert_eq!(load(&rule(60_000)).1.failed, []);
    let (sid, _, column, reason) = error(&rule(70_000));
    assert_eq!((sid, column), (None, (1 << 16) + 1));
    assert!(reason.contains("65536 bytes at most"), "{reason}");
}

#[test]
fn a_file_that_is_no_rule_file_is_given_up() {
    let (rules, report) = load(&"x\n".repeat(MAX_FAILURES + 50));
    assert!(rules.is_empty());
    assert_eq!(report.failed.len(), MAX_FAILURES + 1);
    assert!(report.failed[MAX_FAILURES].reason.contains("no rule file"));
}

proptest! {
    #[test]
    fn any_text_loads_or_fails(text in r#"(?s)(alert (udp|ip) any any -> (any|\[!?1.1.1.1\]) any \()?([a-z:!"|;\\\n,0-9 ]|content:"a";|sid:1;|.){0,60}\)?"#) {
        let (rules, report) = load(&text);
        prop_assert_eq!(report.rules, report.loaded + report.failed.len() + report.skipped.len());
        prop_assert_eq!(rules.len(), report.loaded);
    }
}

#[test]
fn transformations_need_a_buffer() {
    let (sid, _, _, reason) = error("alert udp any any -> any any (content:\"a\"; to_lowercase; sid:1;)");
    assert!(sid == Some(1) && reason.contains("must follow the sticky buffer"), "{reason}");
    let (_, _, _, reason) = error("alert udp any any -> any any (ip.src; to_lowercase; sid:1;)");
    assert!(reason.contains("nothing is asked of this buffer"), "{reason}");
}
