//! What goes wrong on real drivers, and what must hold afterwards.

use std::net::SocketAddr;

use anyhow::ensure;
use fastpath_lab::{PORT_IN, PORT_OUT, SERVER_IP, Signal, UdpEcho, udp_flows};

use crate::wire::{BRIEFLY, SOON, Wire, sum};

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
    ensure!(wire.crosses(SOON)?, "no ping crosses");
    let ended = killed.stop(Signal::SIGKILL)?;
    ensure!(!ended.status.success());
    wire.nothing_left()?;
    wire.run(&command, || {
        ensure!(wire.crosses(SOON)?, "no ping crosses after the restart");
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

/// igb of 6.14 to 7.1 with at most four queues has interrupts of their own for both directions, and its wake-up kicks only
/// the sending one: a fill ring that was empty at the bind is never looked at. That must stay the driver's trouble.
pub(crate) fn stall(wire: &Wire) -> anyhow::Result<()> {
    let mut carried = false;
    let (_, stats) = wire.run(&wire.bridge()?, || {
        carried = wire.crosses(BRIEFLY)?;
        Ok(())
    })?;
    let verdict = if carried { "frames pass" } else { "known defect: the driver receives nothing" };
    println!(
        "          zero-copy over {} queues: {verdict} ({} received)",
        wire.queues.get(),
        stats.totals.rx_packets
    );
    Ok(())
}
