//! The way of nearly all packets: TCP and UDP over IPv4 or IPv6 over Ethernet, with up to three VLAN tags. Reads only
//! what the hash needs, and gives up as soon as there is more to a packet than that.

use super::{Hint, Steering};
use crate::engine::{
    flow::{hash::Hasher, key::IPV6},
    meta::LinkType,
};

const TCP: u8 = 6;
const UDP: u8 = 17;

impl Steering {
    /// Where the packet belongs, as far as its first headers tell: the same as decoding all of it, or nothing.
    pub fn hint(&self, bytes: &[u8], link: LinkType) -> Option<Hint> {
        // Ethernet, three tags and IP are five layers.
        if link != LinkType::Ethernet || self.decoder.max_layers <= 5 {
            return None;
        }
        let (&[.., mut type_high, mut type_low], mut rest) = bytes.split_first_chunk::<14>()?;
        let mut vlan = [None; 3];
        for id in &mut vlan {
            if !matches!([type_high, type_low], [0x81, 0x00] | [0x88, 0xa8] | [0x91, 0x00]) {
                break;
            }
            let (&[tag_high, tag_low, next_high, next_low], behind) = rest.split_first_chunk()?;
            *id = Some(u16::from_be_bytes([tag_high & 0x0f, tag_low]));
            (type_high, type_low, rest) = (next_high, next_low, behind);
        }
        let (owner, family) = match [type_high, type_low] {
            [0x08, 0x00] => (self.glance_v4(rest)?, 0),
            [0x86, 0xdd] => (self.glance_v6(rest)?, IPV6),
            _ => return None,
        };
        Some(Hint { owner, flow: self.hasher.flow(owner, self.tracking.vlan(vlan), family) })
    }

    fn glance_v4(&self, bytes: &[u8]) -> Option<u64> {
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
        let (source, destination) = self.ports(protocol, payload)?;
        let ends = (Hasher::v4([s0, s1, s2, s3], source), Hasher::v4([d0, d1, d2, d3], destination));
        Some(self.hasher.between(ends.0, ends.1, protocol))
    }

    fn glance_v6(&self, bytes: &[u8]) -> Option<u64> {
        let (&[first, _, _, _, l0, l1, protocol, _, ref addresses @ ..], rest) =
            bytes.split_first_chunk::<40>()?;
        let ([source, destination], []) = addresses.as_chunks::<16>() else {
            return None;
        };
        if first >> 4 != 6 {
            return None;
        }
        let payload = rest.get(..u16::from_be_bytes([l0, l1]).into())?;
        let (source_port, destination_port) = self.ports(protocol, payload)?;
        let ends = (self.hasher.v6(*source, source_port), self.hasher.v6(*destination, destination_port));
        Some(self.hasher.between(ends.0, ends.1, protocol))
    }

    /// The ports of a transport header that is sound and no tunnel's.
    fn ports(&self, protocol: u8, bytes: &[u8]) -> Option<(u16, u16)> {
        let &[s0, s1, d0, d1, l0, l1, ..] = bytes.first_chunk::<8>()?;
        let (source, destination) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
        let sound = match protocol {
            TCP => {
                let length = usize::from(bytes.get(12)? >> 4) * 4;
                (20..=bytes.len()).contains(&length)
            }
            UDP => {
                // Without branches: there may be twelve.
                let is_one = |found: bool, &port: &u16| found | (port == source) | (port == destination);
                let tunnel = self.tunnels?.as_flattened().iter().fold(false, is_one);
                !tunnel && (8..=bytes.len()).contains(&u16::from_be_bytes([l0, l1]).into())
            }
            _ => false,
        };
        sound.then_some((source, destination))
    }
}
