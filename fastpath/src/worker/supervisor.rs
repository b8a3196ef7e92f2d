//! The supervisor: takes the ports over, starts the workers, watches them, and puts everything back.
//!
//! Order of start: facts and gates, programs (attached, empty XSKMAP), sockets with full fill rings, workers,
//! and the XSKMAP last. Order of stop: out of the XSKMAP first, then the workers drain, then the programs go.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use fastpath_common::Fallback;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{
    binding::Binding,
    exchange::Exchange,
    looping,
    mesh::{self, Ends, Mesh},
    plan::{Plan, PlanError, Seat, plan},
    reload::{Load, Reloader},
    report::{Outlet, Reporter},
    steering::{self, Choice},
    thread::{Opened, Report, Task, WorkerThread},
};
use crate::{
    config::{ActionMode, AttachMode, OnWorkerLoss, RunConfig, Wire},
    engine::{
        Engine, Settings,
        counters::Counters,
        event::{Event, StatsRecord},
        flow::Share,
        meta::PortId,
        rules::{LoadReport, RuleSet},
        verdict::{Enforcement, Verdict},
    },
    event::{EventError, LiveSink, LiveWriter},
    io::xdp::{self, OpenError, XdpHandle, XdpOptions},
    nic::{
        self,
        doctor::{self, Advice, Purpose},
        gate::{self, Capabilities, Passed, Refused},
        link::LinkError,
        loan::Loan,
        port::{Port, PortError},
    },
    telemetry::{
        counter::Published,
        rules::RuleFigures,
        snapshot::{Snapshot, WorkerFacts, XdpPort, XdpQueue},
    },
};

/// Why a run did not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The facts of the ports cannot be had.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The ports or the process are not fit for inspection.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The cores are not there.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The event log cannot be written.
    #[error(transparent)]
    Events(#[from] EventError),
    /// A port could not be taken over.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A worker could not open its sockets.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something of the system's is missing: threads, signals, the stats file.
    #[error("{what}: {cause}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// The system's reason.
        cause: io::Error,
    },
    /// Workers did not end when told to.
    #[error("{0} of the workers hung and had to be left behind; what they held is lost")]
    Hung(usize),
    /// A worker ended by itself.
    #[error("worker {worker} ended: {reason}")]
    Worker {
        /// Its number.
        worker: usize,
        /// Why.
        reason: String,
    },
}

/// Events that may wait for the log, per worker.
const EVENT_QUEUE: usize = 16_384;
/// How often the figures are reported.
const SECOND: Duration = Duration::from_secs(1);
/// How soon a signal is seen.
const WATCH: Duration = Duration::from_millis(50);
/// How long the workers may take to end; a hung one is left behind.
const STOP: Duration = Duration::from_millis(1000);
/// Warnings of the doctor's that a start prints; `fastpath doctor` has them all.
const MOST_WARNINGS: usize = 3;

/// Inspects the configured ports by `rules` until a signal asks for the end (`Ok`), or until something fails. `load` reads the
/// rules anew.
pub fn run(config: &RunConfig, rules: (Arc<RuleSet>, LoadReport), load: Load) -> Result<(), RunError> {
    let asked = watch_signals()?;
    let facts = gate::collect(config)?;
    let capabilities = facts.capabilities;
    let passed = gate::check(config, facts, umem_bytes(config))?;
    let available = nic::cores::available();
    let plan = plan(
        &config.wires,
        &config.queues,
        config.cores.as_ref(),
        &available,
        &nic::cores::isolated(),
        config.busy_poll,
    )?;
    for (port, queues) in &passed.uncovered {
        tracing::warn!("{port}: frames of queue {queues} go to the kernel and not over the bridge");
    }
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    let advice = advise(config, &plan, &passed, capabilities)?;
    for warning in &advice.warnings {
        tracing::warn!("{warning}");
    }
    let outlet = Outlet::open(config.stats_json.as_ref())
        .map_err(|cause| RunError::System { what: "cannot write the figures", cause })?;
    let ports = config.wires.iter().flat_map(Wire::ports).map(str::to_owned).collect();
    let workers = plan.seats.len();
    let (events, sinks) = LiveWriter::start(&config.log_dir, ports, config.eve, workers, EVENT_QUEUE)?;
    let result = Supervisor::start(config, &plan, passed, &advice, rules, load, sinks)
        .and_then(|supervisor| supervisor.watch(&asked, outlet, &events, config.stats_interval));
    let earlier = events.totals().failed;
    let failed = events.finish().failed.saturating_sub(earlier);
    if failed > 0 {
        tracing::error!("{failed} more events could not be written at the end");
    }
    result
}

