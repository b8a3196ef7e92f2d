//! The way of nearly all packets: TCP and UDP over IPv4 or IPv6 over Ethernet, with up to three VLAN tags. Reads only
//! what the hash needs, and gives up as soon as there is more to a packet than that.

use super::hash::{self, Endpoint};
use crate::engine::{meta::LinkType, packet::Settings};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The same as decoding the whole packet, or nothing.
pub(super) fn steer(bytes: &[u8], link: LinkType, settings: &Settings) -> Option<u32> {
    // Ethernet, three tags and IP are five layers.
    if link != LinkType::Ethernet || settings.max_layers <= 5 {
        return None;
    }
    let (&[.., mut type_high, mut type_low], mut rest) = bytes.split_first_chunk::<14>()?;
    for _ in 0..3 {
        if !matches!([type_high, type_low], [0x81, 0x00] | [0x88, 0xa8] | [0x91, 0x00]) {
            break;
        }
        let (&[_, _, next_high, next_low], behind) = rest.split_first_chunk()?;
        (type_high, type_low, rest) = (next_high, next_low, behind);
    }
    match [type_high, type_low] {
        [0x08, 0x00] => v4(rest, settings),
        [0x86, 0xdd] => v6(rest, settings),
        _ => None,
    }
}

fn v4(bytes: &[u8], settings: &Settings) -> Option<u32> {
    let &[0x45, _, l0, l1, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        bytes.first_chunk()?
    else {
        return None;
    };
    // No fragment, whatever DF and the reserved bit are.
    if u16::from_be_bytes([f0, f1]) & 0x3fff != 0 {
        return None;
    }
    let payload = bytes.get(20..u16::from_be_bytes([l0, l1]).into())?;
    let (source, destination) = ports(protocol, payload, settings)?;
    let ends = (Endpoint::v4([s0, s1, s2, s3], source), Endpoint::v4([d0, d1, d2, d3], destination));
    Some(hash::pair(ends.0, ends.1, protocol))
}

fn v6(bytes: &[u8], settings: &Settings) -> Option<u32> {
    let (&[first, _, _, _, l0, l1, protocol, _, ref addresses @ ..], rest) =
        bytes.split_first_chunk::<40>()?;
    let ([source, destination], []) = addresses.as_chunks::<16>() else {
        return None;
    };
    if first >> 4 != 6 {
        return None;
    }
    let payload = rest.get(..u16::from_be_bytes([l0, l1]).into())?;
    let (source_port, destination_port) = ports(protocol, payload, settings)?;
    let ends = (Endpoint::v6(*source, source_port), Endpoint::v6(*destination, destination_port));
    Some(hash::pair(ends.0, ends.1, protocol))
}

/// The ports of a transport header that is sound and no tunnel's.
fn ports(protocol: u8, bytes: &[u8], settings: &Settings) -> Option<(u16, u16)> {
    let &[s0, s1, d0, d1, l0, l1, ..] = bytes.first_chunk::<8>()?;
    let (source, destination) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    let sound = match protocol {
        TCP => {
            let length = usize::from(bytes.get(12)? >> 4) * 4;
            (20..=bytes.len()).contains(&length)
        }
        UDP => {
            let either = [settings.vxlan_ports, settings.geneve_ports, settings.teredo_ports]
                .iter()
                .any(|ports| ports.contains(source) || ports.contains(destination));
            !either && (8..=bytes.len()).contains(&u16::from_be_bytes([l0, l1]).into())
        }
        _ => false,
    };
    sound.then_some((source, destination))
}
