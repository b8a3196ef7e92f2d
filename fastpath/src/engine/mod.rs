//! The engine: bytes in, verdicts and events out. Pure and deterministic: no system call, no clock, no
//! thread. The same bytes and times give the same verdicts and events, from a NIC, a capture or memory.

pub mod counters;
pub mod event;
pub mod flow;
pub mod meta;
pub mod packet;
pub mod policy;
pub mod referral;
pub mod rules;
pub mod stream;
pub mod verdict;

use std::sync::Arc;

use event::{Event, EventKind, EventSink, Outcome};
use flow::{FlowSettings, Share};
use meta::{Meta, Timestamp};
use packet::Packet;
use policy::Policies;
use referral::{Judgement, Referral, Ticket};
use rules::{Action, RuleSet, Scratch};
use verdict::{DropReason, Enforcement, Verdict};

/// What an engine is told once, at its start.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether drops are carried out.
    pub enforcement: Enforcement,
    /// Its part of the flows.
    pub share: Share,
    /// What happens when it cannot do its work.
    pub policies: Policies,
    /// Its flow table.
    pub flow: FlowSettings,
}

impl Settings {
    /// One engine for all flows, with the defaults.
    pub fn new(enforcement: Enforcement) -> Self {
        Self { enforcement, share: Share::ALL, policies: Policies::default(), flow: FlowSettings::default() }
    }
}

/// Everything one worker needs to inspect packets. Not shared: each worker has its own.
pub struct Engine {
    rules: Arc<RuleSet>,
    scratch: Scratch,
    settings: Settings,
}

impl Engine {
    /// An engine over `rules`.
    pub fn new(rules: Arc<RuleSet>, settings: Settings) -> Self {
        Self { scratch: rules.scratch(), rules, settings }
    }

    /// Inspects one whole packet (from its link layer on) and says what to do with it.
    ///
    /// Every matching rule gives one event. Only a `pass` rule gives none: it ends the inspection, and
    /// nothing was reported before it, because pass rules come first. With a matching `drop` rule the packet is
    /// dropped; the alerts of other rules still come, and each says what its own rule did (Suricata's
    /// output-json-alert.c does the same).
    pub fn inspect(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Verdict {
        match self.inspect_shared(packet, meta, sink) {
            Judgement::Verdict(verdict) => verdict,
            Judgement::Refer(mut referral) => {
                let verdict = self.inspect_datagram(&mut referral, sink);
                self.settle(referral.ticket, verdict)
            }
        }
    }

    /// [`Self::inspect`] for an engine that owns some of the flows ([`Settings::share`]). The packet is one that
    /// [`flow::steer`] gives to this engine.
    pub fn inspect_shared(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Judgement {
        Judgement::Verdict(self.judge(packet, meta, sink))
    }

    /// Inspects a whole datagram that another worker's engine has referred to this one.
    pub fn inspect_datagram(&mut self, referral: &mut Referral, sink: &mut dyn EventSink) -> Verdict {
        let Referral { bytes, meta, .. } = referral;
        self.judge(bytes, meta, sink)
    }

    /// Takes note of the verdict on a datagram that this engine has referred to another, and says what becomes of the packet
    /// that completed it.
    pub fn settle(&mut self, ticket: Ticket, verdict: Verdict) -> Verdict {
        let _ = ticket;
        verdict
    }

    fn judge(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Verdict {
        let view = Packet::decode(packet, meta.link);
        let mut verdict = Verdict::Forward;
        for rule in self.rules.matches(&view, &mut self.scratch) {
            let outcome = match rule.action {
                Action::Pass => return Verdict::Forward,
                Action::Alert => Outcome::Allowed,
                Action::Drop => {
                    verdict = self.settings.enforcement.of(DropReason::Rule);
                    if self.settings.enforcement == Enforcement::Drop {
                        Outcome::Blocked
                    } else {
                        Outcome::WouldBlock
                    }
                }
            };
            sink.emit(Event {
                time: meta.time,
                port: meta.port,
                number: meta.number,
                packet: view.facts(),
                flow: None,
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
