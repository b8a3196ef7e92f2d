//! Taking a TCP segment: compare, remember, hand out, let go on the acknowledgement.
#![allow(clippy::expect_used)] // A bench that cannot be set up may panic.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fastpath::engine::{
    meta::{Direction, Timestamp},
    stream::{
        Outcome, Segment, SegmentOptions, Session, Settings, Streams,
        segment::{ACK, SYN},
    },
    verdict::Enforcement,
};

const LENGTH: u32 = 1460;
/// Segments of one iteration.
const SEGMENTS: u32 = 1000;

/// A connection that goes on for ever.
struct Connection {
    streams: Streams,
    session: Session,
    /// Of the next segment, and of the one that was acknowledged last.
    seq: u32,
    acknowledged: u32,
    scratch: Vec<u8>,
}

impl Connection {
    fn new() -> Self {
        let settings = Settings { depth: 0, ..Settings::new(Enforcement::Drop) };
        let mut connection = Self {
            streams: Streams::new(settings),
            session: Session::default(),
            seq: 1,
            acknowledged: 1,
            scratch: Vec::new(),
        };
        connection.track(Direction::ToServer, 0, 0, SYN, &[]);
        connection.track(Direction::ToClient, 0, 1, SYN | ACK, &[]);
        connection.track(Direction::ToServer, 1, 1, ACK, &[]);
        connection
    }

    fn track(&mut self, direction: Direction, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> u64 {
        let options = SegmentOptions::default();
        let segment = Segment { seq, ack, flags, window: u16::MAX, urgent: 0, options, payload };
        let Self { streams, session, scratch, .. } = self;
        let tracked = streams.track(session, direction, black_box(&segment), Timestamp(1), 0);
        assert_eq!(tracked.outcome, Outcome::Accept);
        let Some(fresh) = tracked.fresh else { return 0 };
        if fresh.buffered > 0 {
            black_box(streams.window(session, direction, &fresh, payload, scratch).bytes);
        } else {
            // What matches over the border need from the time before; the rest is inspected where it lies.
            black_box(streams.seam(session, direction, &fresh, 16, scratch));
        }
        fresh.len()
    }

    /// Segments, of which one in so many changes places with the next, and an acknowledgement for every other one.
    fn transfer(&mut self, payload: &[u8], reordered: Option<u32>) -> u64 {
        let mut inspected = 0;
        for number in 0..SEGMENTS {
            let place = match reordered.map(|every| number % every) {
                Some(0) => 1,
                Some(1) => u32::MAX,
                _ => 0,
            };
            let seq = self.seq.wrapping_add(LENGTH.wrapping_mul(place));
            inspected += self.track(Direction::ToServer, seq, 1, ACK, payload);
            self.seq = self.seq.wrapping_add(LENGTH);
            if number % 2 == 1 {
                self.acknowledged = self.seq;
                self.track(Direction::ToClient, 1, self.acknowledged, ACK, &[]);
            }
        }
        inspected
    }
}

fn transfer(c: &mut Criterion) {
    let payload = vec![0x61; LENGTH as usize];
    let mut group = c.benchmark_group("stream");
    group.throughput(Throughput::Elements(SEGMENTS.into()));
    for (name, reordered) in [("in_order_1460", None), ("reordered_10_percent", Some(10))] {
        let mut connection = Connection::new();
        group.bench_function(name, |b| {
            b.iter(|| {
                let inspected = connection.transfer(black_box(&payload), reordered);
                assert_eq!(inspected, u64::from(LENGTH * SEGMENTS));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, transfer);
criterion_main!(benches);
