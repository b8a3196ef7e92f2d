//! The engine: bytes in, verdicts and events out. Pure and deterministic: no system call, no clock, no
//! thread. The same bytes and times give the same verdicts and events, from a NIC, a capture or memory.

pub mod counters;
mod decision;
pub mod event;
pub mod flow;
pub mod meta;
pub mod packet;
mod pipeline;
pub mod policy;
pub mod referral;
pub mod reject;
pub mod rules;
mod settings;
pub mod stream;
mod track;
pub mod verdict;

use std::sync::Arc;

use counters::Counters;
use decision::Decision;
use event::EventSink;
use flow::{Steering, Table};
use meta::{Meta, Timestamp};
use packet::{Packet, defrag::Defragmenter};
use pipeline::{Ending, Findings, Place};
use policy::Failure;
use referral::{Judgement, Referral};
use reject::Injection;
use rules::{RuleSet, Scratch};
use stream::Streams;
use track::Track;
use verdict::{DropReason, Verdict};

pub use settings::Settings;

/// Everything one worker needs to inspect packets. Not shared: each worker has its own.
pub struct Engine {
    rules: Arc<RuleSet>,
    scratch: Scratch,
    settings: Settings,
    steering: Steering,
    defragmenter: Defragmenter,
    flows: Table<Track>,
    streams: Streams,
    injections: Vec<Injection>,
    counters: Counters,
    /// A datagram made of fragments, while it is inspected.
    datagram: Vec<u8>,
}

/// Flows that one tick looks at, at most.
const FLOWS_PER_TICK: u32 = 4096;

impl Engine {
    /// Bytes of memory per flow that there is room for, reserved at the start. What is remembered of TCP data comes on top
    /// (`stream.reassembly.memcap`).
    pub const BYTES_PER_FLOW: usize = Table::<Track>::BYTES_PER_FLOW;

    /// An engine over `rules`. All its memory is reserved now.
    pub fn new(rules: Arc<RuleSet>, settings: Settings) -> Self {
        Self {
            scratch: rules.scratch(),
            rules,
            defragmenter: Defragmenter::new(settings.defrag, settings.enforcement),
            steering: Steering::new(settings.flow.seed, settings.decoder, settings.flow.tracking),
            flows: Table::new(settings.flow, settings.share),
            streams: Streams::new(settings.stream),
            injections: Vec::new(),
            counters: Counters::default(),
            datagram: Vec::new(),
            settings,
        }
    }

