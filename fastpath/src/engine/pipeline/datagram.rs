//! Fragments, and the datagrams that they make.

use super::{Findings, MAX_DEPTH, Sight};
use crate::engine::{
    Engine,
    meta::{LinkType, Meta},
    packet::{DecodeEvent, Fragment, defrag::Fate},
    policy::Failure,
    referral::{Referral, Ticket},
    verdict::{DropReason, Verdict},
};

impl Engine {
    /// A fragment: kept, and when its datagram is complete, that is inspected.
    pub(super) fn inspect_fragment(
        &mut self,
        fragment: &Fragment<'_>,
        sight: &mut Sight<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Box<Referral>> {
        let Meta { time, number, .. } = *sight.place.meta;
        // Where VLANs do not tell flows apart, they do not tell datagrams apart either (as with Suricata).
        let vlan = if self.settings.flow.tracking.vlan { fragment.vlan } else { [None; 3] };
        let accepted = self.defragmenter.accept(&Fragment { vlan, ..*fragment }, time, number);
        let v6 = fragment.source.is_ipv6();
        if let Some(event) = accepted.event.and_then(|event| DecodeEvent::from_name(event.name(v6))) {
            sight.decode_events.raise(event);
        }
        self.counters.defrag.count(accepted.fate, v6);
        match accepted.fate {
            Fate::Held | Fate::Atomic => None,
            Fate::NoMemory => {
                self.apply(Failure::DefragMemcap, sight, findings);
                None
            }
            Fate::Complete(ticket) => self.inspect_complete(ticket, fragment, sight, findings),
            fate => {
                if let Some(reason) = fate.drop_reason() {
                    self.drop_packet(reason, sight, None, findings);
                }
                None
            }
        }
    }

    /// A datagram of which the last fragment has come: inspected here, or by the worker that owns its flow. Here it may in turn carry
    /// what completes one of another worker's.
    fn inspect_complete(
        &mut self,
        ticket: Ticket,
        fragment: &Fragment<'_>,
        sight: &Sight<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Box<Referral>> {
        let place = sight.place;
        let mut bytes = std::mem::take(&mut self.datagram);
        let known = self.defragmenter.assemble(ticket, &mut bytes);
        let meta = Meta { link: LinkType::RawIp, checksums: place.meta.checksums, ..*place.meta };
        let vlan = fragment.vlan;
        let owner = self.settings.share.owner(self.steering.steer(&bytes, LinkType::RawIp));
        let inside = place.datagram_in(&bytes, &meta);
        let mut further = None;
        if !known || inside.depth >= MAX_DEPTH {
            self.drop_packet(DropReason::Defrag, sight, None, findings);
        } else if owner != self.settings.share.worker {
            return Some(Box::new(Referral {
                owner,
                ticket,
                around: Vec::new(),
                so_far: Verdict::Forward,
                by_packet: false,
                nesting: inside.nesting(),
                bytes,
                vlan,
                meta,
            }));
        } else {
            let mut whole = Findings::new(&mut *findings.sink);
            further = self.inspect_datagram_bytes(vlan, inside, &mut whole);
            let decision = whole.decision;
            findings.decision.join(&decision);
            match &mut further {
                Some(referral) => referral.around.push(ticket),
                None => self.defragmenter.settle(ticket, decision.verdict(self.settings.enforcement)),
            }
        }
        bytes.clear();
        self.datagram = bytes;
        further
    }
}
