//! Any packets through the whole engine: the verdict and events of a packet do not depend on those before it.
#![no_main]

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use fastpath::engine::{
    Engine, Settings,
    event::Event,
    meta::Meta,
    rules::{RuleSet, Variables},
    verdict::{Enforcement, Verdict},
};
use libfuzzer_sys::fuzz_target;

const RULES: &str = r#"
alert tcp any any -> any any (content:"GET"; startswith; content:"host"; nocase; distance:0; within:40; sid:1;)
drop udp any any <> any [53,5353] (content:"|01 00|"; offset:2; depth:2; content:!"|ff|"; within:4; sid:2;)
pass ip [10.0.0.0/8,!10.1.0.0/16] any -> any any (dsize:<4; sid:3;)
alert icmp any any -> any any (itype:8; icode:<3; content:"a"; content:"a"; distance:-1; content:"b"; endswith; sid:4;)
alert ip6 any any -> any any (content:"aa"; content:"aa"; distance:-1; within:3; content:!"b"; distance:0; sid:5;)
alert ip any any -> any any (content:"evil"; nocase; fast_pattern:1,2; content:"word"; within:9; sid:6;)
"#;

static SET: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
    let (rules, report) = RuleSet::parse([(Path::new("fuzz.rules"), RULES)], &Variables::suricata_defaults());
    assert_eq!(report.failed, []);
    Arc::new(rules)
});

/// Verdict and sids.
fn inspect(engine: &mut Engine, bytes: &[u8]) -> (Verdict, usize) {
    let mut events: Vec<Event> = Vec::new();
    (engine.inspect(&mut bytes.to_vec(), &Meta::default(), &mut events), events.len())
}

fuzz_target!(|data: &[u8]| {
    let mut used = Engine::new(Arc::clone(&SET), Settings::new(Enforcement::Drop));
    // Each packet behind its length.
    let mut rest = data;
    while let Some((&length, behind)) = rest.split_first() {
        let (packet, next) = behind.split_at(behind.len().min(usize::from(length)));
        let fresh = inspect(&mut Engine::new(Arc::clone(&SET), Settings::new(Enforcement::Drop)), packet);
        assert_eq!(inspect(&mut used, packet), fresh);
        rest = next;
    }
    inspect(&mut used, data);
});
