//! What goes wrong on a running wire.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use fastpath_lab::{
    Burst, Ended, Host, Lab, PORT_IN, PORT_OUT, PacketSocket, QueueStats, SERVER_IP, Signal, Stats, UdpEcho,
    udp_flows, udp_frame, wait_until,
};

use crate::wire::{
    BRIEFLY, SOON, assert_both_ports_received, assert_nothing_left, bridge, crosses, end, fastpath,
    promiscuity, start, stats, stop, xdp_mode, xdp_program,
};

#[test]
fn a_panicking_worker_ends_the_process_in_order() {
    let lab = Lab::new().unwrap();
    let running = start(&lab, &bridge(&lab).env("FASTPATH_FAULT", "panic:worker=1"));
    lab.steer(Host::Client, 0).unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let frame = udp_frame(Host::Client, (1, 2), b"the first packet of worker 1").unwrap();
    // The others carry on as long as worker 1 has nothing to do.
    let before = lab.received(&lab.server, "eth0").unwrap();
    socket.send(&frame).unwrap();
    assert!(wait_until(SOON, || lab.received(&lab.server, "eth0").unwrap() > before));
    lab.steer(Host::Client, 1).unwrap();
    socket.send(&frame).unwrap();
    let ended = running.wait(Duration::from_secs(5)).unwrap();
    assert_failed_in_order(&ended, &["worker 1", "panic"]);
    assert_nothing_left(&lab);
    let restarted = start(&lab, &bridge(&lab));
    assert!(crosses(&lab, SOON));
    stop(&lab, restarted);
}

#[test]
fn a_hanging_worker_does_not_hold_up_the_end() {
    let lab = Lab::new().unwrap();
    let running = start(&lab, &bridge(&lab).env("FASTPATH_FAULT", "hang:worker=1"));
    lab.steer(Host::Client, 1).unwrap();
    let frame = udp_frame(Host::Client, (1, 2), b"worker 1 never gets over this").unwrap();
    PacketSocket::open(&lab.client, "eth0").unwrap().send(&frame).unwrap();
    std::thread::sleep(BRIEFLY);
    let ended = running.stop(Signal::SIGTERM).unwrap();
    assert!(ended.took < Duration::from_secs(2), "took {:?}", ended.took);
    assert_failed_in_order(&ended, &["1 of the workers", "hung"]);
    assert_nothing_left(&lab);
}

#[test]
fn a_worker_that_panics_before_it_has_sockets_ends_the_start() {
    let lab = Lab::new().unwrap();
    let running = bridge(&lab).env("FASTPATH_FAULT", "open:worker=1").spawn().unwrap();
    let ended = running.wait(SOON).unwrap();
    assert_failed_in_order(&ended, &["worker 1", "panic"]);
    assert_nothing_left(&lab);
}

#[test]
fn a_removed_port_ends_the_process_in_order() {
    let lab = Lab::new().unwrap();
    let running = start(&lab, &bridge(&lab));
    assert!(crosses(&lab, SOON));
    lab.inspector.ip(&format!("link del {PORT_OUT}")).unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let frame = udp_frame(Host::Client, (1, 2), b"to a port that is no more").unwrap();
    socket.send(&frame).unwrap();
    let ended = running.wait(Duration::from_secs(5)).unwrap();
    assert_failed_in_order(&ended, &["worker", PORT_OUT]);
    assert_eq!(xdp_program(&lab.inspector, PORT_IN), None);
    assert_eq!(promiscuity(&lab.inspector, PORT_IN), 0);
}

#[test]
fn a_removed_port_is_noticed_without_traffic() {
    let lab = Lab::new().unwrap();
    // A hairpin receives nothing any more and so sends nothing: only asking tells.
    let running = fastpath(&lab).args(["--interface", PORT_IN, "--queues", "0-3"]).start().unwrap();
    lab.inspector.ip(&format!("link del {PORT_IN}")).unwrap();
    let ended = running.wait(Duration::from_secs(5)).unwrap();
    assert_failed_in_order(&ended, &["worker", PORT_IN]);
}

