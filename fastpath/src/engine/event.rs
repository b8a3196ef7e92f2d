//! What the engine reports: plain values without a format. `crate::event` renders them as EVE JSON.

mod excerpt;
mod header;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use etherparse::{IpNumber, ip_number};

use super::{
    counters::Counters,
    flow::{Ended, Exceptions, Flow, FlowAction, FlowEnd, FlowId, FlowState, TtlRange},
    meta::{Direction, LinkType, PortId, Timestamp},
    packet::{ArpPacketSlice, DecodeEvent, Tunnel},
    rules::{Captures, Recipients, RuleInfo},
    stream::StreamEvent,
    verdict::{DropReason, Verdict},
};

pub use excerpt::{Excerpt, Excerpts, Payload};
pub use header::{HeaderFacts, NetworkFacts, TransportFacts};

/// Takes the engine's events. On a live wire it is lossy and counts what it loses; in replay it blocks.
pub trait EventSink {
    /// Takes one event. Must not block on a live wire.
    fn emit(&mut self, event: Event);
}

impl EventSink for Vec<Event> {
    fn emit(&mut self, event: Event) {
        self.push(event);
    }
}

/// Which of the events that a packet can have are raised; all others always are. Nothing is asked of the sink for those that nobody
/// wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What is odd about packets ([`EventKind::Anomaly`]).
    pub anomalies: Anomalies,
    /// ARP packets ([`EventKind::Arp`]).
    pub arp: bool,
    /// Dropped packets ([`EventKind::Drop`]).
    pub drops: Drops,
    /// Packets that a rule has tagged ([`EventKind::Tagged`]).
    pub tagged: bool,
    /// Which bytes alerts show.
    pub excerpts: Excerpts,
}

/// Which anomalies are reported (Suricata's `outputs.eve-log.types.anomaly.types`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anomalies {
    /// Those about packets' headers.
    pub decode: bool,
    /// Those about packets' parts in TCP sessions.
    pub stream: bool,
    /// Those about what application protocols say.
    pub application: bool,
    /// Those about packets' headers show the beginning of the packet (`outputs.eve-log.types.anomaly.packethdr`).
    pub packet_header: bool,
}

/// Which dropped packets are reported (Suricata's `outputs.eve-log.types.drop.flows`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drops {
    /// None.
    #[default]
    None,
    /// Of a flow the first one of each direction, and each one that a rule drops.
    Start,
    /// Each.
    All,
}

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Time of the packet that caused it, or when it was found out.
    pub time: Timestamp,
    /// Port the packet came in on.
    pub port: PortId,
    /// Position of the packet in the capture from 1, 0 on a live wire and where no packet is the cause.
    pub number: u64,
    /// Where the packet comes from.
    pub origin: Origin,
    /// What carries it: the outermost packet, when it came in a tunnel.
    pub outer: Option<Outer>,
    /// The packet's addresses and protocol; of a flow's record as its first packet had them.
    pub packet: PacketFacts,
    /// The flow it belongs to.
    pub flow: Option<FlowFacts>,
    /// What happened.
    pub kind: EventKind,
}

/// The packet's addresses and protocol, as far as it has them.
#[derive(Clone, Copy, Debug, Default)]
pub struct PacketFacts {
    /// VLAN ids from the outermost in.
    pub vlan: [Option<u16>; 3],
    /// Source and destination address.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// Source and destination port (TCP, UDP, SCTP).
    pub ports: Option<(u16, u16)>,
    /// IP protocol number.
    pub protocol: Option<u8>,
    /// ICMP type and code.
    pub icmp: Option<(u8, u8)>,
    /// Its Ethernet header.
    pub ether: Option<EtherFacts>,
}

/// What an Ethernet header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtherFacts {
    /// MAC address of the sender.
    pub source: [u8; 6],
    /// MAC address of the receiver.
    pub destination: [u8; 6],
    /// Type of what follows, of a tagged frame the tag's.
    pub ether_type: u16,
}

impl EtherFacts {
    /// What `header` says.
    pub fn of(&[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, high, low]: &[u8; 14]) -> Self {
        Self {
            source: [s0, s1, s2, s3, s4, s5],
            destination: [d0, d1, d2, d3, d4, d5],
            ether_type: u16::from_be_bytes([high, low]),
        }
    }
}

