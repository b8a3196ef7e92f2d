//! What an engine counts. Plain numbers on the packet's way; their names (Suricata's, of EVE's `stats` records) are only
//! looked at when they are reported.

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

mod decoder;
mod tracking;

use super::{
    policy::{ExceptionPolicy, Failure},
    verdict::{DropReason, Verdict},
};

pub use decoder::{DecodeEventCounters, DecoderCounters};
pub use tracking::{
    BypassCounters, DefragCounters, FlowCounters, FlowEndCounters, FlowTimeoutCounters, TcpCounters,
    TcpEndCounters,
};

/// Takes counters by their names, in parts that dots join. A part may have dots itself.
pub trait Visit {
    /// One counter.
    fn counter(&mut self, name: &[&'static str], value: u64);
}

impl<F: FnMut(&[&'static str], u64)> Visit for F {
    fn counter(&mut self, name: &[&'static str], value: u64) {
        self(name, value);
    }
}

counters! {
    /// What became of packets (`stats.ips`).
    IpsCounters {
        /// Sent on.
        accepted: "accepted",
        /// Dropped, and nobody told.
        blocked: "blocked",
        /// Dropped, and an end or both told.
        rejected: "rejected",
        /// Sent on with other bytes in the place of some (`replace`).
        replaced: "replaced",
    }
}

counters! {
    /// What rules found (`stats.detect`).
    DetectCounters {
        /// Alerts.
        alerts: "alert",
        /// Matches without an alert: a threshold or `suppress` holds it back, or the rule says `noalert`.
        suppressed: "alerts_suppressed",
        /// Entries of the host table that gave way to others before their time.
        shed: "hosts_shed",
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
    /// The ends of TCP flows.
    pub tcp_end: TcpEndCounters,
    /// Idle flows.
    pub flow_timeout: FlowTimeoutCounters,
    /// Flows that are not inspected.
    pub bypass: BypassCounters,
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
    /// Counts a verdict; `rejected` says whether somebody is told of a drop.
    pub fn count_verdict(&mut self, verdict: Verdict, rejected: bool) {
        match verdict {
            Verdict::Forward => self.ips.accepted += 1,
            Verdict::Rewritten => self.ips.replaced += 1,
            Verdict::Drop(reason) => {
                *(if rejected { &mut self.ips.rejected } else { &mut self.ips.blocked }) += 1;
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
        self.tcp_end.add(&other.tcp_end);
        self.flow_timeout.add(&other.flow_timeout);
        self.bypass.add(&other.bypass);
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
        self.flow_end.each("flow.end.state", visit);
        self.tcp_end.each(visit);
        self.flow_timeout.each("flow", visit);
        self.bypass.each("flow_bypassed", visit);
        self.tcp.each("tcp", visit);
        self.detect.each("detect", visit);
        self.ips.each("ips", visit);
        for (reason, count) in DropReason::ALL.iter().zip(self.drops) {
            visit.counter(&["ips.drop_reason", reason.counter_name()], count);
        }
        for (failure, counts) in Failure::ALL.iter().zip(self.exceptions) {
            // `auto` never meets a failure.
            for (policy, count) in POLICY_NAMES.iter().zip(counts).skip(1) {
                visit.counter(&["exception_policy", failure_name(*failure), policy], count);
            }
        }
    }
}

/// Names of [`ExceptionPolicy::NAMES`] as counters and EVE records write them.
const POLICY_NAMES: [&str; ExceptionPolicy::NAMES.len()] =
    ["auto", "drop_flow", "drop_packet", "reject", "bypass", "pass_flow", "pass_packet", "ignore"];

/// A policy's name in counters and EVE records.
pub fn policy_name(policy: ExceptionPolicy) -> &'static str {
    POLICY_NAMES[policy as usize]
}

fn failure_name(failure: Failure) -> &'static str {
    match failure {
        Failure::Decode => "decoder.error",
        Failure::DefragMemcap => "defrag.memcap",
        Failure::FlowMemcap => "flow.memcap",
        Failure::StreamMemcap => "tcp.ssn_memcap",
        Failure::ReassemblyMemcap => "tcp.reassembly",
        Failure::Midstream => "tcp.midstream",
        Failure::AppLayer => "app_layer.error",
        Failure::Detection => "detect.limit",
        Failure::Handover => "steering.full",
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
        counters.count_verdict(Verdict::Drop(DropReason::StreamUrgent), false);
        counters.count_verdict(Verdict::Drop(DropReason::Rule), true);
        counters.count_exception(Failure::Midstream, ExceptionPolicy::DropFlow);
        let all = names(&counters);
        for (name, value) in [
            ("decoder.pkts", 4),
            ("decoder.avg_pkt_size", 2),
            ("flow.end.state.closed", 3),
            ("ips.blocked", 1),
            ("ips.rejected", 1),
            ("ips.drop_reason.rules", 1),
            ("defrag.ipv4.fragments", 0),
            ("decoder.event.ipv4.trunc_pkt", 0),
            ("flow.end.tcp_state.fin_wait1", 0),
            ("flow.mgr.flows_timeout", 0),
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
        one.count_verdict(Verdict::Drop(DropReason::Rule), false);
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