#[test]
fn output_that_nobody_reads_is_no_reason_to_end_or_to_fail() {
    let lab = Lab::new().unwrap();
    // Pipes whose readers are gone.
    let unread = ["bash", "-c", r#"exec "$0" "$@" > >(exit) 2> >(exit)"#];
    let running = bridge(&lab).by(&unread).spawn().unwrap();
    running.wait_stats(SOON, |stats| !stats.queues.is_empty()).unwrap();
    assert!(crosses(&lab, SOON));
    end(&lab, running, Signal::SIGTERM);
}

/// The process ended by itself with a failure of its own, and its last word says all of `words`.
fn assert_failed_in_order(ended: &Ended, words: &[&str]) {
    assert!(ended.status.code().is_some_and(|code| code != 0), "{}: {}", ended.status, ended.stderr);
    let last = ended.stderr.lines().last().unwrap_or_default().to_lowercase();
    for word in words {
        assert!(last.contains(word), "`{word}` is not in the last line: {}", ended.stderr);
    }
}

#[test]
fn a_dead_peer_port_costs_no_frames_and_recovers() {
    let lab = Lab::new().unwrap();
    let running = start(&lab, &bridge(&lab));
    assert!(crosses(&lab, SOON));
    lab.inspector.ip(&format!("link set {PORT_OUT} down")).unwrap();
    lab.steer(Host::Client, 1).unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let frame = udp_frame(Host::Client, (1, 2), b"to a port that sends no more").unwrap();
    // More than tx ring, backlog and rx ring hold together, in portions so that the rx ring keeps up.
    for _ in 0..200 {
        (0..50).for_each(|_| socket.send(&frame).unwrap());
        std::thread::sleep(Duration::from_millis(2));
    }
    let stuck = running
        .wait_stats(SOON, |stats| stats.drops("tx_full") > 0)
        .expect("packets for a dead port are not counted as tx_full");
    assert_eq!(stuck.imbalance(), None);
    // The direction of the port that lives still receives.
    let received = |stats: &fastpath_lab::Stats| stats.queue(PORT_IN, 1).unwrap().rx_packets;
    let before = received(&running.stats().unwrap());
    (0..50).for_each(|_| socket.send(&frame).unwrap());
    running.wait_stats(SOON, |stats| received(stats) >= before + 50).expect("in0 no longer receives");
    lab.inspector.ip(&format!("link set {PORT_OUT} up")).unwrap();
    // What waited on the ring goes out first.
    assert!(wait_until(SOON, || crosses(&lab, BRIEFLY)), "no recovery: {}", running.process.stderr());
    let ended = stop(&lab, running);
    assert_both_ports_received(stats(&ended));
}

#[test]
fn a_dead_peer_port_does_not_hold_up_the_end() {
    let lab = Lab::new().unwrap();
    let running = start(&lab, &bridge(&lab));
    assert!(crosses(&lab, SOON));
    lab.inspector.ip(&format!("link set {PORT_OUT} down")).unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let frame = udp_frame(Host::Client, (1, 2), b"to a port that sends no more").unwrap();
    (0..100).for_each(|_| socket.send(&frame).unwrap());
    end(&lab, running, Signal::SIGTERM);
}

#[test]
fn sigterm_under_load_leaves_nothing_behind() {
    stopped_under_load(Signal::SIGTERM);
}

#[test]
fn sigint_under_load_leaves_nothing_behind() {
    stopped_under_load(Signal::SIGINT);
}

fn stopped_under_load(signal: Signal) {
    let lab = Lab::new().unwrap();
    let echo = UdpEcho::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let running = start(&lab, &bridge(&lab));
    for port in [PORT_IN, PORT_OUT] {
        assert!(xdp_program(&lab.inspector, port).is_some(), "no XDP program on {port}");
        assert_eq!(xdp_mode(&lab.inspector, port), Some(1), "not in the driver of {port}");
        assert!(promiscuity(&lab.inspector, port) > 0, "{port} is not promiscuous");
    }
    let done = AtomicBool::new(false);
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                udp_flows(&lab.client, echo.address(), 10, &[0; 1000], Duration::from_millis(20)).unwrap();
            }
        });
        std::thread::sleep(Duration::from_millis(500));
        let ended = running.stop(signal);
        done.store(true, Ordering::Relaxed);
        ended.unwrap()
    });
    assert!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    assert!(ended.took < Duration::from_secs(2), "took {:?}", ended.took);
    assert_eq!(stats(&ended).imbalance(), None);
    assert_both_ports_received(stats(&ended));
    // Also those that were on their way when the sockets left the XSKMAP.
    assert_all_redirected_are_known(stats(&ended));
    assert_nothing_left(&lab);
    let output = ended.stdout + &ended.stderr;
    let received = ended.stats.unwrap().totals.rx_packets.to_string();
    assert!(output.contains(&received), "the totals do not show {received} packets received: {output}");
}

#[test]
fn after_kill_9_a_restart_is_clean() {
    let lab = Lab::new().unwrap();
    lab.inspector.shell(&format!("ethtool -K {PORT_IN} rxvlan on")).unwrap();
    let running = start(&lab, &bridge(&lab));
    assert!(crosses(&lab, SOON));
    let ended = running.stop(Signal::SIGKILL).unwrap();
    assert!(!ended.status.success());
    // Program and promiscuity are bound to the process.
    assert!(wait_until(SOON, || xdp_program(&lab.inspector, PORT_IN).is_none()));
    assert_nothing_left(&lab);
    let restarted = start(&lab, &bridge(&lab));
    assert!(crosses(&lab, SOON));
    stop(&lab, restarted);
    let strips = lab.inspector.shell(&format!("ethtool -k {PORT_IN} | grep ^rx-vlan-offload")).unwrap();
    assert!(strips.contains(": on"), "what the killed one had turned off is not restored by its successor");
}