/// Where a packet comes from (EVE `pkt_src`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// It is what came.
    #[default]
    Wire,
    /// A tunnel carried it.
    Tunnel(Tunnel),
    /// Fragments make it.
    Defrag,
    /// None came: it is about data that was left over when a flow ended.
    FlowEnd,
}

/// The outermost packet around one that came in a tunnel (EVE `tunnel`).
#[derive(Clone, Copy, Debug)]
pub struct Outer {
    /// Its addresses and protocol.
    pub packet: PacketFacts,
    /// Tunnels between the two.
    pub depth: u8,
}

/// The flow that a packet belongs to, as it was when something happened.
#[derive(Clone, Copy, Debug)]
pub struct FlowFacts {
    /// Its number.
    pub id: FlowId,
    /// The packet's direction in it.
    pub direction: Direction,
    /// Packets by direction ([`Direction`] as index).
    pub packets: [u64; 2],
    /// Bytes by direction.
    pub bytes: [u64; 2],
    /// Time of its first packet.
    pub start: Timestamp,
}

impl FlowFacts {
    /// What is known of `flow` at a packet of this direction.
    pub fn of(flow: &Flow, direction: Direction) -> Self {
        let both = [Direction::ToServer, Direction::ToClient];
        Self {
            id: flow.id(),
            direction,
            packets: both.map(|way| flow.packets(way)),
            bytes: both.map(|way| flow.bytes(way)),
            start: flow.first(),
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A rule matched.
    Alert {
        /// The rule.
        rule: Arc<RuleInfo>,
        /// What was done with the packet because of it.
        outcome: Outcome,
        /// What the packet had come to then, because of this rule or another.
        decided: Decided,
        /// Bytes that it shows, when it was asked to ([`Wanted::excerpts`]).
        excerpt: Option<Box<Excerpt>>,
        /// What expressions have captured until then.
        captures: Option<Box<Captures>>,
    },
    /// A packet was dropped.
    Drop {
        /// Why.
        reason: DropReason,
        /// What its headers say.
        headers: HeaderFacts,
        /// The rule that dropped it.
        rule: Option<Arc<RuleInfo>>,
    },
    /// A packet follows one about which a rule raised an alert (`tag`).
    Tagged {
        /// The packet.
        bytes: Box<[u8]>,
        /// First header of it.
        link: LinkType,
    },
    /// Something odd about a packet, a stream or what it carries.
    Anomaly {
        /// What.
        anomaly: Anomaly,
        /// The beginning of the packet, when it was asked for ([`Anomalies::packet_header`]).
        excerpt: Option<Box<Excerpt>>,
    },
    /// An ARP packet.
    Arp(ArpFacts),
    /// A flow ended.
    Flow(FlowRecord),
    /// What was counted so far.
    Stats(Box<StatsRecord>),
}

/// What was done with the packet that an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It went on.
    Allowed,
    /// It was dropped.
    Blocked,
    /// It went on, but would have been dropped inline.
    WouldBlock,
}

/// What a packet has come to (EVE `verdict`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Whether it goes on.
    pub verdict: Verdict,
    /// Which ends are told that it does not.
    pub rejected: Option<Recipients>,
}

impl Decided {
    /// It goes on.
    pub const FORWARD: Self = Self { verdict: Verdict::Forward, rejected: None };
}

/// Something odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// About a packet's headers.
    Decode(DecodeEvent),
    /// About a packet's part in a TCP session.
    Stream(StreamEvent),
    /// About what an application protocol says, by Suricata's name.
    Application(&'static str),
}

/// What an ARP packet says (RFC 826, of IPv4 over Ethernet).
#[derive(Clone, Copy, Debug)]
pub struct ArpFacts {
    /// What it is.
    pub operation: u16,
    /// MAC and IP address of the sender.
    pub sender: ([u8; 6], Ipv4Addr),
    /// MAC and IP address of the target.
    pub target: ([u8; 6], Ipv4Addr),
}

impl ArpFacts {
    /// What `arp` says; zeros for addresses that are not those of Ethernet and IPv4.
    pub fn of(arp: &ArpPacketSlice<'_>) -> Self {
        let mac = |bytes: &[u8]| bytes.try_into().unwrap_or_default();
        let ip = |bytes: &[u8]| Ipv4Addr::from(<[u8; 4]>::try_from(bytes).unwrap_or_default());
        Self {
            operation: arp.operation().0,
            sender: (mac(arp.sender_hw_addr()), ip(arp.sender_protocol_addr())),
            target: (mac(arp.target_hw_addr()), ip(arp.target_protocol_addr())),
        }
    }
}

