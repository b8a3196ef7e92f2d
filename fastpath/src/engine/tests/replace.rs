//! `replace` from packet to packet.

use etherparse::{Ipv4Header, ip_number};

use super::{attack::client, *};
use crate::engine::packet::Packet;

const EVIL: &str = "alert ip any any -> any any (content:\"evil\"; replace:\"good\"; sid:1;)";

/// The verdict on a packet, and what of it is sent on.
fn send(engine: &mut Engine, packet: &[u8]) -> (Verdict, Vec<u8>) {
    let mut bytes = packet.to_vec();
    let verdict = engine.inspect(&mut bytes, &Meta::default(), &mut Vec::new());
    (verdict, bytes)
}

/// The same packet with another payload.
#[track_caller]
fn assert_becomes(engine: &mut Engine, packet: &[u8], payload: &[u8]) {
    let (verdict, bytes) = send(engine, packet);
    assert_eq!(verdict, Verdict::Rewritten);
    let seen = Packet::decode(&bytes, Meta::default().link);
    assert_eq!(seen.payload, payload);
    assert!(seen.checksums_ok());
}

#[test]
fn what_leaves_has_the_new_bytes_and_the_right_checksum() {
    let mut engine = engine(EVIL, Enforcement::Drop);
    assert_becomes(&mut engine, &udp(b"an evil, evil word"), b"an good, good word");
    assert_eq!(inspect(&mut engine, udp(b"an evil word")), (Verdict::Rewritten, vec![(1, Allowed)]));
    let other = udp(b"another word");
    assert_eq!(send(&mut engine, &other), (Verdict::Forward, other));
    assert_eq!(engine.counters().ips.replaced, 2);
    assert_eq!(engine.counters().ips.accepted, 1);
}

#[test]
fn a_segment_is_changed_each_time_it_is_sent() {
    let mut engine = attack::connected(EVIL);
    for _ in 0..2 {
        assert_becomes(&mut engine, &client("A", 0, b"an evil word"), b"an good word");
    }
    // What the receiver has not seen is no contradiction: the stream goes on.
    assert_becomes(&mut engine, &client("A", 12, b", evil"), b", good");
}

#[test]
fn nothing_is_changed_that_is_not_inline_or_not_sent_on() {
    let packet = udp(b"an evil word");
    assert_eq!(send(&mut engine(EVIL, Enforcement::Report), &packet), (Verdict::Forward, packet.clone()));
    let mut dropping =
        engine(&format!("{EVIL}\ndrop udp any any -> any any (content:\"word\"; sid:2;)"), Enforcement::Drop);
    assert_eq!(send(&mut dropping, &packet), (Verdict::Drop(DropReason::Rule), packet));
    // And nothing of it is left for the next packet.
    let next = udp(b"an evil thing");
    assert_becomes(&mut dropping, &next, b"an good thing");
}

#[test]
fn the_first_rule_that_replaces_a_byte_decides_it() {
    let rules = "alert udp any any -> any any (content:\"evil\"; replace:\"good\"; priority:1; sid:1;)
alert udp any any -> any any (content:\"l word\"; replace:\"------\"; priority:2; sid:2;)";
    assert_becomes(&mut engine(rules, Enforcement::Drop), &udp(b"evil word"), b"good-----");
}

#[test]
fn a_threshold_holds_back_alerts_only() {
    let rule = "alert udp any any -> any any (content:\"evil\"; replace:\"good\"; \
                threshold:type limit, track by_src, count 1, seconds 60; sid:1;)";
    let mut engine = engine(rule, Enforcement::Drop);
    let alerts: Vec<usize> = (0..3).map(|_| inspect(&mut engine, udp(b"evil")).1.len()).collect();
    assert_eq!(alerts, [1, 0, 0]);
    assert_becomes(&mut engine, &udp(b"evil"), b"good");
}

#[test]
fn what_a_tunnel_carries_is_changed() {
    let mut bytes = Vec::new();
    let inner = udp(b"an evil word");
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([10, 1, 0, 1], [10, 1, 0, 2], 64)
        .udp(5000, 4789)
        .write(&mut bytes, &[&[8, 0, 0, 0, 0, 0, 9, 0], &inner[..]].concat())
        .unwrap();
    let rule = EVIL.replace("alert ip any any -> any any", "alert udp any any -> any 53");
    let (verdict, sent) = send(&mut engine(&rule, Enforcement::Drop), &bytes);
    assert_eq!(verdict, Verdict::Rewritten);
    assert!(sent.ends_with(b"an good word"));
    let outer = Packet::decode(&sent, Meta::default().link);
    let inside = Packet::decode_inner(&outer.inner.unwrap(), &crate::engine::packet::Settings::DEFAULT);
    assert!(outer.checksums_ok() && inside.checksums_ok());
}

/// Their checksum is not in the packet at hand, or cannot be corrected.
#[test]
fn fragments_and_unknown_protocols_stay_as_they_are() {
    let ip = |protocol, more: bool, offset: u16, payload: &[u8]| {
        let mut header =
            Ipv4Header::new(u16::try_from(payload.len()).unwrap(), 64, protocol, [10, 0, 0, 1], [8, 8, 8, 8])
                .unwrap();
        (header.dont_fragment, header.more_fragments) = (false, more);
        header.fragment_offset = etherparse::IpFragOffset::try_new(offset).unwrap();
        header.header_checksum = header.calc_header_checksum();
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .ip(etherparse::IpHeaders::Ipv4(header, Default::default()))
            .write(&mut bytes, protocol, payload)
            .unwrap();
        bytes
    };
    let mut engine = engine(EVIL, Enforcement::Drop);
    let unknown = ip(ip_number::SCPS, false, 0, b"an evil word");
    assert_eq!(inspect(&mut engine, unknown.clone()).1, [(1, Allowed)]);
    assert_eq!(send(&mut engine, &unknown), (Verdict::Forward, unknown));
    let whole = &udp(b"an evil word")[34..];
    let fragments = [ip(ip_number::UDP, true, 0, &whole[..8]), ip(ip_number::UDP, false, 1, &whole[8..])];
    for fragment in &fragments {
        assert_eq!(send(&mut engine, fragment), (Verdict::Forward, fragment.clone()));
    }
}
