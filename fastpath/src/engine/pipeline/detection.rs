//! What the rules say of a packet.

use std::{ops::ControlFlow, sync::Arc};

use super::{Findings, Sight, excerpt::Showing, report::event};
use crate::engine::{
    Engine, event,
    event::{Decided, EventKind, Outcome},
    flow::{FlowAction, FlowState},
    rules::{Action, FlowFacts, Match, Recipients, RuleInfo, SeenBy, Stream, Subject, Via},
    verdict::{DropReason, Enforcement},
};

impl Engine {
    /// Lets the rules look, and does what those that match ask for.
    pub(super) fn inspect_rules(&mut self, sight: &Sight<'_>, findings: &mut Findings<'_>) {
        let Self { rules, scratch, flows, streams, settings, counters, .. } = self;
        let mut entry = sight.flow.and_then(|(handle, direction)| Some((direction, flows.get_mut(handle)?)));
        let is_own = entry.as_ref().is_none_or(|(_, (flow, _))| sight.is_of(flow));
        let facts = entry.as_mut().map(|(direction, (flow, _))| FlowFacts {
            direction: *direction,
            // Data in a SYN is read when the handshake is over, and looked at now.
            established: flow.state() != FlowState::New || sight.fresh.is_some(),
            first: !is_own || (sight.seen_by == SeenBy::All && flow.is_first_inspected(*direction)),
        });
        let (of_flow, session, memory) = match &mut entry {
            Some((direction, (flow, track))) => {
                (Some((&**flow, *direction)), Some(&track.session), Some(&mut track.memory))
            }
            None => (None, None, None),
        };
        let stream = match (session, &sight.fresh, sight.flow) {
            (Some(session), Some(fresh), Some((_, direction))) => {
                Some(Stream { streams, session, direction, fresh })
            }
            _ => None,
        };
        let subject = Subject {
            time: sight.place.meta.time,
            packet: sight.packet,
            decode_events: sight.decode_events,
            stream_events: sight.stream_events,
            seen_by: sight.seen_by,
            flow: facts,
            stream,
            in_stream: sight.in_stream,
        };
        let mut matched = Matched::default();
        let layer = Some(sight.place.layer);
        let mut showing = Showing::new(settings.wanted.excerpts, layer, sight.packet, stream);
        rules.inspect(&subject, memory, scratch, |Match { rule, via }| {
            let via = if is_own { via } else { Via::Packet };
            let outcome = match rule.action {
                Action::Pass => {
                    matched.pass_flow |= via != Via::Packet;
                    matched.passed = true;
                    return ControlFlow::Break(());
                }
                Action::Alert => Outcome::Allowed,
                Action::Drop | Action::Reject(_) => {
                    matched.drop(rule, via);
                    match settings.enforcement {
                        Enforcement::Drop => Outcome::Blocked,
                        Enforcement::Report => Outcome::WouldBlock,
                    }
                }
            };
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
            };
            let of_flow = of_flow.map(|(flow, direction)| event::FlowFacts::of(flow, direction));
            findings.sink.emit(event(sight, of_flow, kind));
            ControlFlow::Continue(())
        });
        if let Some((direction, (flow, _))) = &mut entry {
            if matched.passed && facts.is_some_and(|facts| is_own && facts.first) {
                flow.is_first_again(*direction);
            }
            flow.alerted |= matched.alerted;
            flow.action = matched.flow_action(flow.action, settings.enforcement);
        }
        if let Some(rule) = matched.dropped {
            if let Some(recipients) = matched.rejected {
                self.answer(recipients, sight, findings);
            }
            self.drop_packet(DropReason::Rule, sight, Some(&rule), findings);
        }
    }
}

/// What the rules that matched ask for.
#[derive(Debug, Default)]
struct Matched {
    alerted: bool,
    /// The first rule that drops the packet.
    dropped: Option<Arc<RuleInfo>>,
    rejected: Option<Recipients>,
    drop_flow: bool,
    /// A rule lets the packet go.
    passed: bool,
    pass_flow: bool,
}

impl Matched {
    fn drop(&mut self, rule: &Arc<RuleInfo>, via: Via) {
        self.dropped.get_or_insert_with(|| Arc::clone(rule));
        self.drop_flow |= via != Via::Packet;
        if let Action::Reject(recipients) = rule.action {
            self.rejected.get_or_insert(recipients);
        }
    }

    /// What happens to the flow from now on.
    fn flow_action(&self, before: FlowAction, enforcement: Enforcement) -> FlowAction {
        if self.drop_flow && enforcement == Enforcement::Drop {
            FlowAction::Drop(DropReason::Rule)
        } else if self.pass_flow && self.dropped.is_none() {
            FlowAction::Pass
        } else {
            before
        }
    }
}
