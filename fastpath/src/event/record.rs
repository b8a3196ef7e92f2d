//! One event as lines of EVE JSON, named as Suricata 8 names it
//! (<https://docs.suricata.io/en/suricata-8.0.0/output/eve/eve-json-format.html>).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use etherparse::IpNumber;
use serde::{Serialize, Serializer};
use serde_json::Value;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use super::{
    EveOptions, EventType,
    alert::{AlertObject, ExcerptObject},
    captures::MetadataObject,
    community,
    drop::{DropObject, Verdict},
    flow::{FlowObject, NetflowObject, TcpObject},
    stats,
};
use crate::engine::{
    event::{
        self, ArpFacts, Decided, EtherFacts, Event, EventKind, FlowFacts, FlowRecord, Origin, Outcome, Outer,
        PacketFacts,
    },
    meta::Direction,
    meta::Timestamp,
    rules::Action,
    verdict::Verdict as PacketVerdict,
};

/// One line. What a record does not have is left out.
#[derive(Default, Serialize)]
struct Record<'a> {
    timestamp: Stamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_iface: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_cnt: Option<u64>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Vlan::is_empty")]
    vlan: Vlan,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proto: Option<Protocol>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_v: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_icmp_code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spi: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pkt_src: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ether: Option<Ether>,
    #[serde(skip_serializing_if = "Option::is_none")]
    community_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<TunnelObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<AlertObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anomaly: Option<Anomaly>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arp: Option<Arp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<DropObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<FlowObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    netflow: Option<NetflowObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<TcpObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Value>,
    #[serde(flatten)]
    excerpt: Option<ExcerptObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_filename: Option<&'a str>,
}

/// The packet around one that came in a tunnel.
#[derive(Serialize)]
struct TunnelObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    src_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proto: Option<Protocol>,
    depth: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_cnt: Option<u64>,
    pkt_src: &'static str,
}

#[derive(Serialize)]
struct Ether {
    ether_type: u16,
    src_mac: String,
    dest_mac: String,
}

#[derive(Serialize)]
struct Anomaly {
    #[serde(rename = "type")]
    layer: &'static str,
    event: String,
}

#[derive(Serialize)]
struct Arp {
    hw_type: &'static str,
    proto_type: &'static str,
    opcode: Value,
    src_mac: String,
    src_ip: Ipv4Addr,
    dest_mac: String,
    dest_ip: Ipv4Addr,
}

/// Where a packet came from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Source<'a> {
    /// Name of the port, `None` in replay.
    pub(super) port: Option<&'a str>,
    /// Name of the capture, `None` on a live wire.
    pub(super) capture: Option<&'a str>,
}

