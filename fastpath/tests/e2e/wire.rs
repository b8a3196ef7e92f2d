//! What every end-to-end test has in common: start, stop, and the promises that hold for each run.

use std::time::Duration;

use fastpath_lab::{
    Ended, Fastpath, FastpathCommand, Lab, Namespace, PORT_IN, PORT_OUT, SERVER_IP, Signal, Stats, ping,
};

/// Long enough for anything that does happen, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);
/// Long enough to believe that something does not happen.
pub(crate) const BRIEFLY: Duration = Duration::from_millis(300);
/// How long a stop may take.
const STOP: Duration = Duration::from_secs(2);

/// fastpath in the lab's inspector, without arguments.
pub(crate) fn fastpath(lab: &Lab) -> FastpathCommand {
    FastpathCommand::new(&lab.inspector, env!("CARGO_BIN_EXE_fastpath"))
}

/// fastpath as a bridge over all four queues.
pub(crate) fn bridge(lab: &Lab) -> FastpathCommand {
    fastpath(lab).args(["--interface", PORT_IN, "--peer", PORT_OUT, "--queues", "0-3"])
}

/// Whether a ping crosses the wire.
pub(crate) fn crosses(lab: &Lab, limit: Duration) -> bool {
    ping(&lab.client, SERVER_IP.into(), b"does the wire carry", limit).unwrap()
}

/// Starts a bridge after making sure that nothing crosses without it.
pub(crate) fn start(lab: &Lab, command: &FastpathCommand) -> Fastpath {
    assert!(!crosses(lab, BRIEFLY), "something crosses without fastpath");
    command.start().unwrap()
}

/// Stops a bridge by SIGTERM, checks all that holds for every run, and that nothing crosses any more.
pub(crate) fn stop(lab: &Lab, fastpath: Fastpath) -> Ended {
    let ended = end(lab, fastpath, Signal::SIGTERM);
    assert!(!crosses(lab, BRIEFLY), "something crosses after fastpath has ended");
    ended
}

/// Ends a run by `signal` and checks all that holds for every run: in time, in order, nothing lost, nothing
/// left behind.
pub(crate) fn end(lab: &Lab, fastpath: Fastpath, signal: Signal) -> Ended {
    let ended = fastpath.stop(signal).unwrap();
    assert!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    assert!(ended.took < STOP, "took {:?} to stop: {}", ended.took, ended.stderr);
    let stats = stats(&ended);
    assert!(stats.last, "no last line of figures: {}", ended.stderr);
    assert_eq!(stats.imbalance(), None);
    assert_nothing_left(lab);
    ended
}

/// The last figures of a run.
pub(crate) fn stats(ended: &Ended) -> &Stats {
    ended.stats.as_ref().unwrap_or_else(|| panic!("no figures; stderr: {}", ended.stderr))
}

/// No XDP program and no promiscuity on either port.
pub(crate) fn assert_nothing_left(lab: &Lab) {
    for port in [PORT_IN, PORT_OUT] {
        assert_eq!(xdp_program(&lab.inspector, port), None, "an XDP program is left on {port}");
        assert_eq!(promiscuity(&lab.inspector, port), 0, "{port} is left promiscuous");
    }
}

/// Id of the XDP program on a port.
pub(crate) fn xdp_program(namespace: &Namespace, port: &str) -> Option<u64> {
    link(namespace, port)["xdp"]["prog"]["id"].as_u64()
}

/// Where the XDP program of a port runs: 1 in the driver, 2 in the generic hook (XDP_ATTACHED_* of linux/if_link.h).
pub(crate) fn xdp_mode(namespace: &Namespace, port: &str) -> Option<u64> {
    link(namespace, port)["xdp"]["mode"].as_u64()
}

/// How many ask for a port's promiscuity.
pub(crate) fn promiscuity(namespace: &Namespace, port: &str) -> u64 {
    link(namespace, port)["promiscuity"].as_u64().unwrap()
}

fn link(namespace: &Namespace, port: &str) -> serde_json::Value {
    let text = namespace.ip(&format!("-d -j link show {port}")).unwrap();
    let links: serde_json::Value = serde_json::from_str(&text).unwrap();
    links[0].clone()
}

/// Both directions went through AF_XDP sockets.
pub(crate) fn assert_both_ports_received(stats: &Stats) {
    for port in [PORT_IN, PORT_OUT] {
        let received: u64 = stats.queues.iter().filter(|q| q.port == port).map(|q| q.rx_packets).sum();
        assert!(received > 0, "nothing came through the sockets of {port}: {stats:?}");
        assert!(stats.xdp(port, |x| x.redirected) >= received, "redirected less than received: {stats:?}");
        assert_eq!(stats.xdp(port, |x| x.not_chosen), 0, "{stats:?}");
    }
}

/// Every one of `queues` of a port received through its own AF_XDP socket.
pub(crate) fn assert_queues_received(stats: &Stats, port: &str, queues: impl IntoIterator<Item = u32>) {
    for queue in queues {
        let figures = stats.queue(port, queue).unwrap_or_else(|| panic!("no queue {queue} of {port}"));
        assert!(figures.rx_packets > 0, "queue {queue} of {port} received nothing: {stats:?}");
        assert_eq!(figures.bind, "copy", "a veth has no zero-copy");
    }
}
