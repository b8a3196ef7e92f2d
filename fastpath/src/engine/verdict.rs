//! What the engine decides about a packet: the leaf of the tree that everyone may name.

/// The engine's decision about one packet. The worker alone carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it on.
    Forward,
    /// Send it on: its bytes have become those that rules want sent (`replace`).
    Rewritten,
    /// Never let it reach the receiver.
    Drop(DropReason),
    /// A [`Verdict::Drop`] that [`Enforcement::Report`] turned into a report: send it on, count it.
    WouldDrop(DropReason),
}

/// Why a packet is dropped; each reason has a counter of its own. The names are Suricata's (`drop.reason` of EVE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// A rule with the action `drop` or `reject` matched.
    Rule,
    /// Its flow was dropped before.
    Flow,
    /// Its headers are malformed.
    Decode,
    /// It is a fragment that contradicts another one of its datagram.
    Defrag,
    /// It is a fragment, and there is no memory for it.
    DefragMemcap,
    /// There is no room for another flow.
    FlowMemcap,
    /// It is no valid part of its TCP session, or contradicts data that was inspected before.
    Stream,
    /// There is no memory for its TCP session.
    StreamMemcap,
    /// Its TCP session was not seen from its start.
    StreamMidstream,
    /// There is no memory for the data of its TCP session.
    StreamReassembly,
    /// It carries urgent data.
    StreamUrgent,
    /// Its application protocol is malformed.
    AppLayer,
    /// It is not known within the limits of detection whether a rule that drops matches.
    Detection,
    /// The worker that owns its flow takes no more.
    Handover,
    /// A rule matched to which a `rate_filter` gave the action `drop` or `reject`.
    RateFilter,
}

impl DropReason {
    /// All of them, in the order of their counters.
    pub const ALL: [Self; 15] = [
        Self::Rule,
        Self::Flow,
        Self::Decode,
        Self::Defrag,
        Self::DefragMemcap,
        Self::FlowMemcap,
        Self::Stream,
        Self::StreamMemcap,
        Self::StreamMidstream,
        Self::StreamReassembly,
        Self::StreamUrgent,
        Self::AppLayer,
        Self::Detection,
        Self::Handover,
        Self::RateFilter,
    ];

    /// Suricata's name of it (`drop.reason` of EVE; decode.c, PacketDropReasonToString).
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule => "rules",
            Self::Flow => "flow drop",
            Self::Decode => "decode error",
            Self::Defrag => "defrag error",
            Self::DefragMemcap => "defrag memcap",
            Self::FlowMemcap => "flow memcap",
            Self::Stream => "stream error",
            Self::StreamMemcap => "stream memcap",
            Self::StreamMidstream => "stream midstream",
            Self::StreamReassembly => "stream reassembly",
            Self::StreamUrgent => "stream urgent",
            Self::AppLayer => "applayer error",
            Self::Detection => "detect limit",
            Self::Handover => "hand-over ring full",
            Self::RateFilter => "threshold detection_filter",
        }
    }

    /// Name of its counter, Suricata's where it has one (`stats.ips.drop_reason`).
    pub fn counter_name(self) -> &'static str {
        match self {
            Self::Rule => "rules",
            Self::Flow => "flow_drop",
            Self::Decode => "decode_error",
            Self::Defrag => "defrag_error",
            Self::DefragMemcap => "defrag_memcap",
            Self::FlowMemcap => "flow_memcap",
            Self::Stream => "stream_error",
            Self::StreamMemcap => "stream_memcap",
            Self::StreamMidstream => "stream_midstream",
            Self::StreamReassembly => "stream_reassembly",
            Self::StreamUrgent => "stream_urgent",
            Self::AppLayer => "applayer_error",
            Self::Detection => "detect_limit",
            Self::Handover => "handover_full",
            Self::RateFilter => "threshold_detection_filter",
        }
    }
}

/// Whether drops are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enforcement {
    /// What is to be dropped is dropped (inline).
    #[default]
    Drop,
    /// It is only reported (detect, tap, replay without `--simulate-ips`).
    Report,
}

impl Enforcement {
    /// The verdict on a packet that is to be dropped for `reason`.
    pub(super) fn of(self, reason: DropReason) -> Verdict {
        match self {
            Self::Drop => Verdict::Drop(reason),
            Self::Report => Verdict::WouldDrop(reason),
        }
    }
}
