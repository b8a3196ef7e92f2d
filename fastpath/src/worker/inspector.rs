//! The engine's door, as a worker uses it.

use std::sync::Arc;

use crate::engine::{
    Engine,
    counters::Counters,
    event::EventSink,
    flow::Steering,
    meta::{Meta, Timestamp},
    policy::Failure,
    referral::{Judgement, Referral},
    reject::Injection,
    rules::{RuleSet, Scratch},
    verdict::Verdict,
};

/// What judges packets: the [`Engine`], or a stand-in of a test's. The methods are the engine's.
pub trait Inspector {
    /// [`Engine::inspect_shared`].
    fn inspect_shared(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Judgement;

    /// [`Engine::inspect_datagram`].
    fn inspect_datagram(&mut self, referral: &Referral, sink: &mut dyn EventSink) -> Judgement;

    /// [`Engine::settle`].
    fn settle(&mut self, referral: Referral, verdict: Verdict) -> Verdict;

    /// [`Engine::steering`].
    fn steering(&self) -> &Steering;

    /// [`Engine::expect`].
    fn expect(&self, flows: &[u64]) -> usize;

    /// [`Engine::count_failure`].
    fn count_failure(&mut self, failure: Failure);

    /// [`Engine::injections`].
    fn injections(&mut self) -> impl Iterator<Item = Injection>;

    /// [`Engine::replace_rules`].
    fn replace_rules(&mut self, rules: Arc<RuleSet>, scratch: Scratch) -> (Arc<RuleSet>, Scratch);

    /// [`Engine::tick`].
    fn tick(&mut self, now: Timestamp, sink: &mut dyn EventSink);

    /// [`Engine::finish`].
    fn finish(&mut self, now: Timestamp, sink: &mut dyn EventSink);

    /// [`Engine::counters`].
    fn counters(&self) -> Counters;
}

impl Inspector for Engine {
    fn inspect_shared(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Judgement {
        Self::inspect_shared(self, packet, meta, sink)
    }

    fn inspect_datagram(&mut self, referral: &Referral, sink: &mut dyn EventSink) -> Judgement {
        Self::inspect_datagram(self, referral, sink)
    }

    fn settle(&mut self, referral: Referral, verdict: Verdict) -> Verdict {
        Self::settle(self, referral, verdict)
    }

    fn steering(&self) -> &Steering {
        Self::steering(self)
    }

    fn expect(&self, flows: &[u64]) -> usize {
        Self::expect(self, flows)
    }

    fn count_failure(&mut self, failure: Failure) {
        Self::count_failure(self, failure);
    }

    fn injections(&mut self) -> impl Iterator<Item = Injection> {
        Self::injections(self)
    }

    fn replace_rules(&mut self, rules: Arc<RuleSet>, scratch: Scratch) -> (Arc<RuleSet>, Scratch) {
        Self::replace_rules(self, rules, scratch)
    }

    fn tick(&mut self, now: Timestamp, sink: &mut dyn EventSink) {
        Self::tick(self, now, sink);
    }

    fn finish(&mut self, now: Timestamp, sink: &mut dyn EventSink) {
        Self::finish(self, now, sink);
    }

    fn counters(&self) -> Counters {
        Self::counters(self)
    }
}
