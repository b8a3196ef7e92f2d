//! Other bytes in the place of some of a packet's.

use std::ops::Range;

use super::{Layers, Packet, Settings, Transport};
use crate::engine::meta::LinkType;

/// A packet as it is to be sent on, as long as the one that came is still looked at.
#[derive(Debug, Default)]
pub struct Rewriting {
    /// Its bytes; none as long as nothing is replaced.
    bytes: Vec<u8>,
    /// Which of them were replaced.
    replaced: Vec<bool>,
}

impl Rewriting {
    /// Whether nothing is replaced.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Nothing is replaced any more.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.replaced.clear();
    }

    /// Puts `new` in the place of the bytes of `packet` from `at` on, but for those that were replaced before.
    pub fn replace(&mut self, packet: &[u8], at: usize, new: &[u8]) {
        if self.is_empty() {
            self.bytes.extend_from_slice(packet);
            self.replaced.resize(packet.len(), false);
        }
        let places = self.bytes.iter_mut().zip(&mut self.replaced).skip(at);
        for ((byte, replaced), &new) in places.zip(new) {
            if !std::mem::replace(replaced, true) {
                *byte = new;
            }
        }
    }

    /// Writes it into the packet, corrects the checksums, and is empty again.
    ///
    /// A change is made up for in the innermost checksum that covers it, by the difference (RFC 1624): the sums of all that lies
    /// around stay as they were, and a checksum that was wrong stays wrong.
    pub fn write(&mut self, packet: &mut [u8], link: LinkType, settings: &Settings) {
        let mut checksums: Vec<Checksum> =
            Layers::new(packet, link, settings).filter_map(|layer| Checksum::of(&layer, packet)).collect();
        for (at, (old, &new)) in packet.iter_mut().zip(&self.bytes).enumerate() {
            if *old != new {
                if let Some(innermost) = checksums.iter_mut().rfind(|checksum| checksum.covers.contains(&at))
                {
                    innermost.count(at, *old, new);
                }
                *old = new;
            }
        }
        checksums.iter().for_each(|checksum| checksum.correct(packet));
        self.clear();
    }
}

/// Where `part`, a part of `whole`, begins in it.
pub(in crate::engine) fn offset_in(whole: &[u8], part: &[u8]) -> Option<usize> {
    let at = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    whole.len().checked_sub(part.len()).filter(|&last| at <= last).map(|_| at)
}

/// The Internet checksum (RFC 1071) of one of a packet's layers.
#[derive(Debug)]
struct Checksum {
    /// What it covers, from the header that it stands in on.
    covers: Range<usize>,
    /// Where it stands.
    at: usize,
    /// Zero would say that there is none (RFC 768).
    zero_is_none: bool,
    /// By how much the sum of what it covers has grown.
    grown: i64,
}

impl Checksum {
    fn of(layer: &Packet<'_>, packet: &[u8]) -> Option<Self> {
        let network = layer.network.as_ref()?;
        let (covered, field, zero_is_none) = match layer.transport.as_ref()? {
            Transport::Tcp(tcp) => (tcp.slice(), 16, false),
            Transport::Udp(udp) if udp.checksum() == 0 => return None,
            Transport::Udp(udp) => (udp.slice(), 6, true),
            Transport::Icmpv4(_) | Transport::Icmpv6(_) => (network.payload, 2, false),
            Transport::Sctp(_) => return None,
        };
        let start = offset_in(packet, covered)?;
        Some(Self { covers: start..start + covered.len(), at: start + field, zero_is_none, grown: 0 })
    }

    fn count(&mut self, at: usize, old: u8, new: u8) {
        let is_high = (at - self.covers.start).is_multiple_of(2);
        self.grown += (i64::from(new) - i64::from(old)) * if is_high { 256 } else { 1 };
    }

    fn correct(&self, packet: &mut [u8]) {
        let Some(field) = packet.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut::<2>()) else {
            return;
        };
        if self.grown == 0 {
            return;
        }
        let corrected = (i64::from(u16::from_be_bytes(*field)) - self.grown).rem_euclid(0xffff);
        let corrected = match u16::try_from(corrected).unwrap_or_default() {
            0 if self.zero_is_none => 0xffff,
            corrected => corrected,
        };
        *field = corrected.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    use super::*;

    const PAYLOAD: usize = 40;

