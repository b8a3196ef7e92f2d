//! TOML and arguments -> validated settings.
//!
//! [`Settings`] is what was given, each value with the [`Place`] it was given at: one from the file
//! ([`mod@file`]), one from the command line (`crate::cli`). Merged, [`Settings::validate`] makes the
//! [`RunConfig`] of them.

pub mod file;
mod list;
mod named;
mod settings;

use std::{path::PathBuf, time::Duration};

pub use list::{IndexList, ListError};
pub use named::{Named, Override, RuleData};
pub use settings::{ConfigError, Given, Place, Settings};

use crate::{
    engine::{
        self,
        rules::{HostSettings, Variables},
    },
    event::EveOptions,
};

/// Where `fastpath run` and `fastpath doctor` look for the configuration when no `-c` names one.
pub const DEFAULT_FILE: &str = "/etc/fastpath/fastpath.toml";

/// Where `fastpath run` writes its events when nothing says otherwise.
pub const DEFAULT_LOG_DIR: &str = "/var/log/fastpath";

/// Settings of `fastpath run`, validated.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// The wires: each a port pair (bridge) or a single port (hairpin). Never empty.
    pub wires: Vec<Wire>,
    /// Rx queues of every port to inspect. Never empty.
    pub queues: IndexList,
    /// Cores for the workers in order; all cores the process may run on when `None`.
    pub cores: Option<IndexList>,
    /// What a drop rule does.
    pub action: ActionMode,
    /// How AF_XDP sockets are bound.
    pub bind: BindMode,
    /// Where the XDP program runs.
    pub attach: AttachMode,
    /// Whether workers hand packets to the one that owns the flow.
    pub steering: Steering,
    /// Always spin and drive NAPI from the worker (SO_PREFER_BUSY_POLL).
    pub busy_poll: bool,
    /// Bridge queues that RSS can reach may stay uncovered.
    pub allow_uncovered: bool,
    /// Hairpin: swap the MAC addresses of a frame sent back.
    pub swap_mac: bool,
    /// What the XDP program does with frames of a chosen queue that has no socket.
    pub on_worker_loss: OnWorkerLoss,
    /// UMEM and ring sizes.
    pub rings: RingConfig,
    /// Rule files in order; patterns (`*.rules`) are not expanded yet.
    pub rules: Vec<PathBuf>,
    /// What bad rules do to a start and to a reload.
    pub bad_rules: BadRules,
    /// Directory of eve.json.
    pub log_dir: PathBuf,
    /// Where a JSON line of figures goes each second.
    pub stats_json: Option<StatsTarget>,
    /// Address and port variables of rules.
    pub variables: Variables,
    /// Where the files lie that rules are read against; sets of values go to [`Self::log_dir`] when nothing says otherwise.
    pub rule_data: RuleData,
    /// How large the table is of what rules remember of addresses; its seed is chosen at the start.
    pub hosts: HostSettings,
    /// Which events are written, and how.
    pub eve: EveOptions,
    /// Time between two `stats` records.
    pub stats_interval: Duration,
    /// What each worker's engine is told; its seeds are chosen at the start.
    pub engine: engine::Settings,
}

/// A port to inspect and where its frames go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Interface name.
    pub interface: String,
    /// The other side of the bridge; `None` is hairpin: back out of the same port.
    pub peer: Option<String>,
}

impl Wire {
    /// Its ports, one or two.
    pub fn ports(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.interface).chain(&self.peer).map(String::as_str)
    }
}

/// What a drop rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionMode {
    /// A drop rule drops.
    #[default]
    Inline,
    /// Everything goes on; a drop is only reported as would-drop.
    Detect,
    /// Nothing is sent at all: receive and inspect.
    Tap,
}

/// How AF_XDP sockets are bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BindMode {
    /// Zero-copy where the driver has it and is not known to fail in it, copy otherwise; reported.
    #[default]
    Auto,
    /// Zero-copy or a loud failure.
    #[value(name = "zerocopy")]
    ZeroCopy,
    /// Copy.
    Copy,
}

/// Where the XDP program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachMode {
    /// In the driver.
    #[default]
    Native,
    /// In the kernel's generic hook (slow; any driver; copy mode only).
    Generic,
}

/// Whether workers hand packets to the one that owns the flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Steering {
    /// Unless RSS is proven to bring all packets of a flow to the same queue.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never: each queue is inspected by itself.
    Off,
}

/// What the XDP program does with frames of a chosen queue that has no socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnWorkerLoss {
    /// Hand them to the kernel.
    #[default]
    Pass,
    /// Drop them (fail closed).
    Drop,
    /// Send them out of the peer port uninspected (fail open).
    Forward,
}

/// What happens when there are rules that cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BadRules {
    /// At the start.
    pub start: OnBadRule,
    /// At a reload: of a rule that was not bad before.
    pub reload: OnBadRule,
}

/// What happens when a rule cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnBadRule {
    /// Nothing starts, or the rules in use stay.
    #[default]
    Refuse,
    /// It is reported and left out.
    Skip,
}

/// UMEM and ring sizes, per queue of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingConfig {
    /// Bytes per frame: 2048 or 4096.
    pub frame_size: u32,
    /// Entries of the rx and the fill ring, a power of two.
    pub rx: u32,
    /// Entries of the tx and the completion ring, a power of two; also the cap on outstanding tx frames.
    pub tx: u32,
    /// Frames handled per turn, at most the smaller ring.
    pub batch: u32,
    /// Try huge pages for the UMEM.
    pub huge_pages: bool,
}

impl Default for RingConfig {
    fn default() -> Self {
        Self { frame_size: 4096, rx: 2048, tx: 2048, batch: 64, huge_pages: true }
    }
}

/// Where the figures of each second go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatsTarget {
    /// Standard output (`-`).
    Stdout,
    /// A file, appended to.
    File(PathBuf),
}

impl From<PathBuf> for StatsTarget {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Stdout } else { Self::File(path) }
    }
}
