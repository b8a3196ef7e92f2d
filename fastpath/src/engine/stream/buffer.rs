//! What is remembered of one direction's data.

/// What is remembered of one direction's data.
#[derive(Debug, Default)]
pub(super) struct Buffer {}
