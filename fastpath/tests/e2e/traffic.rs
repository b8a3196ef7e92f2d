//! Ordinary traffic passes through the sockets, and only through them.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use fastpath_lab::{
    CLIENT_IP, CLIENT_IP6, Capture, HttpServer, Lab, LabOptions, Namespace, PORT_IN, PORT_OUT, SERVER_IP,
    SERVER_IP6, UdpEcho, download, pattern_digest, ping, udp_flows, wait_until,
};

use crate::wire::{SOON, assert_both_ports_received, assert_queues_received, bridge, start, stats, stop};

const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];

fn strangers() -> Lab {
    Lab::with(LabOptions { known_neighbours: false, ..LabOptions::default() }).unwrap()
}

/// Whether a ping gets through, after some that wait in vain for the end of an earlier attempt to resolve.
fn resolves(from: &Namespace, to: IpAddr) -> bool {
    wait_until(SOON, || ping(from, to, b"there and back", Duration::from_secs(1)).unwrap())
}

#[test]
fn ping_passes_after_arp_has_resolved() {
    let lab = strangers();
    let fastpath = start(&lab, &bridge(&lab));
    let capture = Capture::start(&lab.server, "eth0", "arp").unwrap();
    assert!(resolves(&lab.client, SERVER_IP.into()));
    assert!(resolves(&lab.server, CLIENT_IP.into()));
    assert!(capture.wait_for(SOON, |frame| frame[12..14] == ETHERTYPE_ARP).is_some(), "no ARP crossed");
    assert_both_ports_received(stats(&stop(&lab, fastpath)));
}

#[test]
fn ipv6_passes_after_neighbour_discovery() {
    let lab = strangers();
    let to = IpAddr::from(SERVER_IP6);
    assert!(!ping(&lab.client, to, b"absent", crate::wire::BRIEFLY).unwrap());
    let fastpath = start(&lab, &bridge(&lab));
    assert!(resolves(&lab.client, to));
    assert!(resolves(&lab.server, CLIENT_IP6.into()));
    let echo = UdpEcho::start(&lab.server, SocketAddr::new(to, 0)).unwrap();
    assert_eq!(udp_flows(&lab.client, echo.address(), 10, &[6; 1200], SOON).unwrap(), 10);
    assert_both_ports_received(stats(&stop(&lab, fastpath)));
}

#[test]
fn a_tcp_download_of_100_mb_is_intact() {
    const SIZE: usize = 100_000_000;
    let lab = Lab::new().unwrap();
    let http = HttpServer::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let fastpath = start(&lab, &bridge(&lab));
    let body = download(&lab.client, http.address(), SIZE, "Accept: */*", SOON).unwrap();
    assert_eq!((body.length, body.digest), (SIZE, pattern_digest(SIZE)));
    let ended = stop(&lab, fastpath);
    assert_both_ports_received(stats(&ended));
    let bytes: u64 = stats(&ended).queues.iter().filter(|q| q.port == PORT_OUT).map(|q| q.rx_bytes).sum();
    assert!(bytes > SIZE as u64, "only {bytes} bytes of the download came through the sockets");
}

#[test]
fn udp_flows_use_all_four_queues() {
    let lab = Lab::new().unwrap();
    let echo = UdpEcho::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let fastpath = start(&lab, &bridge(&lab));
    // A flow's queue is chance: all of 100 miss one of four queues once in 10^12 runs.
    assert_eq!(udp_flows(&lab.client, echo.address(), 100, b"one of many flows", SOON).unwrap(), 100);
    let ended = stop(&lab, fastpath);
    let stats = stats(&ended);
    for port in [PORT_IN, PORT_OUT] {
        assert_queues_received(stats, port, 0..4);
    }
    assert!(stats.totals.rx_packets >= 200 && stats.totals.dropped == 0, "{:?}", stats.totals);
}
