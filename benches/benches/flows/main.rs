//! Flows: memory, time and instructions, with a thousand of them at the same time and with a million.
//!
//! | case | one packet is |
//! |---|---|
//! | `look_up` | hashed, found and counted in the flow table alone |
//! | `inspect_udp_64` | inspected by itself, as `replay` does |
//! | `batch_udp_64` | inspected in a batch that the engine was prepared for |
//! | `turn_udp_64` | the same by a worker, over memory: received and sent on too |
//!
//! Time by the middle of many rounds ([`ratio`]), instructions by callgrind, which `valgrind` has to be installed for.
#![allow(clippy::expect_used)] // A bench that cannot be set up may panic.

mod callgrind;
mod ratio;
mod traffic;

use std::{env, fs, hint::black_box, process::Command, sync::Arc};

use fastpath::{
    config::ActionMode,
    engine::{
        Engine, Settings,
        event::Event,
        flow::{FlowSettings, Share, Table},
        meta::{ChecksumState, LinkType, Meta, PortId, Timestamp},
        rules::RuleSet,
        verdict::Enforcement,
    },
    io::memory::MemoryIo,
    telemetry::counter::Published,
    worker::looping::Worker,
};
use ratio::Ratio;
use traffic::{Turn, datagram, frame, tuple};

const FLOWS: [u32; 2] = [1_000, 1_000_000];

/// One packet of a flow that is there, each time of another one of as many as are asked for.
type Case = fn(u32) -> Box<dyn FnMut()>;

/// What is measured.
const CASES: [(&str, Case); 4] =
    [("look_up", look_up), ("inspect_udp_64", inspect), ("batch_udp_64", batch), ("turn_udp_64", turn)];

/// Packets that a worker takes at once, as its default is.
const BATCH: usize = 64;

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
        let status = Command::new(program).args(&arguments).env(TUNABLES.0, TUNABLES.1).status();
        std::process::exit(status.ok().and_then(|status| status.code()).unwrap_or(1));
    }
    report_memory();
    // `cargo bench -- turn` measures what has that in its name.
    let wanted =
        |name: &str| arguments.iter().all(|part| part.starts_with('-') || name.contains(part.as_str()));
    let cases = CASES.iter().filter(|(name, _)| wanted(name));
    for (name, case) in cases.clone() {
        let [mut few, mut many] = FLOWS.map(case);
        let Ratio { few, many, ratio } = ratio::measure(&mut few, &mut many);
        let told = |[low, middle, high]: [f64; 3]| format!("{middle:.1} ({low:.1} to {high:.1})");
        println!("{name}: {} ns with {} flows, {} ns with {}", told(few), FLOWS[0], told(many), FLOWS[1]);
        let [low, middle, high] = ratio;
        println!("{name}: {middle:.2} times as long ({low:.2} to {high:.2})");
    }
    for (name, _) in cases {
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

const META: Meta = Meta {
    checksums: ChecksumState::Trusted,
    time: Timestamp(1),
    port: PortId(0),
    number: 0,
    link: LinkType::Ethernet,
};

/// The same, as a worker does it that has a batch in hand.
fn batch(flows: u32) -> Box<dyn FnMut()> {
    let mut engine = engine(flows);
    let (mut turn, mut frames) = (Turn::new(flows), vec![frame(); BATCH]);
    let (mut at, mut expected) = (0, Vec::with_capacity(BATCH));
    let mut events: Vec<Event> = Vec::new();
    let mut packet = move || {
        datagram(&mut frames[at], turn.next());
        at = (at + 1) % BATCH;
        if at == 0 {
            expected.clear();
            let hints = frames.iter().filter_map(|frame| engine.steering().hint(black_box(frame), META.link));
            expected.extend(hints.map(|hint| hint.flow));
            engine.expect(&expected);
            for frame in &mut frames {
                black_box(engine.inspect(black_box(frame), &META, &mut events));
            }
            assert!(events.is_empty(), "nothing happens");
        }
    };
    (0..flows).for_each(|_| packet());
    Box::new(packet)
}

/// A worker's turn over a batch, from receiving to sending.
fn turn(flows: u32) -> Box<dyn FnMut()> {
    let (io, engine) = (MemoryIo::new(2, BATCH), engine(flows));
    let ports = [PortId(0), PortId(1)];
    let published = Arc::new(Published::default());
    let mut worker = Worker::new(io, engine, Vec::new(), ActionMode::Inline, ports, BATCH, published);
    let (mut turn, mut frames) = (Turn::new(flows), vec![frame(); BATCH]);
    let mut packet = move || {
        let mut frame = frames.pop().expect("a batch of them");
        datagram(&mut frame, turn.next());
        worker.io().incoming.push_back((0, frame));
        if frames.is_empty() {
            let handled = worker.turn(Timestamp(1)).expect("memory does not fail");
            assert_eq!(handled, BATCH);
            frames.extend(worker.io().outgoing.drain(..).map(|(_, frame)| frame));
            assert_eq!(frames.len(), BATCH, "all go on");
        }
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
