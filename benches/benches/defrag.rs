//! Taking a fragment, until its datagram is complete, assembled and settled.
#![allow(clippy::expect_used)] // A bench that cannot be set up may panic.

use std::{hint::black_box, net::Ipv4Addr, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fastpath::engine::{
    meta::Timestamp,
    packet::{
        Fragment,
        defrag::{Defragmenter, Fate, Settings},
    },
    verdict::{Enforcement, Verdict},
};

/// Datagrams of `length` bytes in fragments of `size`, each with an identification and an address of its own. As many as can
/// stay closed do: the table is full of them, and each new one takes the place of the oldest.
fn datagrams(c: &mut Criterion) {
    let mut group = c.benchmark_group("defrag");
    for (name, length, size) in [
        ("2x1480", 2_960, 1_480),
        ("45x1480", 65_000, 1_480),
        ("8_bytes", 65_000, 8),
        ("reversed", 65_000, 8),
    ] {
        let payload = vec![0x61; length];
        let header = [0x45; 20];
        let mut pieces: Vec<_> = payload.chunks(size).enumerate().collect();
        if name == "reversed" {
            pieces.reverse();
        }
        let mut defrag = Defragmenter::new(Settings::default(), Enforcement::Drop);
        let (mut datagram, mut number, mut now) = (Vec::new(), 0_u32, 0);
        let step = u64::try_from(Duration::from_millis(1).as_nanos()).expect("a millisecond is short");
        group.throughput(Throughput::Elements(pieces.len() as u64));
        group.bench_function(BenchmarkId::new("datagram", name), |b| {
            b.iter(|| {
                number = number.wrapping_add(1);
                now += step;
                for &(piece, bytes) in &pieces {
                    let offset = piece * size;
                    let fragment = Fragment {
                        vlan: [None; 3],
                        source: Ipv4Addr::from_bits(number >> 16).into(),
                        destination: Ipv4Addr::LOCALHOST.into(),
                        identification: number & 0xffff,
                        protocol: 17,
                        offset: u16::try_from(offset).expect("a datagram is below 64 KiB"),
                        more: offset + bytes.len() < length,
                        header: &header,
                        payload: bytes,
                    };
                    let accepted = defrag.accept(black_box(&fragment), Timestamp(now), 0);
                    if let Fate::Complete(ticket) = accepted.fate {
                        assert!(defrag.assemble(ticket, &mut datagram));
                        defrag.settle(ticket, Verdict::Forward);
                    }
                }
                datagram.len()
            });
        });
        assert_eq!(datagram.len(), length + 20);
    }
    group.finish();
}

criterion_group!(benches, datagrams);
criterion_main!(benches);
