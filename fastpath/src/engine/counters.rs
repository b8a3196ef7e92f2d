//! What an engine counts. Plain numbers on the packet's way; their names (Suricata's, of EVE's `stats` records) are only
//! looked at when they are reported.

use etherparse::ip_number;

use super::{
    meta::LinkType,
    packet::{DecodeEvent, DecodeEvents, IpHeader, Network, Packet, Transport, Tunnel, defrag::Fate},
    policy::{ExceptionPolicy, Failure},
    verdict::{DropReason, Verdict},
};

/// Takes counters by their dotted names.
pub trait Visit {
    /// One counter.
    fn counter(&mut self, name: &[&'static str], value: u64);
}

impl<F: FnMut(&[&'static str], u64)> Visit for F {
    fn counter(&mut self, name: &[&'static str], value: u64) {
        self(name, value);
    }
}

/// A group of counters: `field: "name"` each, one line with its documentation.
macro_rules! counters {
    ($(#[$group_doc:meta])* $group:ident { $($(#[$doc:meta])* $field:ident: $name:literal,)* }) => {
        $(#[$group_doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $group {
            $($(#[$doc])* pub $field: u64,)*
        }

        impl $group {
            /// Adds another worker's.
            pub fn add(&mut self, other: &Self) {
                $(self.$field = self.$field.saturating_add(other.$field);)*
            }

            /// Shows each to `visit`, its name behind `prefix`.
            pub fn each(&self, prefix: &'static str, visit: &mut dyn Visit) {
                $(visit.counter(&[prefix, $name], self.$field);)*
            }
        }
    };
}

counters! {
    /// Packets as they were decoded (`stats.decoder`).
    DecoderCounters {
        /// Packets.
        packets: "pkts",
        /// Their bytes, from the link layer on.
        bytes: "bytes",
        /// Packets with a malformed header.
        invalid: "invalid",
        /// IPv4 headers, also of inner packets; so for the others.
        ipv4: "ipv4",
        /// IPv6 headers.
        ipv6: "ipv6",
        /// Ethernet headers.
        ethernet: "ethernet",
        /// Packets in an 802.1Q tag.
        vlan: "vlan",
        /// Packets in two tags.
        vlan_qinq: "vlan_qinq",
        /// Packets in three tags.
        vlan_qinqinq: "vlan_qinqinq",
        /// TCP headers.
        tcp: "tcp",
        /// UDP headers.
        udp: "udp",
        /// SCTP headers.
        sctp: "sctp",
        /// ESP headers.
        esp: "esp",
        /// ICMPv4 headers.
        icmpv4: "icmpv4",
        /// ICMPv6 headers.
        icmpv6: "icmpv6",
        /// GRE headers.
        gre: "gre",
        /// VXLAN headers.
        vxlan: "vxlan",
        /// Geneve headers.
        geneve: "geneve",
        /// Teredo headers.
        teredo: "teredo",
        /// Packets whose tunnels lie deeper than is looked.
        too_many_layers: "too_many_layers",
        /// Largest packet, in bytes.
        max_packet: "max_pkt_size",
    }
}

counters! {
    /// Flows (`stats.flow`).
    FlowCounters {
        /// Flows that began.
        total: "total",
        /// Flows that are in the table now.
        active: "active",
        /// Flows that began, by protocol: TCP.
        tcp: "tcp",
        /// UDP.
        udp: "udp",
        /// ICMPv4.
        icmpv4: "icmpv4",
        /// ICMPv6.
        icmpv6: "icmpv6",
        /// Flows that ended because another TCP session took their place.
        tcp_reuse: "tcp_reuse",
        /// Packets refused because there was no room for their flow.
        refused: "memcap",
        /// How often an emergency began.
        emergency_entered: "emerg_mode_entered",
        /// How often one was over.
        emergency_over: "emerg_mode_over",
    }
}

counters! {
    /// Flows by the state they ended in (`stats.flow.end.state`).
    FlowEndCounters {
        /// Only one side was heard.
        new: "new",
        /// Both were.
        established: "established",
        /// The session had ended.
        closed: "closed",
        /// The engine no longer inspected it.
        local_bypassed: "local_bypassed",
        /// The kernel passed it on.
        capture_bypassed: "capture_bypassed",
    }
}

counters! {
    /// Flows that ended because they were idle (`stats.flow.mgr`).
    FlowTimeoutCounters {
        /// All of them.
        timed_out: "flows_timeout",
        /// Those that a packet found before the timer did (`stats.flow.wrk.flows_evicted` of Suricata).
        evicted: "flows_evicted",
    }
}

counters! {
    /// Fragments and datagrams put together (`stats.defrag`).
    DefragCounters {
        /// Datagrams put together: IPv4.
        ipv4_reassembled: "ipv4_reassembled",
        /// Fragments: IPv4.
        ipv4_fragments: "ipv4_fragments",
        /// Datagrams put together: IPv6.
        ipv6_reassembled: "ipv6_reassembled",
        /// Fragments: IPv6.
        ipv6_fragments: "ipv6_fragments",
        /// Datagrams that were never complete.
        timed_out: "timeouts",
        /// Fragments for which there was no memory.
        memcap: "memcap",
        /// Fragments that contradicted others of their datagram.
        conflicts: "conflicts",
    }
}

counters! {
    /// TCP sessions (`stats.tcp`).
    TcpCounters {
        /// SYN packets.
        syn: "syn",
        /// SYN/ACK packets.
        synack: "synack",
        /// RST packets.
        rst: "rst",
        /// Packets with urgent data.
        urg: "urg",
        /// Sessions.
        sessions: "sessions",
        /// Sessions picked up in their middle.
        midstream_pickups: "midstream_pickups",
        /// Sessions for which there was no memory.
        ssn_memcap_drop: "ssn_memcap_drop",
        /// Segments for whose data there was no memory.
        segment_memcap_drop: "segment_memcap_drop",
        /// Packets that are no valid part of their session.
        invalid: "invalid_state",
        /// Packets with a wrong checksum.
        invalid_checksum: "invalid_checksum",
        /// Sessions whose data is inspected no further than to their depth.
        stream_depth_reached: "stream_depth_reached",
        /// Gaps in the data.
        reassembly_gap: "reassembly_gap",
        /// Segments that came before their turn.
        out_of_order: "out_of_order",
        /// Segments that overlap earlier ones.
        overlap: "overlap",
        /// Segments that contradict data that was inspected before.
        overlap_diff_data: "overlap_diff_data",
    }
}

counters! {
    /// What became of packets (`stats.ips`).
    IpsCounters {
        /// Sent on.
        accepted: "accepted",
        /// Dropped.
        blocked: "blocked",
        /// Dropped, and both ends told.
        rejected: "rejected",
    }
}

counters! {
    /// What rules found (`stats.detect`).
    DetectCounters {
        /// Alerts.
        alerts: "alert",
    }
}

impl DecoderCounters {
    /// Counts a packet as it came.
    pub(super) fn count_packet(&mut self, length: usize, link: LinkType, packet: &Packet<'_>) {
        self.packets += 1;
        self.bytes += length as u64;
        self.max_packet = self.max_packet.max(length as u64);
        self.ethernet += u64::from(link == LinkType::Ethernet);
        self.too_many_layers += u64::from(packet.events.contains(DecodeEvent::TooManyLayers));
    }

    /// Counts one layer of a packet.
    pub(super) fn count_layer(&mut self, packet: &Packet<'_>) {
        self.invalid += u64::from(packet.events.is_invalid());
        self.vlan += u64::from(packet.vlan[0].is_some());
        self.vlan_qinq += u64::from(packet.vlan[1].is_some());
        self.vlan_qinqinq += u64::from(packet.vlan[2].is_some());
        match &packet.network {
            Some(Network { header: IpHeader::V4(_), protocol, .. }) => {
                self.ipv4 += 1;
                self.esp += u64::from(*protocol == ip_number::ENCAPSULATING_SECURITY_PAYLOAD.0);
            }
            Some(Network { header: IpHeader::V6(_), protocol, .. }) => {
                self.ipv6 += 1;
                self.esp += u64::from(*protocol == ip_number::ENCAPSULATING_SECURITY_PAYLOAD.0);
            }
            None => {}
        }
        match &packet.transport {
            Some(Transport::Tcp(_)) => self.tcp += 1,
            Some(Transport::Udp(_)) => self.udp += 1,
            Some(Transport::Sctp(_)) => self.sctp += 1,
            Some(Transport::Icmpv4(_)) => self.icmpv4 += 1,
            Some(Transport::Icmpv6(_)) => self.icmpv6 += 1,
            None => {}
        }
        match packet.inner.map(|inner| inner.kind) {
            Some(Tunnel::Gre) => self.gre += 1,
            Some(Tunnel::Vxlan) => self.vxlan += 1,
            Some(Tunnel::Geneve) => self.geneve += 1,
            Some(Tunnel::Teredo) => self.teredo += 1,
            Some(Tunnel::Ipv4 | Tunnel::Ipv6) | None => {}
        }
    }
}

/// How often each [`DecodeEvent`] was raised (`stats.decoder.event`), in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeEventCounters([u64; DecodeEvent::ALL.len()]);

impl Default for DecodeEventCounters {
    fn default() -> Self {
        Self([0; DecodeEvent::ALL.len()])
    }
}

impl DecodeEventCounters {
    /// Counts the events of one layer of a packet.
    pub(super) fn count(&mut self, events: DecodeEvents) {
        for event in events.iter() {
            self.0[event as usize] += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own = own.saturating_add(more);
        }
    }

    fn each(&self, visit: &mut dyn Visit) {
        for (event, count) in DecodeEvent::ALL.iter().zip(self.0) {
            let (group, name) = event.name().split_once('.').unwrap_or((event.name(), ""));
            match name {
                "" => visit.counter(&["decoder", "event", group], count),
                name => visit.counter(&["decoder", "event", group, name], count),
            }
        }
    }
}

impl DefragCounters {
    /// Counts a fragment.
    pub(super) fn count(&mut self, fate: Fate, v6: bool) {
        let (fragments, reassembled) = match v6 {
            false => (&mut self.ipv4_fragments, &mut self.ipv4_reassembled),
            true => (&mut self.ipv6_fragments, &mut self.ipv6_reassembled),
        };
        *fragments += 1;
        match fate {
            Fate::Complete(_) => *reassembled += 1,
            Fate::Contradiction => self.conflicts += 1,
            Fate::NoMemory => self.memcap += 1,
            _ => {}
        }
    }
}

impl TcpCounters {
    /// Counts a segment's flags.
    pub(super) fn count_flags(&mut self, flags: u8) {
        const FIN_SYN_RST_ACK: u8 = 0x17;
        match flags & FIN_SYN_RST_ACK {
            0x02 => self.syn += 1,
            0x12 => self.synack += 1,
            _ => self.rst += u64::from(flags & 0x04 != 0),
        }
        self.urg += u64::from(flags & 0x20 != 0);
    }
}

/// All counters of an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Decoding.
    pub decoder: DecoderCounters,
    /// What was odd about packets.
    pub decode_events: DecodeEventCounters,
    /// Defragmentation.
    pub defrag: DefragCounters,
    /// Flows.
    pub flow: FlowCounters,
    /// The ends of flows.
    pub flow_end: FlowEndCounters,
    /// Idle flows.
    pub flow_timeout: FlowTimeoutCounters,
    /// TCP.
    pub tcp: TcpCounters,
    /// Rules.
    pub detect: DetectCounters,
    /// Verdicts.
    pub ips: IpsCounters,
    /// Dropped packets by [`DropReason`], in its order.
    pub drops: [u64; DropReason::ALL.len()],
    /// How often each failure ([`Failure`], in its order) met each policy ([`ExceptionPolicy`], in its order).
    pub exceptions: [[u64; ExceptionPolicy::NAMES.len()]; Failure::ALL.len()],
}

impl Counters {
    /// Counts a verdict.
    pub fn count_verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Forward => self.ips.accepted += 1,
            Verdict::Drop(reason) => {
                self.ips.blocked += 1;
                self.drops[reason as usize] += 1;
            }
            // Suricata has no such verdict and counts no drop in IDS mode either.
            Verdict::WouldDrop(_) => self.ips.accepted += 1,
        }
    }

    /// Counts a failure, and the policy that it met.
    pub fn count_exception(&mut self, failure: Failure, policy: ExceptionPolicy) {
        self.exceptions[failure as usize][policy as usize] += 1;
    }

    /// Adds another worker's.
    pub fn add(&mut self, other: &Self) {
        let largest = self.decoder.max_packet.max(other.decoder.max_packet);
        self.decoder.add(&other.decoder);
        self.decoder.max_packet = largest;
        self.decode_events.add(&other.decode_events);
        self.defrag.add(&other.defrag);
        self.flow.add(&other.flow);
        self.flow_end.add(&other.flow_end);
        self.flow_timeout.add(&other.flow_timeout);
        self.tcp.add(&other.tcp);
        self.detect.add(&other.detect);
        self.ips.add(&other.ips);
        let pairs = self.drops.iter_mut().zip(&other.drops);
        let policies = self.exceptions.iter_mut().flatten().zip(other.exceptions.iter().flatten());
        for (own, more) in pairs.chain(policies) {
            *own = own.saturating_add(*more);
        }
    }

    /// Shows each counter to `visit`, under Suricata's name where it has one.
    pub fn each(&self, visit: &mut dyn Visit) {
        self.decoder.each("decoder", visit);
        let average = self.decoder.bytes.checked_div(self.decoder.packets).unwrap_or(0);
        visit.counter(&["decoder", "avg_pkt_size"], average);
        self.decode_events.each(visit);
        self.defrag.each("defrag", visit);
        self.flow.each("flow", visit);
        self.flow_end.each("state", &mut Below(&["flow", "end"], visit));
        self.flow_timeout.each("mgr", &mut Below(&["flow"], visit));
        self.tcp.each("tcp", visit);
        self.detect.each("detect", visit);
        self.ips.each("ips", visit);
        for (reason, count) in DropReason::ALL.iter().zip(self.drops) {
            visit.counter(&["ips", "drop_reason", drop_name(*reason)], count);
        }
        for (failure, counts) in Failure::ALL.iter().zip(self.exceptions) {
            let [room, target] = failure_name(*failure);
            for (policy, count) in counts.into_iter().enumerate() {
                if let Some(policy) = POLICY_NAMES.get(policy) {
                    visit.counter(&["exception_policy", room, target, policy], count);
                }
            }
        }
    }
}

/// Puts a prefix before the names of a group.
struct Below<'a>(&'a [&'static str], &'a mut dyn Visit);

impl Visit for Below<'_> {
    fn counter(&mut self, name: &[&'static str], value: u64) {
        let whole: Vec<_> = self.0.iter().chain(name).copied().collect();
        self.1.counter(&whole, value);
    }
}

/// Names of [`ExceptionPolicy::NAMES`] as counters and EVE records write them; `auto` never meets a failure.
const POLICY_NAMES: [&str; ExceptionPolicy::NAMES.len()] =
    ["auto", "drop_flow", "drop_packet", "reject", "bypass", "pass_flow", "pass_packet", "ignore"];

/// A policy's name in counters and EVE records.
pub fn policy_name(policy: ExceptionPolicy) -> &'static str {
    POLICY_NAMES[policy as usize]
}

fn failure_name(failure: Failure) -> [&'static str; 2] {
    match failure {
        Failure::Decode => ["decoder", "error"],
        Failure::DefragMemcap => ["defrag", "memcap"],
        Failure::FlowMemcap => ["flow", "memcap"],
        Failure::StreamMemcap => ["tcp", "ssn_memcap"],
        Failure::ReassemblyMemcap => ["tcp", "reassembly"],
        Failure::Midstream => ["tcp", "midstream"],
        Failure::AppLayer => ["app_layer", "error"],
        Failure::Handover => ["steering", "full"],
    }
}

fn drop_name(reason: DropReason) -> &'static str {
    match reason {
        DropReason::Rule => "rules",
        DropReason::Flow => "flow_drop",
        DropReason::Decode => "decode_error",
        DropReason::Defrag => "defrag_error",
        DropReason::DefragMemcap => "defrag_memcap",
        DropReason::FlowMemcap => "flow_memcap",
        DropReason::Stream => "stream_error",
        DropReason::StreamMemcap => "stream_memcap",
        DropReason::StreamMidstream => "stream_midstream",
        DropReason::StreamReassembly => "stream_reassembly",
        DropReason::StreamUrgent => "stream_urgent",
        DropReason::AppLayer => "applayer_error",
        DropReason::Handover => "handover_full",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn names(counters: &Counters) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        counters.each(&mut |name: &[&'static str], value: u64| {
            assert_eq!(all.insert(name.join("."), value), None, "{name:?} twice");
        });
        all
    }

    #[test]
    fn each_has_a_name_of_its_own() {
        let mut counters = Counters::default();
        counters.decoder.packets = 4;
        counters.decoder.bytes = 10;
        counters.flow_end.closed = 3;
        counters.count_verdict(Verdict::Drop(DropReason::StreamUrgent));
        counters.count_exception(Failure::Midstream, ExceptionPolicy::DropFlow);
        let all = names(&counters);
        for (name, value) in [
            ("decoder.pkts", 4),
            ("decoder.avg_pkt_size", 2),
            ("flow.end.state.closed", 3),
            ("ips.blocked", 1),
            ("ips.drop_reason.stream_urgent", 1),
            ("exception_policy.tcp.midstream.drop_flow", 1),
            ("tcp.reassembly_gap", 0),
        ] {
            assert_eq!(all.get(name), Some(&value), "{name}");
        }
    }

    #[test]
    fn workers_are_added_up() {
        let mut one = Counters::default();
        one.decoder.packets = 1;
        one.decoder.max_packet = 60;
        one.count_exception(Failure::AppLayer, ExceptionPolicy::Ignore);
        one.count_verdict(Verdict::Drop(DropReason::Rule));
        let mut both = one;
        both.add(&one);
        let (one, both) = (names(&one), names(&both));
        assert!(one.iter().all(|(name, value)| name == "decoder.max_pkt_size" || both[name] == 2 * value));
        assert_eq!(both["decoder.max_pkt_size"], 60);
    }

    #[test]
    fn policies_keep_their_order() {
        for (name, policy) in ExceptionPolicy::NAMES {
            assert_eq!(policy_name(policy), name.replace('-', "_"));
        }
    }
}
