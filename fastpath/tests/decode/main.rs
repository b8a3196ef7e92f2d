//! Our decoder against etherparse's, over packets made here, mutated ones, and captures.
//!
//! Captures are not part of the repository. With some at hand:
//! `FASTPATH_CAPTURES=folder cargo test -p fastpath --test decode -- --ignored`

#![allow(clippy::unwrap_used, clippy::panic)] // A test may panic; clippy.toml knows only of #[test] functions.

mod frames;
mod oracle;

use std::path::PathBuf;

use fastpath::{
    engine::{
        meta::{ChecksumState, LinkType},
        packet::{Packet, Settings},
    },
    io::pcap::Capture,
};
use proptest::prelude::*;

/// Compares every layer of a packet; how many of them etherparse took.
fn compare(bytes: &[u8], link: LinkType) -> usize {
    let settings = Settings::DEFAULT;
    let (mut packet, mut taken) = (Packet::decode_with(bytes, link, &settings), 0);
    taken += usize::from(oracle::compare(bytes, link, &packet));
    while let Some(inner) = packet.inner {
        packet = Packet::decode_inner(&inner, &settings);
        taken += usize::from(oracle::compare(inner.bytes, inner.link, &packet));
    }
    taken
}

#[test]
fn whole_packets_agree() {
    for (name, bytes, layers) in frames::all() {
        assert_eq!(compare(&bytes, LinkType::Ethernet), layers, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn mutated_packets_agree(
        (_, mut bytes, _) in prop::sample::select(frames::all()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 0..3),
        cut in prop_oneof![3 => Just(0), 1 => 0..80_usize],
    ) {
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        compare(&bytes, LinkType::Ethernet);
        if let Some(ip) = bytes.get(14..) {
            compare(ip, LinkType::RawIp);
        }
    }
}

#[test]
#[ignore = "needs captures: FASTPATH_CAPTURES=folder"]
fn captures_agree() {
    let folder = std::env::var_os("FASTPATH_CAPTURES").expect("FASTPATH_CAPTURES names a folder of captures");
    let mut folders = vec![PathBuf::from(folder)];
    let (mut files, mut packets, mut taken) = (0_u64, 0_u64, 0_u64);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(mut capture) = Capture::read(&path, ChecksumState::Unverified) {
                files += 1;
                for (meta, bytes) in capture.packets_mut() {
                    packets += 1;
                    taken += u64::from(compare(bytes, meta.link) > 0);
                }
            }
        }
    }
    println!("{files} captures, {packets} packets, of which etherparse took {taken}");
    assert!(taken > 0);
}
