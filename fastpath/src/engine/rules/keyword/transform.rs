//! Transforms of buffers.

use super::Entry;

pub(super) const KEYWORDS: &[Entry] = &[];
