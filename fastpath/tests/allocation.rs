//! The worker's loop over real AF_XDP sockets allocates nothing per forwarded packet.
#![allow(clippy::unwrap_used)] // A test may panic; clippy.toml knows only of #[test] functions.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use fastpath::{
    config::{ActionMode, BindMode, RingConfig},
    engine::{
        Engine, Settings,
        meta::{PortId, Timestamp},
        rules::{RuleSet, Variables},
        verdict::Enforcement,
    },
    io::{
        PacketIo,
        xdp::{XdpIo, XdpOptions},
    },
    nic::{
        link::{self, Control},
        port::Port,
        program::AttachMode,
    },
    telemetry::counter::{Counter, Published},
    worker::looping::Worker,
};
use fastpath_common::Fallback;
use fastpath_lab::{Burst, Host, Lab, PORT_IN, PORT_OUT, PacketSocket};

const QUEUE: u32 = 2;
const WARM: u64 = 20_000;
const MEASURED: u64 = 50_000;
const RULES: &str = r#"
drop udp any any -> any any (msg:"one"; content:"never there"; nocase; sid:1;)
alert udp any any -> any 9 (msg:"two"; content:"|00 01 02|"; offset:4; content:"tail"; sid:2;)
alert icmp any any -> any any (msg:"three"; sid:3;)
"#;

fn udp(port: u16, size: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(port, 9);
    builder.write(&mut frame, &vec![0x61; size]).unwrap();
    frame
}

fn open(name: &str, peer: &str) -> Port {
    let link = link::read(&Control::open().unwrap(), name).unwrap();
    Port::open(link, &[QUEUE], Fallback::Pass, Some(peer), AttachMode::Native).unwrap()
}

/// Ends the sender, also when an assertion fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Turns the worker until it has forwarded `packets` more; allocations of this thread meanwhile.
fn forward<I: PacketIo>(worker: &mut Worker<I, Vec<fastpath::engine::event::Event>>, packets: u64) -> u64 {
    let target = worker.figures().sides[0].get(Counter::RxPackets) + packets;
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut late = false;
    let counted = allocation_counter::measure(|| {
        while worker.figures().sides[0].get(Counter::RxPackets) < target && !late {
            worker.turn(Timestamp(1)).unwrap();
            worker.publish();
            late = Instant::now() > deadline;
        }
    });
    assert!(!late, "the sender's packets do not arrive");
    counted.count_total
}

#[test]
fn a_forwarded_packet_costs_no_allocation() {
    let lab = Lab::new().unwrap();
    lab.steer(Host::Client, QUEUE).unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let done = AtomicBool::new(false);
    let (warm, counted, figures) = thread::scope(|scope| {
        scope.spawn(|| {
            let frames: Vec<_> = (0..32).map(|i| udp(1000 + i, 40 * usize::from(i))).collect();
            let mut burst = Burst::new(frames.len());
            while !done.load(Ordering::Relaxed) {
                // A full queue is no failure here: the worker will empty it.
                let _ = socket.send_all(&frames, &mut burst);
            }
        });
        let _done = Done(&done);
        lab.inspector
            .enter(|| {
                let mut ports = [open(PORT_IN, PORT_OUT), open(PORT_OUT, PORT_IN)];
                let options = XdpOptions {
                    interfaces: vec![PORT_IN.into(), PORT_OUT.into()],
                    queue: QUEUE,
                    bind: BindMode::Auto,
                    rings: RingConfig::default(),
                    multi_buffer: false,
                    busy_poll: false,
                    swap_mac: false,
                    loans: 0,
                };
                let io = XdpIo::open(&options).unwrap();
                for (port, socket) in ports.iter_mut().zip(io.descriptors()) {
                    port.program().insert(QUEUE, &socket).unwrap();
                }
                let (rules, report) =
                    RuleSet::parse([(Path::new("test.rules"), RULES)], &Variables::default());
                assert_eq!((report.loaded, report.failed), (3, vec![]));
                let engine = Engine::new(Arc::new(rules), Settings::new(Enforcement::Drop));
                let published = Arc::new(Published::default());
                let ids = [PortId(0), PortId(1)];
                let mut worker = Worker::new(io, engine, Vec::new(), ActionMode::Inline, ids, 64, published);
                let warm = forward(&mut worker, WARM);
                let counted = forward(&mut worker, MEASURED);
                let figures = *worker.figures();
                (warm, counted, figures)
            })
            .unwrap()
    });
    println!("{WARM} packets of warm-up: {warm} allocations; {MEASURED} packets: {counted}");
    assert!(figures.sides[1].get(Counter::TxPackets) >= MEASURED);
    assert_eq!((figures.residual(), figures.frames.residual()), (0, 0));
    assert_eq!(counted, 0);
}
