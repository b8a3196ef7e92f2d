//! One packet's way through the engine: layers, fragments, flow, stream, rules, verdict.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    Engine,
    decision::Decision,
    event::{Anomaly, Event, EventKind, EventSink, Outcome},
    flow::{Ended, FlowAction, FlowEnd, FlowId, FlowState, Handle, Tuple, is_icmp_error, steer},
    meta::{ChecksumState, Direction, LinkType, Meta, Timestamp},
    packet::{DecodeEvent, DecodeEvents, Fragment, IpHeader, Packet, TcpSegment, Transport, defrag::Fate},
    policy::{ExceptionPolicy, Failure},
    referral::Referral,
    reject::{End, reject},
    rules::{Action, FlowFacts, Match, Recipients, Stream, Subject, Via},
    stream::{self, Segment, SegmentOptions, StreamEvents, Streams, Tracked},
    track::Track,
    verdict::{DropReason, Enforcement},
};

/// Datagrams and tunnels that may lie in each other. Each tunnel layer counts towards the decoder's limit too; this bounds datagrams
/// that carry fragments of datagrams.
const MAX_DEPTH: u8 = 8;

/// Where a layer of a packet lies.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The bytes that were decoded from the first on: the packet, or a datagram made of fragments.
    pub(super) bytes: &'a [u8],
    /// The circumstances of the packet.
    pub(super) meta: &'a Meta,
    /// Tunnels and datagrams around it.
    pub(super) depth: u8,
    /// It is what came over the wire, so that an answer can be sent back over it.
    pub(super) on_the_wire: bool,
}

/// What is known of a layer when rules look at it.
struct Sight<'a> {
    packet: &'a Packet<'a>,
    decode_events: DecodeEvents,
    stream_events: StreamEvents,
    /// Only rules that ask for events see it.
    only_events: bool,
    /// The stream data that it completes.
    fresh: Option<stream::Fresh>,
    in_stream: bool,
}

/// Whether rules look at a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inspection {
    /// All of them.
    Full,
    /// Those that ask for events.
    EventsOnly,
    /// None.
    None,
}

impl Engine {
    /// Takes one layer of a packet and those inside it through everything. The inner ones come first: what they say is said of
    /// the whole.
    pub(super) fn inspect_layer(
        &mut self,
        packet: &Packet<'_>,
        place: Place<'_>,
        decision: &mut Decision,
        sink: &mut dyn EventSink,
    ) -> Option<Box<Referral>> {
        let mut referral = None;
        if let Some(inner) = &packet.inner {
            let inside = Packet::decode_inner(inner, &self.settings.decoder);
            let place = Place { depth: place.depth.saturating_add(1), on_the_wire: false, ..place };
            referral = self.inspect_layer(&inside, place, decision, sink);
        }
        let mut sight = Sight::of(packet);
        if packet.events.is_invalid() {
            self.report_decode_events(&sight, place, sink);
            self.inspect_rules(&sight, None, place, decision, sink);
            self.apply(Failure::Decode, None, &sight, place, decision, sink);
            return referral;
        }
        match packet.fragment() {
            Some(fragment) => {
                let whole = self.inspect_fragment(&fragment, &mut sight, place, decision, sink);
                referral = referral.or(whole);
                self.report_decode_events(&sight, place, sink);
                self.inspect_rules(&sight, None, place, decision, sink);
            }
            None => {
                self.report_decode_events(&sight, place, sink);
                self.inspect_flow(&mut sight, place, decision, sink);
            }
        }
        referral
    }

    /// A fragment: kept, and when its datagram is complete, that is inspected.
    fn inspect_fragment(
        &mut self,
        fragment: &Fragment<'_>,
        sight: &mut Sight<'_>,
        place: Place<'_>,
        decision: &mut Decision,
        sink: &mut dyn EventSink,
    ) -> Option<Box<Referral>> {
        let accepted = self.defragmenter.accept(fragment, place.meta.time, place.meta.number);
        if let Some(event) = accepted.event {
            if let Some(event) = DecodeEvent::from_name(event.name(fragment.source.is_ipv6())) {
                sight.decode_events.raise(event);
            }
        }
        match accepted.fate {
            Fate::Held | Fate::Atomic => {}
            Fate::NoMemory => {
                self.apply(Failure::DefragMemcap, None, sight, place, decision, sink);
            }
            Fate::Complete(ticket) => {
                let mut bytes = std::mem::take(&mut self.datagram);
                let known = self.defragmenter.assemble(ticket, &mut bytes);
                let meta = Meta { link: LinkType::RawIp, checksums: place.meta.checksums, ..*place.meta };
                let depth = place.depth.saturating_add(1);
                let owner = self.settings.share.owner(steer(&bytes, LinkType::RawIp));
                if !known || depth >= MAX_DEPTH {
                    decision.drop(DropReason::Defrag);
                } else if owner != self.settings.share.worker && place.depth == 0 {
                    return Some(Box::new(Referral {
                        owner,
                        ticket,
                        bytes,
                        vlan: fragment.vlan,
                        meta,
                        depth,
                    }));
                } else {
                    let mut whole = Decision::default();
                    self.inspect_whole(&bytes, fragment.vlan, &meta, depth, &mut whole, sink);
                    self.defragmenter.settle(ticket, whole.verdict(self.settings.enforcement));
                    decision.join(&whole);
                }
                bytes.clear();
                self.datagram = bytes;
            }
            fate => {
                if let Some(reason) = fate.drop_reason() {
                    self.drop_packet(reason, sight, None, place, decision, sink);
                }
            }
        }
        None
    }

