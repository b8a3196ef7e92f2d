//! What is wrong with a rule, and where.

/// A fault at a byte of the rule's joined text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Offset in bytes from 0.
    pub(super) at: usize,
    /// What is wrong and what would be right.
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into() }
    }

    /// The column that errors report: bytes from 1.
    pub(super) fn column(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX).saturating_add(1)
    }
}
