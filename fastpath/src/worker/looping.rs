//! THE loop: receive, inspect, transmit, refill, publish.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use crate::{
    config::ActionMode,
    engine::{
        Engine,
        event::{Event, EventSink},
        meta::{Meta, PortId, Timestamp},
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
pub struct Worker<I: PacketIo, S> {
    io: I,
    engine: Engine,
    sink: AlertCounter<S>,
    action: ActionMode,
    ports: [PortId; 2],
    figures: Figures,
    published: Arc<Published>,
    packets: Vec<(usize, I::Packet)>,
    #[cfg(feature = "fault-injection")]
    fault: Option<super::fault::Fault>,
}

/// Counts the alerts on their way into the sink.
struct AlertCounter<S> {
    sink: S,
    alerts: u64,
}

impl<S: EventSink> EventSink for AlertCounter<S> {
    fn emit(&mut self, event: Event) {
        self.alerts += 1;
        self.sink.emit(event);
    }
}

/// The wall clock, once per batch.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

impl<I: PacketIo, S: EventSink> Worker<I, S> {
    /// A worker over `io`, whose sides are the ports `ports`. It handles up to `batch` packets per side and
    /// turn.
    pub fn new(
        io: I,
        engine: Engine,
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
            figures: Figures::default(),
            published,
            packets,
            #[cfg(feature = "fault-injection")]
            fault: None,
        }
    }

    /// Makes the worker fail on purpose (tests).
    #[cfg(feature = "fault-injection")]
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

    /// One turn: at most one batch per side, received, inspected, and sent or released. How many packets it
    /// was.
    pub fn turn(&mut self, time: Timestamp) -> Result<usize, I::Error> {
        self.io.receive(&mut self.packets)?;
        let received = self.packets.len();
        for (side, mut packet) in self.packets.drain(..) {
            let meta = Meta { time, port: self.ports[side], ..Meta::default() };
            let (verdict, bytes) = self.io.with_bytes(&mut packet, |bytes| {
                (self.engine.inspect(bytes, &meta, &mut self.sink), bytes.len() as u64)
            });
            let counts = &mut self.figures.sides[side];
            counts.add(Counter::RxPackets, 1);
            counts.add(Counter::RxBytes, bytes);
            if let Verdict::WouldDrop(_) = verdict {
                counts.add(Counter::WouldDrop, 1);
            }
            match (verdict, self.action) {
                (_, ActionMode::Tap) => {
                    counts.add(Counter::Tapped, 1);
                    self.io.release(packet);
                }
                (Verdict::Drop(_), _) => {
                    counts.add(Counter::DropRule, 1);
                    self.io.release(packet);
                }
                (Verdict::Forward | Verdict::WouldDrop(_), _) => self.io.forward(side, packet),
            }
        }
        #[cfg(feature = "fault-injection")]
        if let (Some(fault), true) = (&self.fault, received > 0) {
            fault.strike();
        }
        self.io.flush(time)?;
        Ok(received)
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
                    false => self.io.wait(if self.io.drained() { TICK } else { SENDING })?,
                }
            }
            time = now();
        }
        self.drain()
    }

    /// Handles what is still on the rx rings and waits, within bounds, until what was sent has left. A frame
    /// that was redirected just before the sockets left the XSKMAP comes only when the driver's pass ends, so
    /// the rings have to stay quiet for a moment.
    fn drain(&mut self) -> Result<(), I::Error> {
        let start = now();
        let (mut time, mut busy) = (start, start);
        while elapsed(start, time) < DRAIN {
            if self.turn(time)? > 0 || !self.io.drained() {
                busy = time;
            } else if elapsed(busy, time) >= QUIET {
                break;
            }
            self.io.wait(SENDING)?;
            time = now();
        }
        self.read_kernel_counts();
        self.publish();
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
        }
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
