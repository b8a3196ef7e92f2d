//! THE loop: receive, inspect, transmit, refill, publish.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::{
    Inspector,
    exchange::Exchange,
    handover::Loan,
    mesh::{Mesh, Request},
};
use crate::{
    config::ActionMode,
    engine::{
        Engine,
        event::{Event, EventKind, EventSink},
        flow::Hint,
        meta::{LinkType, Meta, PortId, Timestamp},
        referral::Judgement,
        reject::End,
        verdict::Verdict,
    },
    io::PacketIo,
    telemetry::counter::{Counter, Figures, Published},
};

/// Longest time between two looks at the clock, the stop flag and the engine's timeouts.
const TICK: Duration = Duration::from_millis(100);
/// Sleep while something is on its way out: it has to be kicked again soon.
const SENDING: Duration = Duration::from_millis(1);
/// How often the kernel's own counters are read.
const KERNEL_COUNTS: Duration = Duration::from_millis(500);
/// How long a stopping worker waits for the last packets to leave.
const DRAIN: Duration = Duration::from_millis(300);
/// How long nothing may have come or gone before a stopping worker believes that it was the last.
const QUIET: Duration = Duration::from_millis(10);

/// One worker: an I/O backend, an engine and a sink for its events, and the figures it publishes.
pub struct Worker<I: PacketIo, S, E = Engine> {
    pub(super) io: I,
    pub(super) engine: E,
    pub(super) sink: AlertCounter<S>,
    action: ActionMode,
    ports: [PortId; 2],
    pub(super) batch: usize,
    pub(super) mesh: Mesh<I::Handle>,
    pub(super) figures: Figures,
    published: Arc<Published>,
    exchange: Arc<Exchange>,
    packets: Vec<(usize, I::Packet)>,
    /// Where each of these belongs, if that is quickly told.
    hints: Vec<Option<Hint>>,
    /// The hashes of the flows that are about to be looked up.
    pub(super) expected: Vec<u64>,
    /// What another worker asks.
    pub(super) requests: Vec<Request<Loan<I>>>,
    /// The last turn left the rx rings alone, so that another worker can catch up.
    held_back: bool,
    #[cfg(all(feature = "fault-injection", feature = "nic"))]
    fault: Option<super::fault::Fault>,
}

/// Counts the alerts on their way into the sink.
pub(super) struct AlertCounter<S> {
    sink: S,
    alerts: u64,
}

impl<S: EventSink> EventSink for AlertCounter<S> {
    fn emit(&mut self, event: Event) {
        self.alerts += u64::from(matches!(event.kind, EventKind::Alert { .. }));
        self.sink.emit(event);
    }
}

/// The wall clock, once per batch.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

impl<I: PacketIo, S: EventSink, E: Inspector> Worker<I, S, E> {
    /// A worker over `io`, whose sides are the ports `ports`. It handles up to `batch` packets per side and
    /// turn. It owns all flows, until it is told of others ([`Self::join`]).
    pub fn new(
        io: I,
        engine: E,
        sink: S,
        action: ActionMode,
        ports: [PortId; 2],
        batch: usize,
        published: Arc<Published>,
    ) -> Self {
        let packets = Vec::with_capacity(batch * io.sides());
        Self {
            io,
            engine,
            sink: AlertCounter { sink, alerts: 0 },
            action,
            ports,
            batch,
            mesh: Mesh::alone(),
            figures: Figures::default(),
            published,
            hints: Vec::with_capacity(packets.capacity()),
            expected: Vec::with_capacity(packets.capacity()),
            exchange: Arc::default(),
            packets,
            requests: Vec::with_capacity(batch),
            held_back: false,
            #[cfg(all(feature = "fault-injection", feature = "nic"))]
            fault: None,
        }
    }

    /// Makes it one of several workers that share the flows. Its engine's share must be the same.
    pub fn join(&mut self, mesh: Mesh<I::Handle>) {
        self.mesh = mesh;
    }

    /// Lets it take new rules from `exchange`, at the beginning of a turn.
    pub fn take_rules_from(&mut self, exchange: Arc<Exchange>) {
        self.exchange = exchange;
    }

