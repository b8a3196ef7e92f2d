//! What rules are read against.

use std::path::PathBuf;

use super::{
    Variables,
    state::{HostSettings, Shared},
};

/// What stands outside the rule files and decides what they mean.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Values of `$NAME`.
    pub variables: Variables,
    /// threshold.config: its name and its text.
    pub thresholds: Option<(PathBuf, String)>,
    /// How large the host table is. That of the set that is replaced stays as it is.
    pub hosts: HostSettings,
}

/// What a rule's options are read against.
#[derive(Clone, Copy)]
pub(super) struct Context<'l> {
    pub(super) environment: &'l Environment,
    /// Numbers for the names that rules give to what they remember.
    pub(super) shared: &'l Shared,
}

#[cfg(test)]
impl Context<'_> {
    /// One without anything, for tests of single keywords.
    pub(super) fn empty() -> Self {
        Self { environment: Box::leak(Box::default()), shared: Box::leak(Box::default()) }
    }
}
