//! Workers over real AF_XDP sockets, turned by hand: a packet costs no allocation, and what comes in a burst is sent.
#![allow(clippy::unwrap_used, clippy::panic)] // A test may panic; clippy.toml knows only of #[test] functions.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use fastpath::{
    config::{ActionMode, BindMode, RingConfig},
    engine::{
        Engine, Settings,
        event::Event,
        flow::Share,
        meta::{PortId, Timestamp},
        rules::{RuleSet, Variables},
        verdict::Enforcement,
    },
    io::{
        PacketIo,
        xdp::{XdpHandle, XdpIo, XdpOptions},
    },
    nic::{
        link::{self, Control},
        port::Port,
        program::AttachMode,
    },
    telemetry::counter::{Counter, Figures, Published},
    worker::{
        looping::Worker,
        mesh::{Mesh, mesh},
    },
};
use fastpath_common::Fallback;
use fastpath_lab::{Burst, Host, Lab, PORT_IN, PORT_OUT, PacketSocket};

/// Where the packets come.
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

fn open(name: &str, peer: &str, queues: &[u32]) -> Port {
    let link = link::read(&Control::open().unwrap(), name).unwrap();
    Port::open(link, queues, Fallback::Pass, Some(peer), AttachMode::Native).unwrap()
}

type XdpWorker = Worker<XdpIo, Vec<Event>>;

/// One worker per queue, which share the flows.
fn workers(queues: &[u32], rules: &Arc<RuleSet>, ports: &mut [Port; 2]) -> Vec<XdpWorker> {
    let loans = if queues.len() > 1 { 1024 } else { 0 };
    let open = |&queue| {
        let options = XdpOptions {
            interfaces: vec![PORT_IN.into(), PORT_OUT.into()],
            queue,
            bind: BindMode::Auto,
            rings: RingConfig::default(),
            multi_buffer: false,
            busy_poll: false,
            swap_mac: false,
            loans,
        };
        XdpIo::open(&options).unwrap()
    };
    let ios: Vec<XdpIo> = queues.iter().map(open).collect();
    let handles: Vec<_> = ios.iter().map(PacketIo::handle).collect();
    for (io, queue) in ios.iter().zip(queues) {
        for (port, socket) in ports.iter_mut().zip(io.descriptors()) {
            port.program().insert(*queue, &socket).unwrap();
        }
    }
    let number = u16::try_from(queues.len()).unwrap();
    let worker = |((io, ends), worker)| {
        let settings = Settings { share: Share { worker, of: number }, ..Settings::new(Enforcement::Drop) };
        let engine = Engine::new(Arc::clone(rules), settings);
        let published = Arc::new(Published::default());
        let ids = [PortId(0), PortId(1)];
        let mut worker = Worker::new(io, engine, Vec::new(), ActionMode::Inline, ids, 64, published);
        let overflow = Mesh::<XdpHandle>::overflow(&settings);
        worker.join(Mesh::among(ends, handles.clone(), overflow));
        worker
    };
    ios.into_iter().zip(mesh(number, 1024)).zip(0..).map(worker).collect()
}

/// Ends the sender, also when an assertion fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Turns `workers` until `enough` of the first one's figures.
fn turn(workers: &mut [XdpWorker], enough: impl Fn(&Figures) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut late = false;
    while !late && !enough(workers[0].figures()) {
        for worker in &mut *workers {
            worker.turn(Timestamp(1)).unwrap();
            worker.publish();
        }
        late = Instant::now() > deadline;
    }
    assert!(!late, "{:?}", workers[0].figures());
}

fn received(figures: &Figures) -> u64 {
    figures.sides[0].get(Counter::RxPackets)
}

/// Shows `look` the workers of `queues`. Frames of many flows come before the first of them: so many, or all the time.
fn with_workers<R: Send>(
    queues: &[u32],
    frames: Option<usize>,
    look: impl FnOnce(&mut [XdpWorker]) -> R + Send,
) -> R {
    let lab = Lab::new().unwrap();
    lab.steer(Host::Client, QUEUE).unwrap();
    let socket = PacketSocket::open(&lab.client, "eth0").unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (ready, go) = mpsc::channel();
        let done = &done;
        scope.spawn(move || {
            let flows: Vec<_> = (0..256).map(|i| udp(1000 + i, 40 * usize::from(i % 32))).collect();
            let mut burst = Burst::new(flows.len());
            go.recv().unwrap();
            match frames {
                Some(frames) => {
                    flows.iter().cycle().take(frames).for_each(|frame| socket.send(frame).unwrap())
                }
                None => {
                    while !done.load(Ordering::Relaxed) {
                        // A full queue is no failure here: the worker will empty it.
                        let _ = socket.send_all(&flows, &mut burst);
                    }
                }
            }
        });
        let _done = Done(done);
        lab.inspector
            .enter(|| {
                let mut ports = [open(PORT_IN, PORT_OUT, queues), open(PORT_OUT, PORT_IN, queues)];
                let (rules, report) =
                    RuleSet::parse([(Path::new("test.rules"), RULES)], &Variables::default());
                assert_eq!((report.loaded, report.failed), (3, vec![]));
                let mut workers = workers(queues, &Arc::new(rules), &mut ports);
                ready.send(()).unwrap();
                look(&mut workers)
            })
            .unwrap()
    })
}

/// Sends packets through the first of the workers of `queues`; their figures and allocations.
fn count(queues: &[u32]) -> (Vec<Figures>, u64) {
    with_workers(queues, None, |workers| {
        turn(workers, |first| received(first) >= WARM);
        let target = received(workers[0].figures()) + MEASURED;
        let counted =
            allocation_counter::measure(|| turn(workers, |first| received(first) >= target)).count_total;
        (workers.iter().map(|worker| *worker.figures()).collect(), counted)
    })
}

#[test]
fn a_forwarded_packet_costs_no_allocation() {
    let (figures, counted) = count(&[QUEUE]);
    assert!(figures[0].sides[1].get(Counter::TxPackets) >= MEASURED);
    assert_eq!((figures[0].residual(), figures[0].frames.residual()), (0, 0));
    assert_eq!(counted, 0);
}

#[test]
fn a_packet_that_is_handed_over_costs_no_allocation_either() {
    let (figures, counted) = count(&[QUEUE, QUEUE + 1]);
    let [receiver, owner] = figures.as_slice() else { panic!("two workers") };
    assert!(receiver.handover.returned > MEASURED / 10, "{:?}", receiver.handover);
    assert!(owner.handover.served >= receiver.handover.returned, "{:?}", owner.handover);
    for figures in [receiver, owner] {
        assert_eq!((figures.residual(), figures.frames.residual()), (0, 0));
    }
    assert_eq!(counted, 0);
}

#[test]
fn answers_that_come_all_at_once_are_all_sent() {
    const FRAMES: usize = 1280;
    let figures = with_workers(&[QUEUE, QUEUE + 1], Some(FRAMES), |workers| {
        let (receiver, owner) = workers.split_at_mut(1);
        turn(receiver, |first| received(first) >= FRAMES as u64);
        turn(owner, |first| first.handover.served == receiver[0].figures().handover.handed_over);
        turn(receiver, |first| first.handover.waiting() == 0);
        *receiver[0].figures()
    });
    // More than may wait for a tx ring.
    assert!(figures.handover.returned > 4 * 64, "{:?}", figures.handover);
    assert_eq!((figures.handover.full, figures.sides[1].get(Counter::DropTxFull)), (0, 0));
    assert_eq!((figures.residual(), figures.frames.residual()), (0, 0));
}