/// What the operator asks for by signals.
#[derive(Default)]
struct Asked {
    /// SIGINT, SIGTERM: the end. A second one ends the process at once.
    stop: Arc<AtomicBool>,
    /// SIGHUP: rules are read anew, and event files are opened again (logrotate). That the terminal is gone is no reason to take
    /// the wire down.
    reload: Arc<AtomicBool>,
}

fn watch_signals() -> Result<Asked, RunError> {
    let asked = Asked::default();
    let failed = |cause| RunError::System { what: "cannot watch for signals", cause };
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&asked.stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&asked.stop)))
            .map_err(failed)?;
    }
    signal_hook::flag::register(SIGHUP, Arc::clone(&asked.reload)).map_err(failed)?;
    Ok(asked)
}

/// A number that nobody outside knows: the key with which the standard library protects its own maps.
fn secret() -> u64 {
    RandomState::new().build_hasher().finish()
}

struct Supervisor {
    ports: Vec<Port>,
    threads: Vec<WorkerThread>,
    workers: Vec<(WorkerFacts, Arc<Published>)>,
    exchanges: Vec<Arc<Exchange>>,
    /// None until the workers are there.
    reloader: Option<Reloader>,
    reports: Receiver<Report>,
    stop: Arc<AtomicBool>,
    queues: Vec<u32>,
    /// The same for all workers, so that their flow ids differ.
    secret: u64,
    /// By wire.
    bindings: Vec<Binding>,
}

impl Supervisor {
    fn start(
        config: &RunConfig,
        plan: &Plan,
        passed: Passed,
        advice: &Advice,
        (rules, report): (Arc<RuleSet>, LoadReport),
        load: Load,
        sinks: Vec<LiveSink>,
    ) -> Result<Self, RunError> {
        let bindings =
            config.wires.iter().map(|wire| Binding::of(config, wire, &passed, &advice.copy_only)).collect();
        let choices = choose_steering(config, advice);
        let ports = open_ports(config, passed)?;
        let (sender, reports) = unbounded();
        let stop = Arc::new(AtomicBool::new(false));
        let mut supervisor = Self {
            ports,
            threads: Vec::new(),
            workers: Vec::new(),
            exchanges: Vec::new(),
            reloader: None,
            reports,
            stop,
            queues: config.queues.as_slice().to_vec(),
            secret: secret(),
            bindings,
        };
        let ends = choices.iter().flat_map(|choice| ends_of_wire(config, choice));
        for ((seat, ends), sink) in plan.seats.iter().zip(ends).zip(sinks) {
            let settings = Settings {
                share: share(config, seat, ends.is_some()),
                ..settings(config, supervisor.secret)
            };
            let engine = Engine::new(Arc::clone(&rules), settings);
            let ends = ends.map(|ends| (ends, Mesh::<XdpHandle>::overflow(&settings)));
            supervisor.spawn(config, seat, engine, ends, sink, sender.clone())?;
        }
        drop(sender);
        let (on_new_failure, exchanges) = (config.bad_rules.reload, supervisor.exchanges.clone());
        let reloader =
            Reloader::start((rules, report), load, on_new_failure, exchanges, Arc::clone(&supervisor.stop));
        let failed = |cause| RunError::System { what: "cannot start the thread that reloads rules", cause };
        supervisor.reloader = Some(reloader.map_err(failed)?);
        let opened = supervisor.wait_until_opened(plan)?;
        for (thread, seat) in supervisor.threads.iter().zip(&plan.seats) {
            thread.go(handles_of_wire(plan, &opened, seat.wire));
        }
        supervisor.insert_sockets(config, plan, &opened)?;
        Ok(supervisor)
    }

