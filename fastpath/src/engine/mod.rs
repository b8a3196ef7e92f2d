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
use event::EventSink;
use flow::Table;
use meta::{LinkType, Meta, Timestamp};
use packet::{Packet, defrag::Defragmenter};
use pipeline::{Ending, Findings, Place};
use referral::{Judgement, Referral, Ticket};
use reject::Injection;
use rules::{RuleSet, Scratch};
use stream::Streams;
use track::Track;
use verdict::Verdict;

pub use settings::Settings;

/// Everything one worker needs to inspect packets. Not shared: each worker has its own.
pub struct Engine {
    rules: Arc<RuleSet>,
    scratch: Scratch,
    settings: Settings,
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
            flows: Table::new(settings.flow, settings.share),
            streams: Streams::new(settings.stream),
            injections: Vec::new(),
            counters: Counters::default(),
            datagram: Vec::new(),
            settings,
        }
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
        let mut findings = Findings::new(sink);
        let view = Packet::decode_with(packet, meta.link, &self.settings.decoder);
        self.counters.decoder.count_packet(packet.len(), meta.link);
        let referral = self.inspect_layer(&view, Place::outermost(packet, meta), &mut findings);
        let verdict = findings.decision.verdict(self.settings.enforcement);
        match (referral, verdict) {
            (Some(referral), Verdict::Drop(_)) => Judgement::Verdict(self.settle(referral.ticket, verdict)),
            (Some(referral), _) => Judgement::Refer(referral),
            (None, _) => {
                self.counters.count_verdict(verdict, findings.decision.rejected);
                Judgement::Verdict(verdict)
            }
        }
    }

    /// The hash by which a packet's owner among several engines is found ([`flow::Share::owner`]), as this engine decodes.
    pub fn steer(&self, packet: &[u8], link: LinkType) -> u32 {
        flow::steer_with(packet, link, &self.settings.decoder)
    }

    /// Inspects a whole datagram that another worker's engine has referred to this one.
    pub fn inspect_datagram(&mut self, referral: &mut Referral, sink: &mut dyn EventSink) -> Verdict {
        let mut findings = Findings::new(sink);
        let place = Place::datagram(&referral.bytes, &referral.meta);
        self.inspect_datagram_bytes(referral.vlan, place, &mut findings);
        findings.decision.verdict(self.settings.enforcement)
    }

    /// Takes note of the verdict on a datagram that this engine has referred to another, and says what becomes of the packet
    /// that completed it.
    pub fn settle(&mut self, ticket: Ticket, verdict: Verdict) -> Verdict {
        self.defragmenter.settle(ticket, verdict);
        self.counters.count_verdict(verdict, false);
        verdict
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
        let Self { rules, scratch, flows, streams, counters, .. } = self;
        let mut ending = Ending { rules, scratch, streams, counters };
        flows.tick(now, FLOWS_PER_TICK, &mut |ended| ending.close(ended, now, sink));
    }

    /// Ends all flows: the program ends, or the capture.
    pub fn finish(&mut self, now: Timestamp, sink: &mut dyn EventSink) {
        let Self { rules, scratch, flows, streams, counters, .. } = self;
        let mut ending = Ending { rules, scratch, streams, counters };
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
        counters
    }

    /// Whether there are any.
    pub fn has_injections(&self) -> bool {
        !self.injections.is_empty()
    }
}

#[cfg(test)]
mod tests;
