//! Flows: memory, time and instructions, with a thousand of them at the same time and with a million.
//!
//! Time by criterion, instructions by callgrind, which `valgrind` has to be installed for.
#![allow(clippy::expect_used)] // A bench that cannot be set up may panic.

mod callgrind;
mod traffic;

use std::{env, fs, hint::black_box, process::Command, sync::Arc};

use criterion::{BenchmarkId, Criterion};
use fastpath::engine::{
    Engine, Settings,
    event::Event,
    flow::{FlowSettings, Share, Table},
    meta::{ChecksumState, Meta, Timestamp},
    rules::RuleSet,
    verdict::Enforcement,
};
use traffic::{Turn, datagram, frame, tuple};

const FLOWS: [u32; 2] = [1_000, 1_000_000];

/// One packet of a flow that is there, each time of another one of as many as are asked for.
type Case = fn(u32) -> Box<dyn FnMut()>;

/// What is measured.
const CASES: [(&str, Case); 2] = [("look_up", look_up), ("inspect_udp_64", inspect)];

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [flag, name, flows] = &arguments[..]
        && flag == callgrind::FLAG
    {
        let (_, case) = CASES.iter().find(|(known, _)| known == name).expect("a known case");
        return callgrind::run(&mut case(flows.parse().expect("a number of flows")));
    }
    // As tuning/fastpath.service has it; malloc reads it at the start.
    const TUNABLES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
    if env::var_os(TUNABLES.0).is_none() {
        let program = env::current_exe().expect("this program");
        let status = Command::new(program).args(arguments).env(TUNABLES.0, TUNABLES.1).status();
        std::process::exit(status.ok().and_then(|status| status.code()).unwrap_or(1));
    }
    report_memory();
    let mut criterion = Criterion::default().configure_from_args();
    for (name, case) in CASES {
        let mut group = criterion.benchmark_group(name);
        for flows in FLOWS {
            let mut case = case(flows);
            group.bench_function(BenchmarkId::from_parameter(flows), |b| b.iter(&mut case));
        }
        group.finish();
    }
    criterion.final_summary();
    for (name, _) in CASES {
        for flows in FLOWS {
            match callgrind::count(name, flows) {
                Ok(instructions) => println!("{name}/{flows}: {instructions} instructions"),
                Err(reason) => println!("{name}/{flows}: instructions not counted: {reason}"),
            }
        }
    }
}

fn settings(flows: u32) -> FlowSettings {
    let default = FlowSettings::default();
    // A quarter more than there are, and no less than usual.
    FlowSettings { capacity: default.capacity.max(flows / 4 * 5), ..default }
}

/// The flow table alone: hash, find, count.
fn look_up(flows: u32) -> Box<dyn FnMut()> {
    let mut table = Table::<()>::new(settings(flows), Share::ALL);
    let mut turn = Turn::new(flows);
    let mut packet = move || {
        let probe = table.probe(black_box(&tuple(turn.next())));
        let entry = table.enter(&probe, Timestamp(1), &mut |_| ()).expect("there is room");
        table.count(entry.handle, entry.direction, 64, 64);
        black_box(entry);
    };
    (0..flows).for_each(|_| packet());
    Box::new(packet)
}

fn engine(flows: u32) -> Engine {
    let settings = Settings { flow: settings(flows), ..Settings::new(Enforcement::Drop) };
    Engine::new(Arc::new(RuleSet::default()), settings)
}

/// The whole engine, without rules, over UDP frames of 64 bytes.
fn inspect(flows: u32) -> Box<dyn FnMut()> {
    let mut engine = engine(flows);
    let (mut turn, mut frame) = (Turn::new(flows), frame());
    let meta = Meta { time: Timestamp(1), checksums: ChecksumState::Trusted, ..Meta::default() };
    let mut events: Vec<Event> = Vec::new();
    let mut packet = move || {
        datagram(&mut frame, turn.next());
        black_box(engine.inspect(black_box(&mut frame), &meta, &mut events));
        assert!(events.is_empty(), "nothing happens");
    };
    (0..flows).for_each(|_| packet());
    Box::new(packet)
}

/// Memory per flow, as it is laid out and as the system sees it.
fn report_memory() {
    let flows = FLOWS[1];
    let before = resident();
    let full = inspect(flows);
    let grown = resident().saturating_sub(before) / u64::from(flows);
    drop(full);
    println!("memory: {} bytes per flow reserved, {grown} in use with {flows} flows", Engine::BYTES_PER_FLOW);
}

/// Bytes of this process in memory (`/proc/self/statm`, in pages; 4 KiB on all that this is measured on).
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("proc is there");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second number") * 4096
}
