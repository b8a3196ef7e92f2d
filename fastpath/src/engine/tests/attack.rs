//! Ways to get a forbidden content past the joints of the pipeline.

use etherparse::{Ipv4Header, TcpHeader, UdpHeader, ip_number};

use super::*;

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];
const ISN: u32 = 100;
const SERVER_ISN: u32 = 500;

/// A segment of the client's, or of the server's; sequence and acknowledgement count from behind the SYN.
struct Tcp {
    to_server: bool,
    flags: &'static str,
    seq: u32,
    ack: u32,
}

impl Tcp {
    fn frame(&self, payload: &[u8]) -> Vec<u8> {
        let (from, to) = if self.to_server { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let ports = if self.to_server { (1000, 80) } else { (80, 1000) };
        let bases = if self.to_server { (ISN, SERVER_ISN) } else { (SERVER_ISN, ISN) };
        let seq = (bases.0 + 1 + self.seq).wrapping_sub(u32::from(self.flags.contains('S')));
        let mut header = TcpHeader::new(ports.0, ports.1, seq, 60_000);
        header.syn = self.flags.contains('S');
        header.fin = self.flags.contains('F');
        header.rst = self.flags.contains('R');
        if self.flags.contains('A') {
            header.ack = true;
            header.acknowledgment_number = bases.1 + 1 + self.ack;
        }
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .ipv4(from, to, 64)
            .tcp_header(header)
            .write(&mut bytes, payload)
            .unwrap();
        bytes
    }
}

pub(super) fn client(flags: &'static str, seq: u32, payload: &[u8]) -> Vec<u8> {
    Tcp { to_server: true, flags, seq, ack: 0 }.frame(payload)
}

fn server(flags: &'static str, ack: u32) -> Vec<u8> {
    Tcp { to_server: false, flags, seq: 0, ack }.frame(b"")
}

/// An inline engine with a session that is established.
pub(super) fn connected(text: &str) -> Engine {
    let mut engine = engine(text, Enforcement::Drop);
    for packet in [client("S", 0, b""), server("SA", 0), client("A", 0, b"")] {
        assert_eq!(inspect(&mut engine, packet).0, Verdict::Forward);
    }
    engine
}

const DROPPED: Verdict = Verdict::Drop(DropReason::Rule);

#[test]
fn a_content_longer_than_what_is_searched_of_it_is_found_across_segments() {
    let content = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";
    let rules = [
        format!("drop tcp any any -> any any (content:\"{content}\"; sid:1;)"),
        format!("drop tcp any any -> any any (content:\"{content}\"; fast_pattern:2,4; sid:1;)"),
    ];
    for rule in rules {
        for cut in 1..content.len() {
            let mut engine = connected(&rule);
            let (head, tail) = content.as_bytes().split_at(cut);
            assert_eq!(inspect(&mut engine, client("A", 0, head)).0, Verdict::Forward);
            assert_eq!(
                inspect(&mut engine, client("A", u32::try_from(cut).unwrap(), tail)).0,
                DROPPED,
                "cut at {cut}: {rule}"
            );
        }
    }
}

#[test]
fn a_rule_about_addresses_is_not_used_up_by_a_packet_that_it_did_not_see() {
    let rule = "drop tcp 10.0.0.1 any -> any any (sid:1;)";
    let mut engine = engine(rule, Enforcement::Drop);
    assert_eq!(inspect(&mut engine, client("SF", 0, b"")).0, Verdict::Drop(DropReason::Stream));
    assert_eq!(inspect(&mut engine, client("S", 0, b"")).0, DROPPED);
}

#[test]
fn a_rule_about_addresses_is_not_used_up_by_an_error_message() {
    // About the client's packet, and so a packet of its flow, towards the client.
    let mut engine = engine("drop udp 10.0.0.2 any -> any any (sid:1;)", Enforcement::Drop);
    let datagram = |from, to, ports: (u16, u16)| {
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4(from, to, 64).udp(ports.0, ports.1);
        builder.write(&mut bytes, b"hello").unwrap();
        bytes
    };
    let request = datagram(CLIENT, SERVER, (1000, 53));
    let mut error = Vec::new();
    let kind =
        etherparse::Icmpv4Type::DestinationUnreachable(etherparse::icmpv4::DestUnreachableHeader::Port);
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4(SERVER, CLIENT, 64)
        .icmpv4(kind)
        .write(&mut error, &request[14..])
        .unwrap();
    assert_eq!(inspect(&mut engine, request).0, Verdict::Forward);
    assert_eq!(inspect(&mut engine, error).0, Verdict::Forward);
    assert_eq!(inspect(&mut engine, datagram(SERVER, CLIENT, (53, 1000))).0, DROPPED);
}

#[test]
fn data_in_a_syn_is_looked_at_by_rules_for_what_is_established() {
    let rule = "drop tcp any any -> any any (flow:established,to_server; content:\"evil\"; sid:1;)";
    assert_eq!(inspect(&mut engine(rule, Enforcement::Drop), client("S", 0, b"evil")).0, DROPPED);
    let rule = "drop tcp any any -> any any (flow:established; content:\"evil\"; content:\"word\"; sid:1;)";
    let mut engine = engine(rule, Enforcement::Drop);
    for packet in [client("S", 0, b"evil"), server("SA", 4)] {
        assert_eq!(inspect(&mut engine, packet).0, Verdict::Forward);
    }
    assert_eq!(inspect(&mut engine, client("A", 4, b"word")).0, DROPPED);
}

/// The two fragments of a UDP datagram, each behind these VLAN tags.
fn fragments(payload: &[u8; 16], tags: [&[u16]; 2]) -> [Vec<u8>; 2] {
    let mut datagram = Vec::new();
    let header = UdpHeader::with_ipv4_checksum(
        1000,
        53,
        &Ipv4Header::new(24, 64, ip_number::UDP, CLIENT, SERVER).unwrap(),
        payload,
    );
    header.unwrap().write(&mut datagram).unwrap();
    datagram.extend_from_slice(payload);
    let cut = 16;
    [0, 1].map(|part| {
        let bytes = if part == 0 { &datagram[..cut] } else { &datagram[cut..] };
        let mut ip =
            Ipv4Header::new(u16::try_from(bytes.len()).unwrap(), 64, ip_number::UDP, CLIENT, SERVER).unwrap();
        ip.identification = 9;
        ip.more_fragments = part == 0;
        ip.fragment_offset = u16::try_from(part * cut / 8).unwrap().try_into().unwrap();
        let mut frame = [[1; 6], [2; 6]].concat();
        for tag in tags[part] {
            frame.extend_from_slice(&[0x81, 0]);
            frame.extend_from_slice(&tag.to_be_bytes());
        }
        frame.extend_from_slice(&[8, 0]);
        ip.write(&mut frame).unwrap();
        frame.extend_from_slice(bytes);
        frame
    })
}

#[test]
fn a_priority_tag_does_not_hide_a_fragment() {
    let rule = "drop udp any any -> any any (content:\"forbidden\"; sid:1;)";
    let tagged: [[&[u16]; 2]; 5] =
        [[&[], &[]], [&[], &[0]], [&[0xe000], &[]], [&[7], &[0, 7]], [&[7, 0], &[0x2007]]];
    for tags in tagged {
        let mut engine = engine(rule, Enforcement::Drop);
        let [first, last] = fragments(b"---forbidden----", tags);
        assert_eq!(inspect(&mut engine, first).0, Verdict::Forward);
        assert_eq!(inspect(&mut engine, last).0, DROPPED, "{tags:?}");
    }
}

#[test]
fn a_connection_may_begin_where_another_was_not_seen_from_its_start() {
    let mut engine = engine("drop tcp any any -> any any (content:\"evil\"; sid:1;)", Enforcement::Drop);
    let midstream = Verdict::Drop(DropReason::StreamMidstream);
    assert_eq!(inspect(&mut engine, client("A", 50, b"old")).0, midstream);
    assert_eq!(inspect(&mut engine, client("A", 53, b"old")).0, Verdict::Drop(DropReason::Flow));
    for packet in [client("S", 0, b""), server("SA", 0), client("A", 0, b"good")] {
        assert_eq!(inspect(&mut engine, packet).0, Verdict::Forward);
    }
    assert_eq!(inspect(&mut engine, client("A", 4, b"evil")).0, DROPPED);
    // What a rule has dropped stays so.
    assert_eq!(inspect(&mut engine, client("S", 0, b"")).0, Verdict::Drop(DropReason::Flow));
}

/// Somebody's ICMP message about a packet of the client's.
fn error_about(packet: &[u8]) -> Vec<u8> {
    let mut error = Vec::new();
    let code = etherparse::icmpv4::TimeExceededCode::TtlExceededInTransit;
    PacketBuilder::ethernet2([2; 6], [1; 6])
        .ipv4([10, 0, 0, 66], CLIENT, 64)
        .icmpv4(etherparse::Icmpv4Type::TimeExceeded(code))
        .write(&mut error, &packet[14..])
        .unwrap();
    error
}

#[test]
fn what_is_said_of_an_error_message_is_not_said_of_the_flow_that_it_is_about() {
    // Anybody can send one about anybody's packet.
    let evil = "drop tcp any any -> any any (content:\"evil\"; sid:2;)";
    for (rule, verdict) in [("pass", Verdict::Forward), ("drop", DROPPED)] {
        let mut engine = connected(&format!("{rule} icmp any any -> any any (sid:1;)\n{evil}"));
        let error = error_about(&client("A", 0, b""));
        assert_eq!(inspect(&mut engine, error.clone()).0, verdict);
        assert_eq!(inspect(&mut engine, error).0, verdict, "each of them is looked at");
        assert_eq!(inspect(&mut engine, client("A", 0, b"good")).0, Verdict::Forward, "{rule}");
        assert_eq!(inspect(&mut engine, client("A", 4, b"evil")).0, DROPPED, "{rule}");
    }
}

#[test]
fn where_vlans_do_not_tell_flows_apart_they_do_not_tell_datagrams_apart() {
    let (rules, _) = load("drop udp any any -> any any (content:\"forbidden\"; sid:1;)");
    let mut settings = Settings::new(Enforcement::Drop);
    settings.flow.tracking.vlan = false;
    let mut engine = Engine::new(Arc::new(rules), settings);
    let [first, last] = fragments(b"---forbidden----", [&[7], &[8]]);
    assert_eq!(inspect(&mut engine, first).0, Verdict::Forward);
    assert_eq!(inspect(&mut engine, last).0, DROPPED);
}

/// The sids of the alerts that ending all flows gives.
fn sids_at_the_end(engine: &mut Engine) -> Vec<u32> {
    let mut events: Vec<Event> = Vec::new();
    engine.finish(Timestamp::default(), &mut events);
    let sid = |event: &Event| match &event.kind {
        EventKind::Alert { rule, .. } => Some(rule.sid),
        _ => None,
    };
    events.iter().filter_map(sid).collect()
}

#[test]
fn the_end_of_a_flow_is_bounded_work() {
    let mut engine = connected("alert tcp any any -> any any (content:\"x\"; sid:1;)");
    for piece in 1..500 {
        assert_eq!(inspect(&mut engine, client("A", 2 * piece, b"x")), (Verdict::Forward, vec![]));
    }
    assert_eq!(sids_at_the_end(&mut engine).len(), 64);
}

#[test]
fn what_is_left_of_a_passed_flow_is_not_looked_at() {
    let left = |first: &[u8]| {
        let rules = "pass tcp any any -> any any (content:\"friend\"; sid:1;)
alert tcp any any -> any any (content:\"evil\"; sid:2;)";
        let mut engine = connected(rules);
        assert_eq!(inspect(&mut engine, client("A", 0, first)).0, Verdict::Forward);
        assert_eq!(inspect(&mut engine, client("A", 50, b"evil")).0, Verdict::Forward);
        sids_at_the_end(&mut engine)
    };
    assert_eq!((left(b"friend"), left(b"someone")), (vec![], vec![2]));
}

#[test]
fn an_error_message_about_a_passed_flow_is_not_passed() {
    let rules = "pass tcp any any -> any any (content:\"friend\"; sid:1;)
drop ip any any -> any any (content:\"evil\"; sid:2;)";
    let mut engine = connected(rules);
    for (seq, payload) in [(0, &b"friend"[..]), (6, b"evil")] {
        assert_eq!(inspect(&mut engine, client("A", seq, payload)).0, Verdict::Forward);
    }
    assert_eq!(inspect(&mut engine, error_about(&client("A", 6, b"evil"))).0, DROPPED);
}

#[test]
fn more_tags_than_are_taken_off_hide_nothing() {
    let mut engine = engine("drop udp any any -> any any (content:\"evil\"; sid:1;)", Enforcement::Drop);
    let tagged = |tags: usize| {
        let packet = udp(b"evil");
        [&packet[..12], &[0x81, 0, 0, 7].repeat(tags), &packet[12..]].concat()
    };
    assert_eq!(inspect(&mut engine, tagged(3)).0, DROPPED);
    assert_eq!(inspect(&mut engine, tagged(4)).0, Verdict::Drop(DropReason::Decode));
}

#[test]
fn a_rule_about_addresses_is_not_used_up_by_a_packet_that_was_passed() {
    let rules = "pass tcp any any -> any any (flags:S; sid:1;)
drop ip 10.0.0.1 any -> any any (sid:2;)";
    let mut engine = engine(rules, Enforcement::Drop);
    for packet in [client("S", 0, b""), server("SA", 0)] {
        assert_eq!(inspect(&mut engine, packet), (Verdict::Forward, vec![]));
    }
    assert_eq!(inspect(&mut engine, client("A", 0, b"")).0, DROPPED);
}

/// A rule that takes too long to judge an error message; the message is about this packet.
#[test]
fn an_error_message_does_no_harm_to_the_flow_that_it_is_about() {
    use crate::engine::policy::{ExceptionPolicy, Failure};
    let rules = "drop icmp any any -> any any (content:\"a\"; pcre:\"/(x|y)\\d/R\"; sid:1;)
drop tcp any any -> any any (content:\"evil\"; sid:2;)";
    for policy in [ExceptionPolicy::Auto, ExceptionPolicy::PassFlow, ExceptionPolicy::Bypass] {
        let mut engine = connected(rules);
        engine.settings.policies.set(Failure::Detection, policy);
        let error = error_about(&client("A", 0, &[b'a'; 1300]));
        let verdict = inspect(&mut engine, error).0;
        let expected = match policy {
            ExceptionPolicy::Auto => Verdict::Drop(DropReason::Detection),
            _ => Verdict::Forward,
        };
        assert_eq!(verdict, expected);
        assert_eq!(inspect(&mut engine, client("A", 0, b"good")).0, Verdict::Forward, "{policy:?}");
        assert_eq!(inspect(&mut engine, client("A", 4, b"evil")).0, DROPPED, "{policy:?}");
    }
}

#[test]
fn pieces_behind_holes_of_a_passed_flow_are_not_looked_at() {
    let alerts = |first: &[u8]| {
        let rules = "pass tcp any any -> any any (content:\"friend\"; sid:1;)
drop tcp any any -> any any (content:\"evil\"; sid:2;)";
        // Inline, nobody acknowledges what was never seen.
        let mut engine = engine(rules, Enforcement::Report);
        let handshake = [client("S", 0, b""), server("SA", 0), client("A", 0, b"")];
        let pieces = [client("A", 10, first), client("A", 30, b"evil"), server("A", 40)];
        for packet in handshake.into_iter().chain(pieces) {
            assert_eq!(inspect(&mut engine, packet), (Verdict::Forward, vec![]));
        }
        inspect(&mut engine, client("A", 40, b".")).1
    };
    assert_eq!((alerts(b"friend"), alerts(b"someone")), (vec![], vec![(2, WouldBlock)]));
}

#[test]
fn a_limit_by_flow_does_not_let_go_what_has_no_flow() {
    let packet = error_about(&client("A", 0, b"evil"));
    for (options, verdict) in [
        ("threshold:type limit,track by_flow,count 1,seconds 60;", DROPPED),
        ("threshold:type both,track by_flow,count 2,seconds 60;", Verdict::Forward),
        ("detection_filter:track by_flow,count 1,seconds 60;", Verdict::Forward),
    ] {
        let rule = format!("drop icmp any any -> any any (content:\"evil\"; {options} sid:1;)");
        assert_eq!(inspect(&mut engine(&rule, Enforcement::Drop), packet.clone()).0, verdict, "{options}");
    }
}
