//! New rules for running workers: read and compiled beside them, judged, and only then given to all.
//!
//! ```text
//! SIGHUP ─▶ Reloader::ask ─▶ load ─▶ judge ─ refused ─▶ the old ones stay
//!                                      │ good
//!                                      ▼
//!            each worker's Exchange: offered ─▶ taken at a turn's start ─▶ the old set comes back, and is freed here
//! ```

use std::{
    error::Error,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam::channel::{Receiver, Sender, bounded};

use super::{exchange::Exchange, looping::now};
use crate::{
    config::OnBadRule,
    engine::rules::{Changes, LoadReport, RuleError, RuleSet},
    nic::cores,
    telemetry::rules::RuleFigures,
};

/// Rules, and what came of loading them.
pub type Loaded = (RuleSet, LoadReport);

/// Loads the rules anew, to replace those given.
pub type Load = Box<dyn FnMut(&RuleSet) -> Result<Loaded, Box<dyn Error + Send + Sync>> + Send>;

/// Failures that are logged one by one; the rest is a number.
const MOST_NAMED: usize = 20;
/// How often it is looked whether the workers have taken what is offered.
const LOOK: Duration = Duration::from_millis(2);
/// How long they may take. Each turn takes it, and an idle worker has ten turns a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the rules in use stay.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    /// A rule file, or what is read with it.
    #[error("{0}")]
    Unreadable(Box<dyn Error + Send + Sync>),
    /// Rules that were good or not there before.
    #[error("{0} that could be used before, or were not there, cannot be used")]
    Failures(usize),
    /// A fault of ours.
    #[error("the loader panicked: this is a defect of fastpath; report it with the rules that were changed")]
    Panic,
}

/// The rules in use and everything that is needed to replace them.
pub(super) struct Reload {
    rules: Arc<RuleSet>,
    report: LoadReport,
    load: Load,
    on_new_failure: OnBadRule,
    exchanges: Vec<Arc<Exchange>>,
    figures: Arc<Mutex<RuleFigures>>,
    stop: Arc<AtomicBool>,
}

/// The thread that reloads. It ends when this is dropped, but for a load that is not over yet: that is left to the end of the process,
/// since nobody wants any more what comes of it.
pub(super) struct Reloader {
    requests: Sender<()>,
    figures: Arc<Mutex<RuleFigures>>,
}

impl Reloader {
    /// Starts the thread. What the workers behind `exchanges` use are `rules`; it gives up waiting for them when `stop` is set.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn start(
        (rules, report): (Arc<RuleSet>, LoadReport),
        load: Load,
        on_new_failure: OnBadRule,
        exchanges: Vec<Arc<Exchange>>,
        stop: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let mut figures = RuleFigures::default();
        figures.replace(&report, rules.generation(), now());
        let figures = Arc::new(Mutex::new(figures));
        let reload =
            Reload { rules, report, load, on_new_failure, exchanges, figures: Arc::clone(&figures), stop };
        // One may be waiting while one runs: all that are asked for meanwhile are that one.
        let (requests, asked) = bounded(1);
        thread::Builder::new().name("rules".into()).spawn(move || reload.serve(&asked))?;
        Ok(Self { requests, figures })
    }

    /// Asks for a reload. While one runs, it is done once more afterwards.
    pub(super) fn ask(&self) {
        // Full: one is waiting already. Disconnected: it has panicked, which has been said.
        let _ = self.requests.try_send(());
    }

    /// The rules in use.
    pub(super) fn figures(&self) -> RuleFigures {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reload {
    fn serve(mut self, asked: &Receiver<()>) {
        if let Err(error) = cores::stand_back() {
            tracing::warn!("reloads take as much of a core as the workers on it: {error}");
        }
        while asked.recv().is_ok() {
            self.reload();
        }
    }

    /// Replaces the rules, or says why they stay.
    fn reload(&mut self) {
        let start = Instant::now();
        match self.load_and_judge() {
            Ok((rules, report)) => {
                let changes = Changes::between(&self.rules, &rules);
                let rules = Arc::new(rules);
                let loaded = start.elapsed();
                self.give_out(&rules);
                tracing::info!(
                    rules = report.loaded,
                    added = changes.added,
                    removed = changes.removed,
                    changed = changes.changed,
                    failed = report.failed.len(),
                    generation = rules.generation(),
                    load_ms = loaded.as_millis(),
                    swap_ms = (start.elapsed() - loaded).as_millis(),
                    "rules reloaded"
                );
                self.count(|figures| {
                    figures.replace(&report, rules.generation(), now());
                    figures.reloads += 1;
                });
                (self.rules, self.report) = (rules, report);
            }
            Err(refusal) => {
                tracing::error!(
                    generation = self.rules.generation(),
                    "reload refused, the rules in use stay: {refusal}"
                );
                self.count(|figures| figures.reloads_refused += 1);
            }
        }
    }

    fn load_and_judge(&mut self) -> Result<Loaded, Refusal> {
        let Self { rules, load, .. } = self;
        let loaded = catch_unwind(AssertUnwindSafe(|| load(rules)));
        let (rules, report) = loaded.map_err(|_| Refusal::Panic)?.map_err(Refusal::Unreadable)?;
        let new = report.failures_since(&self.report);
        name(&new);
        match (new.len(), self.on_new_failure) {
            (0, _) | (_, OnBadRule::Skip) => Ok((rules, report)),
            (failures, OnBadRule::Refuse) => Err(Refusal::Failures(failures)),
        }
    }

    /// Gives the rules to all workers, and frees what they have used until then.
    fn give_out(&self, rules: &Arc<RuleSet>) {
        let mut waiting = Vec::new();
        for (worker, exchange) in self.exchanges.iter().enumerate() {
            // Of a worker that did not take the last one in time.
            drop(exchange.take_returned());
            drop(exchange.offer((Arc::clone(rules), rules.scratch())));
            waiting.push((worker, exchange));
        }
        let deadline = Instant::now() + PATIENCE;
        while !waiting.is_empty() && !self.stop.load(Ordering::Relaxed) {
            waiting.retain(|(_, exchange)| exchange.take_returned().is_none());
            if Instant::now() > deadline {
                for (worker, _) in waiting {
                    tracing::error!(
                        "worker {worker} has not taken the new rules within {PATIENCE:?}: it hangs, or has no time"
                    );
                }
                return;
            }
            thread::sleep(LOOK);
        }
    }

    fn count(&self, change: impl FnOnce(&mut RuleFigures)) {
        change(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Says which rules failed, of many only the first.
fn name(failures: &[&RuleError]) {
    for error in failures.iter().take(MOST_NAMED) {
        tracing::error!("{error}");
    }
    if let Some(more @ 1..) = failures.len().checked_sub(MOST_NAMED) {
        tracing::error!("… and {more} more; `fastpath check` lists them all");
    }
}

#[cfg(test)]
mod tests;
