//! All workers' figures at one moment, in the shape of `--stats-json`.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    counter::{Counter, Counts, Figures, HandoverCounts, Published},
    drops::Drops,
    rules::RuleFigures,
};
use crate::io::{FrameCensus, KernelCounts};

/// What does not change while running: who serves what.
#[derive(Clone, Debug)]
pub struct WorkerFacts {
    /// Queue of each of its ports.
    pub queue: u32,
    /// Core it is pinned to.
    pub core: usize,
    /// Port names, one or two.
    pub ports: Vec<String>,
    /// `zerocopy` or `copy` as read back from the kernel, one per port.
    pub bind: Vec<&'static str>,
}

/// What the XDP program did with the frames of one rx queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // the fields are those of `fastpath_common::QueueCounts`, which documents them
pub struct XdpQueue {
    pub queue: u32,
    pub redirected: u64,
    pub not_chosen: u64,
    pub fallback_pass: u64,
    pub fallback_drop: u64,
    pub fallback_forward: u64,
}

/// What the XDP program of one port did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct XdpPort {
    /// Port name.
    pub port: String,
    /// By rx queue, those that received anything or were chosen.
    pub xdp: Vec<XdpQueue>,
}

/// One queue of one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueFigures {
    /// Port name.
    pub port: String,
    /// Rx queue.
    pub queue: u32,
    /// Worker that serves it.
    pub worker: usize,
    /// Core of that worker.
    pub core: usize,
    /// `zerocopy` or `copy`.
    pub bind: &'static str,
    /// Packets received.
    pub rx_packets: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Packets given to the port for sending.
    pub tx_packets: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    /// Packets received here and not sent (tap).
    pub tapped: u64,
    /// Packets of fastpath's own making meant to leave here.
    pub injected: u64,
    /// Such packets for which there was no frame.
    pub inject_failed: u64,
    /// Packets dropped.
    pub drops: Drops,
    /// Packets that a rule would have dropped.
    pub would_drops: u64,
    /// What the kernel says of the socket.
    pub kernel: KernelCounts,
}

/// One worker's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerFrames {
    /// Worker number.
    pub worker: usize,
    /// Where its frames are.
    #[serde(flatten)]
    pub frames: FrameCensus,
    /// Frames that nobody accounts for.
    pub residual: i64,
}

/// One worker's packets from and to other workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerHandover {
    /// Worker number.
    pub worker: usize,
    /// How many went where.
    #[serde(flatten)]
    pub counts: HandoverCounts,
    /// Packets that are away for a verdict.
    pub waiting: u64,
}

/// Sums over all queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Packets received.
    pub rx_packets: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    /// Packets dropped, for any reason.
    pub dropped: u64,
    /// Packets received and kept (tap).
    pub tapped: u64,
    /// Packets waiting for room on a tx ring.
    pub pending: u64,
    /// Packets of fastpath's own making (RST, ICMP unreachable).
    pub injected: u64,
    /// Packets that another worker inspected.
    pub handed_over: u64,
    /// Packets that wait for another worker's verdict.
    pub in_handover: u64,
    /// Packets that a rule would have dropped.
    pub would_drop: u64,
    /// Frames lost in rings of the kernel before fastpath saw them.
    pub kernel_lost: u64,
    /// Packets of several frames that were copied together for inspection.
    pub gathered: u64,
    /// Alerts raised.
    pub alerts: u64,
    /// Events that are not in the log: they did not fit the queue to it, or the file could not take them.
    pub events_lost: u64,
    /// Packets that went missing between the rings: anything but 0 is an alarm.
    pub residual: i64,
}

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Per queue and port.
    pub queues: Vec<QueueFigures>,
    /// Per port.
    pub ports: Vec<XdpPort>,
    /// Per worker.
    pub frames: Vec<WorkerFrames>,
    /// Per worker.
    pub handover: Vec<WorkerHandover>,
    /// The rules.
    pub rules: RuleFigures,
    /// Sums.
    pub totals: Totals,
}

