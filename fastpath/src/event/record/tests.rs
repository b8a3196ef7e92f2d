use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    engine::{
        counters::Counters,
        event::{
            Excerpt, HeaderFacts, NetworkFacts, Origin, Payload, StatsRecord, TcpRecord, TransportFacts,
        },
        flow::{Ended, Flow, FlowAction, FlowEnd, FlowSettings, FlowState, Share, Table, Tuple},
        meta::LinkType,
        packet::{DecodeEvent, Tunnel},
        policy::{ExceptionPolicy, Failure},
        rules::{Action, Captures, Details, Metadata, Recipients, Reference, RuleInfo, Target},
        verdict::DropReason,
    },
    event::{AlertOptions, EventTypes},
};

/// What a packet has come to that no other rule matched.
fn decided(outcome: Outcome) -> Decided {
    let verdict = match outcome {
        Outcome::Allowed => PacketVerdict::Forward,
        Outcome::Blocked => PacketVerdict::Drop(DropReason::Rule),
        Outcome::WouldBlock => PacketVerdict::WouldDrop(DropReason::Rule),
    };
    Decided { verdict, rejected: None }
}

fn event(packet: PacketFacts, outcome: Outcome) -> Event {
    let rule = RuleInfo {
        gid: 1,
        sid: 7,
        rev: 2,
        msg: "say \"hi\"".into(),
        category: "misc".into(),
        priority: 3,
        ..RuleInfo::default()
    };
    Event {
        time: Timestamp(1_795_448_966_123_456_789),
        port: Default::default(),
        number: 4,
        origin: Origin::Wire,
        outer: None,
        packet,
        flow: None,
        kind: EventKind::Alert {
            rule: Arc::new(rule),
            outcome,
            decided: decided(outcome),
            excerpt: None,
            captures: None,
        },
    }
}

