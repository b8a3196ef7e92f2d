use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::engine::event::PacketFacts;
use crate::event::EventTypes;

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
