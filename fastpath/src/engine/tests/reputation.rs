//! What is known of addresses.

use super::*;
use crate::engine::rules::{Environment, Reputation};

fn environment() -> Environment {
    let lists = [("list", "10.0.0.1,1,50\n8.8.8.0/24,1,0\n8.8.8.8,2,100")];
    let reputation = Reputation::parse(("categories", "1,Bad,x\n2,Worse,x"), lists).unwrap();
    Environment {
        variables: Variables::suricata_defaults(),
        reputation: Arc::new(reputation),
        ..Environment::default()
    }
}

/// Those of `conditions` that hold for a packet from 10.0.0.1 to 8.8.8.8.
#[track_caller]
fn hold<'a>(conditions: &[&'a str]) -> Vec<&'a str> {
    let rules: Vec<_> = (1..)
        .zip(conditions)
        .map(|(sid, condition)| format!("alert udp any any -> any any (iprep:{condition}; sid:{sid};)"))
        .collect();
    let (rules, report) = RuleSet::load([(Path::new("a.rules"), &*rules.join("\n"))], &environment(), None);
    assert_eq!(report.failed, []);
    let mut engine = Engine::new(Arc::new(rules), Settings::new(Enforcement::Report));
    let first = inspect(&mut engine, udp(b"")).1;
    assert!(inspect(&mut engine, udp(b"")).1.is_empty(), "addresses are asked of a flow's first packet only");
    let holds = |sid| first.iter().any(|&(matched, _)| matched == sid);
    conditions.iter().zip(1..).filter(|&(_, sid)| holds(sid)).map(|(condition, _)| *condition).collect()
}

#[test]
fn scores_of_both_ends() {
    let yes = [
        "src,Bad,>,49",
        "src,Bad,=,50",
        "dst,Bad,<,1",
        "any,Bad,>=,50",
        "both,Bad,<=,50",
        "both, Bad , != , 1",
        "dst,Worse,>,1",
        "src,Worse,isnotset",
        "any,Worse,isset",
        "any,Worse,isnotset",
        "both,Bad,isset",
    ];
    assert_eq!(hold(&yes), yes);
    let no = [
        "src,Bad,>,50",
        "dst,Bad,>,0",
        "both,Bad,>,0",
        "src,Worse,>=,0",
        "both,Worse,isset",
        "both,Worse,isnotset",
        "any,Worse,<,100",
    ];
    assert!(hold(&no).is_empty());
}

#[test]
fn bad_forms_are_refused() {
    let cases = [
        ("any", "`any,BadHosts,>,10`"),
        ("all,Bad,>,1", "`all` is none of"),
        ("any,Unknown,>,1", "no category is called `Unknown`"),
        ("any,Bad,>", "write isset"),
        ("any,Bad,isset,1", "no score"),
        ("any,Bad,>,128", "from 0 to 127"),
        ("any,Bad,>>,1", "write isset"),
        ("any,Bad,>,1,2", "`any,BadHosts,>,10`"),
    ];
    for (condition, part) in cases {
        let rule = format!("alert ip any any -> any any (iprep:{condition}; sid:1;)");
        let (_, report) = RuleSet::load([(Path::new("a.rules"), &*rule)], &environment(), None);
        let reason = report.failed.first().map(|error| error.reason.clone()).unwrap_or_default();
        assert!(reason.contains(part), "{condition}: {reason}");
    }
}
