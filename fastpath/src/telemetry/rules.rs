//! What became of the rules: at the start, and by reloads.

use serde::Serialize;

use crate::{
    engine::{event::RulesRecord, meta::Timestamp, rules::LoadReport},
    event::Stamp,
};

/// The rules in use, and how often they were replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleFigures {
    /// Rules in use.
    pub loaded: usize,
    /// Rules of the same files that cannot be used.
    pub failed: usize,
    /// Rules of theirs that say that they are not for this version.
    pub skipped: usize,
    /// Which set it is, from 1 at the start.
    pub generation: u32,
    /// When it was loaded.
    pub last_reload: Stamp,
    /// Reloads that replaced the rules.
    pub reloads: u64,
    /// Reloads that were refused, so that the rules stayed.
    pub reloads_refused: u64,
}

impl RuleFigures {
    /// A set was taken into use at `now`.
    pub fn replace(&mut self, report: &LoadReport, generation: u32, now: Timestamp) {
        *self = Self {
            loaded: report.loaded,
            failed: report.failed.len(),
            skipped: report.skipped.len(),
            generation,
            last_reload: Stamp(now),
            ..*self
        };
    }

    /// For a `stats` event.
    pub fn record(&self) -> RulesRecord {
        RulesRecord {
            loaded: self.loaded,
            failed: self.failed,
            skipped: self.skipped,
            since: self.last_reload.0,
        }
    }
}
