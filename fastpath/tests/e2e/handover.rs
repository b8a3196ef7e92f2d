//! Each flow has one owner among the workers, whatever queue its packets come on.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use fastpath_lab::{
    CLIENT_IP, Capture, Fastpath, Host, HttpServer, Lab, LabOptions, PORT_IN, PORT_OUT, PacketSocket,
    SERVER_IP, Signal, Stats, UdpEcho, download, pattern_digest, udp_flows, udp_frame, udp_payload,
    wait_until,
};

use crate::wire::{BRIEFLY, SOON, assert_nothing_left, bridge, crosses, end, start, stats, stop};

const FORBIDDEN: &str = r#"drop udp any any -> any 7777 (msg:"LAB"; content:"FORBIDDEN"; sid:1000001;)"#;

fn any(ip: std::net::Ipv4Addr) -> SocketAddr {
    SocketAddr::from((ip, 0))
}

/// Every packet that was handed over was inspected, and by another worker.
pub(crate) fn assert_handed_over(stats: &Stats) {
    let sum = |count: fn(&fastpath_lab::HandoverStats) -> u64| stats.handover.iter().map(count).sum::<u64>();
    assert_eq!(stats.handover.len(), 4, "{stats:?}");
    for worker in &stats.handover {
        assert!(worker.handed_over > 0 && worker.served > 0, "{:?}", stats.handover);
    }
    let handed_over = sum(|h| h.handed_over);
    assert_eq!((handed_over, handed_over), (sum(|h| h.returned), sum(|h| h.served)), "{:?}", stats.handover);
    assert_eq!((stats.totals.handed_over, stats.totals.in_handover), (handed_over, 0));
}

fn assert_says(fastpath: &Fastpath, words: &str) {
    let said = fastpath.process.stderr();
    assert!(said.contains(words), "`{words}` is not in: {said}");
}

