//! The figures of `fastpath run --stats-json`, one object a line.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One line of figures.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Stats {
    /// Whether it is the last line, written after the data plane has stopped.
    #[serde(rename = "final")]
    pub last: bool,
    /// Per AF_XDP socket.
    pub queues: Vec<QueueStats>,
    /// Per port.
    pub ports: Vec<PortStats>,
    /// Per worker: where its frames are.
    pub frames: Vec<FrameStats>,
    /// Per worker: packets from and to other workers.
    #[serde(default)]
    pub handover: Vec<HandoverStats>,
    /// The rules in use.
    #[serde(default)]
    pub rules: RuleStats,
    /// Sums.
    pub totals: Totals,
}

/// Figures of one AF_XDP socket, since the start.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct QueueStats {
    /// Name of the port.
    pub port: String,
    /// Its queue.
    pub queue: u32,
    /// Worker that serves it.
    pub worker: u32,
    /// `copy` or `zerocopy`.
    pub bind: String,
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets sent out of it.
    pub tx_packets: u64,
    /// Bytes sent out of it.
    pub tx_bytes: u64,
    /// Packets received here and dropped, by reason.
    pub drops: BTreeMap<String, u64>,
    /// Packets received here that would have been dropped inline.
    pub would_drops: u64,
    /// The kernel's XDP_STATISTICS.
    pub kernel: BTreeMap<String, u64>,
}

/// Figures of one port.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PortStats {
    /// Name of the port.
    pub port: String,
    /// What the XDP program did, per rx queue.
    pub xdp: Vec<XdpStats>,
}

/// What the XDP program did with the frames of one rx queue.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct XdpStats {
    /// The queue.
    pub queue: u32,
    /// Redirected to the AF_XDP socket.
    pub redirected: u64,
    /// Left to the kernel: queue not chosen.
    pub not_chosen: u64,
    /// Chosen, no socket, passed to the kernel.
    pub fallback_pass: u64,
    /// Chosen, no socket, dropped.
    pub fallback_drop: u64,
    /// Chosen, no socket, sent to the peer.
    pub fallback_forward: u64,
}

/// Where the frames of one worker's UMEM are.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FrameStats {
    /// Index of the worker.
    pub worker: u32,
    /// Frames of the UMEM.
    pub total: u64,
    /// In the worker's free list.
    pub free: u64,
    /// Submitted to the fill ring and not received.
    pub with_kernel: u64,
    /// Received and not yet given away.
    pub in_worker: u64,
    /// Submitted to tx and not completed.
    pub in_tx: u64,
    /// What the conservation law leaves over; 0 unless frames were lost or doubled.
    pub residual: i64,
}

/// One worker's packets from and to other workers.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct HandoverStats {
    /// Index of the worker.
    pub worker: u32,
    /// Handed to the worker that owns the flow.
    pub handed_over: u64,
    /// Of those: came back with a verdict.
    pub returned: u64,
    /// Of those: given up at the end.
    pub given_up: u64,
    /// Received by others and inspected here.
    pub served: u64,
    /// Datagrams given to another worker.
    pub referred: u64,
    /// What the owner took no more of.
    pub full: u64,
    /// Still away.
    pub waiting: u64,
}

/// The rules in use, and how often they were replaced.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RuleStats {
    /// Rules in use.
    pub loaded: u64,
    /// Rules that could not be used.
    pub failed: u64,
    /// Which set it is, from 1 at the start.
    pub generation: u32,
    /// Reloads that replaced them.
    pub reloads: u64,
    /// Reloads that did not.
    pub reloads_refused: u64,
}

/// Sums over all queues and workers.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Totals {
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets dropped for any reason.
    pub dropped: u64,
    /// Packets received and only looked at (tap).
    pub tapped: u64,
    /// Packets waiting for room on a tx ring.
    pub pending: u64,
    /// Packets of fastpath's own making.
    #[serde(default)]
    pub injected: u64,
    /// Packets that another worker inspected.
    #[serde(default)]
    pub handed_over: u64,
    /// Packets that wait for another worker's verdict.
    #[serde(default)]
    pub in_handover: u64,
    /// Packets that would have been dropped inline.
    pub would_drop: u64,
    /// Alerts.
    pub alerts: u64,
    /// Events lost because the event queue was full.
    pub events_lost: u64,
    /// Sum of the workers' residuals.
    pub residual: i64,
}

impl Stats {
    /// The socket of a port's queue.
    pub fn queue(&self, port: &str, queue: u32) -> Option<&QueueStats> {
        self.queues.iter().find(|q| q.port == port && q.queue == queue)
    }

