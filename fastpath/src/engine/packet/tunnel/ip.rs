//! IP in IP (RFC 2003, RFC 2473, RFC 4213).

use super::{DecodeEvent, LinkType, Packet, Settings, Tunnel};
use crate::engine::packet::{IpHeader, link::ether_type};

/// IPv4 behind `outer`.
pub(in super::super) fn decode_v4<'a>(
    bytes: &'a [u8],
    outer: &IpHeader<'a>,
    packet: &mut Packet<'a>,
    settings: &Settings,
) {
    let inside = LinkType::EtherType(ether_type::IPV4);
    match (outer, bytes.first().map(|first| first >> 4)) {
        (IpHeader::V4(_), _) => packet.contain(bytes, inside, Tunnel::Ipv4, settings),
        _ if bytes.len() < 20 => packet.events.raise_invalid(DecodeEvent::Ipv6Ipv4InIpv6TooSmall),
        (_, Some(4)) => packet.contain(bytes, inside, Tunnel::Ipv6, settings),
        _ => packet.events.raise_invalid(DecodeEvent::Ipv6Ipv4InIpv6WrongVersion),
    }
}

/// IPv6 behind `outer`.
pub(in super::super) fn decode_v6<'a>(
    bytes: &'a [u8],
    outer: &IpHeader<'a>,
    packet: &mut Packet<'a>,
    settings: &Settings,
) {
    let inside = LinkType::EtherType(ether_type::IPV6);
    match (outer, bytes.first().map(|first| first >> 4)) {
        (IpHeader::V4(_), _) => packet.contain(bytes, inside, Tunnel::Ipv4, settings),
        _ if bytes.len() < 40 => packet.events.raise_invalid(DecodeEvent::Ipv6Ipv6InIpv6TooSmall),
        (_, Some(6)) => packet.contain(bytes, inside, Tunnel::Ipv6, settings),
        _ => packet.events.raise_invalid(DecodeEvent::Ipv6Ipv6InIpv6WrongVersion),
    }
}
