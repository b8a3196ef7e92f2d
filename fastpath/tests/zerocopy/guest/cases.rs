//! Traffic over sockets in the mode that the driver has.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use fastpath_lab::{
    Capture, Ended, FastpathCommand, Host, HttpServer, PORT_IN, PORT_OUT, PacketSocket, SERVER_IP, UdpEcho,
    download, pattern_digest, tagged, udp_flows, udp_frame, wait_until,
};

use crate::wire::{BRIEFLY, SOON, Wire};

/// Enough flows to use every one of four queues: one is missed once in 25 million runs.
pub(crate) const FLOWS: u16 = 64;
/// Body of the TCP download, bytes.
const BODY: usize = 4 << 20;

/// As the operator starts it who asks for nothing.
pub(crate) fn bridge(wire: &Wire) -> anyhow::Result<()> {
    carry(wire, &wire.bridge()?).map(drop)
}

/// A driver that would grant zero-copy and receive nothing in it: whoever asks for nothing gets copy mode, and is told
/// so once.
pub(crate) fn auto_copy(wire: &Wire) -> anyhow::Result<()> {
    let mode = wire.mode.replace("copy");
    let result = carry(wire, &wire.bridge()?);
    wire.mode.set(mode);
    let ended = result?;
    let told: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("known-defects")).collect();
    let [line] = told.as_slice() else { bail!("told {} times: {}", told.len(), ended.stderr) };
    println!("          {line}");
    for word in ["igb of Linux", "wake-up", "takes copy mode", "--mode zerocopy"] {
        ensure!(line.contains(word), "`{word}` is not in: {line}");
    }
    Ok(())
}

/// As many queues as an igb has.
pub(crate) fn eight_queues(wire: &Wire) -> anyhow::Result<()> {
    for port in [PORT_IN, PORT_OUT] {
        wire.lab.inspector.run("ethtool", &["-L", port, "combined", "8"])?;
    }
    wire.queues.set(8);
    wire.settle(SOON)?;
    // Half a gigabyte of packet memory would be half the guest's.
    carry(wire, &wire.bridge()?.args(["--rx-ring", "512", "--tx-ring", "512"])).map(drop)
}

fn carry(wire: &Wire, command: &FastpathCommand) -> anyhow::Result<Ended> {
    let echo = UdpEcho::start(&wire.lab.server, SocketAddr::from((SERVER_IP, 0)))?;
    let server = HttpServer::start(&wire.lab.server, SocketAddr::from((SERVER_IP, 0)))?;
    let (ended, stats) = wire.run(command, || {
        ensure!(wire.reaches()?, "no ping crosses");
        let payload: Vec<u8> = (0..=u8::MAX).cycle().take(1400).collect();
        let answered = udp_flows(&wire.lab.client, echo.address(), FLOWS.into(), &payload, SOON)?;
        ensure!(answered == usize::from(FLOWS), "{answered} of {FLOWS} UDP flows answered");
        let body = download(&wire.lab.client, server.address(), BODY, "X-Lab: bulk", SOON)?;
        ensure!(
            (body.length, body.digest) == (BODY, pattern_digest(BODY)),
            "the download is not intact: {body:?}"
        );
        Ok(())
    })?;
    for queue in &stats.queues {
        println!(
            "          {} queue {}: {}, {} received, {} sent",
            queue.port, queue.queue, queue.bind, queue.rx_packets, queue.tx_packets
        );
    }
    ensure!(stats.queues.len() == 2 * wire.queues.get() as usize, "sockets: {:?}", stats.queues);
    let idle = stats.queues.iter().find(|queue| queue.rx_packets == 0);
    ensure!(idle.is_none(), "a queue received nothing: {idle:?}");
    // What RSS does with flows is not known of these cards, so each packet goes to its flow's owner.
    let totals = &stats.totals;
    println!("          {} of {} packets handed over", totals.handed_over, totals.rx_packets);
    ensure!(totals.handed_over > 0 && totals.in_handover == 0, "hand-over: {:?}", stats.handover);
    Ok(ended)
}

