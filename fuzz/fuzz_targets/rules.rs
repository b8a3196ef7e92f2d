//! Any text is a rule file, good or bad: every rule in it is either loaded or reported.
#![no_main]

use std::path::Path;

use fastpath::engine::rules::{Environment, HostSettings, RuleSet, Variables};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // The text is a threshold.config, too.
    let environment = Environment {
        variables: Variables::suricata_defaults(),
        thresholds: Some(("fuzz.config".into(), text.into())),
        hosts: HostSettings { memory: 1 << 12, seed: 0 },
    };
    let (rules, report) = RuleSet::load([(Path::new("fuzz.rules"), text)], &environment, None);
    let bad = report.failed.iter().filter(|error| error.file == Path::new("fuzz.rules")).count();
    assert_eq!(report.rules, report.loaded + bad);
    assert!(report.failed.len() - bad <= report.thresholds);
    assert_eq!(report.loaded, rules.len());
    for error in &report.failed {
        assert!(error.line >= 1 && error.column >= 1 && !error.reason.is_empty());
    }
});
