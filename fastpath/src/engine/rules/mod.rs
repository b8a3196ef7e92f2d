//! Suricata-language rules: text -> [`RuleSet`] -> matches.

pub mod scan;

use std::path::{Path, PathBuf};

/// The part of a rule that an event reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleInfo {
    /// Generator id, 1 for text rules.
    pub gid: u32,
    /// Signature id.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// Message.
    pub msg: String,
    /// What the rule asks for.
    pub action: Action,
    /// `classtype`'s short name, empty when there is none.
    pub class: String,
    /// 1 (highest) to 255; 3 when neither priority nor classtype says.
    pub priority: u8,
}

/// What a rule asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Report.
    #[default]
    Alert,
    /// Drop and report.
    Drop,
    /// Let it go and look no further.
    Pass,
}

/// A rule that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: sid {}: {reason}", file.display(), sid.map_or("?".into(), |s| s.to_string()))]
pub struct RuleError {
    /// Signature id, when it could be read.
    pub sid: Option<u32>,
    /// File it stands in.
    pub file: PathBuf,
    /// Line from 1 on which the rule starts.
    pub line: u32,
    /// Column in bytes from 1 of the offending part, counted in the rule's joined text.
    pub column: u32,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// What came of loading rules.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Rules read, good or bad (comments and blank lines do not count).
    pub rules: usize,
    /// Rules loaded.
    pub loaded: usize,
    /// Rules that could not be used, in the order of the files.
    pub failed: Vec<RuleError>,
}

/// Variables of rule headers (`$HOME_NET`, `$HTTP_PORTS`), by name without the dollar sign.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// Address variables.
    pub addresses: std::collections::BTreeMap<String, String>,
    /// Port variables.
    pub ports: std::collections::BTreeMap<String, String>,
}

/// Compiled rules, immutable and shared by all workers.
#[derive(Debug, Default)]
pub struct RuleSet {}

impl RuleSet {
    /// Compiles rule texts, each with the name it is reported under. Never fails as a whole: bad rules are
    /// in the report, good ones in the set.
    pub fn parse<'a>(
        texts: impl IntoIterator<Item = (&'a Path, &'a str)>,
        variables: &Variables,
    ) -> (Self, LoadReport) {
        let _ = (texts.into_iter().count(), variables);
        (Self {}, LoadReport::default())
    }

    /// Number of rules in the set.
    pub fn len(&self) -> usize {
        0
    }

    /// True when there is no rule.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
