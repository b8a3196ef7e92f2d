//! The generators write by hand, so that nothing is read back by the code that wrote it.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Fields of files made here are small.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy)]
struct Order {
    little: bool,
}

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn u64(self, value: u64) -> [u8; 8] {
        if self.little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn pcap(self, magic: u32, link: u32, packets: &[(u32, u32, &[u8])]) -> Vec<u8> {
        let mut file =
            [self.u32(magic), self.u32(0x0004_0002), [0; 4], [0; 4], self.u32(96), self.u32(link)].concat();
        file[4..8].copy_from_slice(&[self.u16(2), self.u16(4)].concat());
        for (seconds, fraction, bytes) in packets {
            let length = bytes.len() as u32;
            // Longer on the wire than in the file and than the snaplen of the header.
            for word in [*seconds, *fraction, length, length + 1000] {
                file.extend(self.u32(word));
            }
            file.extend(*bytes);
        }
        file
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = body.len().next_multiple_of(4) - body.len();
        let total = self.u32((12 + body.len() + padding) as u32);
        [&self.u32(kind)[..], &total, body, &[0; 3][..padding], &total].concat()
    }

    fn section(self) -> Vec<u8> {
        self.block(
            0x0a0d_0d0a,
            &[&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8]].concat(),
        )
    }

    fn interface(self, link: u16, snaplen: u32, resolution: Option<u8>, offset: Option<i64>) -> Vec<u8> {
        let mut body = [&self.u16(link)[..], &[0; 2], &self.u32(snaplen)].concat();
        if let Some(resolution) = resolution {
            body.extend([&self.u16(9)[..], &self.u16(1), &[resolution, 0, 0, 0]].concat());
        }
        if let Some(offset) = offset {
            body.extend([&self.u16(14)[..], &self.u16(8), &self.u64(offset as u64)].concat());
        }
        if resolution.is_some() || offset.is_some() {
            body.extend([0; 4]);
        }
        self.block(1, &body)
    }

    fn enhanced(self, interface: u32, units: u64, data: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        for word in [interface, (units >> 32) as u32, units as u32, data.len() as u32, data.len() as u32 + 9]
        {
            body.extend(self.u32(word));
        }
        body.extend(data);
        self.block(6, &body)
    }

    fn pcapng(self) -> Vec<u8> {
        [
            self.section(),
            self.interface(1, 0, None, None),
            self.interface(101, 3, Some(9), Some(-1)),
            self.interface(113, 0, Some(0x80 | 1), None),
            self.block(0xbad, b"an unknown block"),
            self.enhanced(0, 5_000_001, b"ether"),
            self.enhanced(1, 5_000_000_001, b"ip"),
            self.enhanced(2, 3, b"cooked"),
            // The obsolete packet block: interface, drops, high and low half of the time, lengths.
            self.block(
                2,
                &[&self.u16(1)[..], &[0; 2], &self.u32(1), &self.u32(0), &self.u32(3), &self.u32(3), b"old"]
                    .concat(),
            ),
            self.block(3, &[&self.u32(5)[..], b"plain"].concat()),
        ]
        .concat()
    }
}

const ORDERS: [Order; 2] = [Order { little: false }, Order { little: true }];

fn parse(bytes: &[u8]) -> Result<Capture, String> {
    Capture::parse(bytes.to_vec(), ChecksumState::Trusted)
}

fn packets(capture: &mut Capture) -> Vec<(u64, LinkType, Vec<u8>)> {
    capture.packets_mut().map(|(meta, bytes)| (meta.time.0, meta.link, bytes.to_vec())).collect()
}

#[test]
fn reads_pcap_in_both_byte_orders_and_resolutions() {
    for order in ORDERS {
        for (magic, unit) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1)] {
            let mut capture = parse(&order.pcap(magic, 1, &[(1, 2, b"one"), (3, 4, b"two!")])).unwrap();
            let expected = vec![
                (1_000_000_000 + 2 * unit, LinkType::Ethernet, b"one".to_vec()),
                (3_000_000_000 + 4 * unit, LinkType::Ethernet, b"two!".to_vec()),
            ];
            assert_eq!(packets(&mut capture), expected);
            assert_eq!(capture.damage(), None);
            let numbers: Vec<_> =
                capture.packets_mut().map(|(meta, _)| (meta.number, meta.checksums)).collect();
            assert_eq!(numbers, [(1, ChecksumState::Trusted), (2, ChecksumState::Trusted)]);
        }
    }
}

#[test]
fn knows_link_types() {
    let cases = [
        (0, LinkType::Null),
        (1, LinkType::Ethernet),
        (12, LinkType::RawIp),
        (14, LinkType::RawIp),
        (101, LinkType::RawIp),
        (228, LinkType::IPV4),
        (229, LinkType::IPV6),
        (113, LinkType::LinuxSll),
        (276, LinkType::LinuxSll2),
        (147, LinkType::Other(147)),
        // An FCS length in the upper bits is no part of the type.
        (0x4400_0001, LinkType::Ethernet),
    ];
    for (number, link) in cases {
        let mut capture = parse(&ORDERS[0].pcap(0xa1b2_c3d4, number, &[(0, 0, b"x")])).unwrap();
        assert_eq!(packets(&mut capture)[0].1, link, "{number}");
    }
}