    fn spawn(
        &mut self,
        config: &RunConfig,
        seat: &Seat,
        engine: Engine,
        ends: Option<(Ends<Loan>, Verdict)>,
        sink: LiveSink,
        reports: Sender<Report>,
    ) -> Result<(), RunError> {
        let (wire, binding) = (&config.wires[seat.wire], self.bindings[seat.wire]);
        let interfaces: Vec<String> = wire.ports().map(str::to_owned).collect();
        let first = port_index(config, seat.wire);
        let published = Arc::new(Published::default());
        let exchange = Arc::new(Exchange::default());
        self.exchanges.push(Arc::clone(&exchange));
        self.workers.push((
            WorkerFacts { queue: seat.queue, core: seat.core, ports: interfaces.clone(), bind: Vec::new() },
            Arc::clone(&published),
        ));
        let task = Task {
            seat: seat.clone(),
            wire: XdpOptions {
                interfaces,
                queue: seat.queue,
                bind: binding.mode,
                rings: config.rings,
                multi_buffer: binding.multi_buffer,
                busy_poll: config.busy_poll,
                swap_mac: config.swap_mac,
                loans: if ends.is_some() { steering::loans(config) } else { 0 },
            },
            engine,
            ends,
            sink,
            action: config.action,
            ports: [PortId(first), PortId(first + 1)],
            published,
            exchange,
            stop: Arc::clone(&self.stop),
        };
        let thread = WorkerThread::spawn(task, reports)
            .map_err(|cause| RunError::System { what: "cannot start a worker thread", cause })?;
        self.threads.push(thread);
        Ok(())
    }

    fn wait_until_opened(&mut self, plan: &Plan) -> Result<Vec<Opened>, RunError> {
        let mut opened: Vec<Option<Opened>> = plan.seats.iter().map(|_| None).collect();
        for _ in &plan.seats {
            match self.reports.recv() {
                Ok(Report::Opened(worker, what)) => opened[worker] = Some(what),
                Ok(Report::Failed(error)) => return Err(error.into()),
                Ok(Report::Ended(worker, result)) => return Err(ended(worker, result)),
                Err(_) => return Err(ended(0, Err("without a word".into()))),
            }
        }
        let opened: Vec<Opened> = opened.into_iter().flatten().collect();
        for ((facts, _), opened) in self.workers.iter_mut().zip(&opened) {
            facts.bind = opened.zero_copy.iter().map(|&zc| if zc { "zerocopy" } else { "copy" }).collect();
        }
        Ok(opened)
    }

    /// From here on frames come.
    fn insert_sockets(&mut self, config: &RunConfig, plan: &Plan, opened: &[Opened]) -> Result<(), RunError> {
        for (seat, opened) in plan.seats.iter().zip(opened) {
            let first = usize::from(port_index(config, seat.wire));
            for (side, socket) in opened.sockets.iter().enumerate() {
                let port = &mut self.ports[first + side];
                port.program().insert(seat.queue, socket).map_err(PortError::from)?;
            }
            let (facts, _) = &self.workers[seat.worker];
            for (port, bind) in facts.ports.iter().zip(&facts.bind) {
                tracing::info!(
                    "{port} queue {}: worker {} on core {}, {bind}",
                    seat.queue,
                    seat.worker,
                    seat.core
                );
            }
            if !opened.pinned {
                tracing::warn!("worker {} could not be pinned to core {}", seat.worker, seat.core);
            }
        }
        // That there are too few was warned of before the start; this is how it came.
        if config.rings.huge_pages && opened.iter().any(|opened| !opened.huge_pages) {
            tracing::info!("packet memory is on ordinary pages");
        }
        Ok(())
    }

    /// Reports every second until a signal (`Ok`) or the end of a worker; then stops in order.
    fn watch(
        mut self,
        asked: &Asked,
        outlet: Outlet,
        events: &LiveWriter,
        stats_interval: Duration,
    ) -> Result<(), RunError> {
        let mut reporter = Reporter::new(outlet, self.snapshot(lost(events)));
        // Standard error may be a pipe that nobody reads any more: no reason to end.
        let _ = writeln!(io::stderr(), "ready: {}", self.summary());
        let start = Instant::now();
        let mut due = start + SECOND;
        let mut stats_due = start + stats_interval;
        let mut result = Ok(());
        while result.is_ok() && !asked.stop.load(Ordering::Relaxed) {
            if asked.reload.swap(false, Ordering::Relaxed) {
                events.reopen();
                self.reloader.iter().for_each(Reloader::ask);
            }
            match self.reports.recv_timeout(WATCH) {
                Ok(Report::Ended(worker, end)) => result = Err(ended(worker, end)),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => result = Err(ended(0, Err("without a word".into()))),
            }
            if Instant::now() >= due {
                // Seconds that this process was stopped for are not made up for.
                due = (due + SECOND).max(Instant::now());
                reporter.report(self.snapshot(lost(events)), false);
            }
            if Instant::now() >= stats_due {
                stats_due = (stats_due + stats_interval).max(Instant::now());
                events.emit(self.stats(start.elapsed()));
            }
        }
        let stopped = self.stop(result.is_err());
        events.emit(self.stats(start.elapsed()));
        reporter.report(self.snapshot(lost(events)), true);
        reporter.print_totals();
        for error in std::mem::take(&mut self.ports).into_iter().flat_map(Port::close) {
            tracing::error!("{error}");
        }
        result.and(stopped)
    }

