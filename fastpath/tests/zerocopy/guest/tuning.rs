//! tuning/check, apply and restore on a real driver: what they say they change is changed, fastpath runs over it, and what
//! the port was before comes back byte for byte.

use std::{os::unix::process::CommandExt as _, process::Command};

use anyhow::{Context, bail, ensure};
use fastpath_lab::{PORT_IN, PORT_OUT, Process, built_beside, wait_until};

use crate::{
    cases,
    wire::{SOON, Wire},
};

/// Two of the four queues, so that the queue count and the table of RSS change.
const QUEUES: u32 = 2;
const TUNE: &[&str] = &["--interface", PORT_IN, "--peer", PORT_OUT, "--queues", "0-1", "--cores", "2-3"];
/// apply has well over this many changes to make. Some of them take the emulated card a second.
const MANY: usize = 15;

/// Every value of the ports and the machine that the scripts may touch, as a shell prints it. What is not there is left out.
const VALUES: &str = r#"
for port in in0 out0 eth0; do
    [ -e /sys/class/net/$port ] || continue
    for option in l g x c a k n; do echo "== ethtool -$option $port"; ethtool -$option $port 2>&1 || true; done
    for flow in tcp4 udp4 tcp6 udp6; do ethtool -n $port rx-flow-hash $flow 2>&1 || true; done
    for file in /sys/class/net/$port/gro_flush_timeout /sys/class/net/$port/napi_defer_hard_irqs \
        /sys/class/net/$port/threaded /sys/class/net/$port/queues/*/*ps_*; do
        [ ! -e $file ] || echo "$file $(cat $file 2>&1)"
    done
    # By name: a driver that makes its interrupts anew gets other numbers.
    awk -v port=$port '$NF ~ "^" port { sub(":", "", $1); print $NF, $1 }' /proc/interrupts | sort | while read -r name number; do
        echo "interrupt $name $(cat /proc/irq/$number/smp_affinity_list)"
    done
done
for file in /sys/devices/system/node/node*/hugepages/*/nr_hugepages /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor \
    /sys/devices/system/cpu/cpu*/cpuidle/state*/disable /proc/sys/net/core/bpf_jit_enable /proc/sys/net/core/busy_*; do
    [ ! -e $file ] || echo "$file $(cat $file)"
done
"#;

pub(crate) fn throughput(wire: &Wire) -> anyhow::Result<()> {
    tuned(
        wire,
        &["--profile", "throughput", "--steer", "ether proto 0x88b5 action 1"],
        QUEUES,
        &[
            "changed       in0 channels count: combined 4 -> combined 2 (",
            "changed       out0 rings size: rx 256 tx 256 -> rx 4096 tx 4096 (",
            "changed       in0 offload rxvlan: on -> off (",
            "changed       in0 napi gro_flush_timeout: 0 -> 200000 (",
            "changed       out0 coalesce rx-usecs: 3 -> 50 (",
            // The wire has those of IPv4 so already.
            "changed       in0 flowhash udp6: sd -> sdfn (",
            // An 82576 has no filters (igb has them from the I350 on): said, and no failure.
            "not there     in0 ntuple rule ether proto 0x88b5 action 1: not supported by the driver",
            // fastpath's own doctor was asked.
            "changed       host hugepages node0: 0 -> 60 (30 for each worker, as fastpath doctor says",
        ],
    )
    .map(drop)
}

pub(crate) fn latency(wire: &Wire) -> anyhow::Result<()> {
    tuned(
        wire,
        &["--profile", "latency"],
        QUEUES,
        &[
            "changed       in0 rings size: rx 256 tx 256 -> rx 1024 tx 1024 (",
            "changed       in0 coalesce rx-usecs: 3 -> 10 (",
            "changed       out0 napi gro_flush_timeout: 0 -> 20000 (",
        ],
    )
    .map(drop)
}

/// Queues that do not begin at 0: no table of the driver's own has them only, so `-X` must write one.
pub(crate) fn table(wire: &Wire) -> anyhow::Result<()> {
    let before = values(wire)?;
    let arguments = ["--interface", PORT_IN, "--queues", "1-2", "--cores", "2-3"];
    let said = tune(wire, "apply", &arguments)?;
    let reached = wire.lab.inspector.shell(&format!(
        "ethtool -x {PORT_IN} | awk '/^ *[0-9]+:/ {{ for (i = 2; i <= NF; i++) print $i }}' | sort -u | xargs"
    ));
    let checked = tune(wire, "check", &arguments);
    put_back(wire, &before)?;
    checked?;
    let reached = reached?;
    ensure!(reached.trim() == "1 2", "RSS reaches the queues {reached}\n{said}");
    ensure!(said.contains("changed       in0 rss table: "), "{said}");
    wire.settle(SOON)
}

