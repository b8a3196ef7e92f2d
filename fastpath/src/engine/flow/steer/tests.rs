use etherparse::{PacketBuilder, VlanId};
use proptest::prelude::*;

use super::*;
use crate::engine::packet::TunnelPorts;

fn owner_of(bytes: &[u8]) -> u64 {
    steer(bytes, LinkType::Ethernet)
}

/// The same without the short cut.
fn slow(bytes: &[u8]) -> u64 {
    Steering::default().steer_decoded(bytes, LinkType::Ethernet)
}

type Ends = ([u8; 4], [u8; 4], u16, u16);

fn packet4((source, destination, from, to): Ends, udp: bool, tags: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let ip = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4(source, destination, 64);
    if udp {
        ip.udp(from, to).write(&mut bytes, b"payload").unwrap();
    } else {
        ip.tcp(from, to, 1, 1).write(&mut bytes, b"payload").unwrap();
    }
    tag(&mut bytes, tags);
    bytes
}

fn tag(bytes: &mut Vec<u8>, tags: u8) {
    for id in 0..tags {
        bytes.splice(12..12, [0x81, 0, 0, id]);
    }
}

fn packet6(source: [u8; 16], destination: [u8; 16], from: u16, to: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let vlan = VlanId::try_new(7).unwrap();
    let ip = PacketBuilder::ethernet2([1; 6], [2; 6]).single_vlan(vlan).ipv6(source, destination, 64);
    ip.tcp(from, to, 1, 1).write(&mut bytes, b"payload").unwrap();
    bytes
}

/// `inner` behind the headers of VXLAN.
fn vxlan(outer: ([u8; 4], [u8; 4]), inner: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let payload = [&[8, 0, 0, 0, 0, 0, 9, 0], inner].concat();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4(outer.0, outer.1, 64)
        .udp(50_000, 4789)
        .write(&mut bytes, &payload)
        .unwrap();
    bytes
}

proptest! {
    #[test]
    fn both_directions_have_one_owner(
        (source, destination, from, to) in any::<Ends>(), udp: bool, tags in 0..4_u8, long: [u8; 32],
    ) {
        let there = packet4((source, destination, from, to), udp, tags);
        let back = packet4((destination, source, to, from), udp, tags);
        prop_assert_eq!(owner_of(&there), owner_of(&back));
        prop_assert_eq!(owner_of(&there), slow(&there));
        let (a, b) = long.split_at(16);
        let (a, b) = (a.try_into().unwrap(), b.try_into().unwrap());
        prop_assert_eq!(owner_of(&packet6(a, b, from, to)), owner_of(&packet6(b, a, to, from)));
        prop_assert_eq!(owner_of(&packet6(a, b, from, to)), slow(&packet6(a, b, from, to)));
    }

    /// Whatever the short cut takes, decoding the whole packet gives the same.
    #[test]
    fn the_short_cut_agrees(
        ends in any::<Ends>(), udp: bool, tags in 0..5_u8, tunnel: bool, six: bool, any_teredo: bool,
        max_layers in 0..9_u8, edits in prop::collection::vec((0..90_usize, any::<u8>()), 0..4), cut in 0..9_usize,
    ) {
        let mut bytes = if six { packet6([1; 16], [2; 16], ends.2, ends.3) } else { packet4(ends, udp, tags) };
        if tunnel {
            bytes = vxlan(([1; 4], [2; 4]), &bytes);
        }
        for (at, value) in edits {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(bytes.len() - cut);
        let teredo_ports = if any_teredo { TunnelPorts::Any } else { TunnelPorts::OFF };
        for settings in [Settings::DEFAULT, Settings { max_layers, teredo_ports, ..Settings::DEFAULT }] {
            let steering = Steering::new(7, settings, Tracking::default());
            let hint = steering.hint(&bytes, LinkType::Ethernet);
            let whole = steering.steer_decoded(&bytes, LinkType::Ethernet);
            prop_assert_eq!(hint.map_or(whole, |hint| hint.owner), whole);
        }
    }

    /// A datagram that was put together has neither tags nor a link header.
    #[test]
    fn a_datagram_put_together_belongs_to_its_flow(ends in any::<Ends>(), udp: bool, tags in 0..4_u8) {
        let tagged = packet4(ends, udp, tags);
        let datagram = &tagged[14 + 4 * usize::from(tags)..];
        prop_assert_eq!(steer(datagram, LinkType::RawIp), owner_of(&tagged));
    }

    #[test]
    fn a_tunnel_belongs_to_the_owner_of_what_it_carries(
        ends in any::<Ends>(), outer in any::<([u8; 4], [u8; 4])>(),
    ) {
        let (source, destination, from, to) = ends;
        let inner = packet4(ends, false, 0);
        let back = packet4((destination, source, to, from), false, 0);
        prop_assert_eq!(owner_of(&vxlan(outer, &inner)), owner_of(&inner));
        prop_assert_eq!(owner_of(&vxlan((outer.1, outer.0), &back)), owner_of(&inner));
    }

    /// All fragments of a datagram meet, whatever is in them and whatever tags they have.
    #[test]
    fn fragments_meet(ends in any::<Ends>(), offset in 1..0x1fff_u16, bytes: [u8; 30], tags in 0..4_u8) {
        let mut first = packet4(ends, true, 0);
        first[14 + 6] |= 0x20;
        let mut second = packet4((ends.0, ends.1, 0, 0), true, 0);
        second.splice(14 + 20.., bytes[..15].to_vec());
        second[14 + 6..14 + 8].copy_from_slice(&offset.to_be_bytes());
        tag(&mut second, tags);
        prop_assert_eq!(owner_of(&first), owner_of(&second));
    }

    /// Those of IPv6 too, which need not agree on the protocol either.
    #[test]
    fn fragments_of_ipv6_meet(
        offset in 1..0x1fff_u16, protocols: (u8, u8), id: u32, payload in prop::collection::vec(any::<u8>(), 16),
    ) {
        let fragment = |protocol: u8, offset: u16, more: u16| {
            let place = (offset << 3 | more).to_be_bytes();
            let mut bytes = packet6([1; 16], [2; 16], 3, 4);
            bytes.truncate(14 + 4 + 40);
            bytes[18 + 4..18 + 7].copy_from_slice(&[0, 24, 44]);
            bytes.extend([&[protocol, 0, place[0], place[1]], &id.to_be_bytes()[..], &payload].concat());
            bytes
        };
        let (first, second) = (fragment(protocols.0, 0, 1), fragment(protocols.1, offset, 0));
        prop_assert_eq!(owner_of(&first), owner_of(&second));
    }
}

#[test]
fn an_error_message_goes_to_the_flow_it_is_about() {
    let about = packet4(([10, 0, 0, 1], [10, 0, 0, 2], 4000, 80), false, 0);
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([10, 9, 9, 9], [10, 0, 0, 1], 64)
        .icmpv4_raw(3, 3, [0; 4])
        .write(&mut bytes, &about[14..14 + 28])
        .unwrap();
    assert_eq!(owner_of(&bytes), owner_of(&about));
}

/// Flows from one client to one server, which differ in one port, spread evenly.
#[test]
fn flows_spread() {
    let share = Share { worker: 0, of: 4 };
    let mut counts = [0_u32; 4];
    for port in 1024..1024 + 4000 {
        let hash = owner_of(&packet4(([10, 0, 0, 1], [10, 0, 0, 2], port, 443), false, 0));
        counts[usize::from(share.owner(hash))] += 1;
    }
    assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
}
