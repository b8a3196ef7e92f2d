//! What is asked of a flow, and remembered of it.

use super::{Entry, Reader};
use crate::engine::rules::condition;

pub(super) const KEYWORDS: &[Entry] = &[("flow", "flow-keywords", Reader::Value(condition::flow))];
