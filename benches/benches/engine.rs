//! Decoding and inspecting one packet, in packets and bytes a second.
#![allow(clippy::expect_used)] // A bench that cannot be set up may panic.

use std::{fmt::Write, hint::black_box, path::Path, sync::Arc};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use etherparse::PacketBuilder;
use fastpath::engine::{
    Engine, Settings,
    event::Event,
    meta::{LinkType, Meta},
    packet::Packet,
    rules::{RuleSet, Variables},
    verdict::Enforcement,
};

/// Bytes that look like traffic and meet no rule: words of a fixed little generator.
fn text(length: usize) -> Vec<u8> {
    let words = [
        "GET ",
        "/index",
        ".html?",
        "id=",
        "7f3a",
        " HTTP/1.1\r\n",
        "Host: ",
        "example",
        ".org\r\n",
        "Accept: */*\r\n",
    ];
    let mut state = 1_u32;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend(words[state as usize / 65_536 % words.len()].bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The frames measured: the smallest, and a full TCP segment.
fn packets() -> [(&'static str, Vec<u8>); 2] {
    let ip = || PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 1], [8, 8, 8, 8], 64);
    let (mut udp, mut tcp) = (Vec::new(), Vec::new());
    ip().udp(4000, 4001).write(&mut udp, &text(22)).expect("a Vec takes all bytes");
    ip().tcp(4000, 80, 1, 1024).write(&mut tcp, &text(1460)).expect("a Vec takes all bytes");
    [("udp_64", udp), ("tcp_1460", tcp)]
}

/// `count` rules of which none matches, each with a content of its own.
fn rules(count: u32) -> Arc<RuleSet> {
    let mut text = String::new();
    for sid in 1..=count {
        let protocol = if sid.is_multiple_of(4) { "udp" } else { "tcp" };
        let word = format!("{:08x}", sid.wrapping_mul(0x9e37_79b1));
        writeln!(text, "alert {protocol} any any -> any any (content:\"{word}\"; nocase; sid:{sid};)")
            .expect("a String takes all text");
    }
    let (rules, report) = RuleSet::parse([(Path::new("bench.rules"), &*text)], &Variables::default());
    assert_eq!((report.loaded, report.failed.len()), (count as usize, 0));
    Arc::new(rules)
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for (name, packet) in packets() {
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |b| {
            b.iter(|| black_box(Packet::decode(black_box(&packet), LinkType::Ethernet)))
        });
    }
    group.finish();
}

fn inspect(c: &mut Criterion) {
    let mut group = c.benchmark_group("inspect");
    for count in [0, 100, 5000] {
        let rules = rules(count);
        for (name, mut packet) in packets() {
            let mut engine = Engine::new(Arc::clone(&rules), Settings::new(Enforcement::Drop));
            let mut events: Vec<Event> = Vec::new();
            group.throughput(Throughput::Bytes(packet.len() as u64));
            group.bench_function(BenchmarkId::new(name, count), |b| {
                b.iter(|| engine.inspect(black_box(&mut packet), &Meta::default(), &mut events));
            });
            assert!(events.is_empty(), "no rule may match");
        }
    }
    group.finish();
}

criterion_group!(benches, decode, inspect);
criterion_main!(benches);
