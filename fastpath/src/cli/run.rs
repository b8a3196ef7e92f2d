//! `fastpath run`, and `fastpath` without a subcommand.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Args;

use super::rules;
use crate::{
    config::{
        ActionMode, AttachMode, BindMode, Given, IndexList, OnBadRule, OnWorkerLoss, Override, RunConfig,
        Settings, Steering, file,
    },
    engine::rules::{LoadReport, RuleSet},
};

/// Every option goes before the same setting in the configuration file.
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
    /// Cores of the workers, in order, such as 2-5
    #[arg(long, value_name = "LIST")]
    cores: Option<IndexList>,
    /// How AF_XDP sockets are bound
    #[arg(long, value_enum)]
    mode: Option<BindMode>,
    /// What a drop rule does
    #[arg(long, value_enum)]
    action: Option<ActionMode>,
    /// Where the XDP program runs
    #[arg(long, value_enum)]
    xdp: Option<AttachMode>,
    /// Whether workers hand packets to the one that owns the flow
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
    /// What happens to frames of a queue whose worker is gone
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
    /// Rule file or pattern; may be repeated
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
    let (rules, report) = rules::load(&config.rules, &config.variables, None)?;
    if !report.failed.is_empty() {
        let mut stderr = std::io::stderr().lock();
        for error in &report.failed {
            writeln!(stderr, "{error}")?;
        }
        if config.bad_rules.start == OnBadRule::Refuse {
            bail!(
                "{} of {} rules cannot be used, so nothing was started; mend or remove them",
                report.failed.len(),
                report.rules
            );
        }
    }
    tracing::info!(rules = report.loaded, failed = report.failed.len(), "rules loaded");
    start(config, rules, report)
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

/// Hands the checked configuration to the workers and waits for their end.
#[cfg(feature = "nic")]
fn start(config: RunConfig, rules: RuleSet, report: LoadReport) -> anyhow::Result<ExitCode> {
    let (files, variables) = (config.rules.clone(), config.variables.clone());
    let load = move |in_use: &RuleSet| Ok(rules::load(&files, &variables, Some(in_use))?);
    crate::worker::supervisor::run(&config, (std::sync::Arc::new(rules), report), Box::new(load))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "nic"))]
fn start(_config: RunConfig, _rules: RuleSet, _report: LoadReport) -> anyhow::Result<ExitCode> {
    Err(super::Usage(
        "this build has no wire support (built without the feature `nic`): it can only replay and check; \
         build with the default features to run"
            .into(),
    )
    .into())
}
