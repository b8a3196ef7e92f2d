//! What alerts show of packets and streams.

use super::{attack::client, *};
use crate::engine::{
    event::{Excerpt, Excerpts, Payload},
    meta::LinkType,
};

/// An inline engine whose alerts show this.
fn showing(mut engine: Engine, excerpts: Excerpts) -> Engine {
    engine.settings.wanted.excerpts = excerpts;
    engine
}

const ALL: Excerpts = Excerpts { packet: true, payload: true, stream_limit: 4096 };

/// What the alerts about `packet` show, by their rules' sids.
fn shown(engine: &mut Engine, mut packet: Vec<u8>) -> Vec<(u32, Option<Excerpt>)> {
    let mut events: Vec<Event> = Vec::new();
    engine.inspect(&mut packet, &Meta::default(), &mut events);
    let alert = |event: Event| match event.kind {
        EventKind::Alert { rule, excerpt, .. } => Some((rule.sid, excerpt.map(|excerpt| *excerpt))),
        _ => None,
    };
    events.into_iter().filter_map(alert).collect()
}

fn payload(bytes: &[u8], in_stream: bool) -> Option<Payload> {
    Some(Payload { bytes: bytes.into(), in_stream })
}

#[test]
fn nothing_is_copied_that_nobody_asked_for() {
    let rule = "alert udp any any -> any any (sid:1;)";
    assert_eq!(shown(&mut engine(rule, Enforcement::Drop), udp(b"x")), [(1, None)]);
    let mut engine = showing(engine(rule, Enforcement::Drop), Excerpts { packet: false, ..ALL });
    let excerpt = Excerpt { packet: None, payload: payload(b"x", false) };
    assert_eq!(shown(&mut engine, udp(b"x")), [(1, Some(excerpt))]);
}

#[test]
fn alerts_of_a_packet_share_one_copy() {
    let rules = "alert udp any any -> any any (sid:1;)\nalert udp any any -> any any (content:\"x\"; sid:2;)";
    let mut engine = showing(engine(rules, Enforcement::Drop), ALL);
    let all = shown(&mut engine, udp(b"x"));
    let [(1, Some(one)), (2, Some(two))] = &all[..] else { panic!("{all:?}") };
    assert_eq!(one, two);
    let (bytes, link) = one.packet.as_ref().unwrap();
    assert_eq!((&**bytes, *link), (&*udp(b"x"), LinkType::Ethernet));
    assert!(Arc::ptr_eq(bytes, &two.packet.as_ref().unwrap().0));
    assert!(Arc::ptr_eq(&one.payload.as_ref().unwrap().bytes, &two.payload.as_ref().unwrap().bytes));
}

#[test]
fn a_match_in_a_stream_shows_the_data_around_it() {
    let rules = "alert tcp any any -> any any (content:\"attack\"; sid:1;)\n\
                 alert tcp-pkt any any -> any any (content:\"ack\"; sid:2;)";
    for (limit, window) in [(4096, &b"GET att ack attack"[..]), (4, b"tack")] {
        let mut engine =
            showing(attack::connected(rules), Excerpts { packet: false, stream_limit: limit, ..ALL });
        assert_eq!(shown(&mut engine, client("A", 0, b"GET att")), []);
        let all = shown(&mut engine, client("A", 7, b" ack attack"));
        let expected = [
            (1, Some(Excerpt { packet: None, payload: payload(window, true) })),
            (2, Some(Excerpt { packet: None, payload: payload(b" ack attack", false) })),
        ];
        assert_eq!(all, expected);
    }
}

#[test]
fn a_packet_in_a_tunnel_is_shown_without_what_carries_it() {
    let mut inner = Vec::new();
    PacketBuilder::ipv4([1, 1, 1, 1], [2, 2, 2, 2], 64).udp(1, 2).write(&mut inner, b"hidden").unwrap();
    let mut outer = Vec::new();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ip(etherparse::IpHeaders::Ipv4(
            etherparse::Ipv4Header {
                time_to_live: 64,
                source: [3; 4],
                destination: [4; 4],
                ..Default::default()
            },
            Default::default(),
        ))
        .write(&mut outer, etherparse::ip_number::IPV4, &inner)
        .unwrap();
    let rule = "alert udp any any -> any any (content:\"hidden\"; sid:1;)";
    let mut engine = showing(engine(rule, Enforcement::Drop), ALL);
    let expected =
        Excerpt { packet: Some((inner.into(), LinkType::IPV4)), payload: payload(b"hidden", false) };
    assert_eq!(shown(&mut engine, outer), [(1, Some(expected))]);
}