/// Appends the lines of `event` that `options` ask for to `out`, and says how many these were.
pub(super) fn append_lines(
    out: &mut Vec<u8>,
    event: &Event,
    source: Source<'_>,
    options: &EveOptions,
) -> u64 {
    let mut lines = 0;
    let mut append = |record: Record<'_>| {
        let start = out.len();
        match serde_json::to_writer(&mut *out, &record) {
            Ok(()) => {
                out.push(b'\n');
                lines += 1;
            }
            // Neither a Vec nor these types can fail; half a line must not stay if that ever changes.
            Err(_) => out.truncate(start),
        }
    };
    let on = |event_type| options.types.contains(event_type);
    let record =
        |event_type: EventType, packet: &PacketFacts| Record::new(event, event_type, packet, source, options);
    let of_packet = |event_type| Record {
        pkt_src: Some(origin(event.origin)),
        tunnel: event.outer.as_ref().map(|outer| TunnelObject::new(event, outer)),
        ..record(event_type, &event.packet)
    };
    match &event.kind {
        EventKind::Alert { rule, outcome, decided, excerpt, captures } if on(EventType::Alert) => {
            append(Record {
                alert: Some(
                    AlertObject::new(rule, *outcome, &event.packet, &options.alert).with(captures.as_deref()),
                ),
                metadata: captures.as_deref().and_then(MetadataObject::new),
                direction: event.flow.as_ref().map(direction),
                flow: event
                    .flow
                    .as_ref()
                    .filter(|_| options.alert.flow)
                    .map(|flow| FlowObject::of_packet(flow, &event.packet)),
                excerpt: excerpt.as_ref().map(|excerpt| ExcerptObject::new(excerpt, &options.alert)),
                verdict: options.alert.verdict.then(|| Verdict::new(*decided, event.packet.protocol)),
                ..of_packet(EventType::Alert)
            })
        }
        EventKind::Tagged { bytes, link } if on(EventType::Alert) && options.tagged_packets => {
            append(Record {
                event_type: "packet",
                excerpt: Some(ExcerptObject::of_bytes(bytes, *link)),
                ..of_packet(EventType::Alert)
            })
        }
        EventKind::Drop { reason, headers, rule } if on(EventType::Drop) => append(Record {
            drop: Some(DropObject::new(*reason, headers)),
            alert: rule
                .as_ref()
                .filter(|_| options.drop_alerts)
                .map(|rule| AlertObject::short(rule, Outcome::Blocked, &event.packet)),
            direction: event.flow.as_ref().map(direction),
            verdict: options.drop_verdict.then(|| {
                let rejected = rule.as_ref().and_then(|rule| match rule.action {
                    Action::Reject(recipients) => Some(recipients),
                    _ => None,
                });
                let decided = Decided { verdict: PacketVerdict::Drop(*reason), rejected };
                Verdict::new(decided, event.packet.protocol)
            }),
            ..of_packet(EventType::Drop)
        }),
        EventKind::Arp(arp) if on(EventType::Arp) => {
            append(Record { arp: Some(Arp::new(arp)), ..of_packet(EventType::Arp) })
        }
        EventKind::Anomaly { anomaly, excerpt } if on(EventType::Anomaly) => append(Record {
            anomaly: Some(Anomaly::new(*anomaly)),
            excerpt: excerpt.as_deref().map(ExcerptObject::of_packet),
            ..of_packet(EventType::Anomaly)
        }),
        EventKind::Flow(ended) => {
            let Some(flow) = &event.flow else { return 0 };
            if on(EventType::Flow) {
                append(Record {
                    flow: Some(FlowObject::of_end(flow, ended)),
                    tcp: ended.tcp.as_ref().map(TcpObject::of_flow),
                    response_icmp_type: ended.icmp_response,
                    response_icmp_code: ended.icmp_response.map(|_| 0),
                    ..record(EventType::Flow, &event.packet)
                });
            }
            for way in [Direction::ToServer, Direction::ToClient] {
                // A direction without a packet has no record, but the first always has one.
                if on(EventType::Netflow) && (way == Direction::ToServer || flow.packets[way as usize] > 0) {
                    append(Record {
                        netflow: Some(NetflowObject::new(flow, ended, way)),
                        tcp: ended.tcp.as_ref().map(|tcp| TcpObject::of_direction(tcp, way)),
                        ..record(EventType::Netflow, &facing(&event.packet, ended, way))
                    });
                }
            }
        }
        EventKind::Stats(counted) if on(EventType::Stats) => append(Record {
            stats: Some(stats::object(counted, options.null_values)),
            ..record(EventType::Stats, &event.packet)
        }),
        _ => {}
    }
    lines
}

/// A flow's addresses as a packet of this direction has them.
fn facing(facts: &PacketFacts, flow: &FlowRecord, direction: Direction) -> PacketFacts {
    match direction {
        Direction::ToServer => *facts,
        Direction::ToClient => PacketFacts {
            addresses: facts.addresses.map(|(client, server)| (server, client)),
            ports: facts.ports.map(|(client, server)| (server, client)),
            icmp: flow.icmp_response.map(|kind| (kind, 0)),
            ..*facts
        },
    }
}

fn direction(flow: &FlowFacts) -> &'static str {
    match flow.direction {
        Direction::ToServer => "to_server",
        Direction::ToClient => "to_client",
    }
}

