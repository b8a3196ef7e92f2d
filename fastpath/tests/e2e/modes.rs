//! Which queues, which cores, which bind mode.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use fastpath_lab::{
    CLIENT_IP, Capture, Host, Lab, PORT_IN, PORT_OUT, PacketSocket, SERVER_IP, Signal, UdpEcho, udp_flows,
    udp_frame,
};

use crate::wire::{
    BRIEFLY, SOON, assert_queues_received, bridge, crosses, end, fastpath, start, stats, stop, xdp_mode,
};

#[test]
fn queues_outside_the_list_stay_with_the_kernel() {
    const INSPECTOR_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);
    let lab = Lab::new().unwrap();
    lab.inspector.ip(&format!("addr add {INSPECTOR_IP}/24 dev {PORT_IN}")).unwrap();
    let listener = lab.inspector.enter(|| UdpSocket::bind((INSPECTOR_IP, 9000))).unwrap().unwrap();
    let sender = lab.client.enter(|| UdpSocket::bind((CLIENT_IP, 0))).unwrap().unwrap();
    let mac = lab.inspector.shell(&format!("cat /sys/class/net/{PORT_IN}/address")).unwrap();
    lab.client
        .ip(&format!("neigh replace {INSPECTOR_IP} lladdr {} dev eth0 nud permanent", mac.trim()))
        .unwrap();
    let hears = |queue, limit| {
        lab.steer(Host::Client, queue).unwrap();
        sender.send_to(b"to the inspector's own kernel", (INSPECTOR_IP, 9000)).unwrap();
        listener.set_read_timeout(Some(limit)).unwrap();
        listener.recv(&mut [0; 64]).is_ok()
    };
    let command = fastpath(&lab).args([
        "--interface",
        PORT_IN,
        "--peer",
        PORT_OUT,
        "--queues",
        "0-1",
        "--allow-uncovered",
    ]);
    let running = start(&lab, &command);
    for queue in [2, 3] {
        assert!(hears(queue, SOON), "a socket on queue {queue} no longer receives");
    }
    for queue in [0, 1] {
        assert!(!hears(queue, BRIEFLY), "a frame of queue {queue} went to the kernel");
    }
    let ended = end(&lab, running, Signal::SIGTERM);
    let stats = stats(&ended);
    assert_queues_received(stats, PORT_IN, [0, 1]);
    assert!(stats.queue(PORT_IN, 2).is_none());
    assert_eq!(stats.xdp(PORT_IN, |x| x.not_chosen), 2, "{:?}", stats.ports);
    for queue in 0..4 {
        assert!(hears(queue, SOON), "queue {queue} is not the kernel's again");
    }
}

#[test]
fn generic_xdp_carries_the_same_traffic() {
    let lab = Lab::new().unwrap();
    let echo = UdpEcho::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let running = start(&lab, &bridge(&lab).args(["--xdp", "generic", "--mode", "copy"]));
    assert_eq!(xdp_mode(&lab.inspector, PORT_IN), Some(2), "not in the generic hook");
    assert_eq!(udp_flows(&lab.client, echo.address(), 40, b"by the generic hook", SOON).unwrap(), 40);
    stop(&lab, running);
}

#[test]
fn a_start_prints_the_three_warnings_of_the_doctor_that_are_worth_most() {
    let lab = Lab::new().unwrap();
    let running = start(&lab, &bridge(&lab).args(["--xdp", "generic", "--mode", "copy"]));
    let stderr = running.process.stderr();
    // The plan's own warning, where there are fewer cores than queues, is none of the doctor's.
    let warnings: Vec<_> = stderr
        .lines()
        .filter(|line| line.contains(" WARN ") && !line.contains("workers take turns"))
        .collect();
    // On a veth there are more than three: RSS, which it has not, is worth less than these.
    let [first, second, _] = warnings.as_slice() else { panic!("not three: {stderr}") };
    assert!(first.contains(": driver: veth, with --xdp generic; leave out"), "{stderr}");
    assert!(second.contains(": af-xdp-mode: copy, as asked for; leave out"), "{stderr}");
    stop(&lab, running);
}

