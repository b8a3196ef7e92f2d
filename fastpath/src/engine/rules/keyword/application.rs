//! Buffers and fields of application protocols.

use super::Entry;

pub(super) const KEYWORDS: &[Entry] = &[];
