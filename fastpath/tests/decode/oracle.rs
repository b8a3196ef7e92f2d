//! etherparse's strict decoder as the judge of ours: what it takes, ours reads with the same fields, but for the
//! differences named here. The fuzz target `decode` uses this file too.

use std::ops::Range;

use etherparse::{
    EtherType, Icmpv6Slice, IpNumber, Ipv4Slice, Ipv6Slice, LinkExtSlice, NetSlice, SlicedPacket,
    TcpOptionElement, TransportSlice, ip_number,
};
use fastpath::engine::{
    meta::LinkType,
    packet::{DecodeEvent, Fragment, IpHeader, Network, Packet, TcpSegment, Transport},
};

/// Compares `packet`, which is what our decoder made of `bytes`, with what etherparse makes of them. Says whether
/// etherparse took them; panics where the two differ.
pub(crate) fn compare<'a>(bytes: &'a [u8], link: LinkType, packet: &Packet<'a>) -> bool {
    let oracle = match link {
        LinkType::Ethernet => SlicedPacket::from_ethernet(bytes),
        LinkType::LinuxSll => SlicedPacket::from_linux_sll(bytes),
        LinkType::RawIp => SlicedPacket::from_ip(bytes),
        LinkType::EtherType(protocol) => SlicedPacket::from_ether_type(EtherType(protocol), bytes),
        _ => return false,
    };
    let Ok(oracle) = oracle else {
        return false;
    };
    // etherparse has no limit of layers, and reads MACsec.
    let macsec = oracle.link_exts.iter().any(|ext| matches!(ext, LinkExtSlice::Macsec(_)));
    if macsec || packet.events.contains(DecodeEvent::TooManyLayers) {
        return false;
    }
    let tags: Vec<u16> = packet.vlan.iter().flatten().copied().collect();
    let expected: Vec<u16> = oracle.vlan_ids().iter().map(|id| id.value()).collect();
    // In front of an inner packet's own tags may be the one that its tunnel told of, which leaves room for two only.
    if tags.len() < expected.len() {
        assert!(packet.events.contains(DecodeEvent::VlanTooManyLayers));
        return false;
    }
    assert!(tags.ends_with(&expected));

    match &oracle.net {
        None => return false,
        Some(NetSlice::Arp(arp)) => {
            assert!(packet.network.is_none());
            match &packet.arp {
                Some(ours) => assert_eq!(place(ours.slice()), place(arp.slice())),
                // Ours takes only IPv4 over Ethernet.
                None => assert!(packet.events.is_invalid()),
            }
            return true;
        }
        Some(NetSlice::Ipv4(ip)) => match &packet.network {
            Some(network) => compare_v4(ip, network, packet.fragment()),
            None => {
                // Options that a receiver drops the packet for.
                assert!(packet.events.is_invalid() && ip.header().options().len() > 1);
                return true;
            }
        },
        Some(NetSlice::Ipv6(ip)) => {
            let Some(network) = &packet.network else {
                panic!("no IPv6");
            };
            // To etherparse a length of zero always means "to the end", to a receiver only with a jumbo option.
            let behind = ip.extensions().slice().len() + ip.payload().payload.len();
            if ip.header().payload_length() == 0 && behind > 0 {
                assert!(packet.events.is_invalid() || packet.payload.is_empty());
                return true;
            }
            compare_v6(ip, network, packet.fragment());
        }
    }
    if let Some(transport) = &oracle.transport {
        compare_transport(transport, packet);
    }
    true
}

/// The bytes that `part` stands on: a slice that is equal but elsewhere is another one. Empty ones stand nowhere.
fn place(part: &[u8]) -> Range<*const u8> {
    if part.is_empty() { (&[] as &[u8]).as_ptr_range() } else { part.as_ptr_range() }
}