    /// A datagram made of fragments.
    pub(super) fn inspect_whole(
        &mut self,
        bytes: &[u8],
        vlan: [Option<u16>; 3],
        meta: &Meta,
        depth: u8,
        decision: &mut Decision,
        sink: &mut dyn EventSink,
    ) -> Option<Box<Referral>> {
        let mut packet = Packet::decode_with(bytes, LinkType::RawIp, &self.settings.decoder);
        packet.vlan = vlan;
        self.inspect_layer(&packet, Place { bytes, meta, depth, on_the_wire: false }, decision, sink)
    }

    /// A packet that is no fragment: its flow, its stream, the rules.
    fn inspect_flow(
        &mut self,
        sight: &mut Sight<'_>,
        place: Place<'_>,
        decision: &mut Decision,
        sink: &mut dyn EventSink,
    ) {
        if place.meta.checksums == ChecksumState::Unverified && !sight.packet.checksums_ok() {
            self.inspect_rules(sight, None, place, decision, sink);
            self.apply(Failure::Decode, None, sight, place, decision, sink);
            return;
        }
        let Some((mut handle, mut direction)) = self.enter_flow(sight, place, decision, sink) else {
            return;
        };
        let Some((flow, _)) = self.flows.get(handle) else { return };
        let (bytes, hops) = (place.bytes.len() as u64, hops(sight.packet));
        match flow.action {
            FlowAction::Drop(_) => {
                self.flows.count(handle, direction, bytes, hops);
                self.drop_packet(DropReason::Flow, sight, Some((handle, direction)), place, decision, sink);
                return;
            }
            FlowAction::Bypass => {
                self.flows.count(handle, direction, bytes, hops);
                return;
            }
            FlowAction::Pass | FlowAction::None => {}
        }
        let mut inspection = Inspection::Full;
        if let Some(Transport::Tcp(tcp)) = &sight.packet.transport {
            let segment = segment_of(tcp);
            let Some(mut tracked) = self.track(handle, direction, &segment, place) else { return };
            if tracked.reuse {
                let began = self.begin_anew(handle, sight, place, sink);
                let Some(again) = began else {
                    self.apply(Failure::FlowMemcap, None, sight, place, decision, sink);
                    return;
                };
                (handle, direction) = again;
                let Some(anew) = self.track(handle, direction, &segment, place) else { return };
                tracked = anew;
            }
            if tracked.swap {
                direction = direction.reverse();
                if let Some((flow, track)) = self.flows.get_mut(handle) {
                    flow.swap_direction();
                    track.swap();
                }
            }
            self.flows.count(handle, direction, bytes, hops);
            self.flows.set_state(handle, flow_state(tracked.state));
            sight.stream_events = tracked.events;
            sight.fresh = tracked.fresh;
            sight.in_stream = tracked.part_of_stream;
            let flow = Some((handle, direction));
            self.report_stream_events(sight, flow, place, sink);
            match tracked.outcome {
                stream::Outcome::Accept | stream::Outcome::DepthReached => {}
                stream::Outcome::Invalid(_) | stream::Outcome::Contradiction => {
                    if self.settings.enforcement == Enforcement::Drop {
                        inspection = Inspection::EventsOnly;
                    }
                    self.drop_packet(DropReason::Stream, sight, flow, place, decision, sink);
                }
                stream::Outcome::Urgent => {
                    self.drop_packet(DropReason::StreamUrgent, sight, flow, place, decision, sink);
                    inspection = Inspection::EventsOnly;
                }
                stream::Outcome::Failure(failure) => {
                    inspection = self.apply(failure, flow, sight, place, decision, sink);
                }
            }
        } else {
            self.flows.count(handle, direction, bytes, hops);
        }
        if let Some((flow, _)) = self.flows.get(handle)
            && matches!(flow.action, FlowAction::Pass | FlowAction::Bypass)
        {
            return;
        }
        if inspection == Inspection::None {
            return;
        }
        sight.only_events = inspection == Inspection::EventsOnly;
        self.inspect_rules(sight, Some((handle, direction)), place, decision, sink);
    }