pub(crate) fn drop_rule(wire: &Wire) -> anyhow::Result<()> {
    let rules = r#"drop udp any any -> any any (msg:"no"; content:"forbidden"; sid:7; rev:1;)"#;
    let (ended, stats) = wire.run(&wire.bridge()?.args(["--mode", wire.mode.get()]).rules(rules), || {
        let capture = Capture::start(&wire.lab.server, "eth0", "udp")?;
        let socket = PacketSocket::open(&wire.lab.client, "eth0")?;
        let mut innocent = Vec::new();
        for flow in 0..FLOWS {
            socket.send(&udp_frame(
                Host::Client,
                (5000 + flow, 9),
                b"this is forbidden, and long enough",
            )?)?;
            let frame = udp_frame(Host::Client, (5000 + flow, 9), b"this one may pass, and is long enough")?;
            socket.send(&frame)?;
            innocent.push(frame);
        }
        arrived(capture, innocent)
    })?;
    ensure!(stats.drops("rule") == u64::from(FLOWS), "{} dropped by the rule", stats.drops("rule"));
    ensure!(ended.alert_sids() == [7; FLOWS as usize], "alerts: {:?}", ended.alert_sids());
    let blocked = ended.events.iter().filter(|event| event["alert"]["action"] == "blocked").count();
    ensure!(blocked == usize::from(FLOWS), "{blocked} events say blocked");
    Ok(())
}

pub(crate) fn vlan(wire: &Wire) -> anyhow::Result<()> {
    for port in [PORT_IN, PORT_OUT] {
        ensure!(
            wire.strips(port)?,
            "the driver does not strip on {port} beforehand: this would show nothing"
        );
    }
    wire.run(&wire.bridge()?.args(["--mode", wire.mode.get()]), || {
        for port in [PORT_IN, PORT_OUT] {
            ensure!(!wire.strips(port)?, "{port} still strips VLAN tags");
        }
        for (from, to) in [(Host::Client, Host::Server), (Host::Server, Host::Client)] {
            let capture = Capture::start(wire.lab.host(to), "eth0", "")?;
            let socket = PacketSocket::open(wire.lab.host(from), "eth0")?;
            let mut frames = Vec::new();
            for tags in [&[][..], &[7], &[7, 4001]] {
                for flow in 0..8 {
                    frames.push(tagged(udp_frame(from, (4000 + flow, 9), &[b'v'; 100])?, tags));
                }
            }
            frames.iter().try_for_each(|frame| socket.send(frame))?;
            arrived(capture, frames).with_context(|| format!("sent by the {from:?}"))?;
        }
        Ok(())
    })?;
    for port in [PORT_IN, PORT_OUT] {
        ensure!(wire.strips(port)?, "{port}: stripping was not put back");
    }
    Ok(())
}

pub(crate) fn hairpin(wire: &Wire) -> anyhow::Result<()> {
    let command = wire.fastpath(&["--interface", PORT_IN, "--swap-mac", "--mode", wire.mode.get()])?;
    let (_, stats) = wire.run(&command, || {
        let capture = Capture::start(&wire.lab.client, "eth0", "udp")?;
        let socket = PacketSocket::open(&wire.lab.client, "eth0")?;
        let mut expected = Vec::new();
        for flow in 0..FLOWS {
            let sent = udp_frame(Host::Client, (6000 + flow, 9), &[b'h'; 1400])?;
            socket.send(&sent)?;
            expected.push([&sent[6..12], &sent[..6], &sent[12..]].concat());
        }
        arrived(capture, expected)
    })?;
    for queue in &stats.queues {
        ensure!(queue.rx_packets > 0, "a queue received nothing: {queue:?}");
        ensure!(queue.rx_packets == queue.tx_packets, "not sent back on its own queue: {queue:?}");
    }
    Ok(())
}

/// Waits until `capture` has as many frames as `expected`, ends it, and compares: these and no others, byte for
/// byte, in any order.
fn arrived(capture: Capture, mut expected: Vec<Vec<u8>>) -> anyhow::Result<()> {
    wait_until(SOON, || capture.frames().len() >= expected.len());
    // One too many would come now.
    std::thread::sleep(BRIEFLY);
    let mut received = capture.finish()?;
    received.sort();
    expected.sort();
    ensure!(
        received == expected,
        "{} frames received that are not the {} expected",
        received.len(),
        expected.len()
    );
    Ok(())
}
