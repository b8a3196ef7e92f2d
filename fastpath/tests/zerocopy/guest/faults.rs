//! What goes wrong on real drivers, and what must hold afterwards.

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;
use fastpath_lab::{
    Burst, Host, PORT_IN, PORT_OUT, PacketSocket, SERVER_IP, Signal, UdpEcho, udp_flows, udp_frame,
};

use crate::wire::{BRIEFLY, SOON, Wire, sum};

pub(crate) fn link_flap(wire: &Wire) -> anyhow::Result<()> {
    let changes = || sum(&wire.lab.inspector, "carrier_changes");
    wire.settle(SOON)?;
    let before = changes()?;
    wire.run(&wire.bridge()?.args(["--mode", wire.mode]), || {
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
    let command = wire.bridge()?.args(["--mode", wire.mode]);
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

/// More at once than the fill ring holds. Afterwards igb of kernels 6.14 to 7.1 may receive no more until the next
/// bind (its wake-up kicks only the sending side); it must be told from a hang of ours.
pub(crate) fn overload(wire: &Wire) -> anyhow::Result<()> {
    let rings = ["--rx-ring", "64", "--tx-ring", "64"];
    let (_, stats) = wire.run(&wire.bridge()?.args(rings), || {
        let socket = PacketSocket::open(&wire.lab.client, "eth0")?;
        let frames: Vec<_> = (0..64)
            .map(|flow| udp_frame(Host::Client, (7000 + flow, 9), &[b'o'; 1400]))
            .collect::<Result<_, _>>()?;
        let mut burst = Burst::new(frames.len());
        for _ in 0..150 {
            // A full queue of the sender is part of it.
            let _ = socket.send_all(&frames, &mut burst);
        }
        std::thread::sleep(Duration::from_secs(1));
        let echo = UdpEcho::start(&wire.lab.server, SocketAddr::from((SERVER_IP, 0)))?;
        let answered = udp_flows(&wire.lab.client, echo.address(), 32, b"after the overload", BRIEFLY)?;
        println!(
            "          after the overload {answered} of 32 flows pass{}",
            if answered < 32 { ": the driver has stalled" } else { "" }
        );
        Ok(())
    })?;
    println!(
        "          {} received, {} sent, {} dropped",
        stats.totals.rx_packets, stats.totals.tx_packets, stats.totals.dropped
    );
    // The next bind heals it.
    wire.run(&wire.bridge()?, || {
        ensure!(wire.crosses(SOON)?, "no ping crosses after a restart");
        Ok(())
    })?;
    Ok(())
}
