//! One figure at a time, taken between the hosts of the lab.

use std::{
    net::UdpSocket,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Context;
use fastpath_lab::{Burst, CLIENT_IP, Host, Lab, PacketSocket, Process, SERVER_IP, udp_frame, wait_until};

/// UDP port of the small packets.
const PORT: u16 = 9;
/// Flows of the small packets, so that they spread over all queues, and packets per system call.
const FLOWS: u16 = 64;
/// TCP port of iperf3.
const IPERF_PORT: &str = "5201";

/// Packets per second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketRate {
    /// That the sender sent.
    pub(crate) offered: f64,
    /// That the server's port received.
    pub(crate) received: f64,
}

/// Sends smallest frames as fast as one core can for `span` and counts what reaches the server's port.
pub(crate) fn packet_rate(lab: &Lab, span: Duration) -> anyhow::Result<PacketRate> {
    // A socket nobody reads: without it the server would answer with ICMP.
    let sink = lab.server.enter(|| UdpSocket::bind((SERVER_IP, PORT)))??;
    let socket = PacketSocket::open(&lab.client, "eth0")?;
    let frames: Vec<Vec<u8>> = (0..FLOWS)
        .map(|flow| udp_frame(Host::Client, (10_000 + flow, PORT), &[0; 18]))
        .collect::<Result<_, _>>()?;
    let mut burst = Burst::new(frames.len());
    let mut flood = |span: Duration| -> anyhow::Result<(u64, f64)> {
        let (begin, mut sent) = (Instant::now(), 0);
        while begin.elapsed() < span {
            sent += socket.send_all(&frames, &mut burst)? as u64;
        }
        Ok((sent, begin.elapsed().as_secs_f64()))
    };
    flood(Duration::from_millis(300))?;
    let received = || lab.received(&lab.server, "eth0");
    settle(lab)?;
    let before = received()?;
    let (sent, seconds) = flood(span)?;
    settle(lab)?;
    let after = received()?;
    drop(sink);
    Ok(PacketRate { offered: sent as f64 / seconds, received: (after - before) as f64 / seconds })
}

/// Waits until nothing arrives any more.
fn settle(lab: &Lab) -> anyhow::Result<()> {
    let mut last = lab.received(&lab.server, "eth0")?;
    let pause = Duration::from_millis(50);
    loop {
        std::thread::sleep(pause);
        let now = lab.received(&lab.server, "eth0")?;
        if now == last {
            return Ok(());
        }
        last = now;
    }
}

/// An iperf3 server at the server.
pub(crate) fn iperf_server(lab: &Lab) -> anyhow::Result<Process> {
    let mut server = Process::spawn(lab.server.command("iperf3").args([
        "--server",
        "--forceflush",
        "--port",
        IPERF_PORT,
    ]))?;
    server.wait_for("`listening`", Duration::from_secs(10), |p| p.stdout().contains("listening"))?;
    Ok(server)
}

/// Gbit/s of TCP payload that the server received from the client over `streams` connections.
pub(crate) fn tcp_rate(lab: &Lab, streams: u32, span: Duration) -> anyhow::Result<f64> {
    let mut iperf: Command = lab.client.command("iperf3");
    iperf
        .args(["--client", &SERVER_IP.to_string(), "--bind", &CLIENT_IP.to_string(), "--port", IPERF_PORT])
        .args(["--json", "--omit", "1", "--connect-timeout", "5000"])
        .args(["--parallel", &streams.to_string(), "--time", &span.as_secs().max(1).to_string()]);
    let mut process = Process::spawn(&mut iperf)?;
    let status = process.wait(span + Duration::from_secs(20))?;
    let report: serde_json::Value = serde_json::from_str(&process.stdout()).context("iperf3's report")?;
    anyhow::ensure!(status.success(), "iperf3: {}", report["error"]);
    report["end"]["sum_received"]["bits_per_second"]
        .as_f64()
        .map(|bits| bits / 1e9)
        .with_context(|| format!("no rate in iperf3's report: {}", process.stdout()))
}

/// Waits until the client can reach the server's iperf3 through whatever joins them.
pub(crate) fn wait_for_wire(lab: &Lab) -> anyhow::Result<()> {
    let limit = Duration::from_secs(10);
    let up = wait_until(limit, || {
        matches!(
            fastpath_lab::ping(&lab.client, SERVER_IP.into(), b"up", Duration::from_millis(200)),
            Ok(true)
        )
    });
    anyhow::ensure!(up, "no ping crosses the wire within {limit:?}");
    Ok(())
}
