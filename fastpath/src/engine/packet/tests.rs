use std::net::{Ipv4Addr, Ipv6Addr};

use etherparse::{
    IpFragOffset, IpNumber, Ipv4Header, Ipv6FragmentHeader, Ipv6Header, Ipv6RawExtHeader, PacketBuilder,
    VlanId,
};
use proptest::prelude::*;

use super::*;

const PAYLOAD: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

fn ethernet() -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
    PacketBuilder::ethernet2([1; 6], [2; 6])
}

fn tcp4() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(1025, 80, 7, 1024);
    builder.write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

fn udp6() -> Vec<u8> {
    let mut bytes = Vec::new();
    ethernet().ipv6([1; 16], [2; 16], 64).udp(5353, 53).write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

fn icmp4() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).icmpv4_echo_request(1, 2);
    builder.write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

fn icmp6() -> Vec<u8> {
    let mut bytes = Vec::new();
    ethernet().ipv6([1; 16], [2; 16], 64).icmpv6_echo_request(1, 2).write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

fn qinq() -> Vec<u8> {
    let mut bytes = Vec::new();
    let (outer, inner) = (VlanId::try_new(100).unwrap(), VlanId::try_new(4094).unwrap());
    let builder = ethernet().double_vlan(outer, inner).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(1, 2);
    builder.write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

/// Ethernet, IPv6, hop-by-hop, destination options, fragment at `offset` (8 bytes each), UDP.
fn extended6(offset: u16, more: bool) -> Vec<u8> {
    let mut body = Vec::new();
    let raw = |next| Ipv6RawExtHeader::new_raw(next, &[0; 6]).unwrap();
    raw(etherparse::ip_number::IPV6_DEST_OPTIONS).write(&mut body).unwrap();
    raw(etherparse::ip_number::IPV6_FRAG).write(&mut body).unwrap();
    Ipv6FragmentHeader::new(etherparse::ip_number::UDP, IpFragOffset::try_new(offset).unwrap(), more, 9)
        .write(&mut body)
        .unwrap();
    body.extend(etherparse::UdpHeader::without_ipv4_checksum(1, 2, PAYLOAD.len()).unwrap().to_bytes());
    body.extend(PAYLOAD);
    let header = Ipv6Header {
        payload_length: u16::try_from(body.len()).unwrap(),
        next_header: etherparse::ip_number::IPV6_HOP_BY_HOP,
        ..Ipv6Header::default()
    };
    let mut bytes = vec![0; 12];
    bytes.extend([0x86, 0xdd]);
    header.write(&mut bytes).unwrap();
    bytes.extend(body);
    bytes
}

fn decode(bytes: &[u8]) -> Packet<'_> {
    Packet::decode(bytes, LinkType::Ethernet)
}

#[test]
fn reads_tcp_over_ipv4() {
    let bytes = tcp4();
    let packet = decode(&bytes);
    let facts = packet.facts();
    assert_eq!(facts.ports, Some((1025, 80)));
    let (source, destination) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    assert_eq!(facts.addresses, Some((source.into(), destination.into())));
    assert_eq!((facts.protocol, facts.icmp, facts.vlan), (Some(6), None, [None; 3]));
    assert_eq!(packet.payload, PAYLOAD);
}

#[test]
fn reads_udp_over_ipv6() {
    let bytes = udp6();
    let packet = decode(&bytes);
    assert_eq!(packet.facts().addresses.unwrap().0, Ipv6Addr::from([1; 16]));
    assert_eq!(packet.facts().ports, Some((5353, 53)));
    assert_eq!(packet.payload, PAYLOAD);
}

#[test]
fn reads_both_icmps() {
    for (bytes, protocol, kind) in [(icmp4(), 1, 8), (icmp6(), 58, 128)] {
        let packet = decode(&bytes);
        assert_eq!((packet.facts().protocol, packet.icmp()), (Some(protocol), Some((kind, 0))));
        assert_eq!((packet.payload, packet.ports()), (PAYLOAD, None));
    }
}

/// ICMPv4 timestamp messages have a length of their own, which no receiver insists on.
#[test]
fn an_icmp_message_of_any_type_and_length_is_read() {
    for kind in 0..=u8::MAX {
        for length in [8_u16, 9, 19, 20, 21, 60] {
            let mut message = vec![0; length.into()];
            message[0] = kind;
            let mut bytes = Vec::new();
            Ipv4Header::new(length, 64, IpNumber::ICMP, [10, 0, 0, 1], [10, 0, 0, 2])
                .unwrap()
                .write(&mut bytes)
                .unwrap();
            bytes.extend(&message);
            let packet = Packet::decode(&bytes, LinkType::RawIp);
            assert_eq!((packet.icmp(), packet.payload), (Some((kind, 0)), &message[8..]), "{length} bytes");
        }
    }
}

#[test]
fn takes_off_up_to_three_tags() {
    let bytes = qinq();
    let packet = decode(&bytes);
    assert_eq!(packet.vlan, [Some(100), Some(4094), None]);
    assert_eq!(packet.payload, PAYLOAD);

    let tagged = |tags: usize| {
        let mut bytes = tcp4();
        for id in 0..u8::try_from(tags).unwrap() {
            bytes.splice(12..12, [0x88, 0xa8, 0, id]);
        }
        bytes
    };
    let bytes = tagged(3);
    assert_eq!(decode(&bytes).vlan, [Some(2), Some(1), Some(0)]);
    assert_eq!(decode(&bytes).payload, PAYLOAD);
    let bytes = tagged(4);
    assert!(decode(&bytes).network.is_none());
}

#[test]
fn padding_is_not_payload() {
    for mut bytes in [tcp4(), udp6(), icmp4(), icmp6(), qinq(), extended6(0, false)] {
        bytes.extend([0xee; 20]);
        assert_eq!(decode(&bytes).payload, PAYLOAD);
    }
}

#[test]
fn udp_length_ends_the_payload_before_the_ip_length_does() {
    let mut bytes = udp6();
    let length = 14 + 40 + 4;
    bytes[length + 1] -= 3;
    assert_eq!(decode(&bytes).payload, &PAYLOAD[..PAYLOAD.len() - 3]);
}

#[test]
fn steps_over_extension_headers() {
    let bytes = extended6(0, false);
    let packet = decode(&bytes);
    assert_eq!((packet.ports(), packet.payload), (Some((1, 2)), PAYLOAD));
}

#[test]
fn a_fragment_has_no_transport_header() {
    for (offset, more) in [(0, true), (3, true), (3, false)] {
        let bytes = extended6(offset, more);
        let packet = decode(&bytes);
        assert_eq!((packet.ports(), packet.facts().protocol), (None, Some(17)));
        let fragment = packet.fragment().unwrap();
        assert_eq!((fragment.offset, fragment.more, fragment.identification), (offset * 8, more, 9));
        assert_eq!((fragment.header.len(), fragment.payload), (40 + 16, packet.payload));
        assert_eq!(fragment.payload.len(), PAYLOAD.len() + 8);
    }

    let mut bytes = Vec::new();
    let mut header = Ipv4Header::new(40, 64, IpNumber::UDP, [1; 4], [2; 4]).unwrap();
    header.fragment_offset = IpFragOffset::try_new(1).unwrap();
    header.identification = 77;
    header.write(&mut bytes).unwrap();
    bytes.extend([7; 40]);
    let packet = Packet::decode(&bytes, LinkType::RawIp);
    assert_eq!((packet.ports(), packet.payload), (None, &[7; 40][..]));
    let fragment = packet.fragment().unwrap();
    assert_eq!((fragment.offset, fragment.more, fragment.identification), (8, false, 77));
    assert_eq!((fragment.header, fragment.payload), (&bytes[..20], &[7; 40][..]));
}

/// RFC 6946.
#[test]
fn an_atomic_fragment_is_none() {
    let bytes = extended6(0, false);
    let packet = decode(&bytes);
    assert!(packet.fragment().is_none() && packet.transport.is_some());
    assert!(packet.events.contains(DecodeEvent::Ipv6ExthdrUselessFh) && !packet.events.is_invalid());
}

#[test]
fn a_broken_transport_header_leaves_the_ip_payload() {
    let mut bytes = tcp4();
    bytes[14 + 20 + 12] = 0x10; // data offset 1
    let packet = decode(&bytes);
    assert!(packet.transport.is_none());
    assert_eq!((packet.facts().protocol, packet.payload.len()), (Some(6), 20 + PAYLOAD.len()));
}

#[test]
fn reads_every_link_type() {
    let (ip4, ip6) = (tcp4()[14..].to_vec(), udp6()[14..].to_vec());
    let behind = |header: &[u8], ip: &[u8]| [header, ip].concat();
    let sll = |protocol: [u8; 2]| [&[0; 14][..], &protocol].concat();
    let sll2 = |protocol: [u8; 2]| [&protocol[..], &[0; 18]].concat();
    let cases = [
        (LinkType::RawIp, ip4.clone(), 80),
        (LinkType::RawIp, ip6.clone(), 53),
        (LinkType::Null, behind(&[2, 0, 0, 0], &ip4), 80),
        (LinkType::Null, behind(&[0, 0, 0, 2], &ip4), 80),
        (LinkType::Null, behind(&[0, 0, 0, 30], &ip6), 53),
        (LinkType::Null, behind(&[10, 0, 0, 0], &ip6), 53),
        (LinkType::LinuxSll, behind(&sll([8, 0]), &ip4), 80),
        (LinkType::LinuxSll, behind(&[&sll([0x81, 0])[..], &[0, 5, 8, 0]].concat(), &ip4), 80),
        (LinkType::LinuxSll2, behind(&sll2([0x86, 0xdd]), &ip6), 53),
    ];
    for (link, bytes, port) in cases {
        let packet = Packet::decode(&bytes, link);
        assert_eq!((packet.ports().map(|p| p.1), packet.payload), (Some(port), PAYLOAD), "{link:?}");
    }
    assert!(Packet::decode(&ip4, LinkType::Other(147)).network.is_none());
}

/// A cut packet is malformed, and has no network layer: no receiver would take it.
#[test]
fn a_cut_packet_is_malformed() {
    for whole in [tcp4(), udp6(), icmp4(), icmp6(), qinq(), extended6(0, false), extended6(3, true)] {
        assert!(!decode(&whole).events.is_invalid());
        for length in 0..whole.len() {
            let packet = decode(&whole[..length]);
            assert!(packet.network.is_none() && packet.transport.is_none() && packet.payload.is_empty());
            // A tag that is cut off behind an EtherType still gives that type.
            assert!(packet.events.is_invalid(), "{length} of {} bytes", whole.len());
        }
    }
}

fn link_type() -> impl Strategy<Value = LinkType> {
    use LinkType::{CiscoHdlc, Ethernet, LinuxSll, LinuxSll2, Null, Other, Ppp, RawIp};
    prop::sample::select(vec![Ethernet, Null, RawIp, LinuxSll, LinuxSll2, Ppp, CiscoHdlc, Other(9)])
}

proptest! {
    /// And the payload lies inside them. (tests/decode compares with etherparse.)
    #[test]
    fn any_bytes_decode(bytes in prop::collection::vec(any::<u8>(), 0..200), link in link_type()) {
        let packet = Packet::decode(&bytes, link);
        let (payload, range) = (packet.payload.as_ptr_range(), bytes.as_ptr_range());
        prop_assert!(packet.payload.is_empty() || (range.start <= payload.start && payload.end <= range.end));
        prop_assert!(packet.payload.is_empty() || packet.facts().addresses.is_some());
    }
}