    /// The packet's flow and direction; none for a packet that belongs to no flow, which then has been looked at by the rules.
    fn enter_flow(
        &mut self,
        sight: &Sight<'_>,
        place: Place<'_>,
        decision: &mut Decision,
        sink: &mut dyn EventSink,
    ) -> Option<(Handle, Direction)> {
        let found = match flow_of(sight.packet, place.depth) {
            FlowOf::None => None,
            FlowOf::Known(tuple) => {
                let probe = self.flows.probe(&tuple);
                // The error goes the other way than the packet that it is about.
                self.flows.find(&probe)
            }
            FlowOf::Any(tuple) => {
                let probe = self.flows.probe(&tuple);
                let Self { flows, streams, .. } = self;
                let mut close = |ended| close_flow(ended, streams, place.meta.time, sink);
                match flows.enter(&probe, place.meta.time, &mut close) {
                    Ok(entry) => Some((entry.handle, entry.direction)),
                    Err(_) => {
                        let inspection = self.apply(Failure::FlowMemcap, None, sight, place, decision, sink);
                        if inspection == Inspection::Full {
                            self.inspect_rules(sight, None, place, decision, sink);
                        }
                        return None;
                    }
                }
            }
        };
        if found.is_none() {
            self.inspect_rules(sight, None, place, decision, sink);
        }
        found
    }

    /// Ends the flow, whose session is over, and begins one with the same key.
    fn begin_anew(
        &mut self,
        handle: Handle,
        sight: &Sight<'_>,
        place: Place<'_>,
        sink: &mut dyn EventSink,
    ) -> Option<(Handle, Direction)> {
        let FlowOf::Any(tuple) = flow_of(sight.packet, place.depth) else { return None };
        let Self { flows, streams, .. } = self;
        let mut close = |ended| close_flow(ended, streams, place.meta.time, sink);
        if let Some(ended) = flows.remove(handle, FlowEnd::TcpReuse) {
            close(ended);
        }
        let probe = flows.probe(&tuple);
        let entry = flows.enter(&probe, place.meta.time, &mut close).ok()?;
        Some((entry.handle, entry.direction))
    }

    fn track(
        &mut self,
        handle: Handle,
        direction: Direction,
        segment: &Segment<'_>,
        place: Place<'_>,
    ) -> Option<Tracked> {
        let (_, track) = self.flows.get_mut(handle)?;
        let Meta { time, number, .. } = *place.meta;
        Some(self.streams.track(&mut track.session, direction, segment, time, number))
    }

    /// Lets the rules look, and does what those that match ask for.
    fn inspect_rules(
        &mut self,
        sight: &Sight<'_>,
        flow: Option<(Handle, Direction)>,
        place: Place<'_>,
        decision: &mut Decision,
        sink: &mut dyn EventSink,
    ) {
        let Self { rules, scratch, flows, streams, settings, .. } = self;
        let mut entry = flow.and_then(|(handle, direction)| Some((direction, flows.get_mut(handle)?)));
        let facts = entry.as_mut().map(|(direction, (flow, track))| FlowFacts {
            direction: *direction,
            established: flow.state() != FlowState::New,
            first: track.is_first(*direction),
        });
        let id = entry.as_ref().map(|(_, (flow, _))| flow.id());
        let (session, memory) = match &mut entry {
            Some((_, (_, track))) => (Some(&track.session), Some(&mut track.memory)),
            None => (None, None),
        };
        let stream = match (session, &sight.fresh, flow) {
            (Some(session), Some(fresh), Some((_, direction))) => {
                Some(Stream { streams, session, direction, fresh })
            }
            _ => None,
        };
        let subject = Subject {
            packet: sight.packet,
            decode_events: sight.decode_events,
            stream_events: sight.stream_events,
            only_events: sight.only_events,
            flow: facts,
            stream,
            in_stream: sight.in_stream,
        };
        let mut matched = Matched::default();
        rules.inspect(&subject, memory, scratch, |Match { rule, via }| {
            let outcome = match rule.action {
                Action::Pass => {
                    matched.pass(via);
                    return ControlFlow::Break(());
                }
                Action::Alert => Outcome::Allowed,
                Action::Drop | Action::Reject(_) => {
                    matched.drop(rule.action, via);
                    if settings.enforcement == Enforcement::Drop {
                        Outcome::Blocked
                    } else {
                        Outcome::WouldBlock
                    }
                }
            };
            matched.alerted = true;
            let kind = EventKind::Alert { rule: Arc::clone(rule), outcome };
            sink.emit(event(sight.packet, place.meta, id, kind));
            ControlFlow::Continue(())
        });
        if let Some((_, (flow, _))) = &mut entry {
            flow.alerted |= matched.alerted;
            flow.action = matched.flow_action(flow.action, settings.enforcement);
        }
        if matched.dropped {
            if let Some(recipients) = matched.rejected {
                self.answer(recipients, sight.packet, place);
            }
            self.drop_packet(DropReason::Rule, sight, flow, place, decision, sink);
        }
    }