/// A MAC address as everybody writes it.
fn mac(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

impl Ether {
    fn new(ether: &EtherFacts) -> Self {
        Self { ether_type: ether.ether_type, src_mac: mac(ether.source), dest_mac: mac(ether.destination) }
    }
}

impl Arp {
    fn new(arp: &ArpFacts) -> Self {
        Self {
            // The decoder takes no others.
            hw_type: "ethernet",
            proto_type: "ipv4",
            // RFC 826, RFC 903, RFC 2390.
            opcode: match arp.operation {
                1 => "request".into(),
                2 => "reply".into(),
                3 => "request_reverse".into(),
                4 => "reply_reverse".into(),
                8 => "inarp_request".into(),
                9 => "inarp_reply".into(),
                other => other.into(),
            },
            src_mac: mac(arp.sender.0),
            src_ip: arp.sender.1,
            dest_mac: mac(arp.target.0),
            dest_ip: arp.target.1,
        }
    }
}

impl Anomaly {
    fn new(anomaly: event::Anomaly) -> Self {
        match anomaly {
            event::Anomaly::Decode(event) => {
                Self { layer: "decode", event: format!("decoder.{}", event.name()) }
            }
            event::Anomaly::Stream(event) => Self { layer: "stream", event: event.name().into() },
            event::Anomaly::Application(event) => Self { layer: "applayer", event: event.into() },
        }
    }
}

impl<'a> Record<'a> {
    /// What every record has, as far as its packet or flow does.
    fn new(
        event: &'a Event,
        event_type: EventType,
        facts: &PacketFacts,
        source: Source<'a>,
        options: &EveOptions,
    ) -> Self {
        let is_stats = matches!(event.kind, EventKind::Stats(_));
        let ended = match &event.kind {
            EventKind::Flow(ended) => Some(ended),
            _ => None,
        };
        Self {
            timestamp: Stamp(event.time),
            flow_id: event.flow.map(|flow| flow.id.0),
            in_iface: source.port.filter(|_| !is_stats),
            pcap_cnt: (event.number != 0).then_some(event.number),
            event_type: event_type.name(),
            vlan: Vlan(facts.vlan),
            src_ip: facts.addresses.map(|(source, _)| Address(source)),
            src_port: facts.ports.map(|(source, _)| source),
            dest_ip: facts.addresses.map(|(_, destination)| Address(destination)),
            dest_port: facts.ports.map(|(_, destination)| destination),
            proto: facts.protocol.map(Protocol),
            ip_v: facts.addresses.map(|(source, _)| if source.is_ipv4() { 4 } else { 6 }),
            icmp_type: facts.icmp.map(|(kind, _)| kind),
            icmp_code: facts.icmp.map(|(_, code)| code),
            spi: ended.and_then(|flow| flow.spi),
            ether: facts.ether.as_ref().filter(|_| options.ethernet).map(Ether::new),
            community_id: (options.community_id && event.flow.is_some())
                .then(|| community::id(&event.packet, options.community_id_seed))
                .flatten(),
            app_proto: ended.and_then(|flow| flow.app_proto),
            pcap_filename: source.capture.filter(|_| options.pcap_file),
            ..Self::default()
        }
    }
}

impl TunnelObject {
    fn new(event: &Event, outer: &Outer) -> Self {
        let facts = &outer.packet;
        Self {
            src_ip: facts.addresses.map(|(source, _)| Address(source)),
            src_port: facts.ports.map(|(source, _)| source),
            dest_ip: facts.addresses.map(|(_, destination)| Address(destination)),
            dest_port: facts.ports.map(|(_, destination)| destination),
            proto: facts.protocol.map(Protocol),
            depth: outer.depth,
            pcap_cnt: (event.number != 0).then_some(event.number),
            pkt_src: origin(Origin::Wire),
        }
    }
}

/// Suricata's name of where a packet comes from.
fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Wire => "wire/pcap",
        Origin::Tunnel(tunnel) => tunnel.name(),
        Origin::Defrag => "defrag",
        Origin::FlowEnd => "stream (flow timeout)",
    }
}

/// `2026-11-23T15:49:26.123456+0000`, always UTC, so that a replay gives the same bytes everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp(pub Timestamp);

const STAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]+0000");

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        // 2^64 nanoseconds end in the year 2554, within what `time` can say.
        let time =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0.0)).map_err(S::Error::custom)?;
        serializer.serialize_str(&time.format(STAMP).map_err(S::Error::custom)?)
    }
}

/// Suricata writes IPv6 addresses in full, without `::`.
pub(super) struct Address(pub(super) IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, g, h, i] = address.segments();
                write!(f, "{a:04x}:{b:04x}:{c:04x}:{d:04x}:{e:04x}:{g:04x}:{h:04x}:{i:04x}")
            }
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An IP protocol by IANA's keyword, or its number in three digits when it has none.
struct Protocol(u8);

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match IpNumber(self.0).keyword_str() {
            Some(keyword) => serializer.serialize_str(keyword),
            None => serializer.collect_str(&format_args!("{:03}", self.0)),
        }
    }
}

/// VLAN ids from the outermost in.
#[derive(Default)]
struct Vlan([Option<u16>; 3]);

impl Vlan {
    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl Serialize for Vlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flatten())
    }
}

#[cfg(test)]
mod tests;
