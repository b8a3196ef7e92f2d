//! One event as one line of EVE JSON, named as Suricata 8 names it
//! (<https://docs.suricata.io/en/suricata-8.0.0/output/eve/eve-json-format.html>).

use std::{fmt, net::IpAddr};

use etherparse::IpNumber;
use serde::{Serialize, Serializer};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::engine::{
    event::{Event, EventKind, Outcome},
    meta::Timestamp,
    rules::RuleInfo,
};

#[derive(Serialize)]
struct Record<'a> {
    timestamp: Stamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_iface: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_cnt: Option<u64>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Vlan::is_empty")]
    vlan: Vlan,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proto: Option<Protocol>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_v: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u8>,
    pkt_src: &'static str,
    alert: Alert<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
}

#[derive(Serialize)]
struct Alert<'a> {
    action: &'static str,
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: &'a str,
    category: &'a str,
    severity: u8,
}

#[derive(Serialize)]
struct Verdict {
    action: &'static str,
}

/// Appends `event` and a newline to `out`. `port` is the name of the port it came in on, `None` in replay.
pub(super) fn append_line(out: &mut Vec<u8>, event: &Event, port: Option<&str>) {
    let start = out.len();
    let Some(record) = Record::new(event, port) else { return };
    match serde_json::to_writer(&mut *out, &record) {
        Ok(()) => out.push(b'\n'),
        // Neither a Vec nor these types can fail; half a line must not stay if that ever changes.
        Err(_) => out.truncate(start),
    }
}

impl<'a> Record<'a> {
    fn new(event: &'a Event, port: Option<&'a str>) -> Option<Self> {
        let facts = &event.packet;
        let EventKind::Alert { rule, outcome } = &event.kind else { return None };
        Some(Self {
            timestamp: Stamp(event.time),
            in_iface: port,
            pcap_cnt: (event.number != 0).then_some(event.number),
            event_type: "alert",
            vlan: Vlan(facts.vlan),
            src_ip: facts.addresses.map(|(source, _)| Address(source)),
            src_port: facts.ports.map(|(source, _)| source),
            dest_ip: facts.addresses.map(|(_, destination)| Address(destination)),
            dest_port: facts.ports.map(|(_, destination)| destination),
            proto: facts.protocol.map(Protocol),
            ip_v: facts.addresses.map(|(source, _)| if source.is_ipv4() { 4 } else { 6 }),
            icmp_type: facts.icmp.map(|(kind, _)| kind),
            icmp_code: facts.icmp.map(|(_, code)| code),
            pkt_src: "wire/pcap",
            alert: Alert::new(rule, *outcome),
            verdict: match outcome {
                Outcome::Allowed => None,
                Outcome::Blocked => Some(Verdict { action: "drop" }),
                Outcome::WouldBlock => Some(Verdict { action: "would-drop" }),
            },
        })
    }
}

impl<'a> Alert<'a> {
    fn new(rule: &'a RuleInfo, outcome: Outcome) -> Self {
        Self {
            action: if outcome == Outcome::Blocked { "blocked" } else { "allowed" },
            gid: rule.gid,
            signature_id: rule.sid,
            rev: rule.rev,
            signature: &rule.msg,
            category: &rule.class,
            severity: rule.priority,
        }
    }
}

/// `2026-11-23T15:49:26.123456+0000`, always UTC, so that a replay gives the same bytes everywhere.
#[derive(Clone, Copy, Debug)]
pub struct Stamp(pub Timestamp);

const STAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]+0000");

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        // 2^64 nanoseconds end in the year 2554, within what `time` can say.
        let time =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0.0)).map_err(S::Error::custom)?;
        serializer.serialize_str(&time.format(STAMP).map_err(S::Error::custom)?)
    }
}

/// Suricata writes IPv6 addresses in full, without `::`.
struct Address(IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, g, h, i] = address.segments();
                write!(f, "{a:04x}:{b:04x}:{c:04x}:{d:04x}:{e:04x}:{g:04x}:{h:04x}:{i:04x}")
            }
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An IP protocol by IANA's keyword, or its number in three digits when it has none.
struct Protocol(u8);

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match IpNumber(self.0).keyword_str() {
            Some(keyword) => serializer.serialize_str(keyword),
            None => serializer.collect_str(&format_args!("{:03}", self.0)),
        }
    }
}

/// VLAN ids from the outermost in.
struct Vlan([Option<u16>; 3]);

impl Vlan {
    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl Serialize for Vlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::engine::event::PacketFacts;

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
            kind: EventKind::Alert { rule: Arc::new(rule), outcome },
        }
    }

    fn render(event: &Event, port: Option<&str>) -> Value {
        let mut line = Vec::new();
        append_line(&mut line, event, port);
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
        assert_eq!(
            (&icmp["icmp_type"], &icmp["icmp_code"], &icmp["ip_v"]),
            (&json!(128), &json!(0), &json!(6))
        );
        assert_eq!(icmp["in_iface"], "eth1");
        assert_eq!(icmp.get("src_port"), None);
        for (number, name) in [(6, "TCP"), (17, "UDP"), (1, "ICMP"), (132, "SCTP"), (47, "GRE"), (200, "200")]
        {
            assert_eq!(render(&event(facts(number), Outcome::Allowed), None)["proto"], name);
        }
    }

    #[test]
    fn leaves_out_what_a_packet_does_not_have() {
        let mut event = event(PacketFacts::default(), Outcome::Allowed);
        event.number = 0;
        let value = render(&event, None);
        for key in
            ["pcap_cnt", "vlan", "src_ip", "dest_ip", "proto", "ip_v", "icmp_type", "in_iface", "verdict"]
        {
            assert_eq!(value.get(key), None, "{key}");
        }
    }
}