    /// Does what the policy for `failure` says, and says whether rules still look at the packet.
    fn apply(
        &mut self,
        failure: Failure,
        flow: Option<(Handle, Direction)>,
        sight: &Sight<'_>,
        place: Place<'_>,
        decision: &mut Decision,
        sink: &mut dyn EventSink,
    ) -> Inspection {
        let policy = self.settings.policies.resolve(failure, self.settings.enforcement);
        let inline = self.settings.enforcement == Enforcement::Drop;
        let action = match policy {
            ExceptionPolicy::DropFlow | ExceptionPolicy::Reject if inline => {
                Some(FlowAction::Drop(failure.drop_reason()))
            }
            ExceptionPolicy::PassFlow => Some(FlowAction::Pass),
            ExceptionPolicy::Bypass => Some(FlowAction::Bypass),
            _ => None,
        };
        if let Some((handle, _)) = flow
            && let Some((flow, track)) = self.flows.get_mut(handle)
        {
            track.exceptions.add(failure, policy);
            flow.action = action.unwrap_or(flow.action);
        }
        match policy {
            ExceptionPolicy::DropFlow | ExceptionPolicy::DropPacket | ExceptionPolicy::Reject => {
                if policy == ExceptionPolicy::Reject && inline {
                    self.answer(Recipients::Both, sight.packet, place);
                }
                self.drop_packet(failure.drop_reason(), sight, flow, place, decision, sink);
                if inline { Inspection::None } else { Inspection::Full }
            }
            ExceptionPolicy::PassFlow | ExceptionPolicy::PassPacket | ExceptionPolicy::Bypass => {
                Inspection::None
            }
            ExceptionPolicy::Ignore | ExceptionPolicy::Auto => Inspection::Full,
        }
    }

    /// The packet is to be dropped because of this layer of it.
    fn drop_packet(
        &mut self,
        reason: DropReason,
        sight: &Sight<'_>,
        flow: Option<(Handle, Direction)>,
        place: Place<'_>,
        decision: &mut Decision,
        sink: &mut dyn EventSink,
    ) {
        if !decision.drop(reason) || self.settings.enforcement != Enforcement::Drop {
            return;
        }
        let entry = flow.and_then(|(handle, direction)| Some((direction, self.flows.get_mut(handle)?)));
        let (id, first) = match entry {
            Some((direction, (flow, track))) => (Some(flow.id()), track.is_first_drop(direction)),
            None => (None, true),
        };
        sink.emit(event(sight.packet, place.meta, id, EventKind::Drop { reason, first }));
    }

    /// Tells the ends of a packet that it was rejected.
    fn answer(&mut self, recipients: Recipients, packet: &Packet<'_>, place: Place<'_>) {
        if self.settings.enforcement != Enforcement::Drop || !place.on_the_wire {
            return;
        }
        let ends: &[End] = match recipients {
            Recipients::Source => &[End::Source],
            Recipients::Destination => &[End::Destination],
            Recipients::Both => &[End::Source, End::Destination],
        };
        self.injections.extend(ends.iter().filter_map(|&end| reject(place.bytes, packet, end)));
    }

    fn report_decode_events(&mut self, sight: &Sight<'_>, place: Place<'_>, sink: &mut dyn EventSink) {
        for found in sight.decode_events.iter() {
            if self.settings.anomalies {
                let kind = EventKind::Anomaly(Anomaly::Decode(found));
                sink.emit(event(sight.packet, place.meta, None, kind));
            }
        }
    }