fn compare_v4(ip: &Ipv4Slice<'_>, network: &Network<'_>, fragment: Option<Fragment<'_>>) {
    let IpHeader::V4(header) = &network.header else {
        panic!("not IPv4: {network:?}");
    };
    let oracle = ip.header();
    assert_eq!(place(header.slice()), place(oracle.slice()));
    assert_eq!(fragment.is_some(), ip.is_payload_fragmented());
    assert_eq!(network.is_fragment(), fragment.is_some());
    let Some(fragment) = fragment else {
        assert_eq!(network.protocol, ip.payload_ip_number().0);
        assert_eq!(place(network.payload), place(ip.payload().payload));
        return;
    };
    assert_eq!(u32::from(oracle.identification()), fragment.identification);
    assert_eq!(oracle.fragments_offset().byte_offset(), fragment.offset);
    assert_eq!(oracle.more_fragments(), fragment.more);
    // etherparse reads an authentication header in a fragment too.
    assert_eq!(fragment.protocol, oracle.protocol().0);
    let (ours, theirs) = (fragment.payload.as_ptr_range(), ip.payload().payload.as_ptr_range());
    assert_eq!((ours.start, theirs.end), (header.slice().as_ptr_range().end, ours.end));
    assert_eq!(place(fragment.header), place(oracle.slice()));
}

fn compare_v6(ip: &Ipv6Slice<'_>, network: &Network<'_>, fragment: Option<Fragment<'_>>) {
    let IpHeader::V6(header) = &network.header else {
        panic!("not IPv6: {network:?}");
    };
    assert_eq!(place(header.slice()), place(ip.header().slice()));
    let theirs = ip.payload();
    // To etherparse these are no extensions, so it knows nothing of what is behind them.
    if matches!(theirs.ip_number, ip_number::MOBILITY | ip_number::HIP | ip_number::SHIM6) {
        assert!(theirs.payload.as_ptr() <= network.payload.as_ptr());
        return;
    }
    assert_eq!(fragment.is_some(), ip.is_payload_fragmented());
    if let Some(fragment) = fragment {
        // etherparse goes on behind the first header that makes it a fragment.
        let mut headers = ip.extensions().clone().into_iter();
        let found = headers.find_map(|extension| match extension {
            etherparse::Ipv6ExtensionSlice::Fragment(found) if found.is_fragmenting_payload() => Some(found),
            _ => None,
        });
        let Some(found) = found else {
            panic!("no fragment header: {network:?}");
        };
        assert_eq!(found.identification(), fragment.identification);
        assert_eq!(found.fragment_offset().byte_offset(), fragment.offset);
        assert_eq!(found.more_fragments(), fragment.more);
        assert_eq!(found.next_header().0, fragment.protocol);
        assert_eq!(fragment.payload.as_ptr(), found.slice().as_ptr_range().end);
        assert_eq!(fragment.header.as_ptr_range().end, found.slice().as_ptr());
    } else {
        assert_eq!(IpNumber(network.protocol), theirs.ip_number);
        assert_eq!(place(network.payload), place(theirs.payload));
    }
}

fn compare_transport(oracle: &TransportSlice<'_>, packet: &Packet<'_>) {
    let (Some(network), ours) = (&packet.network, &packet.transport) else {
        panic!("no network: {packet:?}");
    };
    let v4 = matches!(network.header, IpHeader::V4(_));
    match (oracle, ours) {
        (TransportSlice::Tcp(oracle), Some(Transport::Tcp(tcp))) => {
            assert_eq!(place(tcp.slice()), place(oracle.slice()));
            assert_eq!(place(packet.payload), place(oracle.payload()));
            assert_eq!(packet.ports(), Some((oracle.source_port(), oracle.destination_port())));
            compare_options(oracle, tcp);
            let checksum = match &network.header {
                IpHeader::V4(ip) => oracle.calc_checksum_ipv4(ip.source(), ip.destination()),
                IpHeader::V6(ip) => oracle.calc_checksum_ipv6(ip.source(), ip.destination()),
            };
            compare_checksum(checksum.ok(), oracle.checksum(), packet);
        }
        // A UDP length of zero, which etherparse takes for "to the end".
        (TransportSlice::Udp(oracle), ours) if oracle.length() == 0 => {
            assert!(packet.events.contains(DecodeEvent::UdpLenInvalid) && (ours.is_none() || !v4));
        }
        (TransportSlice::Udp(oracle), Some(Transport::Udp(udp))) => {
            assert_eq!(place(udp.slice()), place(oracle.slice()));
            assert_eq!(place(packet.payload), place(oracle.payload()));
            assert_eq!(packet.ports(), Some((oracle.source_port(), oracle.destination_port())));
            if oracle.checksum() == 0 {
                assert_eq!(packet.transport_checksum_ok(), v4);
                return;
            }
            let (header, payload) = (oracle.to_header(), oracle.payload());
            let checksum = match &network.header {
                IpHeader::V4(ip) => header.calc_checksum_ipv4_raw(ip.source(), ip.destination(), payload),
                IpHeader::V6(ip) => header.calc_checksum_ipv6_raw(ip.source(), ip.destination(), payload),
            };
            compare_checksum(checksum.ok(), oracle.checksum(), packet);
        }
        (TransportSlice::Icmpv4(oracle), Some(Transport::Icmpv4(_))) => {
            assert_eq!(packet.icmp(), Some((oracle.type_u8(), oracle.code_u8())));
        }
        (TransportSlice::Icmpv6(oracle), Some(Transport::Icmpv6(_))) => {
            assert_eq!(packet.icmp(), Some((oracle.type_u8(), oracle.code_u8())));
            compare_icmpv6_checksum(oracle, network, packet);
        }
        // ICMP over the other IP is none to a receiver, and IGMP has no place in the engine.
        (TransportSlice::Icmpv4(_), None) => assert!(!v4),
        (TransportSlice::Icmpv6(_), None) => assert!(v4),
        (TransportSlice::Igmp(_), None) => {}
        (oracle, ours) => panic!("etherparse: {oracle:?}, ours: {ours:?}"),
    }
}

