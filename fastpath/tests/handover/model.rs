//! Several workers in one thread, driven turn by turn by a script of bytes, with every promise of the hand-over checked
//! after each step. The property test and the fuzz target `handover` both run it.

#![allow(clippy::cast_possible_truncation)] // Numbers of packets made here are small.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use fastpath::{
    config::ActionMode,
    engine::{
        Settings,
        counters::Counters,
        event::{Event, EventSink},
        flow::{Share, Steering, steer},
        meta::{LinkType, Meta, PortId, Timestamp},
        policy::Failure,
        referral::{Judgement, Nesting, Referral, Ticket},
        reject::Injection,
        rules::{RuleSet, Scratch},
        verdict::{DropReason, Enforcement, Verdict},
    },
    io::{PacketIo as _, memory::MemoryIo},
    telemetry::counter::{Counter, Figures, Published},
    worker::{
        Inspector,
        looping::Worker,
        mesh::{Mesh, mesh},
    },
};

/// Where the payload of a packet of the model starts: Ethernet, IPv4 and UDP are before it.
const PAYLOAD: usize = 14 + 20 + 8;
/// Places in the payload: number of the packet (4 bytes), what happens to it, the owner of its datagram, the mark of
/// who inspected it, and the owner of the datagram in that datagram.
const KIND: usize = PAYLOAD + 4;
const TARGET: usize = PAYLOAD + 5;
const MARK: usize = PAYLOAD + 6;
const SECOND: usize = PAYLOAD + 7;
const LENGTH: usize = PAYLOAD + 8;

/// Nanoseconds that a turn takes: nobody waits for another one longer than for a few turns.
const TURN: u64 = 3_000_000;

/// What the stand-in of the engine says to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Forward = 0,
    Drop = 1,
    /// Completes a datagram of the worker `target` that goes on.
    Refer = 2,
    /// Completes one that is dropped.
    ReferDrop = 3,
    /// Made by a worker; no engine sees it.
    Injected = 4,
    /// Completes a datagram of the worker `target` that completes another one, of the worker after the next; goes on.
    ReferTwice = 5,
    /// The same, and is dropped.
    ReferTwiceDrop = 6,
}

impl Kind {
    fn drops(self) -> bool {
        matches!(self, Self::Drop | Self::ReferDrop | Self::ReferTwiceDrop)
    }
}

fn is(byte: u8, kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| *kind as u8 == byte)
}

/// A packet of flow `flow`, as it comes in on `side`: the other direction has the addresses swapped.
pub(crate) fn packet(number: u32, flow: u8, side: usize, kind: Kind, target: u16) -> Vec<u8> {
    let mut bytes = vec![0; LENGTH];
    bytes[12..14].copy_from_slice(&[8, 0]);
    let ip = [0x45, 0, 0, (LENGTH - 14) as u8, 0, 0, 0, 0, 64, 17, 0, 0];
    bytes[14..26].copy_from_slice(&ip);
    let (mut ends, mut ports) = ([[10, 0, 0, flow], [10, 0, 1, 1]], [[3, flow], [0, 53]]);
    if side == 1 {
        ends.swap(0, 1);
        ports.swap(0, 1);
    }
    bytes[26..34].copy_from_slice(&ends.concat());
    bytes[34..38].copy_from_slice(&ports.concat());
    bytes[38..40].copy_from_slice(&((LENGTH - 34) as u16).to_be_bytes());
    bytes[PAYLOAD..KIND].copy_from_slice(&number.to_be_bytes());
    bytes[KIND] = kind as u8;
    bytes[TARGET] = target as u8;
    bytes
}

fn number(packet: &[u8]) -> u32 {
    packet[PAYLOAD..].first_chunk().map_or(u32::MAX, |bytes| u32::from_be_bytes(*bytes))
}

/// In the ticket of a datagram that lies in another one.
const INSIDE: u64 = 1 << 32;

/// An engine that does as the packet says, and looks whether it is the one to be asked.
pub(crate) struct Stub {
    share: Share,
    steering: Steering,
    enforcement: Enforcement,
    /// Packets and datagrams inspected by any engine.
    inspected: Rc<RefCell<HashSet<(u64, bool)>>>,
    referred: HashSet<u64>,
}

impl Stub {
    fn verdict(&self, drop: bool) -> Verdict {
        match (drop, self.enforcement) {
            (false, _) => Verdict::Forward,
            (true, Enforcement::Drop) => Verdict::Drop(DropReason::Rule),
            (true, Enforcement::Report) => Verdict::WouldDrop(DropReason::Rule),
        }
    }

