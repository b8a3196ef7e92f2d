//! `fastpath run`, and `fastpath` without a subcommand.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::Write as _,
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::Args;

#[cfg(feature = "nic")]
use super::environment::save;
use super::rules;
use crate::{
    config::{
        ActionMode, AttachMode, BindMode, Given, IndexList, OnBadRule, OnWorkerLoss, Override, RunConfig,
        Settings, Steering, file,
    },
    engine::rules::{HostSettings, LoadReport, RuleSet},
};

/// Inspect and forward the frames of chosen NIC queues
///
/// Every option goes before the same setting in the configuration file. SIGHUP reads the rules anew and opens eve.json again; SIGINT and
/// SIGTERM end it in order.
#[derive(Args, Debug, Default)]
pub(super) struct RunArgs {
    /// Port to inspect; without a peer its frames go back out of it (hairpin)
    #[arg(short, long, value_name = "PORT")]
    interface: Option<String>,
    /// The other port of the wire (bridge)
    #[arg(long, value_name = "PORT", requires = "interface")]
    peer: Option<String>,
    /// Rx queues to inspect, such as 0-3,6; the kernel keeps the others
    #[arg(long, value_name = "LIST")]
    queues: Option<IndexList>,
    /// Cores of the workers, in order, such as 2-5 [default: all that the process may run on]
    #[arg(long, value_name = "LIST")]
    cores: Option<IndexList>,
    /// How AF_XDP sockets are bound [default: auto]
    #[arg(long, value_enum)]
    mode: Option<BindMode>,
    /// What a drop rule does [default: inline]
    #[arg(long, value_enum)]
    action: Option<ActionMode>,
    /// Where the XDP program runs [default: native]
    #[arg(long, value_enum)]
    xdp: Option<AttachMode>,
    /// Whether workers hand packets to the one that owns the flow [default: auto]
    #[arg(long, value_enum)]
    steering: Option<Steering>,
    /// Spin always, and let the worker drive the NIC's polling
    #[arg(long)]
    busy_poll: bool,
    /// Accept that frames of queues outside --queues do not cross the bridge
    #[arg(long)]
    allow_uncovered: bool,
    /// Hairpin: swap source and destination MAC of a frame sent back
    #[arg(long, conflicts_with = "peer")]
    swap_mac: bool,
    /// What happens to frames of a chosen queue that has no worker: while fastpath starts and stops [default: pass]
    #[arg(long, value_enum)]
    on_worker_loss: Option<OnWorkerLoss>,
    /// Bytes per frame: 2048 or 4096 [default: 4096]
    #[arg(long, value_name = "BYTES")]
    frame_size: Option<u32>,
    /// Entries of the rx and fill ring, a power of two [default: 2048]
    #[arg(long, value_name = "ENTRIES")]
    rx_ring: Option<u32>,
    /// Entries of the tx and completion ring, a power of two [default: 2048]
    #[arg(long, value_name = "ENTRIES")]
    tx_ring: Option<u32>,
    /// Frames handled per turn [default: 64]
    #[arg(long, value_name = "FRAMES")]
    batch: Option<u32>,
    /// Take ordinary pages for packet memory
    #[arg(long)]
    no_huge_pages: bool,
    /// Rule file or pattern, such as '/etc/fastpath/*.rules'; may be repeated
    #[arg(short = 'S', long = "rules", value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Directory of eve.json [default: /var/log/fastpath]
    #[arg(short, long, value_name = "DIR")]
    log_dir: Option<PathBuf>,
    /// Configuration file [default: /etc/fastpath/fastpath.toml, when it is there]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Append a JSON object of figures each second to a file, or to standard output (-)
    #[arg(long, value_name = "FILE|-")]
    stats_json: Option<PathBuf>,
    /// A setting by Suricata's name, such as vars.address-groups.HOME_NET=[10.0.0.0/8]; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Override>,
}

