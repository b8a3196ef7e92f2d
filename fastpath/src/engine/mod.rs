//! The engine: bytes in, verdicts and events out. Pure and deterministic: no system call, no clock, no
//! thread. The same bytes and times give the same verdicts and events, from a NIC, a capture or memory.

pub mod event;
pub mod meta;
pub mod packet;
pub mod rules;
pub mod verdict;

use std::sync::Arc;

use event::EventSink;
use meta::{Meta, Timestamp};
use rules::RuleSet;
use verdict::{Enforcement, Verdict};

/// Everything one worker needs to inspect packets. Not shared: each worker has its own.
pub struct Engine {
    rules: Arc<RuleSet>,
    enforcement: Enforcement,
}

impl Engine {
    /// An engine over `rules`; `enforcement` says whether a drop rule drops or only reports.
    pub fn new(rules: Arc<RuleSet>, enforcement: Enforcement) -> Self {
        Self { rules, enforcement }
    }

    /// Inspects one whole packet (from its link layer on) and says what to do with it.
    pub fn inspect(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Verdict {
        let _ = (packet, meta, sink, &self.rules, self.enforcement);
        Verdict::Forward
    }

    /// Lets time pass when no packet comes; bounded work. Called at most every 100 ms by an idle worker.
    pub fn tick(&mut self, now: Timestamp, sink: &mut dyn EventSink) {
        let _ = (now, sink);
    }
}