    fn refer(&mut self, ticket: u64, owner: u16, bytes: Vec<u8>, meta: &Meta) -> Judgement {
        self.referred.insert(ticket);
        Judgement::Refer(Box::new(Referral {
            owner,
            ticket: Ticket(ticket),
            around: Vec::new(),
            so_far: Verdict::Forward,
            by_packet: ticket & INSIDE == 0,
            bytes,
            vlan: [None; 3],
            meta: Meta { link: LinkType::RawIp, ..*meta },
            nesting: Nesting::default(),
        }))
    }
}

impl Inspector for Stub {
    fn inspect_shared(&mut self, packet: &mut [u8], meta: &Meta, _sink: &mut dyn EventSink) -> Judgement {
        assert!(self.share.owns(steer(packet, meta.link)), "a worker that does not own the flow was asked");
        assert!(self.inspected.borrow_mut().insert((number(packet).into(), false)), "inspected twice");
        packet[MARK] = self.share.worker as u8 + 1;
        let (kind, owner) = (packet[KIND], u16::from(packet[TARGET]));
        let refers = is(kind, &[Kind::Refer, Kind::ReferDrop, Kind::ReferTwice, Kind::ReferTwiceDrop]);
        if refers && owner != self.share.worker {
            return self.refer(number(packet).into(), owner, packet[14..].to_vec(), meta);
        }
        Judgement::Verdict(self.verdict(is(kind, &[Kind::Drop, Kind::ReferDrop, Kind::ReferTwiceDrop])))
    }

    fn inspect_datagram(&mut self, referral: &Referral, _sink: &mut dyn EventSink) -> Judgement {
        assert_eq!(referral.owner, self.share.worker, "a datagram came to the wrong worker");
        let Ticket(ticket) = referral.ticket;
        assert!(self.inspected.borrow_mut().insert((ticket, true)), "inspected twice");
        let (kind, owner) = (referral.bytes[KIND - 14], u16::from(referral.bytes[SECOND - 14]));
        let is_first = ticket & INSIDE == 0;
        if is_first && is(kind, &[Kind::ReferTwice, Kind::ReferTwiceDrop]) && owner != self.share.worker {
            return self.refer(ticket | INSIDE, owner, referral.bytes.clone(), &referral.meta);
        }
        Judgement::Verdict(self.verdict(is(kind, &[Kind::ReferDrop, Kind::ReferTwiceDrop])))
    }

    fn settle(&mut self, referral: Referral, verdict: Verdict) -> Verdict {
        let known = self.referred.remove(&referral.ticket.0);
        assert!(known, "a verdict on a datagram that was not referred");
        verdict
    }

    fn steering(&self) -> &Steering {
        &self.steering
    }

    fn expect(&self, _flows: &[u64]) -> usize {
        0
    }

    fn count_failure(&mut self, failure: Failure) {
        assert_eq!(failure, Failure::Handover);
    }

    fn injections(&mut self) -> impl Iterator<Item = Injection> {
        std::iter::empty()
    }

    fn replace_rules(&mut self, rules: Arc<RuleSet>, scratch: Scratch) -> (Arc<RuleSet>, Scratch) {
        (rules, scratch)
    }

    fn tick(&mut self, _now: Timestamp, _sink: &mut dyn EventSink) {}

    fn finish(&mut self, _now: Timestamp, _sink: &mut dyn EventSink) {}

    fn counters(&self) -> Counters {
        Counters::default()
    }
}

/// What the model is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) workers: u16,
    /// Places of a ring.
    pub(crate) capacity: usize,
    pub(crate) batch: usize,
    pub(crate) detect: bool,
}

/// What is known of a packet that was put on a wire.
#[derive(Clone, Copy, Debug)]
struct Put {
    receiver: usize,
    side: usize,
    flow: u8,
    kind: Kind,
}

/// The workers of one wire.
pub(crate) struct Model {
    pub(crate) workers: Vec<Worker<MemoryIo, Vec<Event>, Stub>>,
    pub(crate) stalled: Vec<bool>,
    setup: Setup,
    put: Vec<Put>,
    now: Timestamp,
}

