//! Which events are written, and how (`outputs.eve-log`).

use crate::engine::{
    event::{Anomalies, Drops, EventKind, Excerpts, Wanted},
    rules::Kept,
};

/// A kind of record, by EVE's `event_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// A rule matched.
    Alert,
    /// Something is wrong with a packet or a stream.
    Anomaly,
    /// An ARP packet.
    Arp,
    /// A packet was dropped.
    Drop,
    /// A flow ended: both directions in one record.
    Flow,
    /// A flow ended: one record for each direction.
    Netflow,
    /// Counters.
    Stats,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Alert, Self::Anomaly, Self::Arp, Self::Drop, Self::Flow, Self::Netflow, Self::Stats];

    /// Its name in EVE and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Anomaly => "anomaly",
            Self::Arp => "arp",
            Self::Drop => "drop",
            Self::Flow => "flow",
            Self::Netflow => "netflow",
            Self::Stats => "stats",
        }
    }
}

/// A set of event types (`outputs.eve-log.types`). The default is what Suricata's own suricata.yaml turns on, as far as there
/// is such a record here: `arp`, `drop` and `netflow` are off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTypes(u8);

impl Default for EventTypes {
    fn default() -> Self {
        let mut types = Self::NONE;
        for on in [EventType::Alert, EventType::Anomaly, EventType::Flow, EventType::Stats] {
            types.insert(on);
        }
        types
    }
}

impl EventTypes {
    /// No type.
    pub const NONE: Self = Self(0);

    /// Every type.
    pub const ALL: Self = Self((1 << EventType::ALL.len()) - 1);

    /// Adds a type.
    pub fn insert(&mut self, event_type: EventType) {
        self.0 |= 1 << event_type as u8;
    }

    /// Whether the type is in the set.
    pub fn contains(self, event_type: EventType) -> bool {
        self.0 & 1 << event_type as u8 != 0
    }

    /// Exactly the named types, and the names that are none.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> (Self, Vec<String>) {
        let mut types = Self::NONE;
        let mut unknown = Vec::new();
        for name in names {
            match EventType::ALL.into_iter().find(|event_type| event_type.name() == name) {
                Some(event_type) => types.insert(event_type),
                None => unknown.push(name.into()),
            }
        }
        (types, unknown)
    }

    /// Whether an event gives any record.
    pub(super) fn includes(self, kind: &EventKind) -> bool {
        match kind {
            EventKind::Alert { .. } | EventKind::Tagged { .. } => self.contains(EventType::Alert),
            EventKind::Anomaly { .. } => self.contains(EventType::Anomaly),
            EventKind::Arp(_) => self.contains(EventType::Arp),
            EventKind::Drop { .. } => self.contains(EventType::Drop),
            EventKind::Flow(_) => self.contains(EventType::Flow) || self.contains(EventType::Netflow),
            EventKind::Stats(_) => self.contains(EventType::Stats),
        }
    }
}

/// What the writers of events are told. The default is Suricata's, with what its suricata.yaml proposes for `drop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EveOptions {
    /// Which records there are.
    pub types: EventTypes,
    /// What `alert` records say (`outputs.eve-log.types.alert`).
    pub alert: AlertOptions,
    /// Which `anomaly` records (`outputs.eve-log.types.anomaly.types`).
    pub anomalies: Anomalies,
    /// Which `drop` records (`outputs.eve-log.types.drop.flows`).
    pub drops: Drops,
    /// Packets that rules have tagged have a `packet` record (`outputs.eve-log.types.alert.tagged-packets`, off by default).
    pub tagged_packets: bool,
    /// A `drop` record has the `alert` of the rule that dropped the packet (`outputs.eve-log.types.drop.alerts`).
    pub drop_alerts: bool,
    /// A `drop` record has a `verdict` (`outputs.eve-log.types.drop.verdict`).
    pub drop_verdict: bool,
    /// Records with a flow have a `community_id` (`outputs.eve-log.community-id`, off by default).
    pub community_id: bool,
    /// Its seed (`outputs.eve-log.community-id-seed`).
    pub community_id_seed: u16,
    /// Records of packets have their MAC addresses, as `ether` (`outputs.eve-log.ethernet`, off by default).
    pub ethernet: bool,
    /// In replay records name the capture, as `pcap_filename` (`outputs.eve-log.pcap-file`, off by default).
    pub pcap_file: bool,
    /// `stats` records have counters that are 0, too (`outputs.eve-log.types.stats.null-values`).
    pub null_values: bool,
}