fn render(event: &Event, port: Option<&str>) -> Value {
    let mut line = Vec::new();
    let options = EveOptions { types: EventTypes::ALL, ..EveOptions::default() };
    assert_eq!(append_lines(&mut line, event, Source { port, capture: None }, &options), 1);
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn writes_a_tcp_alert_as_suricata_does() {
    let facts = PacketFacts {
        vlan: [Some(5), Some(9), None],
        addresses: Some(([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        ports: Some((1234, 80)),
        protocol: Some(6),
        icmp: None,
        ether: Some(EtherFacts { source: [2; 6], destination: [1, 2, 3, 4, 5, 0xff], ether_type: 0x8100 }),
    };
    let expected = json!({
        "timestamp": "2026-11-23T15:49:26.123456+0000", "pcap_cnt": 4, "event_type": "alert",
        "vlan": [5, 9], "src_ip": "10.0.0.1", "src_port": 1234, "dest_ip": "10.0.0.2", "dest_port": 80,
        "proto": "TCP", "ip_v": 4, "pkt_src": "wire/pcap",
        "alert": {"action": "allowed", "gid": 1, "signature_id": 7, "rev": 2, "signature": "say \"hi\"",
                  "category": "misc", "severity": 3},
        "verdict": {"action": "alert"},
    });
    assert_eq!(render(&event(facts, Outcome::Allowed), None), expected);
}

#[test]
fn says_what_was_done_with_the_packet() {
    let blocked = render(&event(PacketFacts::default(), Outcome::Blocked), None);
    assert_eq!(
        (&blocked["alert"]["action"], &blocked["verdict"]["action"]),
        (&json!("blocked"), &json!("drop"))
    );
    let would = render(&event(PacketFacts::default(), Outcome::WouldBlock), None);
    assert_eq!(
        (&would["alert"]["action"], &would["verdict"]["action"]),
        (&json!("allowed"), &json!("would-drop"))
    );
}

#[test]
fn the_verdict_is_the_packets() {
    let mut alert = event(PacketFacts { protocol: Some(17), ..PacketFacts::default() }, Outcome::Allowed);
    let EventKind::Alert { decided, .. } = &mut alert.kind else { panic!() };
    *decided = Decided { verdict: PacketVerdict::Drop(DropReason::Rule), rejected: Some(Recipients::Source) };
    let record = render(&alert, None);
    let expected = json!({"action": "drop", "reject-target": "to_client", "reject": ["icmp-prohib"]});
    assert_eq!((&record["alert"]["action"], &record["verdict"]), (&json!("allowed"), &expected));
    let options = EveOptions {
        alert: AlertOptions { verdict: false, ..AlertOptions::default() },
        ..only(EventType::Alert)
    };
    assert_eq!(lines(&alert, &options)[0].get("verdict"), None);
}

#[test]
fn an_alert_says_of_its_rule_what_was_asked_for() {
    let reference = |id: &str, url: Option<&str>| Reference {
        system: "x".into(),
        id: id.into(),
        url: url.map(Into::into),
    };
    let key = |key: &str, values: &[&str]| Metadata {
        key: key.into(),
        values: values.iter().map(|&v| v.into()).collect(),
    };
    let mut alert = event(PacketFacts::default(), Outcome::Allowed);
    let EventKind::Alert { rule, .. } = &mut alert.kind else { panic!() };
    *Arc::make_mut(rule) = RuleInfo {
        details: Some(Box::new(Details {
            metadata: vec![key("tag", &["b", "a \"q\""]), key("created_at", &["2020_01_01"])],
            references: vec![reference("1", Some("https://x.example/1")), reference("2", None)],
            text: Some("alert udp any any -> any any (sid:7;)".into()),
        })),
        ..(**rule).clone()
    };
    let of = |alert_options| {
        let options = EveOptions { alert: alert_options, ..only(EventType::Alert) };
        lines(&alert, &options)[0]["alert"].take()
    };
    let usual = of(AlertOptions::default());
    assert_eq!(usual["metadata"], json!({"tag": ["b", "a \"q\""], "created_at": ["2020_01_01"]}));
    assert_eq!((usual.get("references"), usual.get("rule")), (None, None));
    let other = of(AlertOptions {
        rule_metadata: false,
        rule_text: true,
        references: true,
        ..AlertOptions::default()
    });
    assert_eq!(other.get("metadata"), None);
    assert_eq!(other["references"], json!(["https://x.example/1", "x,2"]));
    assert_eq!(other["rule"], "alert udp any any -> any any (sid:7;)");
}

#[test]
fn who_attacks_whom_is_said_where_the_rule_does() {
    let facts = |ports| PacketFacts {
        addresses: Some(([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        ports,
        ..PacketFacts::default()
    };
    let of = |target, ports| {
        let mut alert = event(facts(ports), Outcome::Allowed);
        let EventKind::Alert { rule, .. } = &mut alert.kind else { panic!() };
        Arc::make_mut(rule).target = target;
        let record = render(&alert, None);
        (record["alert"]["source"].clone(), record["alert"]["target"].clone())
    };
    let (client, server) = (json!({"ip": "10.0.0.1", "port": 1}), json!({"ip": "10.0.0.2", "port": 2}));
    assert_eq!(of(Some(Target::Destination), Some((1, 2))), (client.clone(), server.clone()));
    assert_eq!(of(Some(Target::Source), Some((1, 2))), (server, client));
    assert_eq!(of(Some(Target::Source), None), (json!({"ip": "10.0.0.2"}), json!({"ip": "10.0.0.1"})));
    assert_eq!(of(None, None), (Value::Null, Value::Null));
}

#[test]
fn bytes_are_shown_as_asked() {
    let all: Vec<u8> = (0..=255).collect();
    let mut alert = event(PacketFacts::default(), Outcome::Allowed);
    let EventKind::Alert { excerpt, .. } = &mut alert.kind else { panic!() };
    *excerpt = Some(Box::new(Excerpt {
        packet: Some((Arc::new([1, 2, 3]), LinkType::IPV4)),
        payload: Some(Payload { bytes: all.as_slice().into(), in_stream: true }),
    }));
    let of = |alert_options| {
        lines(&alert, &EveOptions { alert: alert_options, ..only(EventType::Alert) })[0].take()
    };
    let off = AlertOptions::default();
    let shown = of(AlertOptions {
        payload: true,
        payload_printable: true,
        payload_length: true,
        packet: true,
        ..off
    });
    assert_eq!(
        (&shown["packet"], &shown["stream"], &shown["payload_length"]),
        (&json!("AQID"), &json!(1), &json!(256))
    );
    assert_eq!(shown["packet_info"], json!({"linktype": 228, "linktype_name": "IPv4"}));
    assert!(shown["payload"].as_str().unwrap().starts_with("AAECAwQF"), "{shown}");
    let printable = shown["payload_printable"].as_str().unwrap();
    assert_eq!(printable.chars().count(), 256);
    assert!(printable.starts_with("..........\n..\r....") && printable.contains(" !\"#$%&'"), "{printable}");
    assert!(printable.ends_with(&format!("xyz{{|}}~{}", ".".repeat(129))), "{printable}");
    let only_packet = of(AlertOptions { packet: true, ..off });
    for key in ["payload", "payload_length", "payload_printable", "stream"] {
        assert_eq!(only_packet.get(key), None, "{key}");
    }
    let nothing = of(off);
    assert_eq!((nothing.get("packet"), nothing.get("packet_info")), (None, None));
}

#[test]
fn a_record_names_macs_and_capture_when_asked() {
    let ether = EtherFacts { source: [2; 6], destination: [1, 2, 3, 4, 5, 0xff], ether_type: 0x0800 };
    let alert = event(PacketFacts { ether: Some(ether), ..PacketFacts::default() }, Outcome::Allowed);
    let options = EveOptions { ethernet: true, pcap_file: true, ..only(EventType::Alert) };
    let record = &lines(&alert, &options)[0];
    let expected =
        json!({"ether_type": 2048, "src_mac": "02:02:02:02:02:02", "dest_mac": "01:02:03:04:05:ff"});
    assert_eq!((&record["ether"], &record["pcap_filename"]), (&expected, &json!("a/b.pcap")));
}

#[test]
fn names_protocols_and_writes_ipv6_in_full() {
    let facts = |protocol| PacketFacts {
        addresses: Some(("fe80::1".parse().unwrap(), "2001:db8::ff".parse().unwrap())),
        protocol: Some(protocol),
        icmp: Some((128, 0)),
        ..PacketFacts::default()
    };
    let icmp = render(&event(facts(58), Outcome::Allowed), Some("eth1"));
    assert_eq!(icmp["proto"], "IPv6-ICMP");
    assert_eq!(icmp["src_ip"], "fe80:0000:0000:0000:0000:0000:0000:0001");
    assert_eq!((&icmp["icmp_type"], &icmp["icmp_code"], &icmp["ip_v"]), (&json!(128), &json!(0), &json!(6)));
    assert_eq!(icmp["in_iface"], "eth1");
    assert_eq!(icmp.get("src_port"), None);
    for (number, name) in [(6, "TCP"), (17, "UDP"), (1, "ICMP"), (132, "SCTP"), (47, "GRE"), (200, "200")] {
        assert_eq!(render(&event(facts(number), Outcome::Allowed), None)["proto"], name);
    }
}

#[test]
fn leaves_out_what_a_packet_does_not_have() {
    let mut event = event(PacketFacts::default(), Outcome::Allowed);
    event.number = 0;
    let value = render(&event, None);
    for key in ["pcap_cnt", "vlan", "src_ip", "dest_ip", "proto", "ip_v", "icmp_type", "in_iface", "ether"] {
        assert_eq!(value.get(key), None, "{key}");
    }
}

const SECOND: u64 = 1_000_000_000;

/// What a flow's client sends first.
fn tuple(protocol: u8, ports: (u16, u16)) -> Tuple {
    Tuple {
        source: [10, 0, 0, 9].into(),
        destination: [10, 0, 0, 1].into(),
        protocol,
        ports,
        icmp_code: 0,
        vlan: [Some(6), None, None],
        recursion: 0,
    }
}

#[test]
fn what_was_captured_stands_in_the_alert_and_beside_it() {
    let text = |name: &str, text: &[u8]| (name.to_string(), text.into());
    let mut alert = event(PacketFacts::default(), Outcome::Allowed);
    let EventKind::Alert { captures, .. } = &mut alert.kind else { panic!() };
    *captures = Some(Box::new(Captures {
        alert: vec![text("ua", b"Mozilla")],
        flow: vec![text("gid", b"0"), text("uid", b"a\"\x00\xff\nb")],
        packet: vec![],
    }));
    let record = render(&alert, None);
    assert_eq!(record["alert"]["context"], json!({"ua": "Mozilla"}));
    assert_eq!(record["metadata"], json!({"flowvars": [{"gid": "0"}, {"uid": "a\"..\nb"}]}));
    let EventKind::Alert { captures, .. } = &mut alert.kind else { panic!() };
    *captures = Some(Box::new(Captures { packet: vec![text("gid", b"1")], ..Captures::default() }));
    let record = render(&alert, None);
    assert_eq!(
        (record["alert"].get("context"), &record["metadata"]),
        (None, &json!({"pktvars": [{"gid": "1"}]}))
    );
}

#[test]
fn a_flow_says_what_happened_to_its_packets() {
    for (action, said) in [
        (FlowAction::Drop(DropReason::Rule), Some("drop")),
        (FlowAction::Pass, Some("pass")),
        (FlowAction::Bypass, Some("pass")),
        (FlowAction::None, None),
    ] {
        let ended = ended(&tuple(6, (4000, 443)), |flow| flow.action = action);
        let event = Event::flow_ended(&ended, Timestamp(90 * SECOND), None, None);
        let [record] = &lines(&event, &only(EventType::Flow))[..] else { panic!() };
        assert_eq!(record["flow"].get("action").and_then(Value::as_str), said);
    }
}

/// A flow of two packets there and one back, from second 10.9 to second 12.1, as `change` leaves it.
fn ended(tuple: &Tuple, change: impl FnOnce(&mut Flow)) -> Ended<()> {
    let mut table = Table::<()>::new(FlowSettings::default(), Share::ALL);
    let mut handle = None;
    for (tuple, tenths, bytes, ttl) in
        [(*tuple, 109, 100, 64), (tuple.reversed(), 110, 1000, 50), (*tuple, 121, 60, 62)]
    {
        let probe = table.probe(&tuple);
        let entry = table.enter(&probe, Timestamp(tenths * SECOND / 10), &mut |_| ()).unwrap();
        table.count(entry.handle, entry.direction, bytes, ttl);
        handle = Some(entry.handle);
    }
    let handle = handle.unwrap();
    change(table.get_mut(handle).unwrap().0);
    table.remove(handle, FlowEnd::Timeout).unwrap()
}

fn lines(event: &Event, options: &EveOptions) -> Vec<Value> {
    let mut text = Vec::new();
    let count = append_lines(&mut text, event, Source { port: None, capture: Some("a/b.pcap") }, options);
    let lines: Vec<_> = serde_json::Deserializer::from_slice(&text).into_iter().map(Result::unwrap).collect();
    assert_eq!(lines.len() as u64, count);
    lines
}

fn only(event_type: EventType) -> EveOptions {
    let mut types = EventTypes::NONE;
    types.insert(event_type);
    EveOptions { types, ..EveOptions::default() }
}

#[test]
fn writes_a_tcp_flow_as_suricata_does() {
    let ended = ended(&tuple(6, (4000, 443)), |flow| {
        flow.alerted = true;
        flow.action = FlowAction::Drop(DropReason::Rule);
        flow.exceptions.add(Failure::Midstream, ExceptionPolicy::DropFlow);
        flow.exceptions.add(Failure::Midstream, ExceptionPolicy::Ignore);
    });
    let tcp =
        TcpRecord { flags: [0x1a, 0x12], state: "established", max_regions: [1, 2], gap: [false, true] };
    let event = Event::flow_ended(&ended, Timestamp(90 * SECOND), Some(tcp), Some("tls"));
    let options = EveOptions { community_id: true, ..only(EventType::Flow) };
    let expected = json!({
        "timestamp": "1970-01-01T00:01:30.000000+0000", "flow_id": ended.flow.id().0, "event_type": "flow",
        "vlan": [6], "src_ip": "10.0.0.9", "src_port": 4000, "dest_ip": "10.0.0.1", "dest_port": 443,
        "proto": "TCP", "ip_v": 4, "app_proto": "tls",
        "community_id": community::id(&event.packet, 0),
        "flow": {
            "pkts_toserver": 2, "pkts_toclient": 1, "bytes_toserver": 160, "bytes_toclient": 1000,
            "start": "1970-01-01T00:00:10.900000+0000", "end": "1970-01-01T00:00:12.100000+0000", "age": 2,
            "state": "new", "reason": "timeout", "alerted": true, "action": "drop",
            "exception_policy": [{"target": "stream_midstream", "policy": "drop_flow"}],
        },
        "tcp": {
            "tcp_flags": "1a", "tcp_flags_ts": "1a", "tcp_flags_tc": "12", "syn": true, "psh": true, "ack": true,
            "state": "established", "tc_gap": true, "ts_max_regions": 1, "tc_max_regions": 2,
        },
    });
    assert_eq!(lines(&event, &options), [expected]);
}

#[test]
fn netflow_has_a_record_for_each_direction() {
    let ended = ended(&tuple(17, (4000, 53)), |_| ());
    let event = Event::flow_ended(&ended, Timestamp(90 * SECOND), None, None);
    let lines = lines(&event, &only(EventType::Netflow));
    let [there, back] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&there["src_ip"], &there["src_port"]), (&json!("10.0.0.9"), &json!(4000)));
    assert_eq!((&back["src_ip"], &back["src_port"]), (&json!("10.0.0.1"), &json!(53)));
    assert_eq!(there["netflow"]["max_ttl"], 64);
    let expected = json!({
        "pkts": 1, "bytes": 1000, "start": "1970-01-01T00:00:10.900000+0000",
        "end": "1970-01-01T00:00:12.100000+0000", "age": 2, "min_ttl": 50, "max_ttl": 50,
    });
    assert_eq!(back["netflow"], expected);
    assert_eq!(ended.flow.state(), FlowState::Established, "both sides of a UDP flow were heard");
}

#[test]
fn flows_without_ports_have_what_stands_in_for_them() {
    let ping = ended(&tuple(1, Tuple::icmp(1, 8)), |_| ());
    let event = Event::flow_ended(&ping, Timestamp(90 * SECOND), None, None);
    let flow = &lines(&event, &only(EventType::Flow))[0];
    assert_eq!((&flow["icmp_type"], &flow["icmp_code"]), (&json!(8), &json!(0)));
    assert_eq!((&flow["response_icmp_type"], flow.get("src_port")), (&json!(0), None));

    let esp = ended(&tuple(50, Tuple::esp(0x0001_0002)), |_| ());
    let event = Event::flow_ended(&esp, Timestamp(90 * SECOND), None, None);
    let flow = &lines(&event, &only(EventType::Flow))[0];
    assert_eq!((&flow["spi"], &flow["proto"]), (&json!(0x0001_0002), &json!("ESP")));
}

#[test]
fn an_alert_names_its_flow_and_the_direction() {
    let ended = ended(&tuple(6, (4000, 443)), |_| ());
    let packet = PacketFacts {
        addresses: Some(([10, 0, 0, 1].into(), [10, 0, 0, 9].into())),
        ports: Some((443, 4000)),
        protocol: Some(6),
        ..PacketFacts::default()
    };
    let flow = Some(FlowFacts::of(&ended.flow, Direction::ToClient));
    let alert = render(&Event { flow, ..event(packet, Outcome::Allowed) }, None);
    assert_eq!((&alert["flow_id"], &alert["direction"]), (&json!(ended.flow.id().0), &json!("to_client")));
    let expected = json!({
        "pkts_toserver": 2, "pkts_toclient": 1, "bytes_toserver": 160, "bytes_toclient": 1000,
        "start": "1970-01-01T00:00:10.900000+0000", "src_ip": "10.0.0.9", "dest_ip": "10.0.0.1",
        "src_port": 4000, "dest_port": 443,
    });
    assert_eq!(alert["flow"], expected);
    assert_eq!(alert.get("community_id"), None, "only when asked for");
}

#[test]
fn anomalies_and_stats_have_their_objects() {
    let of = |kind| Event { kind, ..event(PacketFacts::default(), Outcome::Allowed) };
    let anomaly =
        EventKind::Anomaly { anomaly: event::Anomaly::Decode(DecodeEvent::Ipv4TruncPkt), excerpt: None };
    assert_eq!(
        render(&of(anomaly), None)["anomaly"],
        json!({"type": "decode", "event": "decoder.ipv4.trunc_pkt"})
    );
    let mut counters = Counters::default();
    counters.decoder.packets = 3;
    let stats = Event::stats(Timestamp(0), StatsRecord { counters, ..StatsRecord::default() });
    let stats = render(&stats, Some("eth1"));
    assert_eq!((&stats["stats"]["decoder"]["pkts"], stats.get("in_iface")), (&json!(3), None));
}

#[test]
fn a_tagged_packet_is_written_when_asked_for() {
    let kind = EventKind::Tagged { bytes: Box::new(*b"abc"), link: LinkType::Ethernet };
    let event = Event { kind, ..event(PacketFacts::default(), Outcome::Allowed) };
    let options = EveOptions { tagged_packets: true, ..only(EventType::Alert) };
    let record = &lines(&event, &options)[0];
    assert_eq!((&record["event_type"], &record["packet"]), (&json!("packet"), &json!("YWJj")));
    assert_eq!(record["packet_info"], json!({"linktype": 1, "linktype_name": "EN10MB"}));
    assert_eq!(record.get("alert"), None);
    assert!(lines(&event, &only(EventType::Alert)).is_empty());
}

#[test]
fn writes_a_drop_as_suricata_does() {
    let ended = ended(&tuple(6, (4000, 443)), |_| ());
    let EventKind::Alert { rule, .. } = event(PacketFacts::default(), Outcome::Blocked).kind else {
        panic!()
    };
    let rule = Arc::new(RuleInfo { action: Action::Reject(Recipients::Both), ..(*rule).clone() });
    let tcp = TransportFacts::Tcp { seq: 1, ack: 2, window: 3, flags: 0x11, reserved: 4, urgent: 5 };
    let headers = HeaderFacts {
        network: Some(NetworkFacts::V4 { length: 43, tos: 8, ttl: 64, id: 77 }),
        transport: Some(tcp),
    };
    let kind = EventKind::Drop { reason: DropReason::Rule, headers, rule: Some(rule) };
    let facts = PacketFacts { protocol: Some(6), ..PacketFacts::default() };
    let flow = Some(FlowFacts::of(&ended.flow, Direction::ToClient));
    let event = Event { kind, flow, ..event(facts, Outcome::Blocked) };
    let expected = json!({
        "timestamp": "2026-11-23T15:49:26.123456+0000", "flow_id": ended.flow.id().0, "pcap_cnt": 4,
        "event_type": "drop", "proto": "TCP", "pkt_src": "wire/pcap", "direction": "to_client",
        "alert": {"action": "blocked", "gid": 1, "signature_id": 7, "rev": 2, "signature": "say \"hi\"",
                  "category": "misc", "severity": 3},
        "drop": {
            "len": 43, "tos": 8, "ttl": 64, "ipid": 77, "tcpseq": 1, "tcpack": 2, "tcpwin": 3, "syn": false,
            "ack": true, "psh": false, "rst": false, "urg": false, "fin": true, "tcpres": 4, "tcpurgp": 5,
            "reason": "rules",
        },
        "verdict": {"action": "drop", "reject-target": "both", "reject": ["tcp-reset"]},
    });
    assert_eq!(render(&event, None), expected);
    let options = EveOptions { drop_alerts: false, drop_verdict: false, ..only(EventType::Drop) };
    let short = &lines(&event, &options)[0];
    assert_eq!((short.get("alert"), short.get("verdict")), (None, None));
}

#[test]
fn a_drop_has_what_its_headers_have() {
    let drop = |network, transport| {
        let headers = HeaderFacts { network, transport };
        let kind = EventKind::Drop { reason: DropReason::FlowMemcap, headers, rule: None };
        let event = Event { kind, ..event(PacketFacts::default(), Outcome::Allowed) };
        let mut record = render(&event, None);
        assert_eq!((&record["verdict"], record.get("alert")), (&json!({"action": "drop"}), None));
        record["drop"].take()
    };
    let ip = NetworkFacts::V6 { length: 11, class: 1, hop_limit: 7, flow_label: 9 };
    assert_eq!(
        drop(Some(ip), Some(TransportFacts::Udp { length: 11 })),
        json!({"len": 11, "tc": 1, "hoplimit": 7, "flowlbl": 9, "udplen": 11, "reason": "flow memcap"})
    );
    let ip = NetworkFacts::V4 { length: 28, tos: 0, ttl: 1, id: 0 };
    assert_eq!(
        drop(Some(ip), Some(TransportFacts::Echo { id: 8, seq: 9 })),
        json!({"len": 28, "tos": 0, "ttl": 1, "ipid": 0, "icmp_id": 8, "icmp_seq": 9, "reason": "flow memcap"})
    );
    assert_eq!(drop(None, None), json!({"reason": "flow memcap"}));
}

#[test]
fn an_event_in_a_tunnel_names_the_packet_around_it() {
    let outer = PacketFacts {
        addresses: Some(([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        protocol: Some(47),
        ..PacketFacts::default()
    };
    let event = Event {
        origin: Origin::Tunnel(Tunnel::Gre),
        outer: Some(Outer { packet: outer, depth: 2 }),
        ..event(PacketFacts::default(), Outcome::Allowed)
    };
    let record = render(&event, None);
    let expected = json!({
        "src_ip": "10.0.0.1", "dest_ip": "10.0.0.2", "proto": "GRE", "depth": 2, "pcap_cnt": 4,
        "pkt_src": "wire/pcap",
    });
    assert_eq!((&record["tunnel"], &record["pkt_src"]), (&expected, &json!("gre tunnel")));
}

#[test]
fn types_that_are_not_asked_for_give_no_line() {
    let ended = ended(&tuple(6, (4000, 443)), |_| ());
    let event = Event::flow_ended(&ended, Timestamp(90 * SECOND), None, None);
    assert_eq!(lines(&event, &only(EventType::Alert)), [Value::Null; 0]);
    assert_eq!(lines(&event, &EveOptions::default()).len(), 1, "flow, not netflow");
}