impl Model {
    pub(crate) fn new(setup: Setup) -> Self {
        let n = usize::from(setup.workers);
        let (action, enforcement) = match setup.detect {
            true => (ActionMode::Detect, Enforcement::Report),
            false => (ActionMode::Inline, Enforcement::Drop),
        };
        let inspected = Rc::default();
        // So many that a stalled owner cannot take all of them, and few enough that it could if it were not bounded.
        let frames = (n - 1) * setup.capacity + setup.batch;
        let ios: Vec<_> = (0..n).map(|_| MemoryIo::new(2, setup.batch).with_frames(frames as u64)).collect();
        let handles: Vec<_> = ios.iter().map(MemoryIo::handle).collect();
        let workers = ios.into_iter().zip(mesh(setup.workers, setup.capacity)).zip(0..);
        let workers = workers.map(|((io, ends), worker)| {
            let share = Share { worker, of: setup.workers };
            let settings = Settings { share, ..Settings::new(enforcement) };
            let stub = Stub {
                share,
                steering: Steering::default(),
                enforcement,
                inspected: Rc::clone(&inspected),
                referred: HashSet::new(),
            };
            let ports = [PortId(0), PortId(1)];
            let published = Arc::new(Published::default());
            let mut worker = Worker::new(io, stub, Vec::new(), action, ports, setup.batch, published);
            let overflow = Mesh::<<MemoryIo as fastpath::io::PacketIo>::Handle>::overflow(&settings);
            worker.join(Mesh::among(ends, handles.clone(), overflow));
            worker
        });
        Self {
            workers: workers.collect(),
            stalled: vec![false; n],
            setup,
            put: Vec::new(),
            now: Timestamp(1),
        }
    }

    /// Puts a packet before a worker.
    pub(crate) fn put(&mut self, receiver: usize, side: usize, flow: u8, kind: Kind, target: u16) {
        let mut bytes = packet(self.put.len() as u32, flow, side, kind, target);
        bytes[SECOND] = ((target + 2) % self.setup.workers) as u8;
        self.put.push(Put { receiver, side, flow, kind });
        self.workers[receiver].io().incoming.push_back((side, bytes));
    }

    /// Lets a worker send a packet of its own.
    pub(crate) fn inject(&mut self, worker: usize, side: usize) {
        let bytes = packet(self.put.len() as u32, 0, side, Kind::Injected, 0);
        if self.workers[worker].io().inject(side, &bytes) {
            self.put.push(Put { receiver: worker, side, flow: 0, kind: Kind::Injected });
        }
        self.check(worker);
    }

    /// One turn of a worker; how many packets it was. A stalled one does nothing.
    pub(crate) fn turn(&mut self, worker: usize) -> usize {
        if self.stalled[worker] {
            return 0;
        }
        self.now.0 += TURN;
        let handled = self.workers[worker].turn(self.now).unwrap_or_default();
        self.check(worker);
        handled
    }

    /// The flow's owner.
    pub(crate) fn owner(&self, flow: u8) -> u16 {
        let hash = steer(&packet(0, flow, 0, Kind::Forward, 0), LinkType::Ethernet);
        Share { worker: 0, of: self.setup.workers }.owner(hash)
    }

    pub(crate) fn figures(&mut self, worker: usize) -> Figures {
        self.workers[worker].publish();
        *self.workers[worker].figures()
    }

    /// What holds for a worker between any two turns.
    fn check(&mut self, worker: usize) {
        let figures = self.figures(worker);
        assert_eq!((figures.residual(), figures.frames.residual()), (0, 0), "{figures:?}");
        assert_eq!(figures.frames.in_worker, figures.handover.waiting() + figures.handover.given_up);
        let most = (self.workers.len() - 1) * self.setup.capacity;
        assert!(figures.handover.waiting() <= most as u64, "more out than there are places: {figures:?}");
    }

    /// Lets all run until nothing is left to do, but for those that are stalled.
    pub(crate) fn settle(&mut self) {
        self.exhaust(0..self.workers.len());
    }

    /// Lets these run until nothing is left to do for them.
    fn exhaust(&mut self, workers: std::ops::Range<usize>) {
        // Who has lost patience with another one goes on after turns in which it did nothing.
        let mut idle = 0;
        while idle < 3 {
            let handled: usize = workers.clone().map(|worker| self.turn(worker)).sum();
            idle = if handled == 0 { idle + 1 } else { 0 };
        }
    }