#[test]
fn hundreds_of_flows_in_both_directions_are_intact() {
    const CONNECTIONS: usize = 200;
    const THREADS: usize = 8;
    const SIZE: usize = 50_000;
    let lab = Lab::new().unwrap();
    let echoes = [(&lab.server, SERVER_IP), (&lab.client, CLIENT_IP)]
        .map(|(host, ip)| UdpEcho::start(host, any(ip)).unwrap());
    let http = HttpServer::start(&lab.server, any(SERVER_IP)).unwrap();
    let fastpath = start(&lab, &bridge(&lab).rules(FORBIDDEN));
    assert_says(&fastpath, "in0 and out0: steering on (in0: a veth has no RSS");
    let intact = AtomicUsize::new(0);
    thread::scope(|scope| {
        for (from, echo) in [&lab.client, &lab.server].into_iter().zip(&echoes) {
            scope.spawn(move || {
                assert_eq!(udp_flows(from, echo.address(), 200, b"a flow of its own", SOON).unwrap(), 200);
            });
        }
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..CONNECTIONS / THREADS {
                    let body = download(&lab.client, http.address(), SIZE, "Accept: */*", SOON).unwrap();
                    assert_eq!((body.length, body.digest), (SIZE, pattern_digest(SIZE)));
                    intact.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(intact.into_inner(), CONNECTIONS);
    let ended = stop(&lab, fastpath);
    assert_handed_over(stats(&ended));
}

#[test]
fn the_owner_s_verdict_is_carried_out_by_every_receiver() {
    const FLOWS: u16 = 64;
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab).rules(FORBIDDEN));
    let capture = Capture::start(&lab.server, "eth0", "udp").unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    // Each flow on each queue: three of four times its owner is another worker.
    for queue in 0..4 {
        lab.steer(Host::Client, queue).unwrap();
        for flow in 0..FLOWS {
            for payload in [&b"FORBIDDEN"[..], b"ordinary"] {
                socket.send(&udp_frame(Host::Client, (5000 + flow, 7777), payload).unwrap()).unwrap();
            }
        }
    }
    let ordinary = |frames: &[Vec<u8>]| frames.iter().filter(|f| udp_payload(f) == Some(b"ordinary")).count();
    let all = 4 * usize::from(FLOWS);
    assert!(wait_until(SOON, || ordinary(&capture.frames()) >= all), "not all of the others arrive");
    let frames = capture.finish().unwrap();
    assert_eq!(ordinary(&frames), all);
    assert!(!frames.iter().any(|frame| udp_payload(frame) == Some(b"FORBIDDEN")));
    let ended = stop(&lab, fastpath);
    let stats = stats(&ended);
    assert_eq!((stats.drops("rule"), stats.drops("handover")), (all as u64, 0));
    assert_handed_over(stats);
}

#[test]
fn packets_of_several_frames_are_handed_over_whole() {
    const PAYLOAD: usize = 8000;
    let lab = Lab::with(LabOptions { mtu: 9000, ..LabOptions::default() }).unwrap();
    let echo = UdpEcho::start(&lab.server, any(SERVER_IP)).unwrap();
    let fastpath = start(&lab, &bridge(&lab));
    assert_eq!(udp_flows(&lab.client, echo.address(), 100, &[7; PAYLOAD], SOON).unwrap(), 100);
    let ended = stop(&lab, fastpath);
    assert_handed_over(stats(&ended));
}

#[test]
fn without_steering_each_queue_is_inspected_by_itself() {
    let lab = Lab::new().unwrap();
    let echo = UdpEcho::start(&lab.server, any(SERVER_IP)).unwrap();
    let fastpath = start(&lab, &bridge(&lab).args(["--steering", "off"]));
    assert_says(&fastpath, "steering off (as told)");
    assert_eq!(udp_flows(&lab.client, echo.address(), 50, b"a flow", SOON).unwrap(), 50);
    let ended = stop(&lab, fastpath);
    assert_eq!(stats(&ended).totals.handed_over, 0);
    let one = crate::wire::fastpath(&lab).args(["--interface", PORT_IN, "--peer", PORT_OUT]);
    let one = one.args(["--queues", "0", "--allow-uncovered", "--steering", "on"]).start().unwrap();
    assert_says(&one, "steering off (one worker owns all flows)");
    end(&lab, one, Signal::SIGTERM);
}

#[test]
fn a_hung_owner_takes_only_its_own_flows_with_it() {
    const FLOWS: u16 = 100;
    const ROUNDS: u16 = 30;
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab).env("FASTPATH_FAULT", "hang:worker=1"));
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let frame = |flow| udp_frame(Host::Client, (5000 + flow, 9), b"of some flow").unwrap();
    lab.steer(Host::Client, 1).unwrap();
    socket.send(&frame(0)).unwrap();
    thread::sleep(BRIEFLY);
    // All that comes on a queue that lives and has an owner that lives goes on, for longer than what the hung one can hold.
    lab.steer(Host::Client, 0).unwrap();
    let before = lab.received(&lab.server, "eth0").unwrap();
    for _ in 0..ROUNDS {
        for flow in 0..FLOWS {
            socket.send(&frame(flow)).unwrap();
        }
        thread::sleep(Duration::from_millis(5));
    }
    let sent = u64::from(FLOWS) * u64::from(ROUNDS);
    let arrived = || lab.received(&lab.server, "eth0").unwrap() - before;
    assert!(wait_until(SOON, || arrived() > sent / 2), "{} of {sent} went on", arrived());
    let ended = fastpath.stop(Signal::SIGTERM).unwrap();
    assert!(ended.took < Duration::from_secs(2), "took {:?}", ended.took);
    assert!(!ended.status.success() && ended.stderr.contains("hung"), "{}", ended.stderr);
    let stats = stats(&ended);
    assert_eq!(stats.imbalance(), None);
    let receiver = &stats.handover[0];
    assert!(receiver.given_up > 0, "{:?}", stats.handover);
    // The owner got no more than its ring holds; the exception policy dropped the rest.
    assert_eq!(stats.drops("handover"), receiver.full + receiver.given_up, "{:?}", stats.handover);
    assert_nothing_left(&lab);
    let restarted = start(&lab, &bridge(&lab));
    assert!(crosses(&lab, SOON));
    stop(&lab, restarted);
}
