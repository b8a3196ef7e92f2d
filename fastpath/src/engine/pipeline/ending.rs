//! The end of a flow: what is left of its streams is looked at, what was remembered is given back, and the flow is reported.

use std::{net::IpAddr, ops::ControlFlow, sync::Arc};

use etherparse::{PacketBuilder, ip_number};

use super::{MOST_PIECES, excerpt::Showing};
use crate::engine::{
    counters::Counters,
    event::{Decided, Event, EventKind, EventSink, Excerpts, FlowFacts, Origin, Outcome},
    flow::{Ended, Flow, FlowAction, FlowState},
    meta::{ChecksumState, Direction, LinkType, PortId, Timestamp},
    packet::Packet,
    rules::{self, Action, Match, RuleSet, Scratch, SeenBy, Stream, Subject},
    stream::{Fresh, Streams},
    track::Track,
};

/// What of an engine takes part in the end of a flow, beside the flow table.
pub(in crate::engine) struct Ending<'e> {
    pub(in crate::engine) rules: &'e RuleSet,
    pub(in crate::engine) scratch: &'e mut Scratch,
    pub(in crate::engine) streams: &'e mut Streams,
    pub(in crate::engine) counters: &'e mut Counters,
    pub(in crate::engine) excerpts: Excerpts,
}

impl Ending<'_> {
    /// Ends a flow that is no longer in the table.
    pub(in crate::engine) fn close(
        &mut self,
        mut ended: Ended<Track>,
        now: Timestamp,
        sink: &mut dyn EventSink,
    ) {
        let tcp = ended.state.tcp_record();
        if ended.flow.key().protocol() == ip_number::TCP.0 {
            self.counters.tcp_end.count(ended.state.session.state());
        }
        if tcp.is_some() {
            // Of a flow that was dropped, passed or bypassed nothing is looked at any more.
            let inspected = ended.flow.action == FlowAction::None;
            for direction in [Direction::ToServer, Direction::ToClient].into_iter().filter(|_| inspected) {
                for _ in 0..MOST_PIECES {
                    let Some(fresh) = self.streams.flush(&mut ended.state.session, direction) else { break };
                    self.inspect(&mut ended, direction, &fresh, now, sink);
                }
            }
            self.streams.release(&mut ended.state.session);
        }
        sink.emit(Event::flow_ended(&ended, now, tcp, None));
    }

    /// Lets the rules look at data that came behind a hole which was never filled. No receiver has read it, so
    /// nothing is dropped for it (Suricata: "stream (flow timeout)").
    fn inspect(
        &mut self,
        ended: &mut Ended<Track>,
        direction: Direction,
        fresh: &Fresh,
        now: Timestamp,
        sink: &mut dyn EventSink,
    ) {
        let Ended { flow, state: Track { session, memory, .. }, .. } = ended;
        let bytes = pseudo_packet(flow, direction);
        let mut packet = Packet::decode(&bytes, LinkType::RawIp);
        packet.vlan = flow.vlan();
        let subject = Subject {
            time: now,
            length: bytes.len(),
            packet: &packet,
            checksums: ChecksumState::Trusted,
            decode_events: Default::default(),
            seen_by: SeenBy::InStream,
            flow: Some(rules::FlowFacts {
                direction,
                established: flow.state() != FlowState::New,
                first: false,
                record: flow,
                session,
            }),
            stream_events: Default::default(),
            stream: Some(Stream { streams: self.streams, session, direction, fresh }),
            rewritable: None,
            in_stream: true,
        };
        let facts = packet.facts();
        let mut alerted = false;
        let mut showing = Showing::new(self.excerpts, None, &packet, subject.stream);
        self.rules.inspect(
            &subject,
            Some(memory),
            self.scratch,
            |Match { rule, via, report, .. }, captures| {
                let passed = rule.action == Action::Pass;
                let next = if passed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
                if !report {
                    self.counters.detect.suppressed += u64::from(!passed);
                    return next;
                }
                alerted = true;
                self.counters.detect.alerts += 1;
                sink.emit(Event {
                    time: now,
                    port: PortId::default(),
                    number: 0,
                    origin: Origin::FlowEnd,
                    outer: None,
                    packet: facts,
                    flow: Some(FlowFacts::of(flow, direction)),
                    kind: EventKind::Alert {
                        rule: Arc::clone(rule),
                        outcome: Outcome::Allowed,
                        decided: Decided::FORWARD,
                        excerpt: showing.excerpt(via),
                        captures: captures(),
                    },
                });
                next
            },
        );
        flow.alerted |= alerted;
    }
}

/// A packet of this direction without data, so that rules can ask for its addresses and ports.
fn pseudo_packet(flow: &Flow, direction: Direction) -> Vec<u8> {
    const HOPS: u8 = 64;
    let ((client, server), (client_port, server_port)) = (flow.addresses(), flow.ports());
    let (source, destination) = match direction {
        Direction::ToServer => ((client, client_port), (server, server_port)),
        Direction::ToClient => ((server, server_port), (client, client_port)),
    };
    let builder = match (source.0, destination.0) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), HOPS),
        (from, to) => PacketBuilder::ipv6(octets(from), octets(to), HOPS),
    };
    let mut bytes = Vec::new();
    // Nothing is larger than a Vec can hold.
    let _ = builder.tcp(source.1, destination.1, 0, 0).write(&mut bytes, &[]);
    bytes
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}
