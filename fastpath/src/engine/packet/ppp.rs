//! PPP (RFC 1661) and PPP over Ethernet (RFC 2516).

use super::{DecodeEvent, Packet, Settings, ipv4, ipv6};

/// A PPP frame, with or without address and control bytes (RFC 1662).
pub(super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    let body = match bytes {
        [0xff, _, body @ ..] => body,
        body => body,
    };
    let Some((protocol, payload)) = protocol(body) else {
        packet.events.raise_invalid(DecodeEvent::PppPktTooSmall);
        return;
    };
    if packet.enter(settings) {
        decode_payload(protocol, payload, packet, settings);
    }
}

/// A PPPoE session frame.
pub(super) fn decode_session<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    packet.shims.pppoe = true;
    let Some((&[_, _, _, _, length_0, length_1], body)) = bytes.split_first_chunk() else {
        packet.events.raise_invalid(DecodeEvent::PppoePktTooSmall);
        return;
    };
    let protocol = protocol(body);
    if [length_0, length_1] == [0, 0] && protocol.is_some() {
        return;
    }
    match protocol {
        Some((protocol, payload)) => decode_payload(protocol, payload, packet, settings),
        None => packet.events.raise_invalid(DecodeEvent::PppoePktTooSmall),
    }
}

/// A PPPoE discovery frame: PADI, PADO, PADR, PADS or PADT, and tags.
pub(super) fn decode_discovery(bytes: &[u8], packet: &mut Packet<'_>) {
    packet.shims.pppoe = true;
    let Some((&[_, code, _, _, length_0, length_1], tags)) = bytes.split_first_chunk() else {
        packet.events.raise_invalid(DecodeEvent::PppoePktTooSmall);
        return;
    };
    if !matches!(code, 0x07 | 0x09 | 0x19 | 0x65 | 0xa7) {
        packet.events.raise_invalid(DecodeEvent::PppoeWrongCode);
    } else if usize::from(u16::from_be_bytes([length_0, length_1])) > tags.len() {
        packet.events.raise_invalid(DecodeEvent::PppoeMalformedTags);
    }
}

/// The protocol field, of one byte when that is odd (RFC 1661, section 2), and what follows.
fn protocol(body: &[u8]) -> Option<(u16, &[u8])> {
    match *body {
        [low, ref payload @ ..] if low & 1 == 1 => Some((low.into(), payload)),
        [high, low, ref payload @ ..] => Some((u16::from_be_bytes([high, low]), payload)),
        _ => None,
    }
}

/// PPP protocol numbers (IANA).
fn decode_payload<'a>(protocol: u16, payload: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    match protocol {
        0x0021 if payload.len() < 20 => packet.events.raise_invalid(DecodeEvent::PppIp4PktTooSmall),
        0x0021 => ipv4::decode(payload, packet, settings),
        0x0057 if payload.len() < 40 => packet.events.raise_invalid(DecodeEvent::PppIp6PktTooSmall),
        0x0057 => ipv6::decode(payload, packet, settings),
        // Van Jacobson's uncompressed packets (RFC 1144): IPv4 with a slot number in the place of the protocol.
        0x002f if payload.len() < 20 => packet.events.raise_invalid(DecodeEvent::PppVjuPktTooSmall),
        0x002f if payload.first().is_some_and(|first| first >> 4 == 4) => {
            ipv4::decode(payload, packet, settings);
        }
        0x002f => {}
        // IPCP, IPV6CP, LCP, PAP, CHAP, CCP, LQM, CBCP, compressed datagrams, CDPCP.
        0x8021 | 0x8057 | 0xc021 | 0xc023 | 0xc223 | 0x80fd | 0xc025 | 0xc029 | 0x00fd | 0x8207 => {}
        // VJ compressed, IPX, OSI, NS, DECnet, AppleTalk, bridging, ST-II, VINES, Hello, Luxcom, SNS, MPLS, and the
        // control protocols of these.
        0x002d | 0x002b | 0x0023 | 0x0025 | 0x0027 | 0x0029 | 0x0031 | 0x0033 | 0x0035 | 0x0201 | 0x0231
        | 0x0233 | 0x0281 | 0x0283 | 0x8023 | 0x8025 | 0x8027 | 0x8029 | 0x802b | 0x8033 | 0x8035
        | 0x8281 => {
            packet.events.raise(DecodeEvent::PppUnsupProto);
        }
        _ => packet.events.raise_invalid(DecodeEvent::PppWrongType),
    }
}
