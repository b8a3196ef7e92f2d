//! Suricata-language rules: text -> [`RuleSet`] -> matches.

mod address;
mod buffer;
mod captures;
mod chain;
mod change;
mod classification;
mod condition;
mod dataset;
mod details;
mod draft;
mod effect;
mod environment;
mod fault;
mod group;
mod header;
mod identity;
mod inspect;
mod inspection;
mod keyword;
mod lexer;
mod line;
mod memory;
mod number;
mod once;
mod ordering;
mod parser;
mod payload;
mod port;
mod prefilter;
mod ranges;
mod reference;
mod reputation;
mod requirement;
#[allow(unsafe_code)] // SIMD and FFI live there, and nowhere else in the engine.
mod scan;
mod scope;
mod set;
mod state;
mod subject;
mod transform;
mod variables;

use std::{path::PathBuf, sync::Arc};

pub(in crate::engine) use inspect::{Match, Via};
#[cfg(test)]
pub(in crate::engine) use payload::programs;
pub use {
    captures::{Captures, Text},
    change::Changes,
    classification::Classification,
    details::{Details, Kept, Metadata, Target},
    environment::{Environment, Files},
    keyword::{Keyword, State, keywords},
    line::LineError,
    memory::Memory,
    reference::{Reference, ReferenceSystems},
    reputation::{Reputation, ReputationError},
    set::{RuleSet, Scratch},
    state::{Dataset, DatasetKind, HostSettings, Shared},
    subject::{FlowFacts, SeenBy, Stream, Subject},
    variables::Variables,
};

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
    /// What `classtype` stands for, empty when there is none or it is not known.
    pub category: Arc<str>,
    /// 1 (highest) to 255; 3 when neither priority nor classtype says.
    pub priority: u8,
    /// Which end of the packet is attacked.
    pub target: Option<Target>,
    /// What else alerts say of it.
    pub details: Option<Box<Details>>,
}

/// What a rule asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Report.
    #[default]
    Alert,
    /// Drop and report.
    Drop,
    /// Drop, report, and tell the ends.
    Reject(Recipients),
    /// Let it go and look no further.
    Pass,
}

/// Whom a reject tells that the flow is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// The packet's sender (`reject`, `rejectsrc`).
    Source,
    /// Its receiver (`rejectdst`).
    Destination,
    /// Both (`rejectboth`).
    Both,
}

/// A rule that could not be used, or something odd about one.
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
    /// The application protocol whose parser the rule needs and which is not there, if that is all that is wrong with it.
    pub missing_parser: Option<&'static str>,
}

/// What came of loading rules.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Rules read, good or bad (comments and blank lines do not count).
    pub rules: usize,
    /// Rules loaded.
    pub loaded: usize,
    /// Entries of threshold.config read, good or bad.
    pub thresholds: usize,
    /// Rules, and entries of threshold.config, that could not be used, in the order of the files.
    pub failed: Vec<RuleError>,
    /// Well-formed entries of threshold.config that change nothing: there is no such rule, or it has a threshold of its own.
    pub idle: Vec<RuleError>,
    /// Rules that were left out because they are not meant for us (`requires`), in the order of the files.
    pub skipped: Vec<RuleError>,
    /// What is odd about rules that were loaded, in the order of the files; the same thing once.
    pub warnings: Vec<RuleError>,
    /// Lines of the files beside the rules (classification.config, reference.config) that could not be used.
    pub bad_lines: Vec<LineError>,
}