#[test]
fn more_queues_than_cores_warn_share_and_sleep() {
    let lab = Lab::new().unwrap();
    let echo = UdpEcho::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let running = start(&lab, &bridge(&lab).args(["--cores", "0"]));
    let stderr = running.process.stderr();
    assert!(stderr.contains("core"), "no warning: {stderr}");
    assert_eq!(udp_flows(&lab.client, echo.address(), 100, b"all on one core", SOON).unwrap(), 100);
    let before = cpu_ticks(running.process.pid());
    std::thread::sleep(Duration::from_secs(1));
    let ticks = cpu_ticks(running.process.pid()) - before;
    // A spinning worker takes 100 of them a second.
    assert!(ticks < 30, "four idle workers took {ticks} clock ticks of a second");
    let ended = stop(&lab, running);
    assert_queues_received(stats(&ended), PORT_IN, 0..4);
}

/// Clock ticks (10 ms) of CPU time a process has used: fields utime and stime of proc_pid_stat(5).
fn cpu_ticks(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn busy_poll_carries_traffic() {
    let lab = Lab::new().unwrap();
    let running = start(&lab, &bridge(&lab).args(["--busy-poll"]));
    assert!((0..20).all(|_| crosses(&lab, SOON)));
    stop(&lab, running);
}

#[test]
fn vlan_stripping_is_off_while_running_and_restored() {
    let lab = Lab::new().unwrap();
    let strips = |port: &str| {
        let text = lab.inspector.shell(&format!("ethtool -k {port} | grep ^rx-vlan-offload")).unwrap();
        text.contains(": on")
    };
    lab.inspector.shell(&format!("ethtool -K {PORT_IN} rxvlan on")).unwrap();
    assert!(strips(PORT_IN));
    let running = start(&lab, &bridge(&lab));
    assert!(!strips(PORT_IN), "frames would lose their tags");
    stop(&lab, running);
    assert!(strips(PORT_IN) && !strips(PORT_OUT), "not restored");
}

#[test]
fn bulk_in_one_burst_is_not_stranded() {
    // More than the kernel sends in one call in copy mode (32): the tail must not wait for the next packet.
    let lab = Lab::new().unwrap();
    let running = start(&lab, &bridge(&lab));
    lab.steer(Host::Client, 2).unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let frame = udp_frame(Host::Client, (1, 7778), b"one of a burst of frames").unwrap();
    let before = lab.received(&lab.server, "eth0").unwrap();
    for _ in 0..500 {
        socket.send(&frame).unwrap();
    }
    let arrived = || lab.received(&lab.server, "eth0").unwrap() - before;
    assert!(fastpath_lab::wait_until(SOON, || arrived() >= 500), "only {} of 500 arrived", arrived());
    let ended = stop(&lab, running);
    assert!(stats(&ended).queue(PORT_IN, 2).unwrap().rx_packets >= 500);
}

#[test]
fn a_configuration_file_names_the_ports() {
    let lab = Lab::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fastpath.toml");
    std::fs::write(&file, format!("[[wire]]\ninterface = \"{PORT_IN}\"\npeer = \"{PORT_OUT}\"\n")).unwrap();
    let file = file.to_str().unwrap();
    for subcommand in [None, Some("run")] {
        let arguments = subcommand.into_iter().chain(["--queues", "0-3", "-c", file]);
        let running = start(&lab, &fastpath(&lab).args(arguments));
        assert!(crosses(&lab, SOON));
        stop(&lab, running);
    }
}

#[test]
fn several_wires_run_side_by_side() {
    let lab = Lab::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fastpath.toml");
    // Two hairpins: each host gets back what it sent, and nothing of the other.
    let wire = |port| format!("[[wire]]\ninterface = \"{port}\"\n");
    std::fs::write(&file, wire(PORT_IN) + &wire(PORT_OUT)).unwrap();
    let running = fastpath(&lab).args(["--queues", "0-3", "-c", file.to_str().unwrap()]).start().unwrap();
    for host in [Host::Client, Host::Server] {
        let capture = Capture::start(lab.host(host), "eth0", "udp").unwrap();
        let frame = udp_frame(host, (1, 7779), format!("from the {host:?} and back").as_bytes()).unwrap();
        PacketSocket::open(lab.host(host), "eth0").unwrap().send(&frame).unwrap();
        capture.wait_for(SOON, |_| true);
        assert_eq!(capture.finish().unwrap(), [frame]);
    }
    let ended = end(&lab, running, Signal::SIGTERM);
    assert_eq!(stats(&ended).frames.len(), 8, "a worker per queue and wire");
}