    /// Makes the worker fail on purpose (tests).
    #[cfg(all(feature = "fault-injection", feature = "nic"))]
    pub(super) fn inject(&mut self, fault: Option<super::fault::Fault>) {
        self.fault = fault;
    }

    /// The backend.
    pub fn io(&mut self) -> &mut I {
        &mut self.io
    }

    /// The sink of its events.
    pub fn sink(&self) -> &S {
        &self.sink.sink
    }

    /// The figures as of the last turn.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// One turn: what other workers ask and answer, then at most one batch per side, received, inspected or handed over,
    /// and sent or released. How many packets it was.
    pub fn turn(&mut self, time: Timestamp) -> Result<usize, I::Error> {
        self.exchange.renew(&mut self.engine);
        let served = self.serve();
        let may_come = self.batch * self.io.sides();
        self.held_back = self.mesh.holds_back(may_come, time);
        if !self.held_back {
            self.io.receive(&mut self.packets)?;
        }
        let received = self.packets.len();
        self.look_ahead();
        let (mut packets, hints) = (std::mem::take(&mut self.packets), std::mem::take(&mut self.hints));
        for ((side, packet), hint) in packets.drain(..).zip(&hints) {
            self.accept(side, packet, *hint, time);
        }
        (self.packets, self.hints) = (packets, hints);
        self.mesh.call();
        #[cfg(all(feature = "fault-injection", feature = "nic"))]
        if let (Some(fault), true) = (&self.fault, received > 0) {
            fault.strike();
        }
        self.io.flush(time)?;
        Ok(received + served)
    }

    /// Finds out where the packets of the batch belong, and lets the engine prepare for those of this worker's flows.
    fn look_ahead(&mut self) {
        self.hints.clear();
        self.expected.clear();
        let steering = self.engine.steering();
        for (_, packet) in &mut self.packets {
            let hint = self.io.with_head(packet, |bytes| steering.hint(bytes, LinkType::Ethernet));
            if let Some(hint) = hint
                && self.mesh.other_owner(|| hint.owner).is_none()
            {
                self.expected.push(hint.flow);
            }
            self.hints.push(hint);
        }
        self.engine.expect(&self.expected);
    }

    /// Inspects a packet, or gives it to the worker that owns its flow.
    fn accept(&mut self, side: usize, mut packet: I::Packet, hint: Option<Hint>, time: Timestamp) {
        let meta = Meta { time, port: self.ports[side], ..Meta::default() };
        let (judgement, bytes) = self.io.with_bytes(&mut packet, |bytes| {
            let hash = || {
                hint.map_or_else(|| self.engine.steering().steer_decoded(bytes, meta.link), |hint| hint.owner)
            };
            let judgement = match self.mesh.other_owner(hash) {
                None => Ok(self.engine.inspect_shared(bytes, &meta, &mut self.sink)),
                Some(owner) => Err(owner),
            };
            (judgement, bytes.len() as u64)
        });
        let counts = &mut self.figures.sides[side];
        counts.add(Counter::RxPackets, 1);
        counts.add(Counter::RxBytes, bytes);
        self.send_injections(side);
        match judgement {
            Ok(Judgement::Verdict(verdict)) => self.carry_out(side, packet, verdict),
            Ok(Judgement::Refer(referral)) => self.refer_own(referral, side, packet, meta),
            Err(owner) => self.hand_over(owner, side, packet, meta, hint),
        }
    }

    /// Sends what the engine has to say to the ends of a packet that came in on `side`, whichever worker received it: all
    /// workers of a wire have sockets on both of its ports.
    pub(super) fn send_injections(&mut self, side: usize) {
        let other = (side + 1) % self.io.sides();
        for injection in self.engine.injections() {
            let to = if injection.to == End::Source { side } else { other };
            self.io.inject(to, &injection.frame);
        }
    }

