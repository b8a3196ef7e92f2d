//! What the demo tells: steps as they happen, and the table at the end.

use std::collections::BTreeMap;

use fastpath_lab::{Ended, PORT_IN, PORT_OUT, Stats};

/// Prints steps and remembers whether all went as told.
#[derive(Default)]
pub(crate) struct Report {
    failures: usize,
}

impl Report {
    /// One thing that should have happened.
    pub(crate) fn step(&mut self, happened: bool, what: &str) {
        let mark = if happened { "ok" } else { "FAILED" };
        println!("  [{mark:^6}] {what}");
        self.failures += usize::from(!happened);
    }

    /// Whether everything happened.
    pub(crate) fn all_happened(&self) -> bool {
        self.failures == 0
    }

    /// The table, and the promises that its figures must keep.
    pub(crate) fn table(&mut self, ended: &Ended, stats: &Stats) {
        let totals = &stats.totals;
        println!("\nWhat fastpath saw\n");
        row("received", totals.rx_packets, &format!("packets, {}", megabytes(totals.rx_bytes)));
        row("went through", totals.tx_packets, &format!("packets, {}", megabytes(totals.tx_bytes)));
        row("dropped", totals.dropped, "packets:");
        for (reason, count) in stats.drop_reasons() {
            println!("{:26}{count:>7}  {reason}", "");
        }
        println!(
            "\n  by these rules (what comes later in a flow whose data a rule has dropped is `flow_drop`):"
        );
        for (action, (signature, count)) in alerts(ended, "blocked") {
            row("", count, &format!("sid {action}  {signature}"));
        }
        row(
            "alerts",
            alerts(ended, "allowed").values().map(|a| a.1).sum(),
            "packets that went through and were reported:",
        );
        for (sid, (signature, count)) in alerts(ended, "allowed") {
            row("", count, &format!("sid {sid}  {signature}"));
        }
        println!("\n  {:<14}{:>10}{:>10}{:>10}{:>10}", "per queue", 0, 1, 2, 3);
        for port in [PORT_IN, PORT_OUT] {
            print!("  {port:<14}");
            for queue in 0..4 {
                print!("{:>10}", stats.queue(port, queue).map_or(0, |q| q.rx_packets));
            }
            println!("  packets received");
        }
        println!();
        let lost = lost_in_rings(stats);
        row("lost", lost, "packets, in the kernel's rings");
        row(
            "unaccounted",
            totals.residual.unsigned_abs(),
            "packets and buffers: every one is accounted for\n",
        );

        self.step(
            stats.last && stats.imbalance().is_none(),
            "received = went through + dropped, and no buffer missing",
        );
        let used = |port| (0..4).all(|queue| stats.queue(port, queue).is_some_and(|q| q.rx_packets > 0));
        self.step(used(PORT_IN) && used(PORT_OUT), "all four queues of both ports were used");
        self.step(lost == 0, "nothing was lost");
        self.step(
            stats.drops("rule") > 0 && stats.drops("rule") + stats.drops("flow_drop") == totals.dropped,
            "only rules dropped anything, and what came later in those flows",
        );
        for (sid, action) in [(1_000_001, "blocked"), (1_000_002, "blocked"), (1_000_003, "allowed")] {
            self.step(
                alerts(ended, action).contains_key(&sid),
                &format!("eve.json has sid {sid} as {action}"),
            );
        }
    }
}

fn row(name: &str, count: u64, what: &str) {
    println!("  {name:<14}{count:>10}  {what}");
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

/// Signature and number of the alerts with this action, by rule.
fn alerts(ended: &Ended, action: &str) -> BTreeMap<u64, (String, u64)> {
    let mut alerts = BTreeMap::new();
    for alert in ended.events.iter().map(|event| &event["alert"]).filter(|alert| alert["action"] == action) {
        if let (Some(sid), Some(signature)) = (alert["signature_id"].as_u64(), alert["signature"].as_str()) {
            alerts.entry(sid).or_insert((signature.to_owned(), 0)).1 += 1;
        }
    }
    alerts
}

/// Frames that the kernel received for a socket and could not hand over.
fn lost_in_rings(stats: &Stats) -> u64 {
    let lost = ["rx_dropped", "rx_ring_full"];
    stats.queues.iter().flat_map(|q| lost.iter().filter_map(|name| q.kernel.get(*name))).sum()
}
