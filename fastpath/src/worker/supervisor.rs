//! The supervisor: takes the ports over, starts the workers, watches them, and puts everything back.
//!
//! Order of start: facts and gates, programs (attached, empty XSKMAP), sockets with full fill rings, workers,
//! and the XSKMAP last (`supervisor/start.rs`). Order of stop: out of the XSKMAP first, then the workers drain, then the programs go.

mod start;

use std::{
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam::channel::{Receiver, RecvTimeoutError};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{
    binding::Binding,
    exchange::Exchange,
    looping,
    plan::{Plan, PlanError, plan},
    reload::{Load, Reloader},
    report::{Outlet, Reporter},
    steering,
    thread::{Report, WorkerThread},
};
use crate::{
    config::{RunConfig, Wire},
    engine::{
        counters::Counters,
        event::{Event, StatsRecord},
        rules::{LoadReport, RuleSet},
    },
    event::{EventError, LiveWriter},
    io::xdp::{self, OpenError},
    nic::{
        self,
        doctor::{self, Advice, Purpose},
        gate::{self, Capabilities, Passed, Refused},
        link::LinkError,
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

/// Size of all UMEMs together, bytes, at most.
pub fn umem_bytes(config: &RunConfig) -> u64 {
    let per_queue =
        |wire: &Wire| xdp::umem_bytes(config.rings, wire.ports().count(), steering::most_loans(config));
    config.wires.iter().map(per_queue).sum::<u64>() * config.queues.as_slice().len() as u64
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
