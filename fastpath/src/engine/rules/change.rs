//! What differs between the rules in use and those that are to replace them.

use std::collections::HashMap;

use super::{LoadReport, RuleError, RuleSet};

/// How many rules differ, by gid and sid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Only the new set has them.
    pub added: usize,
    /// Only the old set has them.
    pub removed: usize,
    /// Both have them, with another text.
    pub changed: usize,
}

impl Changes {
    /// What `after` has made of `before`.
    pub fn between(before: &RuleSet, after: &RuleSet) -> Self {
        let texts = |set: &RuleSet| -> HashMap<(u32, u32), u64> {
            set.rules.iter().map(|rule| ((rule.info.gid, rule.info.sid), rule.fingerprint)).collect()
        };
        let (before, after) = (texts(before), texts(after));
        let mut changes = Self::default();
        for (rule, text) in &after {
            match before.get(rule) {
                None => changes.added += 1,
                Some(old) => changes.changed += usize::from(old != text),
            }
        }
        changes.removed = before.keys().filter(|rule| !after.contains_key(rule)).count();
        changes
    }
}

/// What a failure is known by when the files change around it: the sid, and where that could not be read, file and reason.
#[derive(PartialEq, Eq, Hash)]
enum Identity<'r> {
    Sid(u32),
    Unknown(&'r std::path::Path, &'r str),
}

impl<'r> From<&'r RuleError> for Identity<'r> {
    fn from(error: &'r RuleError) -> Self {
        error.sid.map_or(Self::Unknown(&error.file, &error.reason), Self::Sid)
    }
}

impl LoadReport {
    /// The failures that `before` does not have, in the order of the files. A rule that failed before and does so again, on
    /// another line or for another reason, is none; of rules with the same sid as many are none as failed before.
    pub fn failures_since(&self, before: &Self) -> Vec<&RuleError> {
        let mut known: HashMap<Identity<'_>, usize> = HashMap::new();
        for error in &before.failed {
            *known.entry(error.into()).or_default() += 1;
        }
        let mut new = Vec::new();
        for error in &self.failed {
            match known.get_mut(&Identity::from(error)) {
                Some(left) if *left > 0 => *left -= 1,
                _ => new.push(error),
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::rules::Variables;

    fn load(text: &str) -> (RuleSet, LoadReport) {
        RuleSet::parse([(Path::new("a.rules"), text)], &Variables::default())
    }

    fn good(sid: u32, content: &str) -> String {
        format!("alert udp any any -> any any (content:\"{content}\"; sid:{sid};)\n")
    }

    fn bad(sid: u32) -> String {
        format!("alert udp any any -> any any (no-such-keyword; sid:{sid};)\n")
    }

    /// The sids of the failures that are new.
    fn new(before: &str, after: &str) -> Vec<Option<u32>> {
        let (before, after) = (load(before).1, load(after).1);
        after.failures_since(&before).iter().map(|error| error.sid).collect()
    }

    #[test]
    fn a_failure_is_new_by_its_sid() {
        assert!(new("", "").is_empty());
        assert_eq!(new(&good(1, "x"), &bad(1)), [Some(1)]);
        assert_eq!(new(&bad(1), &(good(1, "x") + &bad(2) + &bad(3))), [Some(2), Some(3)]);
        // Moved down, and broken in another way.
        assert!(new(&bad(1), &(good(2, "x") + "alert udp any any -> any (sid:1;)")).is_empty());
        assert!(new(&(bad(1) + &bad(2)), &bad(2)).is_empty());
    }

    #[test]
    fn as_many_may_fail_as_failed_before() {
        let twice = good(1, "x") + &good(1, "y");
        assert_eq!(new("", &twice), [Some(1)]);
        assert!(new(&twice, &twice).is_empty());
        assert_eq!(new(&twice, &(twice.clone() + &good(1, "z"))), [Some(1)]);
    }

    #[test]
    fn without_a_sid_a_failure_is_known_by_what_is_wrong() {
        let nameless = "alert udp any any -> any any (msg:\"no sid\";)\n";
        assert_eq!(new("", nameless), [None]);
        assert!(new(nameless, &format!("\n\n{nameless}")).is_empty());
        assert_eq!(new(nameless, &format!("{nameless}garbage\n")), [None]);
    }

    #[test]
    fn changes_are_counted_by_sid_and_text() {
        let changes = |before: &str, after: &str| Changes::between(&load(before).0, &load(after).0);
        let (one, two) = (good(1, "x"), good(2, "x"));
        assert_eq!(changes(&(one.clone() + &two), &(two.clone() + "# moved\n" + &one)), Changes::default());
        let after = good(2, "y") + &good(3, "x") + &good(4, "x");
        assert_eq!(changes(&(one + &two), &after), Changes { added: 2, removed: 1, changed: 1 });
    }
}
