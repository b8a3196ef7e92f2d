//! What goes wrong on real drivers, and what must hold afterwards.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use fastpath_lab::{
    Host, PORT_IN, PORT_OUT, PacketSocket, QueueStats, SERVER_IP, Signal, Stats, UdpEcho, udp_flows,
    udp_frame,
};

use crate::{
    cases::FLOWS,
    wire::{SOON, Wire, sum},
};

pub(crate) fn link_flap(wire: &Wire) -> anyhow::Result<()> {
    let changes = || sum(&wire.lab.inspector, "carrier_changes");
    wire.settle(SOON)?;
    let before = changes()?;
    wire.run(&wire.bridge()?.args(["--mode", wire.mode.get()]), || {
        let flaps = changes()? - before;
        ensure!(flaps >= 2, "the links did not go down and up: this would show nothing");
        let echo = UdpEcho::start(&wire.lab.server, SocketAddr::from((SERVER_IP, 0)))?;
        let answered = udp_flows(&wire.lab.client, echo.address(), 16, &[b'f'; 1000], SOON)?;
        ensure!(answered == 16, "{answered} of 16 flows answered after {flaps} changes of carrier");
        Ok(())
    })?;
    Ok(())
}

pub(crate) fn kill_and_restart(wire: &Wire) -> anyhow::Result<()> {
    let command = wire.bridge()?.args(["--mode", wire.mode.get()]);
    let killed = wire.start(&command)?;
    ensure!(wire.reaches()?, "no ping crosses");
    let ended = killed.stop(Signal::SIGKILL)?;
    ensure!(!ended.status.success());
    wire.nothing_left()?;
    wire.run(&command, || {
        ensure!(wire.reaches()?, "no ping crosses after the restart");
        Ok(())
    })?;
    for port in [PORT_IN, PORT_OUT] {
        ensure!(
            wire.strips(port)?,
            "{port}: stripping was not put back to what it was before the killed run"
        );
    }
    Ok(())
}

/// Frames of each flow in a flood: with 64 flows more than 256 entries of fill ring, rx ring and NIC can hold.
const FLOOD: u16 = 96;

/// While the process is stopped, more comes than its rings and the NIC's hold, on every queue of both ports. Once it goes
/// on, so does the traffic, and every frame that was received is accounted for.
pub(crate) fn overload(wire: &Wire) -> anyhow::Result<()> {
    let rings = ["--mode", wire.mode.get(), "--rx-ring", "256", "--tx-ring", "256"];
    let fastpath = wire.start(&wire.bridge()?.args(rings))?;
    ensure!(wire.reaches()?, "no ping crosses");
    let before = dry(&fastpath.wait_stats(SOON, |stats| stats.totals.rx_packets > 0)?);
    fastpath.process.signal(Signal::SIGSTOP)?;
    let flooded = flood(wire);
    fastpath.process.signal(Signal::SIGCONT)?;
    flooded?;
    let after =
        fastpath.wait_stats(SOON, |stats| dry(stats).iter().zip(&before).all(|(now, then)| now > then));
    let after = after.context("not every fill ring ran dry: this would show nothing")?;
    let echo = UdpEcho::start(&wire.lab.server, SocketAddr::from((SERVER_IP, 0)))?;
    ensure!(wire.reaches()?, "no ping crosses after the overload");
    let answered = udp_flows(&wire.lab.client, echo.address(), FLOWS.into(), &[b'o'; 1000], SOON)?;
    ensure!(answered == usize::from(FLOWS), "{answered} of {FLOWS} flows answered after the overload");
    let (_, stats) = wire.stop(fastpath)?;
    let idle = stats.queues.iter().zip(&after.queues).find(|(last, then)| last.rx_packets <= then.rx_packets);
    ensure!(idle.is_none(), "a queue received nothing after the overload: {idle:?}");
    println!(
        "          {} sent into the stopped process, {} received in all; fill rings found empty {} times",
        2 * FLOWS * FLOOD,
        stats.totals.rx_packets,
        dry(&stats).iter().sum::<u64>(),
    );
    Ok(())
}

/// How often each queue's fill ring was found empty.
fn dry(stats: &Stats) -> Vec<u64> {
    let times = |queue: &QueueStats| queue.kernel.get("rx_fill_ring_empty_descs").copied().unwrap_or(0);
    stats.queues.iter().map(times).collect()
}

/// Sends from both hosts, to a port where nobody listens.
fn flood(wire: &Wire) -> anyhow::Result<()> {
    for host in [Host::Client, Host::Server] {
        let socket = PacketSocket::open(wire.lab.host(host), "eth0")?;
        let frames = (0..FLOWS).map(|flow| udp_frame(host, (7000 + flow, 9), &[b'w'; 60]));
        let frames = frames.collect::<Result<Vec<_>, _>>()?;
        for _ in 0..FLOOD {
            frames.iter().try_for_each(|frame| socket.send(frame))?;
        }
    }
    Ok(())
}

/// igb of 6.14 to 7.1 with at most four queues has interrupts of their own for both directions, and its wake-up kicks only
/// the sending one: a fill ring that was empty at the bind is never looked at. That must stay the driver's trouble.
pub(crate) fn stall(wire: &Wire) -> anyhow::Result<()> {
    let mut carried = false;
    let (ended, stats) = wire.run(&wire.bridge()?.args(["--mode", "zerocopy"]), || {
        carried = wire.crosses(Duration::from_secs(3))?;
        Ok(())
    })?;
    let told =
        ended.stderr.lines().filter(|line| line.contains("known-defects") && line.contains("--mode copy"));
    ensure!(told.count() == 1, "not told once of the defect: {}", ended.stderr);
    let verdict = if carried { "frames pass" } else { "known defect: the driver receives nothing" };
    println!(
        "          zero-copy over {} queues: {verdict} ({} received)",
        wire.queues.get(),
        stats.totals.rx_packets
    );
    Ok(())
}
