//! What rules are read against.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Classification, Kept, ReferenceSystems, Reputation, Variables,
    dataset::Defined,
    state::{HostSettings, Shared},
};

/// What stands outside the rule files and decides what they mean.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Values of `$NAME`.
    pub variables: Variables,
    /// What `classtype` means.
    pub classification: Classification,
    /// Where what `reference` names is found.
    pub references: ReferenceSystems,
    /// What rules keep for alerts to say.
    pub kept: Kept,
    /// threshold.config: its name and its text.
    pub thresholds: Option<(PathBuf, String)>,
    /// How large the host table is. That of the set that is replaced stays as it is.
    pub hosts: HostSettings,
    /// The files that rules name; without it none can be read.
    pub files: Option<Arc<dyn Files>>,
    /// What is known of addresses (`iprep`).
    pub reputation: Arc<Reputation>,
}

/// Reads the files that rules name. The engine reads none itself.
pub trait Files: fmt::Debug + Send + Sync {
    /// The text of the file that a rule of `rule_file` takes values from.
    ///
    /// # Errors
    /// It cannot be read: what is wrong and what would be right.
    fn load(&self, name: &str, rule_file: &Path) -> Result<String, String>;

    /// The text of the file that an earlier run has written values to; none when there is none yet.
    ///
    /// # Errors
    /// It cannot be read: what is wrong and what would be right.
    fn restore(&self, name: &str) -> Result<Option<String>, String>;
}

/// What the rules of one set that were read so far have said about more than themselves.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Sets of values by name.
    pub(super) datasets: RefCell<BTreeMap<String, Defined>>,
}

/// What a rule's options are read against.
#[derive(Clone, Copy)]
pub(super) struct Context<'l> {
    pub(super) environment: &'l Environment,
    /// Numbers for the names that rules give to what they remember.
    pub(super) shared: &'l Shared,
    /// The rest of the rule set, as far as it was read.
    pub(super) reading: &'l Reading,
    /// The file that the rule stands in.
    pub(super) file: &'l Path,
}

#[cfg(test)]
impl Context<'_> {
    /// One without anything, for tests of single keywords.
    pub(super) fn empty() -> Self {
        Self {
            environment: Box::leak(Box::default()),
            shared: Box::leak(Box::default()),
            reading: Box::leak(Box::default()),
            file: Path::new(""),
        }
    }
}
