use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    engine::{
        counters::Counters,
        event::{HeaderFacts, NetworkFacts, Origin, StatsRecord, TcpRecord, TransportFacts},
        flow::{Ended, Flow, FlowAction, FlowEnd, FlowSettings, FlowState, Share, Table, Tuple},
        packet::{DecodeEvent, Tunnel},
        policy::{ExceptionPolicy, Failure},
        rules::{Action, Recipients},
        verdict::DropReason,
    },
    event::EventTypes,
};

fn event(packet: PacketFacts, outcome: Outcome) -> Event {
    let rule = RuleInfo {
        gid: 1,
        sid: 7,
        rev: 2,
        msg: "say \"hi\"".into(),
        class: "misc".into(),
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
        kind: EventKind::Alert { rule: Arc::new(rule), outcome },
    }
}

fn render(event: &Event, port: Option<&str>) -> Value {
    let mut line = Vec::new();
    let options = EveOptions { types: EventTypes::ALL, ..EveOptions::default() };
    assert_eq!(append_lines(&mut line, event, port, &options), 1);
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
    };
    let expected = json!({
        "timestamp": "2026-11-23T15:49:26.123456+0000", "pcap_cnt": 4, "event_type": "alert",
        "vlan": [5, 9], "src_ip": "10.0.0.1", "src_port": 1234, "dest_ip": "10.0.0.2", "dest_port": 80,
        "proto": "TCP", "ip_v": 4, "pkt_src": "wire/pcap",
        "alert": {"action": "allowed", "gid": 1, "signature_id": 7, "rev": 2, "signature": "say \"hi\"",
                  "category": "misc", "severity": 3},
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
    for key in ["pcap_cnt", "vlan", "src_ip", "dest_ip", "proto", "ip_v", "icmp_type", "in_iface", "verdict"]
    {
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
    let count = append_lines(&mut text, event, None, options);
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
    let anomaly = EventKind::Anomaly(event::Anomaly::Decode(DecodeEvent::Ipv4TruncPkt));
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
