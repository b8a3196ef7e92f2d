//! What every case has in common: start, stop, and the promises that hold for each run.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use fastpath_lab::{
    CLIENT_MAC, Ended, Fastpath, FastpathCommand, Lab, Namespace, PORT_IN, PORT_IN_MAC, PORT_OUT,
    PORT_OUT_MAC, SERVER_IP, SERVER_MAC, Signal, Stats, built_beside, ping, wait_until,
};

/// Long enough for anything that does happen in an emulated machine on a busy one.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// Long enough to believe that something does not happen.
pub(crate) const BRIEFLY: Duration = Duration::from_millis(500);
/// igb takes its link down about a second after an XDP program came or went, for half a second.
const STEADY: Duration = Duration::from_secs(2);

/// The lab, and what is expected of its ports.
pub(crate) struct Wire {
    pub(crate) lab: Lab,
    pub(crate) queues: Cell<u32>,
    /// What every socket must say it is bound in.
    pub(crate) mode: Cell<&'static str>,
}

impl Wire {
    /// fastpath in the inspector, over all queues of `ports`.
    pub(crate) fn fastpath(&self, ports: &[&str]) -> anyhow::Result<FastpathCommand> {
        Ok(FastpathCommand::new(&self.lab.inspector, built_beside()?)
            .args(["--queues", &format!("0-{}", self.queues.get() - 1)])
            .args(ports))
    }

    /// fastpath as a bridge over all queues.
    pub(crate) fn bridge(&self) -> anyhow::Result<FastpathCommand> {
        self.fastpath(&["--interface", PORT_IN, "--peer", PORT_OUT])
    }

    /// Starts it, does `work`, and stops it, whatever came of the work; what [`Self::stop`] says.
    pub(crate) fn run(
        &self,
        command: &FastpathCommand,
        work: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<(Ended, Stats)> {
        let fastpath = self.start(command)?;
        let result = work();
        let stopped = self.stop(fastpath);
        match (result, &stopped) {
            (Ok(()), _) => stopped,
            (Err(error), Ok((_, stats))) => Err(error.context(format!("{:?}", stats.totals))),
            (Err(error), Err(after)) => Err(error.context(format!("and the stop: {after:#}"))),
        }
    }

    /// Starts it after making sure that nothing crosses without it, and waits for the link.
    pub(crate) fn start(&self, command: &FastpathCommand) -> anyhow::Result<Fastpath> {
        ensure!(!self.crosses(BRIEFLY)?, "something crosses without fastpath");
        let fastpath = command.start()?;
        self.settle(SOON)?;
        Ok(fastpath)
    }

    /// Stops it and checks all that holds for every run; its last figures.
    pub(crate) fn stop(&self, fastpath: Fastpath) -> anyhow::Result<(Ended, Stats)> {
        let ended = fastpath.stop(Signal::SIGTERM)?;
        ensure!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
        let stats = ended.stats.clone().with_context(|| format!("no figures: {}", ended.stderr))?;
        ensure!(stats.last, "no last line of figures: {}", ended.stderr);
        if let Some(imbalance) = stats.imbalance() {
            bail!("{imbalance}");
        }
        for queue in &stats.queues {
            ensure!(queue.bind == self.mode.get(), "not bound in {}: {queue:?}", self.mode.get());
        }
        self.nothing_left()?;
        ensure!(!self.crosses(BRIEFLY)?, "something crosses after fastpath has ended");
        Ok((ended, stats))
    }

    /// No XDP program and no promiscuity on either port.
    pub(crate) fn nothing_left(&self) -> anyhow::Result<()> {
        for port in [PORT_IN, PORT_OUT] {
            let link = self.lab.inspector.ip(&format!("-d link show {port}"))?;
            ensure!(!link.contains("prog/xdp") && link.contains("promiscuity 0"), "left behind: {link}");
        }
        Ok(())
    }

    /// A ping crosses the wire within [`SOON`]. The first ones may be lost: igb's link comes and goes at a start.
    pub(crate) fn reaches(&self) -> anyhow::Result<bool> {
        let begin = Instant::now();
        while begin.elapsed() < SOON {
            if self.crosses(Duration::from_secs(2))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether one ping crosses the wire.
    pub(crate) fn crosses(&self, limit: Duration) -> anyhow::Result<bool> {
        Ok(ping(&self.lab.client, SERVER_IP.into(), b"does the wire carry", limit)?)
    }

    /// Waits until both ports' links have been up for some time.
    pub(crate) fn settle(&self, limit: Duration) -> anyhow::Result<()> {
        let begin = Instant::now();
        let mut up_since = None;
        loop {
            // A port without carrier reads as 0.
            let script = format!("cat /sys/class/net/{PORT_IN}/carrier /sys/class/net/{PORT_OUT}/carrier");
            if self.lab.inspector.shell(&script)?.split_whitespace().eq(["1", "1"]) {
                if up_since.get_or_insert_with(Instant::now).elapsed() > STEADY {
                    return Ok(());
                }
            } else {
                up_since = None;
            }
            ensure!(begin.elapsed() < limit, "the links of the ports do not come up within {limit:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// UDP ports take part in RSS: igb hashes addresses only unless told.
    pub(crate) fn spread_udp(&self) -> anyhow::Result<()> {
        for port in [PORT_IN, PORT_OUT] {
            self.lab.inspector.run("ethtool", &["-N", port, "rx-flow-hash", "udp4", "sdfn"])?;
        }
        Ok(())
    }

    /// Whether the driver of `port` strips VLAN tags.
    pub(crate) fn strips(&self, port: &str) -> anyhow::Result<bool> {
        let features = self.lab.inspector.run("ethtool", &["-k", port])?;
        let line = features.lines().find_map(|line| line.trim().strip_prefix("rx-vlan-offload: "));
        Ok(line.context("ethtool -k says nothing of rx-vlan-offload")?.starts_with("on"))
    }
}

/// Waits for the drivers to find the four cards of the lab.
pub(crate) fn await_cards(limit: Duration) -> anyhow::Result<()> {
    let wanted = [CLIENT_MAC, SERVER_MAC, PORT_IN_MAC, PORT_OUT_MAC]
        .map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":"));
    let present = || {
        let Ok(entries) = std::fs::read_dir("/sys/class/net") else { return false };
        let cards = entries.flatten().map(|entry| entry.path().join("address"));
        let addresses: Vec<String> = cards.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        wanted.iter().all(|mac| addresses.iter().any(|address| address.trim() == mac))
    };
    ensure!(wait_until(limit, present), "not all four network cards are there after {limit:?}");
    Ok(())
}

/// Sum of a figure of sysfs over both ports.
pub(crate) fn sum(namespace: &Namespace, figure: &str) -> anyhow::Result<u64> {
    let script = format!("cat /sys/class/net/{PORT_IN}/{figure} /sys/class/net/{PORT_OUT}/{figure}");
    let text = namespace.shell(&script)?;
    text.split_whitespace().map(|word| Ok(word.parse::<u64>()?)).sum()
}
