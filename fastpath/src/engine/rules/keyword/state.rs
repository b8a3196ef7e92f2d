//! What is remembered of hosts, counted over time or kept in sets.

use super::Entry;

pub(super) const KEYWORDS: &[Entry] = &[];