impl Snapshot {
    /// Reads all workers' figures.
    pub fn take(
        workers: &[(WorkerFacts, Arc<Published>)],
        ports: Vec<XdpPort>,
        rules: RuleFigures,
        events_lost: u64,
    ) -> Self {
        let mut snapshot = Self {
            queues: Vec::new(),
            ports,
            frames: Vec::new(),
            handover: Vec::new(),
            rules,
            totals: Totals::default(),
        };
        snapshot.totals.events_lost = events_lost;
        for (worker, (facts, published)) in workers.iter().enumerate() {
            let figures = published.load();
            snapshot.add(worker, facts, &figures);
        }
        snapshot
    }

    fn add(&mut self, worker: usize, facts: &WorkerFacts, figures: &Figures) {
        let mut sum = Counts::default();
        for (side, port) in facts.ports.iter().enumerate() {
            let counts = &figures.sides[side];
            sum.merge(counts);
            self.queues.push(queue_figures(worker, facts, side, port, counts, figures.kernel[side]));
        }
        self.frames.push(WorkerFrames {
            worker,
            frames: figures.frames,
            residual: figures.frames.residual(),
        });
        let waiting = figures.handover.waiting();
        self.handover.push(WorkerHandover { worker, counts: figures.handover, waiting });
        let totals = &mut self.totals;
        totals.rx_packets += sum.get(Counter::RxPackets);
        totals.rx_bytes += sum.get(Counter::RxBytes);
        totals.tx_packets += sum.get(Counter::TxPackets);
        totals.tx_bytes += sum.get(Counter::TxBytes);
        totals.dropped += sum.dropped() + sum.get(Counter::DropTxFull);
        totals.tapped += sum.get(Counter::Tapped);
        totals.pending += figures.pending;
        totals.injected += sum.get(Counter::Injected);
        totals.handed_over += figures.handover.handed_over;
        totals.in_handover += waiting;
        totals.would_drop += sum.get(Counter::WouldDrop);
        totals.kernel_lost += figures.kernel.iter().map(KernelCounts::lost).sum::<u64>();
        totals.gathered += figures.gathered;
        totals.alerts += figures.alerts;
        totals.residual += figures.residual();
    }
}

fn queue_figures(
    worker: usize,
    facts: &WorkerFacts,
    side: usize,
    port: &str,
    counts: &Counts,
    kernel: KernelCounts,
) -> QueueFigures {
    let get = |counter| counts.get(counter);
    QueueFigures {
        port: port.into(),
        queue: facts.queue,
        worker,
        core: facts.core,
        bind: facts.bind.get(side).copied().unwrap_or_default(),
        rx_packets: get(Counter::RxPackets),
        rx_bytes: get(Counter::RxBytes),
        tx_packets: get(Counter::TxPackets),
        tx_bytes: get(Counter::TxBytes),
        tapped: get(Counter::Tapped),
        injected: get(Counter::Injected),
        inject_failed: get(Counter::InjectFailed),
        drops: Drops::of(counts),
        would_drops: get(Counter::WouldDrop),
        kernel,
    }
}

/// The line a terminal shows each second: rates per queue (both ports together) since `earlier`, and what is
/// lost.
pub fn live_line(earlier: &Snapshot, current: &Snapshot, span: Duration) -> String {
    let seconds = span.as_secs_f64().max(1e-3);
    let mut line = String::new();
    let mut workers: Vec<usize> = current.queues.iter().map(|q| q.worker).collect();
    workers.dedup();
    let mut bits = 0;
    for worker in workers {
        let sum = |snapshot: &Snapshot, of: fn(&QueueFigures) -> u64| {
            snapshot.queues.iter().filter(|q| q.worker == worker).map(of).sum::<u64>()
        };
        let since = |of| sum(current, of).saturating_sub(sum(earlier, of));
        let rate = |of| per_second(since(of), seconds);
        let queue = current.queues.iter().find(|q| q.worker == worker).map_or(0, |q| q.queue);
        bits += 8 * since(|q| q.rx_bytes);
        let lost = sum(current, |q| q.kernel.lost());
        line += &format!(
            "q{queue} rx {} tx {} drop {} lost {lost} | ",
            rate(|q| q.rx_packets),
            rate(|q| q.tx_packets),
            rate(|q| q.drops.packets()),
        );
    }
    let totals = &current.totals;
    line + &format!(
        "{:.2} Gbit/s, {} alerts{}",
        bits as f64 / seconds / 1e9,
        totals.alerts,
        if totals.residual == 0 { String::new() } else { format!(", RESIDUAL {}", totals.residual) }
    )
}