/// Configuration, then rules, then the wire: nothing is touched before everything is known to be good.
pub(super) fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let config = args.into_config()?;
    let sources = rules::Sources {
        rules: config.rules.clone(),
        variables: config.variables.clone(),
        data: config.rule_data.clone(),
        hosts: HostSettings { seed: secret(), ..config.hosts },
        kept: config.eve.kept(),
    };
    let (rules, report) = rules::load(&sources, None)?;
    for line in &report.bad_lines {
        tracing::warn!("{line}; going on without this line");
    }
    for warning in &report.warnings {
        tracing::warn!("{warning}");
    }
    for skipped in &report.skipped {
        tracing::info!("{skipped}");
    }
    if !report.failed.is_empty() {
        let mut stderr = std::io::stderr().lock();
        for error in &report.failed {
            writeln!(stderr, "{error}")?;
        }
        if config.bad_rules.start == OnBadRule::Refuse {
            bail!(
                "{} of {} rules and thresholds cannot be used, so nothing was started; mend or remove them",
                report.failed.len(),
                report.rules + report.thresholds
            );
        }
    }
    for error in &report.idle {
        tracing::warn!("of no effect: {error}");
    }
    let (failed, skipped) = (report.failed.len(), report.skipped.len());
    tracing::info!(rules = report.loaded, failed, skipped, "rules loaded");
    start(config, sources, rules, report)
}

impl RunArgs {
    fn into_config(self) -> anyhow::Result<RunConfig> {
        let file = file::read_given(self.config.as_deref())?;
        self.into_settings().or(file).validate().context("cannot run")
    }

    fn into_settings(self) -> Settings {
        let on = |flag: bool, name| flag.then(|| Given::flag(name, true));
        let peer = self.peer.map(|name| Given::flag("--peer", name));
        Settings {
            wires: self.interface.map(|name| (Given::flag("--interface", name), peer)).into_iter().collect(),
            queues: self.queues.map(|v| Given::flag("--queues", v)),
            cores: self.cores.map(|v| Given::flag("--cores", v)),
            action: self.action.map(|v| Given::flag("--action", v)),
            bind: self.mode.map(|v| Given::flag("--mode", v)),
            attach: self.xdp.map(|v| Given::flag("--xdp", v)),
            steering: self.steering.map(|v| Given::flag("--steering", v)),
            busy_poll: on(self.busy_poll, "--busy-poll"),
            allow_uncovered: on(self.allow_uncovered, "--allow-uncovered"),
            swap_mac: on(self.swap_mac, "--swap-mac"),
            on_worker_loss: self.on_worker_loss.map(|v| Given::flag("--on-worker-loss", v)),
            frame_size: self.frame_size.map(|v| Given::flag("--frame-size", v)),
            rx: self.rx_ring.map(|v| Given::flag("--rx-ring", v)),
            tx: self.tx_ring.map(|v| Given::flag("--tx-ring", v)),
            batch: self.batch.map(|v| Given::flag("--batch", v)),
            huge_pages: self.no_huge_pages.then(|| Given::flag("--no-huge-pages", false)),
            rules: self.rules,
            log_dir: self.log_dir,
            stats_json: self.stats_json.map(Into::into),
            named: self.set.into_iter().map(|v| Given::flag("--set", v)).collect(),
            ..Settings::default()
        }
    }
}

/// A number that nobody outside knows: the key with which the standard library protects its own maps.
fn secret() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Hands the checked configuration to the workers and waits for their end; then writes the sets of values that are to be kept.
#[cfg(feature = "nic")]
fn start(
    config: RunConfig,
    sources: rules::Sources,
    rules: RuleSet,
    report: LoadReport,
) -> anyhow::Result<ExitCode> {
    use std::sync::{Arc, Mutex, PoisonError};

    let sets = Arc::new(Mutex::new(rules.datasets().to_vec()));
    let (data, known) = (sources.data.clone(), Arc::clone(&sets));
    let load = move |in_use: &RuleSet| {
        let loaded = rules::load(&sources, Some(in_use))?;
        // Those that no rules have any more are not kept; what these rules go on with is the same set.
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = in_use.datasets().to_vec();
        known.extend_from_slice(loaded.0.datasets());
        Ok(loaded)
    };
    let ended = crate::worker::supervisor::run(&config, (Arc::new(rules), report), Box::new(load));
    for error in save(&sets.lock().unwrap_or_else(PoisonError::into_inner), &data) {
        tracing::error!("{error}");
    }
    ended?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "nic"))]
fn start(_: RunConfig, _: rules::Sources, _: RuleSet, _: LoadReport) -> anyhow::Result<ExitCode> {
    Err(super::Usage(
        "this build has no wire support (built without the feature `nic`): it can only replay and check; \
         build with the default features to run"
            .into(),
    )
    .into())
}
