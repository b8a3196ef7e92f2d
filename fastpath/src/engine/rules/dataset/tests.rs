use std::path::Path;

use super::*;
use crate::engine::rules::{
    Environment,
    environment::{Files, Reading},
    state::Shared,
};

/// Files in memory.
#[derive(Debug)]
struct Memory;

impl Files for Memory {
    fn load(&self, name: &str, rule_file: &Path) -> Result<String, String> {
        match (name, rule_file.to_str()) {
            ("names.lst", Some("dir/a.rules")) => Ok("YQ==,300\nYg==,100".into()),
            ("bad.lst", _) => Ok("YQ==\n?".into()),
            _ => Err(format!("{name} is not there")),
        }
    }

    fn restore(&self, name: &str) -> Result<Option<String>, String> {
        Ok((name == "old.state").then(|| "b2xk".into()))
    }
}

/// Rules that are read together.
struct Rules {
    environment: Environment,
    shared: Shared,
    reading: Reading,
}

impl Rules {
    fn new() -> Self {
        let environment = Environment { files: Some(Arc::new(Memory)), ..Environment::default() };
        Self { environment, shared: Shared::default(), reading: Reading::default() }
    }

    fn context(&self) -> Context<'_> {
        let Self { environment, shared, reading } = self;
        Context { environment, shared, reading, file: Path::new("dir/a.rules") }
    }

    fn dataset(&self, text: &str) -> Result<Lookup, Fault> {
        Lookup::parse(Token { text, at: 0 }, self.context())
    }

    fn datarep(&self, text: &str) -> Result<Reputed, Fault> {
        Reputed::parse(Token { text, at: 0 }, self.context())
    }
}

#[test]
fn rules_share_a_set_by_its_name() {
    let rules = Rules::new();
    let set = rules.dataset("set,seen, type string").unwrap();
    let is_set = rules.dataset("isset,seen").unwrap();
    let is_not_set = rules.dataset("isnotset, seen, type string").unwrap();
    let unset = rules.dataset("unset,seen").unwrap();
    assert!(!is_set.matches(b"a") && is_not_set.matches(b"a") && !unset.matches(b"a"));
    assert!(set.matches(b"a") && !set.matches(b"a"), "it holds when it is new");
    assert!(is_set.matches(b"a") && !is_not_set.matches(b"a"));
    assert!(unset.matches(b"a") && !is_set.matches(b"a"));
    assert!(!is_not_set.matches(b""), "nothing is in no set, and not outside either");
    assert!(!rules.dataset("isset,other,type string").unwrap().matches(b"a"));
}

#[test]
fn a_set_begins_with_its_file() {
    let rules = Rules::new();
    let loaded = rules.dataset("isset,names,type string,load names.lst,memcap 1 mb,hashsize 1024").unwrap();
    assert!(loaded.matches(b"a") && loaded.matches(b"b") && !loaded.matches(b"c"));
    let high = rules.datarep("names,>,200").unwrap();
    assert!(high.matches(b"a") && !high.matches(b"b") && !high.matches(b"c"));
    assert!(rules.datarep("names, ==, 100, load names.lst, type string").unwrap().matches(b"b"));
    assert!(rules.datarep("names,<,200").unwrap().matches(b"b"));
    let old = rules.dataset("set,old,type string,state old.state").unwrap();
    assert!(!old.matches(b"old") && old.matches(b"new"));
    assert_eq!(old.set.save(), Some("old.state"));
    let new = rules.dataset("set,new,type md5,state new.state").unwrap();
    assert!(!new.matches(b"no sum") && new.matches(&[7; 16]));
}

#[test]
fn bad_forms_are_refused() {
    let cases = [
        ("isset", "needs the name"),
        ("has,a,type string", "`has` is nothing"),
        ("isset,,type string", "1 to 63 bytes"),
        ("isset,a b,type string", "no space"),
        ("isset,a", "add `type"),
        ("isset,a,type", "`type` needs a value"),
        ("isset,a,type text", "`text` is no type"),
        ("isset,a,type string,type string", "once"),
        ("isset,a,type string,load missing", "missing is not there"),
        ("isset,a,type string,load bad.lst", "line 2 of `bad.lst`: `?` is no base64"),
        ("isset,a,type string,memcap many", "`many` is no size"),
        ("isset,a,type string,save /etc/passwd", "data directory"),
        ("isset,a,type string,state ../x", "data directory"),
        ("isset,a,type string,state x,load names.lst", "use either"),
        ("isset,a,type string,load x.json,format json", "not supported yet"),
        ("isset,a,type string,match subdomain", "no option"),
        ("isset,known,type md5", "says otherwise"),
        ("isset,known,load names.lst", "says otherwise"),
    ];
    for (text, part) in cases {
        let rules = Rules::new();
        rules.dataset("set,known,type string").unwrap();
        let reason = rules.dataset(text).unwrap_err().reason;
        assert!(reason.contains(part), "{text}: {reason}");
    }
    for (text, part) in [
        ("a,>", "`datarep` is"),
        ("a,>=,1,type string", "none of <, > and =="),
        ("a,>,65536,type string", "from 0 to 65535"),
        ("a,>,1", "add `type"),
    ] {
        let reason = Rules::new().datarep(text).unwrap_err().reason;
        assert!(reason.contains(part), "{text}: {reason}");
    }
    let context = Context::empty();
    let token = Token { text: "isset,a,type string,load names.lst", at: 0 };
    assert!(Lookup::parse(token, context).unwrap_err().reason.contains("no file can be read"));
}