#[test]
fn a_second_instance_is_refused_and_the_first_undisturbed() {
    let lab = Lab::new().unwrap();
    let echo = UdpEcho::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let first = start(&lab, &bridge(&lab));
    let program = xdp_program(&lab.inspector, PORT_IN);
    assert_eq!(udp_flows(&lab.client, echo.address(), 20, b"before the second", SOON).unwrap(), 20);
    let second = bridge(&lab).spawn().unwrap().wait(SOON).unwrap();
    assert!(second.status.code().is_some_and(|code| code != 0), "{}", second.stderr);
    assert!(second.stderr.contains(PORT_IN), "which port is not said: {}", second.stderr);
    assert!(!second.stderr.contains("panicked"), "{}", second.stderr);
    assert_eq!(xdp_program(&lab.inspector, PORT_IN), program);
    assert!(promiscuity(&lab.inspector, PORT_IN) > 0);
    assert_eq!(udp_flows(&lab.client, echo.address(), 20, b"after the second", SOON).unwrap(), 20);
    let ended = stop(&lab, first);
    assert_both_ports_received(stats(&ended));
}

#[test]
fn an_overload_is_accounted_for_to_the_last_frame() {
    const BURSTS: usize = 2000;
    let lab = Lab::new().unwrap();
    // Rings this small overflow.
    let running = start(&lab, &bridge(&lab).args(["--rx-ring", "64", "--tx-ring", "64", "--batch", "16"]));
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let frames: Vec<_> = (0..64).map(|port| udp_frame(Host::Client, (port, 9), &[0; 18]).unwrap()).collect();
    let mut burst = Burst::new(frames.len());
    let before = lab.received(&lab.server, "eth0").unwrap();
    let sent: usize = (0..BURSTS).map(|_| socket.send_all(&frames, &mut burst).unwrap()).sum();
    let ended = stop(&lab, running);
    let stats = stats(&ended);
    let of = |port: &str, count: fn(&QueueStats) -> u64| -> u64 {
        stats.queues.iter().filter(|q| q.port == port).map(count).sum()
    };
    assert!(stats.xdp(PORT_IN, |x| x.redirected) <= sent as u64 + 10, "{stats:?}");
    assert_all_redirected_are_known(stats);
    // Behind the tx ring is the veth, which counts what the server's backlog does not take.
    let counter = |name: &str| -> u64 {
        let path = format!("/sys/class/net/{PORT_OUT}/statistics/{name}");
        lab.inspector.run("cat", &[path]).unwrap().trim().parse().unwrap()
    };
    let arrived = lab.received(&lab.server, "eth0").unwrap() - before + counter("tx_dropped");
    assert_eq!(
        of(PORT_OUT, |q| q.tx_packets),
        arrived,
        "frames vanished between the worker and the server: {stats:?}"
    );
}

/// What the XDP program redirected into the sockets of `in0` was received, or lost in a ring that counts it.
fn assert_all_redirected_are_known(stats: &Stats) {
    let of = |count: fn(&QueueStats) -> u64| -> u64 {
        stats.queues.iter().filter(|q| q.port == PORT_IN).map(count).sum()
    };
    let received = of(|q| q.rx_packets);
    let lost = of(|q| q.kernel["rx_dropped"] + q.kernel["rx_ring_full"]);
    let redirected = stats.xdp(PORT_IN, |x| x.redirected);
    assert!(received > 0);
    assert_eq!(redirected, received + lost, "frames vanished before the worker: {stats:?}");
}

#[test]
fn a_stalled_process_loses_only_what_it_counts() {
    let lab = Lab::new().unwrap();
    let running = start(&lab, &bridge(&lab));
    running.process.signal(Signal::SIGSTOP).unwrap();
    lab.steer(Host::Client, 3).unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let frames = vec![udp_frame(Host::Client, (1, 9), &[0; 18]).unwrap(); 64];
    let mut burst = Burst::new(frames.len());
    // More than the rings hold.
    for _ in 0..150 {
        socket.send_all(&frames, &mut burst).unwrap();
    }
    running.process.signal(Signal::SIGCONT).unwrap();
    // A ping sent before the worker has run again finds the ring still full and is one of the counted losses.
    assert!(wait_until(SOON, || crosses(&lab, BRIEFLY)), "the wire is still dead");
    let ended = stop(&lab, running);
    let stats = stats(&ended);
    assert_all_redirected_are_known(stats);
    let queue = stats.queue(PORT_IN, 3).unwrap();
    assert!(
        queue.kernel["rx_dropped"] + queue.kernel["rx_ring_full"] > 0,
        "a stall without a loss: {queue:?}"
    );
}
