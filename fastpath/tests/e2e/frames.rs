//! Frames of every kind arrive as they were sent, byte for byte.

use std::net::SocketAddr;

use fastpath_lab::{
    CLIENT_MAC, Capture, Host, Lab, LabOptions, PORT_IN, PacketSocket, SERVER_IP, UdpEcho, ethernet_frame,
    tagged, udp_flows, udp_frame, wait_until,
};

use crate::wire::{SOON, assert_both_ports_received, bridge, fastpath, start, stats, stop};

/// Sends `frames` from one host and asserts that the other receives exactly these, in any order.
fn assert_arrive(lab: &Lab, from: Host, frames: &[Vec<u8>]) {
    let to = if from == Host::Client { Host::Server } else { Host::Client };
    let capture = Capture::start(lab.host(to), "eth0", "").unwrap();
    let socket = PacketSocket::open(lab.host(from), "eth0").unwrap();
    for frame in frames {
        socket.send(frame).unwrap();
    }
    wait_until(SOON, || capture.frames().len() >= frames.len());
    let (mut sent, mut received) = (frames.to_vec(), capture.finish().unwrap());
    sent.sort();
    received.sort();
    assert_eq!(received, sent);
}

fn datagram(from: Host, text: &str) -> Vec<u8> {
    udp_frame(from, (4000, 4001), format!("{text:-<40}").as_bytes()).unwrap()
}

#[test]
fn vlan_tags_arrive_intact() {
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab));
    for from in [Host::Client, Host::Server] {
        let frames = [
            datagram(from, "untagged"),
            tagged(datagram(from, "one tag"), &[7]),
            tagged(datagram(from, "two tags"), &[7, 4001]),
            tagged(datagram(from, "three tags"), &[1, 2, 3]),
        ];
        assert_arrive(&lab, from, &frames);
    }
    assert_both_ports_received(stats(&stop(&lab, fastpath)));
}

#[test]
fn lldp_and_unknown_ethertypes_pass() {
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab));
    for from in [Host::Client, Host::Server] {
        // A bridge of the kernel keeps this one to itself (IEEE 802.1Q, reserved addresses); a bump in the wire
        // must not.
        let mut lldp =
            ethernet_frame(from, 0x88cc, b"\x02\x07\x04\x02\x00\x00\x00\x00\x01\x04\x01\x30\x00\x00");
        lldp[..6].copy_from_slice(&[0x01, 0x80, 0xc2, 0, 0, 0x0e]);
        let mut broadcast = ethernet_frame(from, 0x1234, b"of no protocol at all");
        broadcast[..6].fill(0xff);
        // IEEE 802.3 length instead of an EtherType: spanning tree.
        let mut stp = ethernet_frame(from, 38, b"\x42\x42\x03\x00\x00\x00\x00\x00");
        stp[..6].copy_from_slice(&[0x01, 0x80, 0xc2, 0, 0, 0]);
        assert_arrive(&lab, from, &[lldp, broadcast, stp]);
    }
    assert_both_ports_received(stats(&stop(&lab, fastpath)));
}

#[test]
fn what_is_ip_by_its_type_and_garbage_by_its_bytes_does_not_pass() {
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab));
    let socket = PacketSocket::open(lab.host(Host::Client), "eth0").unwrap();
    socket.send(&ethernet_frame(Host::Client, 0x0800, &[0xff; 60])).unwrap();
    assert_arrive(&lab, Host::Client, &[datagram(Host::Client, "behind it")]);
    let ended = stop(&lab, fastpath);
    assert_eq!(stats(&ended).drops("decode_error"), 1, "{:?}", stats(&ended).totals);
}

#[test]
fn unicast_to_others_is_not_lost() {
    // An address that neither the ports nor the hosts know: a bump in the wire learns and filters nothing.
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab));
    let mut stranger = datagram(Host::Client, "to a third party");
    stranger[..6].copy_from_slice(&[0x02, 0, 0, 0, 0, 0x77]);
    assert_arrive(&lab, Host::Client, &[stranger]);
    stop(&lab, fastpath);
}

#[test]
fn jumbo_frames_cross_in_several_pieces() {
    let lab = Lab::with(LabOptions { mtu: 9000, ..LabOptions::default() }).unwrap();
    let echo = UdpEcho::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let fastpath = start(
        &lab,
        &bridge(&lab).rules(
            r#"alert udp any any -> any any (msg:"end of a jumbo"; content:"the very end"; sid:1; rev:1;)"#,
        ),
    );
    let mut payload = vec![b'j'; 8900];
    payload.extend_from_slice(b"the very end");
    assert_eq!(udp_flows(&lab.client, echo.address(), 20, &payload, SOON).unwrap(), 20);
    // Small ones in between, and one that just fills a frame.
    for size in [1, 1500, 2048, 4000, 4096] {
        assert_eq!(
            udp_flows(&lab.client, echo.address(), 4, &vec![b'x'; size], SOON).unwrap(),
            4,
            "{size} bytes"
        );
    }
    let ended = stop(&lab, fastpath);
    assert_both_ports_received(stats(&ended));
    assert_eq!(ended.alert_sids(), [1; 40], "a pattern in the last piece was not seen in both directions");
}

#[test]
fn a_hairpin_sends_frames_back_as_they_came() {
    let lab = Lab::new().unwrap();
    hairpin(&lab, &[], |sent| sent);
}

#[test]
fn a_hairpin_swaps_addresses_when_asked_to() {
    let lab = Lab::new().unwrap();
    hairpin(&lab, &["--swap-mac"], |sent| [&sent[6..12], &sent[..6], &sent[12..]].concat());
}

fn hairpin(lab: &Lab, arguments: &[&str], expected: impl Fn(Vec<u8>) -> Vec<u8>) {
    let command = fastpath(lab).args(["--interface", PORT_IN, "--queues", "0-3"]).args(arguments);
    let capture = Capture::start(&lab.client, "eth0", "").unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let absent = datagram(Host::Client, "nobody sends this back");
    socket.send(&absent).unwrap();
    let running = command.start().unwrap();
    let mut sent = Vec::new();
    for queue in 0..4 {
        lab.steer(Host::Client, queue).unwrap();
        let frame = datagram(Host::Client, &format!("by queue {queue}"));
        socket.send(&frame).unwrap();
        sent.push(frame);
    }
    let mut expected: Vec<_> = sent.into_iter().map(expected).collect();
    expected.sort();
    wait_until(SOON, || capture.frames().len() >= expected.len());
    let mut received = capture.finish().unwrap();
    received.sort();
    assert_eq!(received, expected);
    assert!(received.iter().all(|frame| frame[..6] == CLIENT_MAC || frame[6..12] == CLIENT_MAC));
    let ended = crate::wire::end(lab, running, fastpath_lab::Signal::SIGTERM);
    let stats = stats(&ended);
    for queue in 0..4 {
        let figures = stats.queue(PORT_IN, queue).unwrap();
        assert_eq!((figures.rx_packets, figures.tx_packets), (1, 1), "queue {queue}: {figures:?}");
    }
}
