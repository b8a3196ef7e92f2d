//! GRE (RFC 1701, RFC 2784, RFC 2890), enhanced GRE (PPTP, RFC 2637), and ERSPAN in it
//! (draft-foschiano-erspan-03).

use super::{DecodeEvent, LinkType, Packet, Settings, Tunnel};
use crate::engine::packet::link::ether_type;

const CHECKSUM: u8 = 0x80;
const ROUTING: u8 = 0x40;
const KEY: u8 = 0x20;
const SEQUENCE: u8 = 0x10;
const STRICT_ROUTE: u8 = 0x08;
const RECURSION: u8 = 0x07;
/// Of the second byte: flags that are reserved in both versions.
const RESERVED: u8 = 0x78;
/// Of the second byte, in version 1.
const ACKNOWLEDGMENT: u8 = 0x80;

/// Reads a GRE packet.
pub(in super::super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    let Some((&[flags, second, protocol_high, protocol_low], rest)) = bytes.split_first_chunk() else {
        packet.events.raise_invalid(DecodeEvent::GrePktTooSmall);
        return;
    };
    if !packet.enter(settings) {
        return;
    }
    let protocol = u16::from_be_bytes([protocol_high, protocol_low]);
    let payload = match second & 0x07 {
        0 => plain(flags, second, rest),
        1 => enhanced(flags, second, protocol, rest),
        _ => Err(DecodeEvent::GreWrongVersion),
    };
    match payload {
        Ok(Some(payload)) => contain(protocol, flags & SEQUENCE != 0, payload, packet, settings),
        Ok(None) => {}
        Err(event) => packet.events.raise_invalid(event),
    }
}

/// Length of the optional fields that `flags` announce, each of four bytes.
fn optional(flags: u8, fields: &[u8]) -> usize {
    fields.iter().filter(|&&field| flags & field != 0).count() * 4
}

/// Version 0: what is behind the header, whose first four bytes are gone.
fn plain(flags: u8, second: u8, rest: &[u8]) -> Result<Option<&[u8]>, DecodeEvent> {
    if flags & RECURSION != 0 {
        return Err(DecodeEvent::GreVersion0Recur);
    }
    if second & RESERVED != 0 {
        return Err(DecodeEvent::GreVersion0Flags);
    }
    // Checksum and offset share four bytes.
    let length = optional(flags, &[CHECKSUM | ROUTING, KEY, SEQUENCE]);
    let mut rest = rest.get(length..).ok_or(DecodeEvent::GreVersion0HdrTooBig)?;
    if flags & ROUTING != 0 {
        // Source route entries, up to an empty one.
        loop {
            let (&[family_0, family_1, _, length], behind) =
                rest.split_first_chunk().ok_or(DecodeEvent::GreVersion0MalformedSreHdr)?;
            rest = behind.get(length.into()..).ok_or(DecodeEvent::GreVersion0MalformedSreHdr)?;
            if [family_0, family_1, length] == [0; 3] {
                break;
            }
        }
    }
    Ok(Some(rest))
}

/// Version 1: what is behind the header, whose first four bytes are gone; none when it says that it carries nothing.
fn enhanced(flags: u8, second: u8, protocol: u16, rest: &[u8]) -> Result<Option<&[u8]>, DecodeEvent> {
    let refused = [
        (flags & CHECKSUM != 0, DecodeEvent::GreVersion1Chksum),
        (flags & ROUTING != 0, DecodeEvent::GreVersion1Route),
        (flags & STRICT_ROUTE != 0, DecodeEvent::GreVersion1Ssr),
        (flags & RECURSION != 0, DecodeEvent::GreVersion1Recur),
        (second & RESERVED != 0, DecodeEvent::GreVersion1Flags),
        (protocol != ether_type::PPP, DecodeEvent::GreVersion1WrongProtocol),
        (flags & KEY == 0, DecodeEvent::GreVersion1NoKey),
    ];
    if let Some(&(_, event)) = refused.iter().find(|(is_so, _)| *is_so) {
        return Err(event);
    }
    let length = 4 + optional(flags, &[SEQUENCE]) + optional(second, &[ACKNOWLEDGMENT]);
    let payload = rest.get(length..).ok_or(DecodeEvent::GreVersion1HdrTooBig)?;
    Ok(Some(payload).filter(|_| !matches!(rest, [0, 0, ..])))
}

/// Takes note of what GRE's protocol field names.
fn contain<'a>(
    protocol: u16,
    sequenced: bool,
    payload: &'a [u8],
    packet: &mut Packet<'a>,
    settings: &Settings,
) {
    let link = match protocol {
        ether_type::BRIDGE => LinkType::Ethernet,
        ether_type::PPP => LinkType::Ppp,
        ether_type::ERSPAN if !sequenced => LinkType::Ethernet,
        ether_type::ERSPAN => return erspan::<1, 8>(payload, packet, settings),
        ether_type::ERSPAN_III => return erspan::<2, 12>(payload, packet, settings),
        ether_type::IPV4
        | ether_type::IPV6
        | ether_type::VLAN
        | ether_type::SERVICE_VLAN
        | ether_type::ARP
        | ether_type::MPLS
        | ether_type::MPLS_UPSTREAM => LinkType::EtherType(protocol),
        _ => return,
    };
    packet.contain(payload, link, Tunnel::Gre, settings);
}

/// ERSPAN type II and III: a frame, and the VLAN that it was mirrored from.
fn erspan<'a, const VERSION: u8, const LENGTH: usize>(
    bytes: &'a [u8],
    packet: &mut Packet<'a>,
    settings: &Settings,
) {
    let Some((header, mut frame)) = bytes.split_first_chunk::<LENGTH>() else {
        packet.events.raise(DecodeEvent::ErspanHeaderTooSmall);
        return;
    };
    if !packet.enter(settings) {
        return;
    }
    if header[0] >> 4 != VERSION {
        packet.events.raise(DecodeEvent::ErspanUnsupportedVersion);
        return;
    }
    let mut link = LinkType::Ethernet;
    if VERSION == 2 {
        let last = header[LENGTH - 1];
        // The O flag: eight bytes more, of the platform.
        if last & 1 != 0 {
            let Some(behind) = frame.get(8..) else {
                packet.events.raise(DecodeEvent::ErspanHeaderTooSmall);
                return;
            };
            frame = behind;
        }
        // The frame type: Ethernet, or IP.
        match header[LENGTH - 2] >> 2 & 0x1f {
            0 => {}
            2 => link = LinkType::RawIp,
            _ => return,
        }
    }
    packet.shims.erspan = true;
    packet.contain(frame, link, Tunnel::Gre, settings);
    if let Some(inner) = &mut packet.inner {
        let vlan = u16::from_be_bytes([header[0] & 0x0f, header[1]]);
        inner.vlan = Some(vlan).filter(|&vlan| vlan != 0);
    }
}
