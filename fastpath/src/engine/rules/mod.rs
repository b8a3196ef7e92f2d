//! Suricata-language rules: text -> [`RuleSet`] -> matches.

mod address;
mod change;
mod condition;
mod content;
mod draft;
mod effect;
mod environment;
mod evaluate;
mod fault;
mod group;
mod header;
mod identity;
mod inspect;
mod keyword;
mod lexer;
mod memory;
mod number;
mod parser;
mod pattern;
mod port;
mod prefilter;
mod ranges;
#[allow(unsafe_code)] // SIMD and FFI live there, and nowhere else in the engine.
mod scan;
mod scope;
mod set;
mod state;
mod subject;
mod variables;

use std::path::PathBuf;

pub(in crate::engine) use inspect::{Match, Via};
pub use {
    change::Changes,
    environment::Environment,
    keyword::{Keyword, State, keywords},
    memory::Memory,
    set::{RuleSet, Scratch},
    state::Shared,
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
