//! The lab itself, with the kernel's own bridge in the place of fastpath.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    process::Command,
    time::Duration,
};

use fastpath_lab::{
    CLIENT_IP, CLIENT_IP6, Capture, Host, HttpServer, Lab, LabOptions, PORT_IN, PacketSocket, Process,
    SERVER_IP, SERVER_IP6, Signal, UdpEcho, download, pattern_digest, ping, tagged, udp_flows, udp_frame,
    udp_payload, wait_until,
};

const SOON: Duration = Duration::from_secs(3);
const BRIEFLY: Duration = Duration::from_millis(200);

fn exists(namespace: &str) -> bool {
    Path::new("/run/netns").join(namespace).exists()
}

#[test]
fn traffic_passes_only_when_something_joins_the_ports() {
    let lab = Lab::new().unwrap();
    for to in [IpAddr::from(SERVER_IP), IpAddr::from(SERVER_IP6)] {
        assert!(!ping(&lab.client, to, b"nobody there", BRIEFLY).unwrap());
    }
    lab.linux_bridge().unwrap();
    for (from, to) in [
        (&lab.client, IpAddr::from(SERVER_IP)),
        (&lab.client, IpAddr::from(SERVER_IP6)),
        (&lab.server, CLIENT_IP.into()),
        (&lab.server, CLIENT_IP6.into()),
    ] {
        assert!(ping(from, to, b"are you there", SOON).unwrap(), "{to}");
    }
    let echo = UdpEcho::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    assert_eq!(udp_flows(&lab.client, echo.address(), 20, b"hello", SOON).unwrap(), 20);
    let http = HttpServer::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let body = download(&lab.client, http.address(), 5_000_001, "X: y", SOON).unwrap();
    assert_eq!((body.length, body.digest), (5_000_001, pattern_digest(5_000_001)));
    lab.remove_linux_bridge().unwrap();
    assert_eq!(udp_flows(&lab.client, echo.address(), 1, b"hello", BRIEFLY).unwrap(), 0);
}

#[test]
fn hosts_that_do_not_know_each_other_resolve() {
    let lab = Lab::with(LabOptions { known_neighbours: false, ..LabOptions::default() }).unwrap();
    lab.linux_bridge().unwrap();
    assert!(ping(&lab.client, SERVER_IP.into(), b"arp", SOON).unwrap());
    assert!(ping(&lab.client, SERVER_IP6.into(), b"nd", SOON).unwrap());
}

#[test]
fn a_capture_sees_tags_and_nothing_else_arrives() {
    let lab = Lab::new().unwrap();
    lab.linux_bridge().unwrap();
    let capture = Capture::start(&lab.server, "eth0", "").unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let plain = udp_frame(Host::Client, (1, 2), b"a datagram without padding").unwrap();
    let double = tagged(udp_frame(Host::Client, (3, 4), b"a datagram with two tags").unwrap(), &[7, 100]);
    socket.send(&plain).unwrap();
    socket.send(&double).unwrap();
    assert!(capture.wait_for(SOON, |frame| frame == double).is_some(), "{:x?}", capture.frames());
    let frames = capture.finish().unwrap();
    assert_eq!(frames, [plain, double]);
    assert_eq!(udp_payload(&frames[1]), Some(&b"a datagram with two tags"[..]));
}

#[test]
fn steering_picks_the_queue() {
    let lab = Lab::new().unwrap();
    let rx = |queue| {
        let text = lab
            .inspector
            .shell(&format!("ethtool -S {PORT_IN} | grep rx_queue_{queue}_xdp_packets"))
            .unwrap();
        text.rsplit(' ').next().unwrap().trim().parse::<u64>().unwrap()
    };
    // The queue shows in the driver's figures only when its NAPI runs, which GRO turns on as XDP does.
    lab.inspector.shell("ethtool -K in0 gro on").unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    for queue in 0..4 {
        lab.steer(Host::Client, queue).unwrap();
        let before: Vec<u64> = (0..4).map(rx).collect();
        for port in 0..16 {
            socket.send(&udp_frame(Host::Client, (port, 9), b"steered").unwrap()).unwrap();
        }
        for other in 0..4 {
            let expected = before[other as usize] + if other == queue { 16 } else { 0 };
            assert!(
                wait_until(SOON, || rx(other) == expected),
                "queue {other}: {} not {expected}",
                rx(other)
            );
        }
    }
}

#[test]
fn a_lab_is_gone_after_drop_with_what_ran_inside() {
    let lab = Lab::new().unwrap();
    let names = [&lab.client, &lab.inspector, &lab.server].map(|n| n.name().to_owned());
    let mut inside = Process::spawn(lab.client.command("sleep").arg("60")).unwrap();
    // `ip netns exec` takes a moment to get inside; only from then on is it the lab's to end.
    let pids = || Command::new("ip").args(["netns", "pids", &names[0]]).output().unwrap().stdout;
    let pid = inside.pid().to_string();
    assert!(wait_until(SOON, || String::from_utf8_lossy(&pids()).lines().any(|line| line == pid)));
    assert!(names.iter().all(|name| exists(name)));
    drop(lab);
    assert!(!names.iter().any(|name| exists(name)));
    inside.wait(SOON).unwrap();
}

/// Run by the next test in a process of its own.
#[test]
#[ignore = "holds a lab until it is killed"]
fn hold() {
    let lab = Lab::new().unwrap();
    eprintln!("holding {}", lab.client.name());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_killed_owner_leaves_nothing_behind() {
    let own = std::env::current_exe().unwrap();
    let mut owner =
        Process::spawn(Command::new(own).args(["hold", "--exact", "--ignored", "--nocapture"])).unwrap();
    owner.wait_for("its lab", Duration::from_secs(20), |p| p.stderr().contains("holding")).unwrap();
    let stderr = owner.stderr();
    let name = stderr.split_whitespace().last().unwrap();
    assert!(exists(name), "{name}");
    owner.signal(Signal::SIGKILL).unwrap();
    owner.wait(SOON).unwrap();
    assert!(wait_until(Duration::from_secs(10), || !exists(name)), "{name} is still there");
}