    /// TCP, UDP or ICMP, over either version of IP.
    fn packet(kind: usize, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let ethernet = PacketBuilder::ethernet2([1; 6], [2; 6]);
        let v4 = |ethernet: etherparse::PacketBuilderStep<etherparse::Ethernet2Header>| {
            ethernet.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        };
        let v6 = |ethernet: etherparse::PacketBuilderStep<etherparse::Ethernet2Header>| {
            ethernet.ipv6([1; 16], [2; 16], 64)
        };
        match kind {
            0 => v4(ethernet).tcp(1000, 80, 7, 1024).write(&mut bytes, payload),
            1 => v6(ethernet).tcp(1000, 80, 7, 1024).write(&mut bytes, payload),
            2 => v4(ethernet).udp(1000, 53).write(&mut bytes, payload),
            3 => v6(ethernet).udp(1000, 53).write(&mut bytes, payload),
            4 => v4(ethernet).icmpv4_echo_request(1, 2).write(&mut bytes, payload),
            _ => v6(ethernet).icmpv6_echo_request(1, 2).write(&mut bytes, payload),
        }
        .unwrap();
        bytes
    }

    /// `inner` in VXLAN, with a checksum around it.
    fn vxlan(inner: &[u8]) -> Vec<u8> {
        let mut payload = vec![8, 0, 0, 0, 0, 0, 9, 0];
        payload.extend_from_slice(inner);
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2([3; 6], [4; 6])
            .ipv6([3; 16], [4; 16], 64)
            .udp(5000, 4789)
            .write(&mut bytes, &payload)
            .unwrap();
        bytes
    }

    fn write(packet: &mut [u8], at: usize, new: &[u8]) {
        let mut rewriting = Rewriting::default();
        rewriting.replace(packet, at, new);
        rewriting.write(packet, LinkType::Ethernet, &Settings::DEFAULT);
        assert!(rewriting.is_empty());
    }

    fn all_right(packet: &[u8]) -> bool {
        Layers::new(packet, LinkType::Ethernet, &Settings::DEFAULT).all(|layer| layer.checksums_ok())
    }

    proptest! {
        #[test]
        fn checksums_stay_right(
            kind in 0_usize..6,
            tunnel: bool,
            without: bool,
            payload in prop::collection::vec(any::<u8>(), PAYLOAD),
            at in 0..PAYLOAD,
            new in prop::collection::vec(any::<u8>(), 1..8),
        ) {
            let mut bytes = packet(kind, &payload);
            if without && kind == 2 {
                let udp = bytes.len() - PAYLOAD - 2..bytes.len() - PAYLOAD;
                bytes[udp].fill(0);
            }
            if tunnel {
                bytes = vxlan(&bytes);
            }
            prop_assert!(all_right(&bytes));
            let (start, new) = (bytes.len() - PAYLOAD, &new[..new.len().min(PAYLOAD - at)]);
            let before = bytes.clone();
            write(&mut bytes, start + at, new);
            prop_assert!(all_right(&bytes));
            let mut expected = payload;
            expected[at..at + new.len()].copy_from_slice(new);
            prop_assert_eq!(&bytes[start..], &expected[..]);
            let changed = bytes[..start].iter().zip(&before).filter(|(new, old)| new != old).count();
            prop_assert!(changed <= 2, "more than a checksum has changed in the headers");
        }
    }

    #[test]
    fn a_wrong_checksum_stays_wrong() {
        let mut bytes = packet(0, b"an evil word");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        write(&mut bytes, last - 8, b"good");
        assert!(!all_right(&bytes));
        bytes[last] ^= 1;
        assert!(all_right(&bytes) && bytes.ends_with(b"an good word"));
    }

    #[test]
    fn a_checksum_of_udp_never_becomes_none() {
        let mut bytes = packet(2, &[0, 0]);
        let checksum = |bytes: &[u8]| u16::from_be_bytes([bytes[bytes.len() - 4], bytes[bytes.len() - 3]]);
        let (start, old) = (bytes.len() - 2, checksum(&bytes));
        write(&mut bytes, start, &old.to_be_bytes());
        assert_eq!(checksum(&bytes), 0xffff);
        assert!(all_right(&bytes));
    }

    #[test]
    fn what_was_replaced_first_stays() {
        let mut bytes = packet(2, b"abcdef");
        let start = bytes.len() - 6;
        let mut rewriting = Rewriting::default();
        rewriting.replace(&bytes, start + 2, b"XY");
        rewriting.replace(&bytes, start + 1, b"123");
        // What reaches beyond the packet is cut off.
        rewriting.replace(&bytes, start + 5, b"?!");
        rewriting.write(&mut bytes, LinkType::Ethernet, &Settings::DEFAULT);
        assert!(bytes.ends_with(b"a1XYe?"));
        assert!(all_right(&bytes));
    }

    #[test]
    fn a_part_of_something_else_has_no_offset() {
        let (whole, other) = ([0_u8; 8], [0_u8; 8]);
        assert_eq!(offset_in(&whole, &whole[3..5]), Some(3));
        assert_eq!(offset_in(&whole, &whole[8..]), Some(8));
        assert_eq!(offset_in(&whole[..4], &whole[3..5]), None);
        assert!(offset_in(&whole, &other[3..5]).is_none());
    }
}
