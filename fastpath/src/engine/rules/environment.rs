//! What rules are read against.

use super::{Classification, Kept, ReferenceSystems, Variables, state::Shared};

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
