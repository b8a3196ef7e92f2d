//! What is wrong with a rule, and where.

/// A fault at a byte of the rule's joined text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Offset in bytes from 0.
    pub(super) at: usize,
    /// What is wrong and what would be right.
    pub(super) reason: String,
    /// Nothing is wrong with the rule: it needs the parser of this application protocol, which is not there.
    pub(super) missing: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into(), missing: None }
    }

    /// The rule needs the parser of `protocol`.
    pub(super) fn missing_parser(at: usize, protocol: &'static str) -> Self {
        let reason = format!("the parser of the application protocol `{protocol}` is not there yet");
        Self { at, reason, missing: Some(protocol) }
    }

    /// The column that errors report: bytes from 1.
    pub(super) fn column(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX).saturating_add(1)
    }
}