/// What `alert` records say (`outputs.eve-log.types.alert`). The default is Suricata's, but that the verdict is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertOptions {
    /// The packet's flow (`metadata.flow`).
    pub flow: bool,
    /// The rule's `metadata` (`metadata.rule.metadata`).
    pub rule_metadata: bool,
    /// The rule itself (`metadata.rule.raw`).
    pub rule_text: bool,
    /// Its references (`metadata.rule.reference`).
    pub references: bool,
    /// What the rule looked at, in Base64 (`payload`).
    pub payload: bool,
    /// The same as text (`payload-printable`).
    pub payload_printable: bool,
    /// Its length (`payload-length`).
    pub payload_length: bool,
    /// Bytes of it that are shown of a stream, at most (`payload-buffer-size`).
    pub payload_buffer_size: u32,
    /// The packet, in Base64 (`packet`).
    pub packet: bool,
    /// What was done with the packet in the end (`verdict`; off by default in Suricata).
    pub verdict: bool,
}

impl Default for AlertOptions {
    fn default() -> Self {
        Self {
            flow: true,
            rule_metadata: true,
            rule_text: false,
            references: false,
            payload: false,
            payload_printable: false,
            payload_length: false,
            payload_buffer_size: 4096,
            packet: false,
            verdict: true,
        }
    }
}

impl AlertOptions {
    /// Whether anything is said of what the rule looked at.
    pub(super) fn wants_payload(&self) -> bool {
        self.payload || self.payload_printable || self.payload_length
    }

    fn excerpts(&self) -> Excerpts {
        Excerpts {
            packet: self.packet,
            payload: self.wants_payload(),
            stream_limit: self.payload_buffer_size,
        }
    }
}

impl Default for EveOptions {
    fn default() -> Self {
        Self {
            types: EventTypes::default(),
            alert: AlertOptions::default(),
            anomalies: Anomalies { decode: false, stream: false, application: true, packet_header: false },
            drops: Drops::All,
            tagged_packets: false,
            drop_alerts: true,
            drop_verdict: true,
            community_id: false,
            community_id_seed: 0,
            ethernet: false,
            pcap_file: false,
            null_values: true,
        }
    }
}

impl EveOptions {
    /// Every record there is.
    pub fn everything() -> Self {
        Self {
            types: EventTypes::ALL,
            anomalies: Anomalies { decode: true, stream: true, application: true, packet_header: false },
            tagged_packets: true,
            ..Self::default()
        }
    }

    /// What the engine has to raise for these records.
    pub fn wanted(&self) -> Wanted {
        let on = |event_type| self.types.contains(event_type);
        Wanted {
            anomalies: if on(EventType::Anomaly) { self.anomalies } else { Anomalies::default() },
            arp: on(EventType::Arp),
            tagged: self.tagged_packets && on(EventType::Alert),
            drops: if on(EventType::Drop) { self.drops } else { Drops::None },
            excerpts: if on(EventType::Alert) { self.alert.excerpts() } else { Excerpts::default() },
        }
    }

    /// What rules have to keep for these records.
    pub fn kept(&self) -> Kept {
        let on = self.types.contains(EventType::Alert);
        let AlertOptions { rule_metadata, rule_text, references, .. } = self.alert;
        Kept { metadata: on && rule_metadata, references: on && references, text: on && rule_text }
    }
}
