//! One worker's thread: pin, open, report, wait for the word, run, report the end.

use std::{
    io,
    os::fd::RawFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::AtomicBool},
    thread::{self, JoinHandle},
};

use crossbeam::channel::{Receiver, Sender, bounded};

use super::{
    exchange::Exchange,
    looping::Worker,
    mesh::{Ends, Mesh},
    plan::Seat,
};
use crate::{
    config::ActionMode,
    engine::{Engine, event::EventSink, meta::PortId, verdict::Verdict},
    io::{
        PacketIo as _,
        xdp::{OpenError, XdpHandle, XdpIo, XdpOptions},
    },
    nic::loan::Loan,
    telemetry::counter::Published,
};

/// Everything a worker needs; it opens its own sockets, on its own core, so that its memory is near it.
pub(super) struct Task<S> {
    /// Its place.
    pub seat: Seat,
    /// What to open.
    pub wire: XdpOptions,
    /// Its engine.
    pub engine: Engine,
    /// Its ends of the rings to the other workers of the wire, where packets are handed over, and the verdict on what
    /// they take no more of.
    pub ends: Option<(Ends<Loan>, Verdict)>,
    /// Where its events go.
    pub sink: S,
    /// What a drop does.
    pub action: ActionMode,
    /// The wire's ports as the engine names them.
    pub ports: [PortId; 2],
    /// Where its figures go.
    pub published: Arc<Published>,
    /// Where it gets new rules.
    pub exchange: Arc<Exchange>,
    /// Set when it is to end.
    pub stop: Arc<AtomicBool>,
}

/// What a worker tells the supervisor.
#[derive(Debug)]
pub(super) enum Report {
    /// Its sockets are bound and their fill rings full.
    Opened(usize, Opened),
    /// They are not.
    Failed(OpenError),
    /// It has ended: in order, or with the reason.
    Ended(usize, Result<(), String>),
}

/// What a worker has opened.
#[derive(Debug)]
pub(super) struct Opened {
    /// One socket per side, for the XSKMAP.
    pub sockets: Vec<RawFd>,
    /// Whether each is zero-copy, as read back from the kernel.
    pub zero_copy: Vec<bool>,
    /// What the other workers of the wire need of it.
    pub handle: XdpHandle,
    /// Whether the UMEM is on huge pages.
    pub huge_pages: bool,
    /// Whether the thread is pinned to its core.
    pub pinned: bool,
}

/// A worker's thread.
pub(super) struct WorkerThread {
    go: Sender<Vec<XdpHandle>>,
    thread: JoinHandle<()>,
}

impl WorkerThread {
    /// Starts the thread. It reports [`Report::Opened`] or [`Report::Failed`], then waits for
    /// [`WorkerThread::go`].
    pub(super) fn spawn<S>(task: Task<S>, reports: Sender<Report>) -> io::Result<Self>
    where
        S: EventSink + Send + 'static,
    {
        let (go, word) = bounded(1);
        let name = format!("fastpath-{}", task.seat.worker);
        let thread = thread::Builder::new().name(name).spawn(move || live(task, &reports, &word))?;
        Ok(Self { go, thread })
    }

    /// Lets it run, with the `handles` of all workers of its wire.
    pub(super) fn go(&self, handles: Vec<XdpHandle>) {
        // It may have ended already; its report says so.
        let _ = self.go.send(handles);
    }

    /// Waits for a thread that has reported its end.
    pub(super) fn join(self) {
        drop(self.go);
        // Its panic, if any, has been reported.
        let _ = self.thread.join();
    }
}

/// A panic, wherever it comes from, is reported too: a thread that ends without a word would leave the
/// supervisor waiting for it. Receivers that are gone need no report: the supervisor has given up already.
fn live<S: EventSink>(task: Task<S>, reports: &Sender<Report>, word: &Receiver<Vec<XdpHandle>>) {
    let number = task.seat.worker;
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| open_and_run(task, reports, word))) {
        let reason = format!("panicked: {}", message(&*panic));
        let _ = reports.send(Report::Ended(number, Err(reason)));
    }
}

fn open_and_run<S: EventSink>(task: Task<S>, reports: &Sender<Report>, word: &Receiver<Vec<XdpHandle>>) {
    let number = task.seat.worker;
    let pinned = core_affinity::set_for_current(core_affinity::CoreId { id: task.seat.core });
    #[cfg(all(feature = "fault-injection", feature = "nic"))]
    let fault = super::fault::Fault::from_environment(number);
    #[cfg(all(feature = "fault-injection", feature = "nic"))]
    if let Some(fault @ super::fault::Fault::Open) = fault {
        fault.strike();
    }
    let io = match XdpIo::open(&task.wire) {
        Ok(io) => io,
        Err(error) => {
            let _ = reports.send(Report::Failed(error));
            return;
        }
    };
    let opened = Opened {
        sockets: io.descriptors(),
        zero_copy: io.sockets().map(|socket| socket.zero_copy()).collect(),
        handle: io.handle(),
        huge_pages: io.huge_pages(),
        pinned,
    };
    let batch = task.wire.rings.batch as usize;
    let mut worker = Worker::new(io, task.engine, task.sink, task.action, task.ports, batch, task.published);
    worker.take_rules_from(task.exchange);
    #[cfg(all(feature = "fault-injection", feature = "nic"))]
    worker.inject(fault);
    let _ = reports.send(Report::Opened(number, opened));
    let Ok(handles) = word.recv() else { return };
    if let Some((ends, overflow)) = task.ends {
        worker.join(Mesh::among(ends, handles, overflow));
    }
    let ended = worker.run(&task.stop, task.seat.spin).map_err(|error| error.to_string());
    let _ = reports.send(Report::Ended(number, ended));
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
