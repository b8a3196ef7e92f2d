//! Events and counters of the pipeline.

use super::{Findings, Place, Sight, excerpt::Showing};
use crate::engine::{
    Engine,
    event::{Anomaly, ArpFacts, Event, EventKind, FlowFacts, Outer},
    packet::{Packet, TcpSegment, Transport},
    rules::Via,
};

impl Engine {
    pub(super) fn report_decode_events(&mut self, sight: &Sight<'_>, findings: &mut Findings<'_>) {
        self.counters.decode_events.count(sight.decode_events);
        if let Some(arp) = &sight.packet.arp
            && self.settings.wanted.arp
        {
            findings.sink.emit(event(sight, None, EventKind::Arp(ArpFacts::of(arp))));
        }
        if !self.settings.wanted.anomalies.decode {
            return;
        }
        let mut showing = Showing::beginning(sight, self.settings.wanted.anomalies);
        for found in sight.decode_events.iter() {
            let excerpt = showing.excerpt(Via::Packet);
            let kind = EventKind::Anomaly { anomaly: Anomaly::Decode(found), excerpt };
            findings.sink.emit(event(sight, None, kind));
        }
    }

    pub(super) fn report_stream_events(&self, sight: &Sight<'_>, findings: &mut Findings<'_>) {
        if !self.settings.wanted.anomalies.stream {
            return;
        }
        for found in sight.stream_events.iter() {
            let kind = EventKind::Anomaly { anomaly: Anomaly::Stream(found), excerpt: None };
            findings.sink.emit(event(sight, self.flow_facts(sight), kind));
        }
    }

    /// The packet's flow, for an event.
    pub(super) fn flow_facts(&self, sight: &Sight<'_>) -> Option<FlowFacts> {
        let (handle, direction) = sight.flow?;
        Some(FlowFacts::of(self.flows.get(handle)?.0, direction))
    }

    /// Counts the packet in its flow.
    pub(super) fn count_in_flow(&mut self, sight: &Sight<'_>) {
        let Some((handle, direction)) = sight.flow else { return };
        let hops = sight.packet.network.as_ref().map_or(0, |network| network.ttl());
        self.flows.count(handle, direction, sight.place.bytes.len() as u64, hops);
        if let Some(Transport::Tcp(tcp)) = &sight.packet.transport
            && let Some((_, track)) = self.flows.get_mut(handle)
        {
            track.see_flags(direction, tcp_flags(tcp));
        }
    }

    /// Counts one layer of a packet.
    pub(super) fn count_layer(&mut self, packet: &Packet<'_>) {
        self.counters.decoder.count_layer(packet);
        if let Some(Transport::Tcp(tcp)) = &packet.transport {
            self.counters.tcp.count_flags(tcp_flags(tcp));
        }
    }

    pub(super) fn count_bad_checksum(&mut self, packet: &Packet<'_>) {
        if matches!(packet.transport, Some(Transport::Tcp(_))) {
            self.counters.tcp.invalid_checksum += 1;
        }
    }
}

/// Byte 13 of the header (RFC 9293, section 3.1).
pub(super) fn tcp_flags(tcp: &TcpSegment<'_>) -> u8 {
    tcp.slice().get(13).copied().unwrap_or_default()
}

pub(super) fn event(sight: &Sight<'_>, flow: Option<FlowFacts>, kind: EventKind) -> Event {
    let Place { meta, origin, root, tunnels, .. } = sight.place;
    Event {
        time: meta.time,
        port: meta.port,
        number: meta.number,
        origin,
        outer: root.map(|&packet| Outer { packet, depth: tunnels }),
        packet: sight.packet.facts(),
        flow,
        kind,
    }
}
