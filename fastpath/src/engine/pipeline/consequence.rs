//! What is done: drops, exception policies, answers.

use std::sync::Arc;

use super::{Findings, Inspection, Sight, report::event};
use crate::engine::{
    Engine,
    event::{Drops, EventKind, HeaderFacts},
    flow::FlowAction,
    policy::{ExceptionPolicy, Failure},
    reject::{End, reject},
    rules::{Recipients, RuleInfo},
    verdict::{DropReason, Enforcement},
};

impl Engine {
    /// Does what the policy for `failure` says, and says whether rules still look at the packet.
    pub(super) fn apply(
        &mut self,
        failure: Failure,
        sight: &Sight<'_>,
        findings: &mut Findings<'_>,
    ) -> Inspection {
        let policy = self.settings.policies.resolve(failure, self.settings.enforcement);
        let inline = self.settings.enforcement == Enforcement::Drop;
        self.counters.count_exception(failure, policy);
        // What is sent again of a stream is not looked at again.
        let is_final = failure == Failure::Detection && sight.fresh.is_some();
        let action = match policy {
            ExceptionPolicy::DropFlow | ExceptionPolicy::Reject if inline => {
                Some(FlowAction::Drop(failure.drop_reason()))
            }
            ExceptionPolicy::DropPacket if inline && is_final => {
                Some(FlowAction::Drop(failure.drop_reason()))
            }
            ExceptionPolicy::PassFlow => Some(FlowAction::Pass),
            ExceptionPolicy::Bypass => Some(FlowAction::Bypass),
            _ => None,
        };
        // An error message about a flow, which anybody can send, does nothing to it.
        if let Some((handle, _)) = sight.flow
            && let Some((flow, _)) = self.flows.get_mut(handle)
            && sight.is_of(flow)
        {
            flow.exceptions.add(failure, policy);
            flow.action = action.unwrap_or(flow.action);
        }
        match policy {
            ExceptionPolicy::DropFlow | ExceptionPolicy::DropPacket | ExceptionPolicy::Reject => {
                if policy == ExceptionPolicy::Reject {
                    self.answer(Recipients::Both, sight, findings);
                }
                self.drop_packet(failure.drop_reason(), sight, None, findings);
                if inline { Inspection::None } else { Inspection::Full }
            }
            ExceptionPolicy::PassFlow | ExceptionPolicy::PassPacket | ExceptionPolicy::Bypass => {
                Inspection::None
            }
            ExceptionPolicy::Ignore | ExceptionPolicy::Auto => Inspection::Full,
        }
    }

    /// The packet is to be dropped because of this layer of it; `rule` is the one that asks for it.
    pub(super) fn drop_packet(
        &mut self,
        reason: DropReason,
        sight: &Sight<'_>,
        rule: Option<&Arc<RuleInfo>>,
        findings: &mut Findings<'_>,
    ) {
        if !findings.decision.drop(reason) || self.settings.enforcement != Enforcement::Drop {
            return;
        }
        if self.wants_drop(sight, rule.is_some()) {
            let kind = EventKind::Drop {
                reason,
                headers: HeaderFacts::of(sight.packet),
                rule: rule.map(Arc::clone),
            };
            findings.sink.emit(event(sight, self.flow_facts(sight), kind));
        }
    }

    /// Whether a dropped packet is reported.
    fn wants_drop(&mut self, sight: &Sight<'_>, by_rule: bool) -> bool {
        let is_first = |engine: &mut Self| {
            sight.flow.is_none_or(|(handle, direction)| {
                engine.flows.get_mut(handle).is_none_or(|(_, track)| track.is_first_drop(direction))
            })
        };
        match self.settings.wanted.drops {
            Drops::None => false,
            // It may be the first, too.
            Drops::Start => is_first(self) || by_rule,
            Drops::All => true,
        }
    }

    /// Tells the ends of a packet that it was rejected.
    pub(super) fn answer(&mut self, recipients: Recipients, sight: &Sight<'_>, findings: &mut Findings<'_>) {
        let inline = self.settings.enforcement == Enforcement::Drop;
        if !inline || !sight.place.is_on_the_wire() || findings.decision.rejected {
            return;
        }
        let ends: &[End] = match recipients {
            Recipients::Source => &[End::Source],
            Recipients::Destination => &[End::Destination],
            Recipients::Both => &[End::Source, End::Destination],
        };
        let before = self.injections.len();
        self.injections.extend(ends.iter().filter_map(|&end| reject(sight.place.bytes, sight.packet, end)));
        findings.decision.rejected = self.injections.len() > before;
    }
}