/// The queue count, and all that belongs to the whole port, stays the host's.
pub(crate) fn shared_host(wire: &Wire) -> anyhow::Result<()> {
    let (before, after) = tuned(wire, &["--profile", "shared-host"], wire.queues.get(), &[])?;
    let changed: Vec<_> =
        after.lines().filter(|line| !before.lines().any(|earlier| earlier == *line)).collect();
    println!("          {changed:?}");
    for line in &changed {
        let ours = ["rx-0", "rx-1", "tx-0", "tx-1"];
        ensure!(ours.iter().any(|name| line.contains(name)), "not of the chosen queues: {line}");
    }
    ensure!(!changed.is_empty(), "nothing was changed");
    Ok(())
}

/// The machine's sysctls, which only the first network namespace has: over the loopback there.
pub(crate) fn sysctls(_: &Wire) -> anyhow::Result<()> {
    let values = || -> anyhow::Result<String> {
        let script =
            "cd /proc/sys/net/core && grep -H '' bpf_jit_enable busy_poll busy_read && ethtool -k lo";
        Ok(String::from_utf8(Command::new("sh").args(["-ec", script]).output()?.stdout)?)
    };
    let before = values()?;
    let arguments = ["--interface", "lo", "--queues", "0", "--cores", "2", "--profile", "latency"];
    let said = run(Command::new(script("apply")?).args(arguments))?;
    let after = values()?;
    let said_restoring = run(&mut Command::new(script("restore")?))?;
    for line in ["bpf_jit_enable:1\n", "busy_poll:50\n", "busy_read:50\n"] {
        ensure!(after.contains(line), "no {line:?} in {after}\n{said}");
    }
    ensure!(!before.contains("busy_poll:50"), "it was so before: this shows nothing");
    ensure!(values()? == before, "not as it was: {before}\n{said_restoring}");
    Ok(())
}

/// Killed after the first change and in the middle of them. Whatever is half done comes back.
pub(crate) fn killed(wire: &Wire) -> anyhow::Result<()> {
    let before = values(wire)?;
    for changes in [1, MANY] {
        let mut command = wire.lab.inspector.command(script("apply")?);
        command.args(TUNE).env("FASTPATH", built_beside()?).process_group(0);
        let mut apply = Process::spawn(&mut command)?;
        let changed = || apply.stdout().lines().filter(|line| line.starts_with("changed")).count();
        ensure!(wait_until(4 * SOON, || changed() >= changes), "{}{}", apply.stdout(), apply.stderr());
        // With all that it has started: the group has its number.
        wire.lab.inspector.shell(&format!("kill -9 -{}", apply.pid()))?;
        let status = apply.wait(SOON)?;
        let said = apply.stdout();
        ensure!(!status.success() && !said.contains(" as wanted, "), "apply had come to its end: {said}");
        println!("          killed after {} changes", said.matches("\nchanged").count() + 1);
        ensure!(values(wire)? != before, "nothing had been changed");
        put_back(wire, &before)?;
    }
    wire.settle(SOON)
}

/// Applies with `options`, looks for `words`, carries traffic over `queues`, and restores; the values before and with it.
fn tuned(wire: &Wire, options: &[&str], queues: u32, words: &[&str]) -> anyhow::Result<(String, String)> {
    let before = values(wire)?;
    let arguments = [TUNE, options].concat();
    let said = tune(wire, "apply", &arguments)?;
    println!("          {}", said.lines().last().unwrap_or_default());
    let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
    if !missing.is_empty() {
        put_back(wire, &before)?;
        bail!("{missing:?} is not in what apply said:\n{said}");
    }
    for line in said.lines().filter(|line| line.starts_with("not there")) {
        println!("          {line}");
    }
    let after = values(wire)?;
    let earlier = wire.queues.replace(queues);
    // Read back from the driver: nothing differs.
    let carried =
        tune(wire, "check", &arguments).and_then(|_| wire.settle(SOON)).and_then(|()| cases::bridge(wire));
    wire.queues.set(earlier);
    let restored = put_back(wire, &before);
    carried.and(restored)?;
    wire.settle(SOON)?;
    Ok((before, after))
}

/// Restores, and compares with `before`.
fn put_back(wire: &Wire, before: &str) -> anyhow::Result<()> {
    let said = tune(wire, "restore", &[])?;
    let after = values(wire)?;
    let differing: Vec<_> =
        before.lines().zip(after.lines()).filter(|(earlier, later)| earlier != later).take(8).collect();
    ensure!(before == after, "not as it was: {differing:?}\n{said}");
    Ok(())
}

fn values(wire: &Wire) -> anyhow::Result<String> {
    Ok(wire.lab.inspector.shell(VALUES)?)
}

fn script(name: &str) -> anyhow::Result<std::path::PathBuf> {
    Ok(built_beside()?.parent().context("fastpath lies in no folder")?.join("tuning").join(name))
}

/// Runs a script in the inspector.
fn tune(wire: &Wire, name: &str, arguments: &[&str]) -> anyhow::Result<String> {
    run(wire.lab.inspector.command(script(name)?).args(arguments))
}

/// Runs a script to its end, which must be a success; what it said.
fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.env("FASTPATH", built_beside()?).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}\n{said}{complained}", output.status);
    Ok(said)
}