    /// The end of all that was put: each packet went out once, or was dropped once with a reason.
    pub(crate) fn check_end(&mut self) {
        let mut seen = vec![false; self.put.len()];
        let mut last: BTreeMap<(usize, usize, u8), u32> = BTreeMap::new();
        for worker in 0..self.workers.len() {
            let figures = self.figures(worker);
            assert_eq!(figures.handover.waiting(), 0, "something is still away");
            let dropped: u64 = figures.sides.iter().map(|side| side.dropped()).sum();
            let io = self.workers[worker].io();
            assert!(io.incoming.is_empty());
            assert_eq!(io.released.len() as u64 + figures.handover.given_up, dropped);
            let out = io.outgoing.iter().map(|(to, bytes)| (Some(*to), bytes));
            for (to, bytes) in out.chain(io.released.iter().map(|bytes| (None, bytes))) {
                let number = number(bytes);
                let put = self.put[number as usize];
                assert!(!std::mem::replace(&mut seen[number as usize], true), "{put:?} ended twice");
                assert_eq!(put.receiver, worker, "sent or released by another than its receiver");
                let Some(to) = to else {
                    assert!(!self.setup.detect, "dropped in detect mode");
                    continue;
                };
                if put.kind == Kind::Injected {
                    assert_eq!(to, put.side);
                    continue;
                }
                assert_eq!(to, 1 - put.side);
                // Not seen by the owner: it took no more, and the exception policy let it pass.
                if bytes[MARK] == 0 {
                    assert!(self.setup.detect, "went out uninspected inline");
                    continue;
                }
                assert!(!put.kind.drops() || self.setup.detect, "went out against the verdict");
                // The verdict on a datagram takes a longer way.
                if matches!(put.kind, Kind::Forward | Kind::Drop) {
                    let earlier = last.insert((worker, put.side, put.flow), number);
                    assert!(earlier < Some(number), "out of order");
                }
            }
        }
        let given_up: u64 = (0..self.workers.len()).map(|w| self.figures(w).handover.given_up).sum();
        let missing = seen.iter().filter(|seen| !**seen).count() as u64;
        assert_eq!(missing, given_up, "packets that did not end");
        if given_up == 0 {
            assert!(self.figures_of_all().all(|f| f.handover.handed_over == f.handover.returned));
        }
    }

    fn figures_of_all(&mut self) -> impl Iterator<Item = Figures> {
        let figures: Vec<_> = (0..self.workers.len()).map(|worker| self.figures(worker)).collect();
        figures.into_iter()
    }

    /// Packets that were dropped for `reason`, over all workers.
    #[allow(dead_code)] // The fuzz target does not ask.
    pub(crate) fn dropped(&mut self, reason: DropReason) -> u64 {
        self.figures_of_all().flat_map(|f| f.sides).map(|side| side.get(Counter::Drop(reason))).sum()
    }
}

/// Runs a script. Two bytes are one step: a packet comes, a worker has its turn, stalls or goes on, or sends a packet of
/// its own. At the end all workers go on, or, by the last byte, those that have stalled never do.
pub(crate) fn run(setup: Setup, script: &[u8]) {
    let mut model = Model::new(setup);
    for step in script.chunks_exact(2) {
        let (operation, argument) = (step[0] % 16, step[1]);
        let worker = usize::from(argument) % model.workers.len();
        let (flow, side) = (argument >> 2 & 7, usize::from(argument >> 5 & 1));
        let target = u16::from(argument >> 6) % setup.workers;
        match operation {
            0..=3 => model.put(worker, side, flow, Kind::Forward, 0),
            4 => model.put(worker, side, flow, Kind::Drop, 0),
            5 => model.put(worker, side, flow, Kind::Refer, target),
            6 => model.put(worker, side, flow, Kind::ReferDrop, target),
            7 => model.inject(worker, side),
            9 => model.put(worker, side, flow, Kind::ReferTwice, target),
            10 => model.put(worker, side, flow, Kind::ReferTwiceDrop, target),
            8 => model.stalled[worker] = !model.stalled[worker],
            _ => drop(model.turn(worker)),
        }
    }
    if script.last().is_some_and(|last| last % 4 == 0) {
        model.settle();
        for worker in 0..model.workers.len() {
            if !model.stalled[worker] {
                model.workers[worker].close();
                model.check(worker);
            }
        }
        // Those left behind may still look at what was lent to them, and answer.
        for worker in 0..model.workers.len() {
            if std::mem::take(&mut model.stalled[worker]) {
                model.exhaust(worker..worker + 1);
                model.workers[worker].close();
                model.check(worker);
            }
        }
    } else {
        model.stalled.fill(false);
        model.settle();
    }
    model.check_end();
}
