//! The start: ports, engines, threads, sockets, in that order; frames come when all is there.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{Arc, atomic::AtomicBool},
};

use crossbeam::channel::{Sender, unbounded};
use fastpath_common::Fallback;

use super::{RunError, Supervisor, ended};
use crate::{
    config::{ActionMode, AttachMode, OnWorkerLoss, RunConfig, Wire},
    engine::{
        Engine, Settings,
        flow::Share,
        meta::PortId,
        rules::{LoadReport, RuleSet},
        verdict::{Enforcement, Verdict},
    },
    event::LiveSink,
    io::xdp::{XdpHandle, XdpOptions},
    nic::{
        self,
        doctor::Advice,
        gate::Passed,
        loan::Loan,
        port::{Port, PortError},
    },
    telemetry::{counter::Published, snapshot::WorkerFacts},
    worker::{
        binding::Binding,
        exchange::Exchange,
        mesh::{self, Ends, Mesh},
        plan::{Plan, Seat},
        reload::{Load, Reloader},
        steering::{self, Choice},
        thread::{Opened, Report, Task, WorkerThread},
    },
};

impl Supervisor {
    pub(super) fn start(
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
}

/// A number that nobody outside knows: the key with which the standard library protects its own maps.
fn secret() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Index of a wire's first port in the list of all ports.
fn port_index(config: &RunConfig, wire: usize) -> u16 {
    let before = config.wires[..wire].iter().flat_map(Wire::ports).count();
    u16::try_from(before).unwrap_or(u16::MAX)
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