/// A flow when it ends.
#[derive(Clone, Copy, Debug)]
pub struct FlowRecord {
    /// Time of its latest packet.
    pub end: Timestamp,
    /// How far it had come.
    pub state: FlowState,
    /// Why it ended.
    pub reason: FlowEnd,
    /// Whether there was no room for flows when it did.
    pub emergency: bool,
    /// What happened to its packets.
    pub action: FlowAction,
    /// Whether a rule raised an alert in it.
    pub alerted: bool,
    /// What went wrong in it.
    pub exceptions: Exceptions,
    /// TTLs by direction.
    pub ttl: [TtlRange; 2],
    /// ICMP: type of the answers.
    pub icmp_response: Option<u8>,
    /// ESP: the security parameter index.
    pub spi: Option<u32>,
    /// Its application protocol, when it is known.
    pub app_proto: Option<&'static str>,
    /// TCP: its session.
    pub tcp: Option<TcpRecord>,
}

/// A TCP session when its flow ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpRecord {
    /// All flags seen, by direction.
    pub flags: [u8; 2],
    /// Suricata's name of its state (`established`).
    pub state: &'static str,
    /// Most pieces that its data lay in at the same time, by direction.
    pub max_regions: [u16; 2],
    /// Whether data is missing, by direction.
    pub gap: [bool; 2],
}

/// Counters at one moment.
#[derive(Clone, Debug, Default)]
pub struct StatsRecord {
    /// How long the engines have been at work.
    pub uptime: Duration,
    /// All workers' counters.
    pub counters: Counters,
    /// The rules in use.
    pub rules: RulesRecord,
}

/// What became of the rules that were loaded last and are in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RulesRecord {
    /// Rules in use.
    pub loaded: usize,
    /// Rules that could not be used.
    pub failed: usize,
    /// Rules that say that they are not for this version.
    pub skipped: usize,
    /// When they were loaded.
    pub since: Timestamp,
}

impl Event {
    /// The event of counters that are reported at `time`.
    pub fn stats(time: Timestamp, record: StatsRecord) -> Self {
        Self {
            time,
            port: PortId::default(),
            number: 0,
            origin: Origin::default(),
            outer: None,
            packet: PacketFacts::default(),
            flow: None,
            kind: EventKind::Stats(Box::new(record)),
        }
    }

    /// The event of a flow that ended, found out at `time`.
    pub fn flow_ended<T>(
        ended: &Ended<T>,
        time: Timestamp,
        tcp: Option<TcpRecord>,
        app_proto: Option<&'static str>,
    ) -> Self {
        let flow = &ended.flow;
        let protocol = flow.key().protocol();
        let number = IpNumber(protocol);
        let (client, server) = flow.ports();
        let is_icmp = matches!(number, ip_number::ICMP | ip_number::IPV6_ICMP);
        let has_ports = matches!(number, ip_number::TCP | ip_number::UDP | ip_number::SCTP);
        let answered = flow.packets(Direction::ToClient) > 0;
        let packet = PacketFacts {
            vlan: flow.vlan(),
            addresses: Some(flow.addresses()),
            ports: has_ports.then_some((client, server)),
            protocol: Some(protocol),
            icmp: is_icmp.then_some((low_byte(client), flow.icmp_code())),
            ether: None,
        };
        let record = FlowRecord {
            end: flow.last(),
            state: flow.state(),
            reason: ended.reason,
            emergency: ended.emergency,
            action: flow.action,
            alerted: flow.alerted,
            exceptions: flow.exceptions,
            ttl: [flow.ttl(Direction::ToServer), flow.ttl(Direction::ToClient)],
            icmp_response: (is_icmp && answered).then_some(low_byte(server)),
            spi: (number == ip_number::ENCAPSULATING_SECURITY_PAYLOAD)
                .then_some(u32::from(client) << 16 | u32::from(server)),
            app_proto,
            tcp,
        };
        Self {
            time,
            port: PortId::default(),
            number: 0,
            origin: Origin::default(),
            outer: None,
            packet,
            flow: Some(FlowFacts::of(flow, Direction::ToServer)),
            kind: EventKind::Flow(record),
        }
    }
}

/// An ICMP type as the key keeps it.
fn low_byte(port: u16) -> u8 {
    (port & 0xff) as u8
}
