//! Starts that a real driver makes impossible: one clear message, nothing left behind.

use anyhow::ensure;
use fastpath_lab::{FastpathCommand, Namespace, PORT_IN, PORT_OUT, built_beside};

use crate::wire::{SOON, Wire};

pub(crate) fn queue_out_of_range(wire: &Wire) -> anyhow::Result<()> {
    refused(
        wire,
        &wire.lab.inspector,
        &["--interface", PORT_IN, "--peer", PORT_OUT, "--queues", "0-4"],
        &[PORT_IN, "4", "ethtool -L"],
    )
}

pub(crate) fn uncovered_queue(wire: &Wire) -> anyhow::Result<()> {
    refused(
        wire,
        &wire.lab.inspector,
        &["--interface", PORT_IN, "--peer", PORT_OUT, "--queues", "0-2"],
        &["queue 3", "--allow-uncovered"],
    )
}

/// virtio-net of the host, which has no IOMMU and so no zero-copy.
pub(crate) fn no_zero_copy(wire: &Wire) -> anyhow::Result<()> {
    refused(
        wire,
        &wire.lab.client,
        &["--interface", "eth0", "--queues", "0", "--mode", "zerocopy"],
        &["zero-copy", "--mode"],
    )
}

/// A port of a driver that has none.
pub(crate) fn no_zero_copy_port(wire: &Wire) -> anyhow::Result<()> {
    refused(
        wire,
        &wire.lab.inspector,
        &["--interface", PORT_IN, "--queues", "0-3", "--mode", "zerocopy"],
        &["zero-copy", "--mode"],
    )
}

pub(crate) fn jumbo(wire: &Wire) -> anyhow::Result<()> {
    let mtu = |bytes: u32| -> anyhow::Result<()> {
        for port in [PORT_IN, PORT_OUT] {
            wire.lab.inspector.ip(&format!("link set {port} mtu {bytes}"))?;
        }
        Ok(())
    };
    mtu(9000)?;
    let result = refused(
        wire,
        &wire.lab.inspector,
        &["--interface", PORT_IN, "--peer", PORT_OUT, "--queues", "0-3"],
        &["MTU"],
    );
    mtu(1500)?;
    result
}

/// A start with `arguments` fails in order and says all of `words`.
fn refused(wire: &Wire, namespace: &Namespace, arguments: &[&str], words: &[&str]) -> anyhow::Result<()> {
    let ended = FastpathCommand::new(namespace, built_beside()?).args(arguments).spawn()?.wait(SOON)?;
    let message = ended.stderr.lines().skip_while(|line| !line.starts_with("error: "));
    let message = message.collect::<Vec<_>>().join(" ");
    println!("          {}", message.chars().take(160).collect::<String>());
    ensure!(ended.status.code() == Some(1), "{}: {}", ended.status, ended.stderr);
    for word in words {
        ensure!(message.contains(word), "`{word}` is not in the message: {message}");
    }
    wire.nothing_left()
}
