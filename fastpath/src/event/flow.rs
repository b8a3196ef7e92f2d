//! The `flow`, `netflow` and `tcp` objects of EVE (Suricata's output-json-flow.c and output-json-netflow.c).

use std::fmt;

use serde::{Serialize, Serializer};

use super::record::{Address, Stamp};
use crate::engine::{
    counters::policy_name,
    event::{FlowFacts, FlowRecord, PacketFacts, TcpRecord},
    flow::{FlowAction, FlowState},
    meta::Direction,
    policy::Failure,
};

/// The `flow` object: of a flow that ended, or of the flow that an alert belongs to.
#[derive(Serialize)]
pub(super) struct FlowObject {
    pkts_toserver: u64,
    pkts_toclient: u64,
    bytes_toserver: u64,
    bytes_toclient: u64,
    start: Stamp,
    #[serde(flatten)]
    more: More,
}

#[derive(Serialize)]
#[serde(untagged)]
enum More {
    Ended(EndOfFlow),
    Going(Ends),
}

/// What only a flow that ended has.
#[derive(Serialize)]
struct EndOfFlow {
    end: Stamp,
    age: u64,
    #[serde(skip_serializing_if = "is_false")]
    emergency: bool,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bypass: Option<&'static str>,
    reason: &'static str,
    alerted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exception_policy: Vec<Exception>,
}

#[derive(Serialize)]
struct Exception {
    target: &'static str,
    policy: &'static str,
}

/// Client and server, which a packet's own addresses do not tell.
#[derive(Serialize)]
struct Ends {
    #[serde(skip_serializing_if = "Option::is_none")]
    src_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
}

impl FlowObject {
    /// Of the flow that a packet belongs to.
    pub(super) fn of_packet(facts: &FlowFacts, packet: &PacketFacts) -> Self {
        let (client, server) = match facts.direction {
            Direction::ToServer => split(packet.addresses),
            Direction::ToClient => turned(split(packet.addresses)),
        };
        let (client_port, server_port) = match facts.direction {
            Direction::ToServer => split(packet.ports),
            Direction::ToClient => turned(split(packet.ports)),
        };
        let ends = Ends {
            src_ip: client.map(Address),
            dest_ip: server.map(Address),
            src_port: client_port,
            dest_port: server_port,
        };
        Self::new(facts, More::Going(ends))
    }

    /// Of a flow that ended.
    pub(super) fn of_end(facts: &FlowFacts, record: &FlowRecord) -> Self {
        let exceptions = record.exceptions.iter();
        let end = EndOfFlow {
            end: Stamp(record.end),
            age: age(facts, record),
            emergency: record.emergency,
            state: record.state.name(),
            bypass: match record.state {
                FlowState::LocalBypassed => Some("local"),
                FlowState::CaptureBypassed => Some("capture"),
                FlowState::New | FlowState::Established | FlowState::Closed => None,
            },
            reason: record.reason.name(),
            alerted: record.alerted,
            action: match record.action {
                FlowAction::Drop(_) => Some("drop"),
                // Suricata passes what it bypasses.
                FlowAction::Pass | FlowAction::Bypass => Some("pass"),
                FlowAction::None => None,
            },
            exception_policy: exceptions
                .map(|(failure, policy)| Exception { target: target(failure), policy: policy_name(policy) })
                .collect(),
        };
        Self::new(facts, More::Ended(end))
    }

    fn new(facts: &FlowFacts, more: More) -> Self {
        let ([pkts_toserver, pkts_toclient], [bytes_toserver, bytes_toclient]) = (facts.packets, facts.bytes);
        Self { pkts_toserver, pkts_toclient, bytes_toserver, bytes_toclient, start: Stamp(facts.start), more }
    }
}

fn split<T>(pair: Option<(T, T)>) -> (Option<T>, Option<T>) {
    pair.map_or((None, None), |(a, b)| (Some(a), Some(b)))
}

fn turned<T>((a, b): (T, T)) -> (T, T) {
    (b, a)
}

/// Seconds from the first packet to the latest, of their seconds' parts only, as Suricata has it.
fn age(facts: &FlowFacts, record: &FlowRecord) -> u64 {
    record.end.seconds().saturating_sub(facts.start.seconds())
}

/// EVE's names of what an exception policy was applied to.
fn target(failure: Failure) -> &'static str {
    match failure {
        Failure::Decode => "decode_error",
        Failure::DefragMemcap => "defrag_memcap",
        Failure::FlowMemcap => "flow_memcap",
        Failure::StreamMemcap => "stream_memcap",
        Failure::ReassemblyMemcap => "stream_reassembly_memcap",
        Failure::Midstream => "stream_midstream",
        Failure::AppLayer => "app_layer_error",
        Failure::Detection => "detect_limit",
        Failure::Handover => "handover_full",
    }
}

/// The `netflow` object: one direction of a flow.
#[derive(Serialize)]
pub(super) struct NetflowObject {
    pkts: u64,
    bytes: u64,
    start: Stamp,
    end: Stamp,
    age: u64,
    min_ttl: u8,
    max_ttl: u8,
}

impl NetflowObject {
    pub(super) fn new(facts: &FlowFacts, record: &FlowRecord, direction: Direction) -> Self {
        let way = direction as usize;
        Self {
            pkts: facts.packets[way],
            bytes: facts.bytes[way],
            start: Stamp(facts.start),
            end: Stamp(record.end),
            age: age(facts, record),
            min_ttl: record.ttl[way].min,
            max_ttl: record.ttl[way].max,
        }
    }
}

/// The `tcp` object of a `flow` or `netflow` record.
#[derive(Serialize)]
pub(super) struct TcpObject {
    tcp_flags: Hex,
    #[serde(flatten)]
    flags: Flags,
    #[serde(flatten)]
    session: Option<Session>,
}

/// What only the `flow` record has.
#[derive(Serialize)]
struct Session {
    tcp_flags_ts: Hex,
    tcp_flags_tc: Hex,
    state: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    ts_gap: bool,
    #[serde(skip_serializing_if = "is_false")]
    tc_gap: bool,
    ts_max_regions: u16,
    tc_max_regions: u16,
}

impl TcpObject {
    pub(super) fn of_flow(tcp: &TcpRecord) -> Self {
        let ([ts, tc], [ts_gap, tc_gap], [ts_max_regions, tc_max_regions]) =
            (tcp.flags, tcp.gap, tcp.max_regions);
        let session = Session {
            tcp_flags_ts: Hex(ts),
            tcp_flags_tc: Hex(tc),
            state: tcp.state,
            ts_gap,
            tc_gap,
            ts_max_regions,
            tc_max_regions,
        };
        Self { tcp_flags: Hex(ts | tc), flags: Flags(ts | tc), session: Some(session) }
    }

    pub(super) fn of_direction(tcp: &TcpRecord, direction: Direction) -> Self {
        let flags = tcp.flags[direction as usize];
        Self { tcp_flags: Hex(flags), flags: Flags(flags), session: None }
    }
}

/// A byte in two hexadecimal digits.
struct Hex(u8);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// TCP flags (RFC 9293, RFC 3168), each that is set by name.
struct Flags(u8);

const FLAGS: [(&str, u8); 8] = [
    ("syn", 0x02),
    ("fin", 0x01),
    ("rst", 0x04),
    ("psh", 0x08),
    ("ack", 0x10),
    ("urg", 0x20),
    ("ecn", 0x40),
    ("cwr", 0x80),
];

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let set = FLAGS.iter().filter(|(_, bit)| self.0 & bit != 0);
        serializer.collect_map(set.map(|(name, _)| (name, true)))
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