    /// Packets dropped for `reason` over all queues.
    pub fn drops(&self, reason: &str) -> u64 {
        self.queues.iter().filter_map(|q| q.drops.get(reason)).sum()
    }

    /// Packets dropped, for each reason there was.
    pub fn drop_reasons(&self) -> BTreeMap<&str, u64> {
        let mut reasons = BTreeMap::new();
        for (reason, count) in
            self.queues.iter().flat_map(|queue| &queue.drops).filter(|(_, count)| **count > 0)
        {
            *reasons.entry(reason.as_str()).or_default() += count;
        }
        reasons
    }

    /// What XDP did on a port, summed over its queues by `count`.
    pub fn xdp(&self, port: &str, count: impl Fn(&XdpStats) -> u64) -> u64 {
        self.ports.iter().filter(|p| p.port == port).flat_map(|p| &p.xdp).map(count).sum()
    }

    /// Why the figures do not add up, if they do not: every worker's frames are all accounted for, and every
    /// packet received or injected was sent, dropped for a named reason, only looked at (tap), or is still waiting.
    pub fn imbalance(&self) -> Option<String> {
        for f in &self.frames {
            let sum = f.free + f.with_kernel + f.in_worker + f.in_tx;
            if f.total == 0 || f.residual != 0 || sum != f.total {
                return Some(format!("frames of worker {} do not add up: {f:?}", f.worker));
            }
        }
        if self.frames.is_empty() || self.totals.residual != 0 {
            return Some(format!("residual {} over {} workers", self.totals.residual, self.frames.len()));
        }
        let sum = |count: fn(&QueueStats) -> u64| -> u64 { self.queues.iter().map(count).sum() };
        let (rx, tx) = (sum(|q| q.rx_packets), sum(|q| q.tx_packets));
        // `invalid` counts descriptors that were not believed: no packets.
        let reasons = self.queues.iter().flat_map(|q| &q.drops).filter(|(reason, _)| *reason != "invalid");
        let dropped: u64 = reasons.map(|(_, count)| count).sum();
        let totals = &self.totals;
        if (rx, tx, dropped) != (totals.rx_packets, totals.tx_packets, totals.dropped) {
            return Some(format!("queues sum up to rx {rx}, tx {tx}, dropped {dropped}, not to {totals:?}"));
        }
        for h in &self.handover {
            if h.handed_over != h.returned + h.given_up + h.waiting {
                return Some(format!("hand-over of worker {} does not add up: {h:?}", h.worker));
            }
        }
        if rx + totals.injected != tx + dropped + totals.tapped + totals.pending + totals.in_handover {
            return Some(format!("packets went missing or came twice: {totals:?}"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"time":"2026-01-01T00:00:00Z","uptime_seconds":1.0,"final":true,
        "queues":[{"port":"in0","queue":0,"worker":0,"bind":"copy","rx_packets":5,"rx_bytes":300,"tx_packets":4,
            "tx_bytes":240,"drops":{"rule":1,"tx_full":0,"invalid":0},"would_drops":0,"kernel":{"rx_dropped":0}}],
        "ports":[{"port":"in0","xdp":[{"queue":0,"redirected":5,"not_chosen":2,"fallback_pass":0,
            "fallback_drop":0,"fallback_forward":0}]}],
        "frames":[{"worker":0,"total":10,"free":4,"with_kernel":6,"in_worker":0,"in_tx":0,"residual":0}],
        "totals":{"rx_packets":5,"rx_bytes":300,"tx_packets":4,"tx_bytes":240,"dropped":1,"tapped":0,"pending":0,"would_drop":0,
            "alerts":0,"events_lost":0,"residual":0}}"#;

    #[test]
    fn a_line_is_read_and_balances() {
        let stats: Stats = serde_json::from_str(LINE).unwrap();
        assert_eq!(stats.imbalance(), None);
        assert_eq!((stats.drops("rule"), stats.xdp("in0", |x| x.not_chosen)), (1, 2));
        assert_eq!(stats.queue("in0", 0).unwrap().bind, "copy");
    }

    #[test]
    fn a_lost_packet_and_a_lost_frame_are_seen() {
        let mut stats: Stats = serde_json::from_str(LINE).unwrap();
        stats.frames[0].free = 3;
        assert!(stats.imbalance().unwrap().contains("frames of worker 0"));
        let mut stats: Stats = serde_json::from_str(LINE).unwrap();
        stats.queues[0].tx_packets = 3;
        stats.totals.tx_packets = 3;
        assert!(stats.imbalance().unwrap().contains("went missing"));
    }
}