    fn report_stream_events(
        &mut self,
        sight: &Sight<'_>,
        flow: Option<(Handle, Direction)>,
        place: Place<'_>,
        sink: &mut dyn EventSink,
    ) {
        if sight.stream_events.is_empty() || !self.settings.anomalies {
            return;
        }
        let id = flow.and_then(|(handle, _)| Some(self.flows.get(handle)?.0.id()));
        for found in sight.stream_events.iter() {
            let kind = EventKind::Anomaly(Anomaly::Stream(found));
            sink.emit(event(sight.packet, place.meta, id, kind));
        }
    }
}

impl<'a> Sight<'a> {
    fn of(packet: &'a Packet<'a>) -> Self {
        Self {
            packet,
            decode_events: packet.events,
            stream_events: StreamEvents::default(),
            only_events: packet.events.is_invalid(),
            fresh: None,
            in_stream: false,
        }
    }
}

/// What a packet says of its flow.
enum FlowOf {
    /// It belongs to none.
    None,
    /// To one that is there, or else to none: an error message about another packet.
    Known(Tuple),
    /// To one that is there, or begins with it.
    Any(Tuple),
}

fn flow_of(packet: &Packet<'_>, depth: u8) -> FlowOf {
    let Some(network) = &packet.network else { return FlowOf::None };
    let (source, destination) = network.addresses();
    let tuple = Tuple {
        source,
        destination,
        protocol: network.protocol,
        ports: (0, 0),
        vlan: packet.vlan,
        recursion: depth,
    };
    if let Some((kind, _)) = packet.icmp() {
        if is_icmp_error(network.protocol, kind) {
            return match packet.quoted() {
                Some(quoted) => FlowOf::Known(Tuple {
                    source: quoted.destination,
                    destination: quoted.source,
                    protocol: quoted.protocol,
                    ports: quoted.ports.map_or((0, 0), |(source, destination)| (destination, source)),
                    ..tuple
                }),
                None => FlowOf::None,
            };
        }
        return FlowOf::Any(Tuple { ports: Tuple::icmp(network.protocol, kind), ..tuple });
    }
    FlowOf::Any(Tuple { ports: packet.ports().unwrap_or_default(), ..tuple })
}

/// TTL or hop limit.
fn hops(packet: &Packet<'_>) -> u8 {
    match packet.network.as_ref().map(|network| &network.header) {
        Some(IpHeader::V4(ip)) => ip.ttl(),
        Some(IpHeader::V6(ip)) => ip.hop_limit(),
        None => 0,
    }
}

fn segment_of<'a>(tcp: &TcpSegment<'a>) -> Segment<'a> {
    Segment {
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        // Byte 13 of the header (RFC 9293, section 3.1).
        flags: tcp.slice().get(13).copied().unwrap_or_default(),
        window: tcp.window_size(),
        urgent: tcp.urgent_pointer(),
        options: SegmentOptions::parse(tcp.options()),
        payload: tcp.payload(),
    }
}

fn flow_state(state: stream::State) -> FlowState {
    match state.phase() {
        stream::Phase::New => FlowState::New,
        stream::Phase::Established => FlowState::Established,
        stream::Phase::Closed => FlowState::Closed,
    }
}

/// Gives back what a flow's session remembers, and reports the flow.
pub(super) fn close_flow(
    mut ended: Ended<Track>,
    streams: &mut Streams,
    now: Timestamp,
    sink: &mut dyn EventSink,
) {
    streams.release(&mut ended.state.session);
    let _ = (now, sink);
}

fn event(packet: &Packet<'_>, meta: &Meta, flow: Option<FlowId>, kind: EventKind) -> Event {
    let _ = flow;
    Event { time: meta.time, port: meta.port, number: meta.number, packet: packet.facts(), kind }
}

/// What the rules that matched ask for.
#[derive(Debug, Default)]
struct Matched {
    alerted: bool,
    dropped: bool,
    rejected: Option<Recipients>,
    drop_flow: bool,
    pass_flow: bool,
}

impl Matched {
    fn drop(&mut self, action: Action, via: Via) {
        self.dropped = true;
        self.drop_flow |= via != Via::Packet;
        if let Action::Reject(recipients) = action {
            self.rejected.get_or_insert(recipients);
        }
    }

    fn pass(&mut self, via: Via) {
        self.pass_flow |= via != Via::Packet;
    }

    /// What happens to the flow from now on.
    fn flow_action(&self, before: FlowAction, enforcement: Enforcement) -> FlowAction {
        if self.drop_flow && enforcement == Enforcement::Drop {
            FlowAction::Drop(DropReason::Rule)
        } else if self.pass_flow && !self.dropped {
            FlowAction::Pass
        } else {
            before
        }
    }
}
