//! `fastpath doctor --probe` on real drivers: what it says of them is held against what is known of the guest.

use anyhow::{Context, ensure};
use fastpath_lab::{PORT_IN, PORT_OUT, built_beside};
use serde_json::Value;

use crate::wire::{SOON, Wire};

pub(crate) fn igb(wire: &Wire) -> anyhow::Result<()> {
    let report = Report::of(wire, "igb")?;
    for port in [PORT_IN, PORT_OUT] {
        report.says(port, "af-xdp-socket", "ok", "bound to queue 0")?;
        report.says(port, "af-xdp-mode", "ok", "zero-copy, read back from queue 0")?;
        report.says(port, "known-defects", "ok", "none known of igb")?;
        // The key is the driver's secret, and the kernel's own is not to be read in a network namespace.
        report.says(port, "rss-symmetry", "unknown", "key")?;
        report.says(port, "link", "ok", "1000 Mbit/s")?;
    }
    Ok(())
}

pub(crate) fn igb_stall(wire: &Wire) -> anyhow::Result<()> {
    let report = Report::of(wire, "igb")?;
    for port in [PORT_IN, PORT_OUT] {
        report.says(port, "af-xdp-mode", "ok", "known-defects")?;
        report.says(port, "known-defects", "warn", "--mode auto takes copy mode")?;
    }
    Ok(())
}

pub(crate) fn igb_copy(wire: &Wire) -> anyhow::Result<()> {
    let report = Report::of(wire, "igb")?;
    for port in [PORT_IN, PORT_OUT] {
        report.says(port, "af-xdp-mode", "warn", "")?;
    }
    Ok(())
}

pub(crate) fn virtio(wire: &Wire) -> anyhow::Result<()> {
    let report = Report::of(wire, "virtio_net")?;
    for port in [PORT_IN, PORT_OUT] {
        report.says(port, "af-xdp-mode", "ok", "zero-copy, read back from queue 0")?;
        report.says(port, "known-defects", "ok", "none known of virtio_net")?;
        report.says(port, "rss-symmetry", "unknown", "")?;
    }
    Ok(())
}

/// What the doctor said.
struct Report {
    checks: Vec<Value>,
}

impl Report {
    /// Asks it, and looks at what holds for every guest: nothing fails, the facts are the guest's own, and the ports are
    /// left as they were.
    fn of(wire: &Wire, driver: &str) -> anyhow::Result<Self> {
        let last = wire.queues.get() - 1;
        let queues = format!("0-{last}");
        let output = wire
            .lab
            .inspector
            .command(built_beside()?)
            .args([
                "doctor",
                "--interface",
                PORT_IN,
                "--peer",
                PORT_OUT,
                "--queues",
                &queues,
                "--probe",
                "--json",
            ])
            .output()?;
        let words = String::from_utf8_lossy(&output.stderr);
        let json: Value =
            serde_json::from_slice(&output.stdout).with_context(|| format!("no JSON: {words}"))?;
        let checks = json["checks"].as_array().context("no checks")?.clone();
        let failed: Vec<_> = checks.iter().filter(|check| check["status"] == "fail").collect();
        ensure!(failed.is_empty() && output.status.success(), "{}: {failed:?} {words}", output.status);
        let report = Self { checks };
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let version = release.split('.').take(2).collect::<Vec<_>>().join(".");
        ensure!(report.finding(None, "kernel")?.contains(&version), "{:?}", report.check(None, "kernel"));
        let count = wire.queues.get();
        for port in [PORT_IN, PORT_OUT] {
            // A driver can be asked from Linux 6.3 on.
            report.says(port, "driver", if version == "6.1" { "unknown" } else { "ok" }, driver)?;
            report.says(port, "queues", "ok", &format!("of {count} rx and {count} tx queues"))?;
            report.says(port, "xdp-program", "ok", "none on the port")?;
            for name in ["pcie", "numa"] {
                let check = report.check(Some(port), name)?;
                let said = check["status"] == "unknown"
                    || check["finding"].as_str().is_some_and(|text| !text.is_empty());
                ensure!(said, "{check}");
            }
        }
        for name in ["af-xdp-mode", "rss-symmetry", "pcie", "numa", "known-defects"] {
            let check = report.check(Some(PORT_IN), name)?;
            println!("          {name}: {}, {}", check["status"], check["finding"]);
        }
        wire.nothing_left()?;
        wire.settle(SOON)?;
        Ok(report)
    }

    fn check(&self, port: Option<&str>, name: &str) -> anyhow::Result<&Value> {
        let is = |check: &&Value| check["name"] == name && check["port"].as_str() == port;
        self.checks.iter().find(is).with_context(|| format!("no check {name} of {port:?}"))
    }

    fn finding(&self, port: Option<&str>, name: &str) -> anyhow::Result<&str> {
        self.check(port, name)?["finding"].as_str().with_context(|| format!("{name} has no finding"))
    }

    /// The check ended so, and its finding has these words.
    fn says(&self, port: &str, name: &str, status: &str, words: &str) -> anyhow::Result<()> {
        let check = self.check(Some(port), name)?;
        let finding = self.finding(Some(port), name)?;
        ensure!(
            check["status"] == status && finding.contains(words),
            "expected {status}, `{words}`: {check}"
        );
        Ok(())
    }
}
