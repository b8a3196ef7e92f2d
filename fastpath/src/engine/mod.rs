//! The engine: bytes in, verdicts and events out. Pure and deterministic: no system call, no clock, no
//! thread. The same bytes and times give the same verdicts and events, from a NIC, a capture or memory.

pub mod event;
pub mod meta;
pub mod packet;
pub mod rules;
pub mod verdict;

use std::sync::Arc;

use event::{Event, EventKind, EventSink, Outcome};
use meta::{Meta, Timestamp};
use packet::Packet;
use rules::{Action, RuleSet, Scratch};
use verdict::{DropReason, Enforcement, Verdict};

/// Everything one worker needs to inspect packets. Not shared: each worker has its own.
pub struct Engine {
    rules: Arc<RuleSet>,
    scratch: Scratch,
    enforcement: Enforcement,
}

impl Engine {
    /// An engine over `rules`; `enforcement` says whether a drop rule drops or only reports.
    pub fn new(rules: Arc<RuleSet>, enforcement: Enforcement) -> Self {
        Self { scratch: rules.scratch(), rules, enforcement }
    }

    /// Inspects one whole packet (from its link layer on) and says what to do with it.
    ///
    /// Every matching rule gives one event. Only a `pass` rule gives none: it ends the inspection, and
    /// nothing was reported before it, because pass rules come first. With a matching `drop` rule the packet is
    /// dropped; the alerts of other rules still come, and each says what its own rule did (Suricata's
    /// output-json-alert.c does the same).
    pub fn inspect(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Verdict {
        let view = Packet::decode(packet, meta.link);
        let mut verdict = Verdict::Forward;
        for rule in self.rules.matches(&view, &mut self.scratch) {
            let outcome = match rule.action {
                Action::Pass => return Verdict::Forward,
                Action::Alert => Outcome::Allowed,
                Action::Drop => {
                    verdict = self.enforcement.of(DropReason::Rule);
                    if self.enforcement == Enforcement::Drop { Outcome::Blocked } else { Outcome::WouldBlock }
                }
            };
            sink.emit(Event {
                time: meta.time,
                port: meta.port,
                number: meta.number,
                packet: view.facts(),
                kind: EventKind::Alert { rule: Arc::clone(rule), outcome },
            });
        }
        verdict
    }

    /// Lets time pass when no packet comes; bounded work. Called at most every 100 ms by an idle worker.
    pub fn tick(&mut self, now: Timestamp, sink: &mut dyn EventSink) {
        // Nothing ages yet: the engine keeps no flows.
        let _ = (now, sink);
    }
}

#[cfg(test)]
mod tests;
