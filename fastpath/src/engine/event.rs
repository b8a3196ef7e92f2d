//! What the engine reports: plain values without a format. `crate::event` renders them as EVE JSON.

use std::{net::IpAddr, sync::Arc};

use super::{
    meta::{PortId, Timestamp},
    packet::DecodeEvent,
    rules::RuleInfo,
    stream::StreamEvent,
    verdict::DropReason,
};

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

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Time of the packet that caused it.
    pub time: Timestamp,
    /// Port the packet came in on.
    pub port: PortId,
    /// Position of the packet in the capture from 1, 0 on a live wire.
    pub number: u64,
    /// The packet's addresses and protocol.
    pub packet: PacketFacts,
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
    },
    /// A packet was dropped.
    Drop {
        /// Why.
        reason: DropReason,
        /// It is the first one of its direction of its flow.
        first: bool,
    },
    /// Something odd about a packet.
    Anomaly(Anomaly),
}

/// Something odd about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// About its headers.
    Decode(DecodeEvent),
    /// About its part in a TCP session.
    Stream(StreamEvent),
}

impl Anomaly {
    /// Suricata's name of it (EVE `anomaly.event`).
    pub fn name(self) -> String {
        match self {
            Self::Decode(event) => format!("decoder.{}", event.name()),
            Self::Stream(event) => event.name().into(),
        }
    }
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
