//! Any text is a rule file, good or bad: every rule in it is either loaded or reported.
#![no_main]

use std::path::Path;

use fastpath::engine::rules::{RuleSet, Variables};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (rules, report) = RuleSet::parse([(Path::new("fuzz.rules"), text)], &Variables::suricata_defaults());
    assert_eq!(report.rules, report.loaded + report.failed.len() + report.skipped.len());
    assert_eq!(report.loaded, rules.len());
    for error in &report.failed {
        assert!(error.line >= 1 && error.column >= 1 && !error.reason.is_empty());
    }
});