    /// Takes the sockets out of the XSKMAPs and lets the workers drain. One that hangs is left behind.
    fn stop(&mut self, one_has_ended: bool) -> Result<(), RunError> {
        for port in &mut self.ports {
            for &queue in &self.queues {
                if let Err(error) = port.program().remove(queue) {
                    tracing::error!("{error}");
                }
            }
        }
        self.stop.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + STOP;
        let mut living = self.threads.len().saturating_sub(usize::from(one_has_ended));
        while living > 0 {
            match self.reports.recv_deadline(deadline) {
                Ok(Report::Ended(worker, result)) => {
                    living -= 1;
                    if let Err(reason) = result {
                        tracing::error!("worker {worker} ended: {reason}");
                    }
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => living = 0,
                Err(RecvTimeoutError::Timeout) => {
                    self.threads.clear();
                    return Err(RunError::Hung(living));
                }
            }
        }
        for thread in self.threads.drain(..) {
            thread.join();
        }
        Ok(())
    }

    /// What the engines have counted, as an event.
    fn stats(&self, uptime: Duration) -> Event {
        let mut counters = Counters::default();
        for (_, published) in &self.workers {
            counters.add(&published.engine());
        }
        Event::stats(looping::now(), StatsRecord { uptime, counters, rules: self.rules().record() })
    }

    fn snapshot(&self, events_lost: u64) -> Snapshot {
        let ports = self.ports.iter().map(|port| XdpPort { port: port.name().into(), xdp: xdp_queues(port) });
        Snapshot::take(&self.workers, ports.collect(), self.rules(), events_lost)
    }

    fn rules(&self) -> RuleFigures {
        self.reloader.as_ref().map(Reloader::figures).unwrap_or_default()
    }

    fn summary(&self) -> String {
        let mut modes: Vec<_> =
            self.workers.iter().flat_map(|(facts, _)| facts.bind.iter().copied()).collect();
        modes.sort_unstable();
        modes.dedup();
        let ports: Vec<_> = self.ports.iter().map(Port::name).collect();
        format!("{} workers on {}, {}", self.workers.len(), ports.join(" and "), modes.join(" and "))
    }
}

impl Drop for Supervisor {
    /// A start that failed half-way: the threads that opened their sockets are sent home before the ports go.
    fn drop(&mut self) {
        for port in &mut self.ports {
            for &queue in &self.queues {
                // The program is about to go anyway.
                let _ = port.program().remove(queue);
            }
        }
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join();
        }
    }
}

/// Events that are not in the log: no room on a queue, or the file took them not.
fn lost(events: &LiveWriter) -> u64 {
    let totals = events.totals();
    totals.lost + totals.failed
}

fn ended(worker: usize, result: Result<(), String>) -> RunError {
    RunError::Worker { worker, reason: result.err().unwrap_or_else(|| "without being told to".into()) }
}

/// Index of a wire's first port in the list of all ports.
fn port_index(config: &RunConfig, wire: usize) -> u16 {
    let before = config.wires[..wire].iter().flat_map(Wire::ports).count();
    u16::try_from(before).unwrap_or(u16::MAX)
}

/// What `fastpath doctor` would say, the most valuable of it.
fn advise(
    config: &RunConfig,
    plan: &Plan,
    passed: &Passed,
    capabilities: Capabilities,
) -> Result<Advice, LinkError> {
    let mut cores: Vec<usize> = plan.seats.iter().map(|seat| seat.core).collect();
    cores.sort_unstable();
    cores.dedup();
    let purpose = Purpose { config, cores, umem_bytes: umem_bytes(config) };
    doctor::advise(&purpose, passed, capabilities, MOST_WARNINGS)
}

