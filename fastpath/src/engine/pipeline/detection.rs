//! What the rules say of a packet.

use std::{ops::ControlFlow, sync::Arc};

use super::{Findings, Sight, excerpt::Showing, report::event};
use crate::engine::{
    Engine, event,
    event::{Decided, EventKind, Outcome},
    flow::{FlowAction, FlowState},
    policy::Failure,
    rules::{Action, FlowFacts, Match, Recipients, RuleInfo, SeenBy, Stream, Subject, Via},
    track::Track,
    verdict::{DropReason, Enforcement},
};

impl Engine {
    /// Lets the rules look, and does what those that match ask for.
    pub(super) fn inspect_rules(&mut self, sight: &Sight<'_>, findings: &mut Findings<'_>) {
        let Self { rules, scratch, flows, streams, settings, counters, .. } = self;
        let mut entry = sight.flow.and_then(|(handle, direction)| Some((direction, flows.get_mut(handle)?)));
        let is_own = entry.as_ref().is_none_or(|(_, (flow, _))| sight.is_of(flow));
        let first = entry.as_mut().is_some_and(|(direction, (flow, _))| {
            !is_own || (sight.seen_by == SeenBy::All && flow.is_first_inspected(*direction))
        });
        let (facts, mut memory) = match &mut entry {
            Some((direction, (record, Track { session, memory, .. }))) => {
                // Data in a SYN is read when the handshake is over, and looked at now.
                let established = record.state() != FlowState::New || sight.fresh.is_some();
                let facts = FlowFacts { direction: *direction, established, first, record, session };
                (Some(facts), Some(memory))
            }
            None => (None, None),
        };
        let stream = match (facts, &sight.fresh) {
            (Some(FlowFacts { direction, session, .. }), Some(fresh)) => {
                Some(Stream { streams, session, direction, fresh })
            }
            _ => None,
        };
        let subject = Subject {
            time: sight.place.meta.time,
            length: sight.place.bytes.len(),
            packet: sight.packet,
            checksums: sight.place.meta.checksums,
            decode_events: sight.decode_events,
            stream_events: sight.stream_events,
            seen_by: sight.seen_by,
            flow: facts,
            stream,
            in_stream: sight.in_stream,
            rewritable: sight.rewritable(settings.enforcement),
        };
        let mut matched = Matched::default();
        let of_flow = facts.map(|flow| event::FlowFacts::of(flow.record, flow.direction));
        let layer = Some(sight.place.layer);
        let mut showing = Showing::new(settings.wanted.excerpts, layer, sight.packet, stream);
        let mut undecided = rules.inspect(&subject, memory.as_deref_mut(), scratch, |found, captures| {
            let Match { rule, report, filtered, bypass, .. } = found;
            let via = if is_own { found.via } else { Via::Packet };
            matched.bypass_flow |= bypass && is_own;
            let outcome = match rule.action {
                Action::Pass => {
                    matched.pass_flow |= via != Via::Packet;
                    matched.passed = true;
                    Outcome::Allowed
                }
                Action::Alert => Outcome::Allowed,
                Action::Drop | Action::Reject(_) => {
                    matched.drop(rule, via, if filtered { DropReason::RateFilter } else { DropReason::Rule });
                    match settings.enforcement {
                        Enforcement::Drop => Outcome::Blocked,
                        Enforcement::Report => Outcome::WouldBlock,
                    }
                }
            };
            if report {
                matched.alerted = true;
                counters.detect.alerts += 1;
                let kind = EventKind::Alert {
                    rule: Arc::clone(rule),
                    outcome,
                    decided: Decided {
                        verdict: match matched.dropped {
                            Some(_) => settings.enforcement.of(DropReason::Rule),
                            None => findings.decision.verdict(settings.enforcement),
                        },
                        rejected: matched.rejected,
                    },
                    excerpt: showing.excerpt(via),
                    captures: captures(),
                };
                findings.sink.emit(event(sight, of_flow, kind));
            } else if rule.action != Action::Pass {
                counters.detect.suppressed += 1;
            }
            if rule.action == Action::Pass { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if settings.wanted.tagged && rules.tags(&subject, memory) {
            let kind = EventKind::Tagged { bytes: sight.place.bytes.into(), link: sight.place.meta.link };
            findings.sink.emit(event(sight, of_flow, kind));
        }
        if let Some((direction, (flow, _))) = &mut entry {
            if matched.passed && is_own && first {
                flow.is_first_again(*direction);
            }
            flow.alerted |= matched.alerted;
            flow.action = matched.flow_action(flow.action, settings.enforcement);
            if matched.bypass_flow
                && flow.action == FlowAction::Bypass
                && let Some((handle, _)) = sight.flow
            {
                flows.set_state(handle, FlowState::LocalBypassed);
            }
        }
        findings.decision.rewritten |= !scratch.rewriting.is_empty();
        if let Some((rule, reason)) = matched.dropped {
            if let Some(recipients) = matched.rejected {
                self.answer(recipients, sight, findings);
            }
            self.drop_packet(reason, sight, Some(&rule), findings);
            // What is sent again of a stream is not looked at again.
            undecided &= sight.fresh.is_some() && !matched.drop_flow;
        }
        if undecided {
            self.apply(Failure::Detection, sight, findings);
        }
    }
}

/// What the rules that matched ask for.
#[derive(Debug, Default)]
struct Matched {
    alerted: bool,
    /// The first rule that drops the packet, and the reason that it gives.
    dropped: Option<(Arc<RuleInfo>, DropReason)>,
    rejected: Option<Recipients>,
    drop_flow: bool,
    /// A rule lets the packet go.
    passed: bool,
    pass_flow: bool,
    bypass_flow: bool,
}

impl Matched {
    fn drop(&mut self, rule: &Arc<RuleInfo>, via: Via, reason: DropReason) {
        self.dropped.get_or_insert_with(|| (Arc::clone(rule), reason));
        self.drop_flow |= via != Via::Packet;
        if let Action::Reject(recipients) = rule.action {
            self.rejected.get_or_insert(recipients);
        }
    }

    /// What happens to the flow from now on.
    fn flow_action(&self, before: FlowAction, enforcement: Enforcement) -> FlowAction {
        if self.drop_flow && enforcement == Enforcement::Drop {
            FlowAction::Drop(DropReason::Rule)
        } else if self.bypass_flow && !matches!(before, FlowAction::Drop(_)) {
            FlowAction::Bypass
        } else if self.pass_flow && self.dropped.is_none() {
            FlowAction::Pass
        } else {
            before
        }
    }
}