fn per_second(n: u64, seconds: f64) -> String {
    let rate = n as f64 / seconds;
    match rate {
        1e6.. => format!("{:.2}M", rate / 1e6),
        1e3.. => format!("{:.1}k", rate / 1e3),
        _ => format!("{rate:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::verdict::DropReason;

    fn workers() -> Vec<(WorkerFacts, Arc<Published>)> {
        let facts = WorkerFacts {
            queue: 3,
            core: 1,
            ports: vec!["a".into(), "b".into()],
            bind: vec!["copy", "copy"],
        };
        vec![(facts, Arc::new(Published::default()))]
    }

    #[test]
    fn sums_ports_and_finds_what_is_missing() {
        let workers = workers();
        let mut figures = Figures { alerts: 2, pending: 1, ..Figures::default() };
        figures.sides[0].set(Counter::RxPackets, 10);
        figures.sides[0].set(Counter::Drop(DropReason::Rule), 2);
        figures.sides[1].set(Counter::TxPackets, 6);
        figures.sides[1].set(Counter::DropTxFull, 1);
        figures.kernel[1].rx_ring_full = 4;
        workers[0].1.store(&figures);
        let snapshot = Snapshot::take(&workers, Vec::new(), RuleFigures::default(), 5);
        let totals = snapshot.totals;
        assert_eq!((totals.rx_packets, totals.tx_packets, totals.dropped), (10, 6, 3));
        assert_eq!((totals.kernel_lost, totals.alerts, totals.events_lost), (4, 2, 5));
        assert_eq!(totals.residual, 0);
        assert_eq!(snapshot.queues.len(), 2);
        assert_eq!(snapshot.queues[1].drops.packets(), 1);
    }

    #[test]
    fn shows_rates_of_the_last_second() {
        let workers = workers();
        let mut figures = Figures::default();
        figures.sides[0].set(Counter::RxPackets, 1000);
        workers[0].1.store(&figures);
        let earlier = Snapshot::take(&workers, Vec::new(), RuleFigures::default(), 0);
        figures.sides[0].set(Counter::RxPackets, 2_501_000);
        figures.sides[0].set(Counter::RxBytes, 250_000_000);
        figures.sides[1].set(Counter::TxPackets, 2_501_000);
        workers[0].1.store(&figures);
        let current = Snapshot::take(&workers, Vec::new(), RuleFigures::default(), 0);
        let line = live_line(&earlier, &current, Duration::from_secs(1));
        assert_eq!(line, "q3 rx 2.50M tx 2.50M drop 0 lost 0 | 2.00 Gbit/s, 0 alerts");
    }

    #[test]
    fn the_json_keeps_its_contract() {
        let ports = vec![XdpPort { port: "a".into(), xdp: vec![] }];
        let snapshot = Snapshot::take(&workers(), ports, RuleFigures::default(), 0);
        let value = serde_json::to_value(&snapshot).unwrap();
        for path in [
            "/queues/0/drops/rule",
            "/queues/0/drops/handover",
            "/queues/0/drops/tx_full",
            "/queues/0/drops/invalid",
            "/queues/0/kernel/rx_ring_full",
            "/ports/0/port",
            "/frames/0/total",
            "/frames/0/residual",
            "/totals/residual",
            "/totals/would_drop",
            "/handover/0/handed_over",
            "/handover/0/waiting",
            "/rules/loaded",
            "/rules/failed",
            "/rules/generation",
            "/rules/last_reload",
            "/rules/reloads",
            "/rules/reloads_refused",
        ] {
            assert!(value.pointer(path).is_some(), "{path}");
        }
    }
}