#[test]
fn reads_pcapng_with_several_interfaces_and_clocks() {
    for order in ORDERS {
        let mut capture = parse(&order.pcapng()).unwrap();
        assert_eq!(capture.damage(), None);
        let expected = [
            (5_000_001_000, LinkType::Ethernet, b"ether".to_vec()),
            (4_000_000_001, LinkType::RawIp, b"ip".to_vec()),
            (1_500_000_000, LinkType::LinuxSll, b"cooked".to_vec()),
            ((1 << 32) - 1_000_000_000, LinkType::RawIp, b"old".to_vec()),
            (0, LinkType::Ethernet, b"plain".to_vec()),
        ];
        assert_eq!(packets(&mut capture), expected);
    }
}

#[test]
fn sections_have_interfaces_of_their_own_and_may_change_byte_order() {
    let [big, little] = ORDERS;
    let file =
        [big.pcapng(), little.section(), little.interface(101, 0, None, None), little.enhanced(0, 7, b"ip")];
    let mut capture = parse(&file.concat()).unwrap();
    assert_eq!(packets(&mut capture).last(), Some(&(7_000, LinkType::RawIp, b"ip".to_vec())));
    let no_interface = [big.pcapng(), little.section(), little.enhanced(0, 7, b"ip")].concat();
    let damage = parse(&no_interface).unwrap().damage().unwrap().to_string();
    assert!(damage.contains("not described") && damage.contains("5 packets"), "{damage}");
}

#[test]
fn what_other_tools_forgive_is_forgiven() {
    for order in ORDERS {
        // Options without their end, and a block of names that are none.
        let option = [&order.u16(4)[..], &order.u16(4), b"tool"].concat();
        let head = [&order.u32(0x1a2b_3c4d)[..], &order.u16(1), &order.u16(0), &[0xff; 8], &option].concat();
        let names = order.block(4, &[&order.u16(1)[..], &order.u16(200), b"\xff\xfe"].concat());
        let file = [
            order.block(0x0a0d_0d0a, &head),
            order.interface(1, 0, None, None),
            names,
            order.enhanced(0, 1, b"x"),
        ];
        let capture = parse(&file.concat()).unwrap();
        assert_eq!((capture.len(), capture.damage()), (1, None));
    }
}

#[test]
fn a_cut_off_record_is_named_and_everything_before_it_used() {
    let file = ORDERS[1].pcap(0xa1b2_c3d4, 1, &[(1, 2, b"one"), (3, 4, b"two!")]);
    let mut capture = parse(&file[..file.len() - 1]).unwrap();
    assert_eq!(packets(&mut capture).len(), 1);
    let damage = capture.damage().unwrap();
    assert_eq!((damage.record, damage.offset, damage.packets), (2, 24 + 16 + 3, 1));
    let file = ORDERS[1].pcapng();
    let capture = parse(&file[..file.len() - 1]).unwrap();
    assert_eq!((capture.len(), capture.damage().unwrap().record), (4, 10));
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    for bytes in [
        &b""[..],
        b"\xa1\xb2\xc3\xd4",
        b"#!/bin/sh\necho this is not a capture at all\n",
        b"\n\r\r\nnonsense nonsense",
    ] {
        assert!(parse(bytes).is_err(), "{bytes:?}");
    }
    let missing = Capture::read(Path::new("/nonexistent.pcap"), ChecksumState::Unverified).unwrap_err();
    assert!(missing.to_string().starts_with("/nonexistent.pcap: cannot read"), "{missing}");
}

#[test]
fn a_packet_longer_than_any_is_damage() {
    let long = vec![0; LARGEST_PACKET + 1];
    let capture = parse(&ORDERS[0].pcap(0xa1b2_c3d4, 1, &[(0, 0, b"x"), (0, 0, &long)])).unwrap();
    assert_eq!((capture.len(), capture.damage().unwrap().record), (1, 2));
}

fn walk(bytes: &[u8]) {
    if let Ok(mut capture) = parse(bytes) {
        let count = capture.len();
        assert_eq!(capture.packets_mut().count(), count, "every record is a piece of the file");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(head in 0..4_usize, tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        let good = [ORDERS[0].pcapng(), ORDERS[1].pcapng(), ORDERS[1].pcap(0xa1b2_c3d4, 1, &[]), vec![]];
        walk(&[&good[head][..], &tail].concat());
    }

    #[test]
    fn any_damage_is_survived(little: bool, ng: bool, cut in 0..400_usize, at in 0..400_usize, value: u8) {
        let order = Order { little };
        let mut file = if ng { order.pcapng() } else { order.pcap(0xa1b2_c3d4, 1, &[(1, 2, b"one"), (3, 4, b"two")]) };
        file.truncate(cut);
        if let Some(byte) = file.get_mut(at) {
            *byte = value;
        }
        walk(&file);
    }

    #[test]
    fn any_clock_is_survived(units: u64, resolution: u8, offset: i64) {
        let file = [ORDERS[0].section(), ORDERS[0].interface(1, 0, Some(resolution), Some(offset)), ORDERS[0].enhanced(0, units, b"x")];
        prop_assert_eq!(parse(&file.concat()).unwrap().len(), 1);
    }
}
