//! The engine's door, as a worker uses it.

use crate::engine::{
    Engine,
    event::EventSink,
    meta::{Meta, Timestamp},
    referral::{Judgement, Referral, Ticket},
    verdict::Verdict,
};

/// What judges packets: the [`Engine`], or a stand-in of a test's. The methods are the engine's.
pub trait Inspector {
    /// [`Engine::inspect_shared`].
    fn inspect_shared(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Judgement;

    /// [`Engine::inspect_datagram`].
    fn inspect_datagram(&mut self, referral: &mut Referral, sink: &mut dyn EventSink) -> Verdict;

    /// [`Engine::settle`].
    fn settle(&mut self, ticket: Ticket, verdict: Verdict) -> Verdict;

    /// [`Engine::tick`].
    fn tick(&mut self, now: Timestamp, sink: &mut dyn EventSink);
}

impl Inspector for Engine {
    fn inspect_shared(&mut self, packet: &mut [u8], meta: &Meta, sink: &mut dyn EventSink) -> Judgement {
        Self::inspect_shared(self, packet, meta, sink)
    }

    fn inspect_datagram(&mut self, referral: &mut Referral, sink: &mut dyn EventSink) -> Verdict {
        Self::inspect_datagram(self, referral, sink)
    }

    fn settle(&mut self, ticket: Ticket, verdict: Verdict) -> Verdict {
        Self::settle(self, ticket, verdict)
    }

    fn tick(&mut self, now: Timestamp, sink: &mut dyn EventSink) {
        Self::tick(self, now, sink);
    }
}