    /// Does with a packet received on `side` what the verdict says.
    pub(super) fn carry_out(&mut self, side: usize, packet: I::Packet, verdict: Verdict) {
        let counts = &mut self.figures.sides[side];
        if let Verdict::WouldDrop(_) = verdict {
            counts.add(Counter::WouldDrop, 1);
        }
        match (verdict, self.action) {
            (_, ActionMode::Tap) => {
                counts.add(Counter::Tapped, 1);
                self.io.release(packet);
            }
            (Verdict::Drop(reason), _) => {
                counts.add(Counter::Drop(reason), 1);
                self.io.release(packet);
            }
            (Verdict::Forward | Verdict::Rewritten | Verdict::WouldDrop(_), _) => {
                self.io.forward(side, packet)
            }
        }
    }

    /// Ends a run of turns: what is still away for a verdict is given up and counted as dropped.
    pub fn close(&mut self) {
        self.give_up();
        self.publish();
    }

    /// Runs until `stop` is set, then sends on what it still holds. `spin`: never sleep.
    pub fn run(&mut self, stop: &AtomicBool, spin: bool) -> Result<(), I::Error> {
        let mut ticked = Timestamp::default();
        let mut asked = Timestamp::default();
        let mut time = now();
        while !stop.load(Ordering::Relaxed) {
            let received = self.turn(time)?;
            if elapsed(ticked, time) >= TICK {
                ticked = time;
                self.engine.tick(time, &mut self.sink);
                self.published.store_engine(self.engine.counters());
                if elapsed(asked, time) >= KERNEL_COUNTS {
                    asked = time;
                    self.read_kernel_counts();
                }
                self.publish();
            } else if received > 0 {
                self.publish();
            }
            if received == 0 {
                match spin {
                    true => std::hint::spin_loop(),
                    // There is something to receive, so poll(2) would not wait. The other worker may need this core.
                    false if self.held_back => std::thread::yield_now(),
                    false => self.sleep(if self.io.drained() { TICK } else { SENDING })?,
                }
            }
            time = now();
        }
        self.drain()
    }

    fn sleep(&mut self, timeout: Duration) -> Result<(), I::Error> {
        self.io.wait(timeout, || self.mesh.is_idle())
    }

    /// Handles what is still on the rx rings and waits, within bounds, until what was sent has left and what was handed
    /// over is back; goes on inspecting for the others until they have got so far as well. A frame
    /// that was redirected just before the sockets left the XSKMAP comes only when the driver's pass ends, so
    /// the rings have to stay quiet for a moment.
    fn drain(&mut self) -> Result<(), I::Error> {
        let start = now();
        let (mut time, mut busy) = (start, start);
        while elapsed(start, time) < DRAIN {
            if self.turn(time)? > 0 || !self.io.drained() || self.mesh.counts.waiting() > 0 {
                busy = time;
            } else if elapsed(busy, time) >= QUIET && self.mesh.all_done() {
                break;
            }
            self.sleep(SENDING)?;
            time = now();
        }
        self.read_kernel_counts();
        self.engine.finish(time, &mut self.sink);
        self.published.store_engine(self.engine.counters());
        self.close();
        Ok(())
    }

    /// Makes the figures visible to others.
    pub fn publish(&mut self) {
        for side in 0..self.io.sides() {
            let sent = self.io.counts(side);
            let counts = &mut self.figures.sides[side];
            counts.set(Counter::TxPackets, sent.tx_packets);
            counts.set(Counter::TxBytes, sent.tx_bytes);
            counts.set(Counter::DropTxFull, sent.tx_full);
            counts.set(Counter::Invalid, sent.invalid);
            counts.set(Counter::Injected, sent.injected);
            counts.set(Counter::InjectFailed, sent.inject_failed);
        }
        self.figures.handover = self.mesh.counts;
        self.figures.frames = self.io.census();
        self.figures.pending = self.io.pending();
        self.figures.alerts = self.sink.alerts;
        self.figures.gathered = self.io.gathered();
        self.published.store(&self.figures);
    }

    fn read_kernel_counts(&mut self) {
        for side in 0..self.io.sides() {
            if let Some(kernel) = self.io.kernel_counts(side) {
                self.figures.kernel[side] = kernel;
            }
        }
    }
}

/// Time between the two, in either direction: the wall clock may be set back, and what is due must not wait
/// until it has caught up.
fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_nanos(to.0.abs_diff(from.0))
}