/// Whether packets are handed over, for each wire; said where there is something to choose.
fn choose_steering(config: &RunConfig, advice: &Advice) -> Vec<Choice> {
    let choices: Vec<Choice> =
        advice.symmetry.iter().map(|symmetry| steering::choose(config, symmetry)).collect();
    for (wire, &Choice { on, ref reason }) in config.wires.iter().zip(&choices) {
        let ports = wire.ports().collect::<Vec<_>>().join(" and ");
        tracing::info!("{ports}: steering {} ({reason})", if on { "on" } else { "off" });
    }
    choices
}

fn settings(config: &RunConfig, secret: u64) -> Settings {
    let enforcement = match config.action {
        ActionMode::Inline => Enforcement::Drop,
        ActionMode::Detect | ActionMode::Tap => Enforcement::Report,
    };
    Settings { wanted: config.eve.wanted(), ..config.engine.enforcing(enforcement).seeded(secret) }
}

/// The part of a wire's flows that the worker at `seat` owns.
fn share(config: &RunConfig, seat: &Seat, steering: bool) -> Share {
    let queues = config.queues.as_slice();
    let number = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    match queues.iter().position(|queue| *queue == seat.queue) {
        Some(place) if steering => Share { worker: number(place), of: number(queues.len()) },
        _ => Share::ALL,
    }
}

/// The rings between the workers of one wire, by queue.
fn ends_of_wire(config: &RunConfig, choice: &Choice) -> Vec<Option<Ends<Loan>>> {
    let workers = config.queues.as_slice().len();
    match choice.on {
        true => {
            let workers = u16::try_from(workers).unwrap_or(u16::MAX);
            mesh::mesh(workers, steering::capacity(config)).into_iter().map(Some).collect()
        }
        false => std::iter::repeat_with(|| None).take(workers).collect(),
    }
}

/// What the workers of one wire need of each other, by queue.
fn handles_of_wire(plan: &Plan, opened: &[Opened], wire: usize) -> Vec<XdpHandle> {
    let of_wire = plan.seats.iter().zip(opened).filter(|(seat, _)| seat.wire == wire);
    of_wire.map(|(_, opened)| opened.handle.clone()).collect()
}

/// Size of all UMEMs together, bytes, at most.
pub fn umem_bytes(config: &RunConfig) -> u64 {
    let per_queue =
        |wire: &Wire| xdp::umem_bytes(config.rings, wire.ports().count(), steering::most_loans(config));
    config.wires.iter().map(per_queue).sum::<u64>() * config.queues.as_slice().len() as u64
}

fn open_ports(config: &RunConfig, mut passed: Passed) -> Result<Vec<Port>, RunError> {
    let fallback = match config.on_worker_loss {
        OnWorkerLoss::Pass => Fallback::Pass,
        OnWorkerLoss::Drop => Fallback::Drop,
        OnWorkerLoss::Forward => Fallback::Forward,
    };
    let mode = match config.attach {
        AttachMode::Native => nic::program::AttachMode::Native,
        AttachMode::Generic => nic::program::AttachMode::Generic,
    };
    let queues = config.queues.as_slice();
    let mut ports = Vec::new();
    for wire in &config.wires {
        for name in wire.ports() {
            // The gates have seen every port of the configuration.
            let Some(link) = passed.links.remove(name) else { continue };
            let peer = wire.ports().find(|other| *other != name);
            ports.push(Port::open(link, queues, fallback, peer, mode)?);
        }
    }
    Ok(ports)
}

/// Counters of one port's program; none where the kernel refuses to tell.
fn xdp_queues(port: &Port) -> Vec<XdpQueue> {
    let counts = port.counts().unwrap_or_default();
    let figures = counts.into_iter().zip(0..).map(|(counts, queue)| XdpQueue {
        queue,
        redirected: counts.redirected,
        not_chosen: counts.not_chosen,
        fallback_pass: counts.fallback_pass,
        fallback_drop: counts.fallback_drop,
        fallback_forward: counts.fallback_forward,
    });
    figures.collect()
}