/// Everything that etherparse reads up to the first option that it does not know.
fn compare_options(oracle: &etherparse::TcpSlice<'_>, tcp: &TcpSegment<'_>) {
    let mut theirs: [Option<TcpOptionElement>; 5] = [const { None }; 5];
    for element in oracle.options_iterator().map_while(Result::ok) {
        let kind = match &element {
            TcpOptionElement::Noop => continue,
            TcpOptionElement::MaximumSegmentSize(_) => 0,
            TcpOptionElement::WindowScale(_) => 1,
            TcpOptionElement::SelectiveAcknowledgementPermitted => 2,
            TcpOptionElement::SelectiveAcknowledgement(..) => 3,
            TcpOptionElement::Timestamp(..) => 4,
        };
        theirs[kind].get_or_insert(element);
    }
    for element in theirs.into_iter().flatten() {
        match element {
            TcpOptionElement::Noop => {}
            TcpOptionElement::MaximumSegmentSize(size) => assert_eq!(tcp.options.mss, Some(size)),
            TcpOptionElement::WindowScale(shift) => {
                assert_eq!(tcp.options.window_scale, Some(if shift > 14 { 0 } else { shift }));
            }
            TcpOptionElement::SelectiveAcknowledgementPermitted => assert!(tcp.options.sack_permitted),
            TcpOptionElement::SelectiveAcknowledgement(first, others) => {
                let blocks = [Some(first)].into_iter().chain(others).flatten();
                assert!(tcp.sack_blocks().eq(blocks));
            }
            TcpOptionElement::Timestamp(value, echo) => {
                assert_eq!(tcp.options.timestamps, Some((value, echo)));
            }
        }
    }
}

fn compare_icmpv6_checksum(oracle: &Icmpv6Slice<'_>, network: &Network<'_>, packet: &Packet<'_>) {
    if let IpHeader::V6(ip) = &network.header {
        let valid = oracle.is_checksum_valid(ip.source(), ip.destination());
        // Behind a routing header ours is not checked. 0 and 0xffff are one sum, of which etherparse knows the first.
        if packet.transport_checksum_ok() != valid {
            assert!(oracle.checksum() == 0xffff || packet.transport_checksum_ok());
        }
    }
}

/// `calculated` is etherparse's, none when the packet is too long for it.
fn compare_checksum(calculated: Option<u16>, stored: u16, packet: &Packet<'_>) {
    // 0 and 0xffff are one sum.
    let normal = |sum: u16| if sum == 0xffff { 0 } else { sum };
    if let Some(calculated) = calculated
        && !packet.events.contains(DecodeEvent::Ipv6RhType0)
        && packet.transport_checksum_ok() != (normal(calculated) == normal(stored))
    {
        // Behind a routing header that has segments left nothing can be told.
        let routed = packet.network.as_ref().is_some_and(|network| {
            matches!(&network.header, IpHeader::V6(ip) if ip.next_header() != IpNumber(network.protocol))
        });
        assert!(routed && packet.transport_checksum_ok(), "{calculated:#06x}, not {stored:#06x}: {packet:?}");
    }
}
