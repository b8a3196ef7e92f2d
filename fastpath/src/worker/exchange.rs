//! Where a worker gets new rules and leaves the old ones, without a lock and without freeing anything.

use std::sync::Arc;

use crossbeam::queue::ArrayQueue;

use super::Inspector;
use crate::engine::rules::{RuleSet, Scratch};

/// A rule set, and the memory that one engine needs for it.
pub type Rules = (Arc<RuleSet>, Scratch);

/// Between whoever loads rules and one worker.
#[derive(Debug)]
pub struct Exchange {
    offered: ArrayQueue<Rules>,
    returned: ArrayQueue<Rules>,
}

impl Default for Exchange {
    fn default() -> Self {
        Self { offered: ArrayQueue::new(1), returned: ArrayQueue::new(1) }
    }
}

impl Exchange {
    /// Puts rules there for the worker's next turn. What it has not taken of earlier ones comes back.
    pub fn offer(&self, rules: Rules) -> Option<Rules> {
        self.offered.force_push(rules)
    }

    /// What the worker has used until it took what was offered.
    pub fn take_returned(&self) -> Option<Rules> {
        self.returned.pop()
    }

    /// The worker's side: takes what is offered. While it still lies there what it has returned before, it waits: it frees
    /// nothing.
    pub(super) fn renew(&self, engine: &mut impl Inspector) {
        if self.offered.is_empty() || self.returned.is_full() {
            return;
        }
        if let Some((rules, scratch)) = self.offered.pop() {
            let kept = self.returned.push(engine.replace_rules(rules, scratch));
            debug_assert!(kept.is_ok(), "there was room, and nobody else returns anything");
        }
    }
}