    /// Inspects one whole packet (from its link layer on) and says what to do with it. Its bytes change only with the verdict
    /// [`Verdict::Rewritten`].
    ///
    /// Every matching rule gives one event. Only a `pass` rule gives none: it ends the inspection, and
    /// nothing was reported before it, because pass rules come first. With a matching `drop` rule the packet is
    /// dropped; the alerts of other rules still come, and each says what its own rule did (Suricata's
    /// output-json-alert.c does the same).
    pub fn inspect(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Verdict {
        match self.inspect_shared(packet, meta, sink) {
            Judgement::Verdict(verdict) => verdict,
            // Of an engine that owns all flows there is none; here nobody can be asked.
            Judgement::Refer(referral) => {
                let verdict = self.settings.enforcement.of(DropReason::Handover);
                self.settle(*referral, verdict)
            }
        }
    }

    /// [`Self::inspect`] for an engine that owns some of the flows ([`Settings::share`]). The packet is one that
    /// [`flow::steer`] gives to this engine.
    pub fn inspect_shared(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Judgement {
        let mut findings = Findings::new(sink);
        let view = Packet::decode_with(packet, meta.link, &self.settings.decoder);
        self.counters.decoder.count_packet(packet.len(), meta.link);
        let referral = self.inspect_layer(&view, Place::outermost(packet, meta), &mut findings);
        let Findings { decision, .. } = findings;
        let rewriting = &mut self.scratch.rewriting;
        match decision.verdict(self.settings.enforcement) {
            Verdict::Rewritten => rewriting.write(packet, meta.link, &self.settings.decoder),
            _ => rewriting.clear(),
        }
        let judgement = self.conclude(referral, true, &decision);
        if let Judgement::Verdict(verdict) = judgement {
            self.counters.count_verdict(verdict, decision.rejected);
        }
        judgement
    }

    /// How packets find their owner among several engines, as this engine decodes.
    pub fn steering(&self) -> &Steering {
        &self.steering
    }

    /// Prepares for packets whose flows have these hashes ([`flow::Hint::flow`]), which are about to be inspected: what the memory has
    /// of the flows is read at once, and not packet by packet. Changes nothing but how long that takes. How many flows it may have
    /// found.
    pub fn expect(&self, flows: &[u64]) -> usize {
        self.flows.expect(flows)
    }

    /// Inspects a whole datagram that another worker's engine has referred to this one.
    pub fn inspect_datagram(&mut self, referral: &Referral, sink: &mut dyn EventSink) -> Judgement {
        let mut findings = Findings::new(sink);
        let further = self.inspect_datagram_bytes(referral.vlan, Place::referred(referral), &mut findings);
        let Findings { decision, .. } = findings;
        self.conclude(further, false, &decision)
    }

    /// What a packet, or a referred datagram, has come to that may carry what another engine has to judge.
    fn conclude(
        &mut self,
        referral: Option<Box<Referral>>,
        by_packet: bool,
        decision: &Decision,
    ) -> Judgement {
        let verdict = decision.verdict(self.settings.enforcement);
        match (referral, verdict) {
            (Some(mut referral), Verdict::Forward | Verdict::Rewritten | Verdict::WouldDrop(_)) => {
                (referral.so_far, referral.by_packet) = (verdict, by_packet);
                Judgement::Refer(referral)
            }
            // Dropped anyway, so nobody has to be asked.
            (Some(referral), Verdict::Drop(_)) => {
                self.close(*referral, verdict);
                Judgement::Verdict(verdict)
            }
            (None, _) => Judgement::Verdict(verdict),
        }
    }

    /// Takes note of the verdict on a datagram that this engine has referred to another, and says what becomes of the packet, or the
    /// datagram, that completed it.
    pub fn settle(&mut self, referral: Referral, verdict: Verdict) -> Verdict {
        let verdict = match (referral.so_far, verdict) {
            (Verdict::Forward, verdict) => verdict,
            (Verdict::Rewritten, verdict @ (Verdict::Drop(_) | Verdict::WouldDrop(_))) => verdict,
            (before, _) => before,
        };
        if referral.by_packet {
            self.counters.count_verdict(verdict, false);
        }
        self.close(referral, verdict);
        verdict
    }

    fn close(&mut self, referral: Referral, verdict: Verdict) {
        for ticket in std::iter::once(referral.ticket).chain(referral.around) {
            self.defragmenter.settle(ticket, verdict);
        }
        self.datagram = referral.bytes;
    }

    /// Counts a failure of what is around the engine, with the policy for it.
    pub fn count_failure(&mut self, failure: Failure) {
        let policy = self.settings.policies.resolve(failure, self.settings.enforcement);
        self.counters.count_exception(failure, policy);
    }

    /// Goes on with other rules, from the next packet on. Flows, streams and fragments stay; `scratch` was made by these rules
    /// ([`RuleSet::scratch`]). What was used until now comes back, so that it need not be freed here.
    ///
    /// What rules asked of a flow's first packets only is not asked anew, and what one has decided for a flow stays decided.
    pub fn replace_rules(&mut self, rules: Arc<RuleSet>, scratch: Scratch) -> (Arc<RuleSet>, Scratch) {
        (std::mem::replace(&mut self.rules, rules), std::mem::replace(&mut self.scratch, scratch))
    }

    /// Lets time pass; bounded work. Called at least every 100 ms, also while packets come.
    pub fn tick(&mut self, now: Timestamp, sink: &mut dyn EventSink) {
        self.defragmenter.tick(now);
        let Self { rules, scratch, flows, streams, counters, settings, .. } = self;
        let mut ending = Ending { rules, scratch, streams, counters, excerpts: settings.wanted.excerpts };
        flows.tick(now, FLOWS_PER_TICK, &mut |ended| ending.close(ended, now, sink));
    }

    /// Ends all flows: the program ends, or the capture.
    pub fn finish(&mut self, now: Timestamp, sink: &mut dyn EventSink) {
        let Self { rules, scratch, flows, streams, counters, settings, .. } = self;
        let mut ending = Ending { rules, scratch, streams, counters, excerpts: settings.wanted.excerpts };
        flows.drain(&mut |ended| ending.close(ended, now, sink));
    }

    /// Frames to be sent because of the packets inspected since the last call.
    pub fn injections(&mut self) -> impl Iterator<Item = Injection> + '_ {
        self.injections.drain(..)
    }

    /// What it has counted so far.
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters;
        self.flows.report(&mut counters);
        self.streams.report(&mut counters.tcp);
        counters.defrag.memory = self.defragmenter.memory() as u64;
        // All engines share it: one of them reports it.
        if self.settings.share.worker == 0 {
            counters.detect.shed = self.rules.shed();
        }
        counters
    }
}

#[cfg(test)]
mod tests;
