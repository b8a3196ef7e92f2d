//! What is remembered of hosts, counted over time or kept in sets.

use super::{Entry, Reader};
use crate::engine::rules::condition;

pub(super) const KEYWORDS: &[Entry] = &[("iprep", "ip-reputation-rules", Reader::Value(condition::iprep))];
