//! The price of hand-over for one packet: without steering, for a flow of the worker's own, and for one that it has to hand to
//! another worker. Two workers over memory, turned in one thread: what their cores pay for sharing cache lines comes on top
//! (the bench `bridge` has it).
//!
//! Time by criterion, instructions by callgrind, which `valgrind` has to be installed for.
#![allow(clippy::expect_used)] // A bench that cannot be set up may panic.

#[path = "flows/callgrind.rs"]
mod callgrind;

use std::{env, sync::Arc};

use criterion::Criterion;
use etherparse::PacketBuilder;
use fastpath::{
    config::ActionMode,
    engine::{
        Engine, Settings,
        event::Event,
        flow::{Share, steer},
        meta::{LinkType, PortId, Timestamp},
        rules::RuleSet,
        verdict::Enforcement,
    },
    io::{
        PacketIo,
        memory::{MemoryHandle, MemoryIo},
    },
    telemetry::counter::Published,
    worker::{
        looping::Worker,
        mesh::{Mesh, mesh},
    },
};

const BATCH: usize = 64;

/// Measured each time it is called.
type Case = Box<dyn FnMut()>;

/// What is measured: one UDP packet of 64 bytes.
type Begin = fn() -> Case;

const CASES: [(&str, Begin); 3] = [
    ("steering_off", || case(1, 0)),
    ("steering_on_own_flow", || case(2, 0)),
    ("steering_on_handed_over", || case(2, 1)),
];

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [flag, name, _] = &arguments[..]
        && flag == callgrind::FLAG
    {
        let (_, case) = CASES.iter().find(|(known, _)| known == name).expect("a known case");
        return callgrind::run(&mut case());
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("handover");
    for (name, case) in CASES {
        let mut case = case();
        group.bench_function(name, |b| b.iter(&mut case));
    }
    group.finish();
    criterion.final_summary();
    for (name, _) in CASES {
        match callgrind::count(name, 1) {
            Ok(instructions) => println!("handover/{name}: {instructions} instructions"),
            Err(reason) => println!("handover/{name}: instructions not counted: {reason}"),
        }
    }
}

fn datagram(port: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    let builder =
        PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 1], [8, 8, 8, 8], 64).udp(port, 4001);
    builder.write(&mut packet, &[b'x'; 22]).expect("a Vec takes all bytes");
    packet
}

/// Packets of a flow of worker `owner` come to worker 0 of `workers`, a batch a turn.
fn case(workers: u16, owner: u16) -> Case {
    let of = |port: &u16| Share { worker: 0, of: workers }.owner(steer(&datagram(*port), LinkType::Ethernet));
    let port = (1024..2048).find(|port| of(port) == owner).expect("each worker owns some flows");
    let mut packets = vec![datagram(port); BATCH];
    let mut all = make(workers);
    Box::new(move || {
        all[0].io().incoming.push_back((0, packets.pop().expect("a batch of them")));
        if packets.is_empty() {
            while all.iter_mut().map(|worker| worker.turn(Timestamp(1)).unwrap_or_default()).sum::<usize>()
                > 0
            {}
            packets.extend(all[0].io().outgoing.drain(..).map(|(_, packet)| packet));
            assert_eq!(packets.len(), BATCH, "a packet is missing");
        }
    })
}

fn make(workers: u16) -> Vec<Worker<MemoryIo, Vec<Event>>> {
    let ios: Vec<_> = (0..workers).map(|_| MemoryIo::new(2, BATCH)).collect();
    let handles: Vec<_> = ios.iter().map(PacketIo::handle).collect();
    let all = ios.into_iter().zip(mesh(workers, 2 * BATCH)).zip(0..);
    all.map(|((io, ends), worker)| {
        let settings = Settings { share: Share { worker, of: workers }, ..Settings::new(Enforcement::Drop) };
        let engine = Engine::new(Arc::new(RuleSet::default()), settings);
        let ports = [PortId(0), PortId(1)];
        let mut worker = Worker::new(
            io,
            engine,
            Vec::new(),
            ActionMode::Inline,
            ports,
            BATCH,
            Arc::new(Published::default()),
        );
        worker.join(Mesh::among(ends, handles.clone(), Mesh::<MemoryHandle>::overflow(&settings)));
        worker
    })
    .collect()
}
