//! Any text is a rule file, good or bad: every rule in it is loaded, left out or reported. The same for the files beside the rules.
#![no_main]

use std::path::Path;

use fastpath::engine::rules::{
    Classification, Environment, HostSettings, Kept, ReferenceSystems, RuleSet, Variables,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let file = Path::new("fuzz.rules");
    let (classification, bad_classes) = Classification::parse(file, text);
    let (references, bad_systems) = ReferenceSystems::parse(file, text);
    for error in bad_classes.iter().chain(&bad_systems) {
        assert!(error.line >= 1 && error.column >= 1 && !error.reason.is_empty());
    }
    // The text is all the files, too.
    let environment = Environment {
        variables: Variables::suricata_defaults(),
        classification,
        references,
        kept: Kept { metadata: true, references: true, text: true },
        thresholds: Some(("fuzz.config".into(), text.into())),
        hosts: HostSettings { memory: 1 << 12, seed: 0 },
        ..Environment::default()
    };
    let (rules, report) = RuleSet::load([(file, text)], &environment, None);
    let bad = report.failed.iter().filter(|error| error.file == file).count();
    assert_eq!(report.rules, report.loaded + bad + report.skipped.len());
    assert!(report.failed.len() - bad <= report.thresholds);
    assert_eq!(report.loaded, rules.len());
    for error in report.failed.iter().chain(&report.skipped).chain(&report.warnings) {
        assert!(error.line >= 1 && error.column >= 1 && !error.reason.is_empty());
    }
});
