//! What is counted of what packets belong to: flows, datagrams, TCP sessions.

use super::Visit;
use crate::engine::{packet::defrag::Fate, stream::State};

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
        /// Flows that there is room for beside those.
        spare: "spare",
        /// Bytes of memory that the table takes.
        memory: "memuse",
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
    /// Flows that ended because they were idle (`stats.flow`).
    FlowTimeoutCounters {
        /// All of them.
        timed_out: "mgr.flows_timeout",
        /// Those that a packet found before the timer did.
        evicted: "wrk.flows_evicted",
    }
}

counters! {
    /// Packets of flows that the engine no longer inspects (`stats.flow_bypassed`).
    BypassCounters {
        /// Packets.
        packets: "local_pkts",
        /// Their bytes.
        bytes: "local_bytes",
    }
}

counters! {
    /// Fragments and datagrams put together (`stats.defrag`).
    DefragCounters {
        /// Fragments: IPv4.
        ipv4_fragments: "ipv4.fragments",
        /// Datagrams put together: IPv4.
        ipv4_reassembled: "ipv4.reassembled",
        /// Fragments: IPv6.
        ipv6_fragments: "ipv6.fragments",
        /// Datagrams put together: IPv6.
        ipv6_reassembled: "ipv6.reassembled",
        /// Fragments for which there was no memory (ours).
        refused: "memcap",
        /// Fragments that contradicted others of their datagram (ours).
        conflicts: "conflicts",
        /// Bytes of memory in use.
        memory: "memuse",
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
        /// Sessions there are.
        active_sessions: "active_sessions",
        /// Sessions.
        sessions: "sessions",
        /// Sessions picked up in their middle.
        midstream_pickups: "midstream_pickups",
        /// Sessions for which there was no memory.
        ssn_memcap_drop: "ssn_memcap_drop",
        /// Segments for whose data there was no memory.
        segment_memcap_drop: "segment_memcap_drop",
        /// Packets that are no valid part of their session (ours).
        invalid: "invalid_state",
        /// Packets with a wrong checksum.
        invalid_checksum: "invalid_checksum",
        /// Sessions whose data is inspected no further than to their depth.
        stream_depth_reached: "stream_depth_reached",
        /// Gaps in the data.
        reassembly_gap: "reassembly_gap",
        /// Segments with data that came before its turn (ours).
        out_of_order: "out_of_order",
        /// Segments with data where something is remembered.
        overlap: "overlap",
        /// Segments that contradict data that was inspected before.
        overlap_diff_data: "overlap_diff_data",
        /// Bytes of memory that the sessions take.
        memory: "memuse",
        /// Bytes of memory in use for remembered data.
        reassembly_memory: "reassembly_memuse",
    }
}

impl BypassCounters {
    /// Counts a packet of so many bytes.
    pub(in crate::engine) fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

impl DefragCounters {
    /// Counts a fragment.
    pub(in crate::engine) fn count(&mut self, fate: Fate, v6: bool) {
        let (fragments, reassembled) = match v6 {
            false => (&mut self.ipv4_fragments, &mut self.ipv4_reassembled),
            true => (&mut self.ipv6_fragments, &mut self.ipv6_reassembled),
        };
        *fragments += 1;
        match fate {
            Fate::Complete(_) => *reassembled += 1,
            Fate::Contradiction => self.conflicts += 1,
            Fate::NoMemory => self.refused += 1,
            _ => {}
        }
    }
}

impl TcpCounters {
    /// Counts a segment's flags.
    pub(in crate::engine) fn count_flags(&mut self, flags: u8) {
        const SYN: u8 = 0x02;
        const SYN_ACK: u8 = 0x12;
        match flags & SYN_ACK {
            SYN_ACK => self.synack += 1,
            SYN => self.syn += 1,
            _ => {}
        }
        self.rst += u64::from(flags & 0x04 != 0);
        self.urg += u64::from(flags & 0x20 != 0);
    }
}

/// TCP flows by the state that their session ended in ([`State`], in its order; `stats.flow.end.tcp_state`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpEndCounters([u64; State::ALL.len()]);

impl TcpEndCounters {
    /// Counts the end of a flow whose session was in this state.
    pub(in crate::engine) fn count(&mut self, state: State) {
        self.0[state as usize] += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own = own.saturating_add(more);
        }
    }

    pub(super) fn each(&self, visit: &mut dyn Visit) {
        for (state, count) in State::ALL.iter().zip(self.0) {
            visit.counter(&["flow.end.tcp_state", state.name()], count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_counted_as_suricata_does() {
        let mut counters = TcpCounters::default();
        for flags in [0x02, 0xc2, 0x12, 0x10, 0x14, 0x04, 0x38, 0x06] {
            counters.count_flags(flags);
        }
        let expected = TcpCounters { syn: 3, synack: 1, rst: 3, urg: 1, ..TcpCounters::default() };
        assert_eq!(counters, expected);
    }
}
