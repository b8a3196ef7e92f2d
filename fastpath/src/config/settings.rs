//! Settings as given, and the rules they must keep.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    ActionMode, AttachMode, BadRules, BindMode, DEFAULT_LOG_DIR, IndexList, Named, OnBadRule, OnWorkerLoss,
    Override, RingConfig, RuleData, RunConfig, StatsTarget, Steering, Wire,
};
use crate::engine::rules::Variables;

/// Where a setting was given: an error names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A command-line option, with its dashes.
    Flag(&'static str),
    /// A line of the configuration file.
    File {
        /// The file.
        path: Arc<Path>,
        /// Line from 1.
        line: usize,
        /// Dotted key.
        key: Cow<'static, str>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "{name}"),
            Self::File { path, line, key } => write!(f, "{}:{line}: {key} =", path.display()),
        }
    }
}

/// A value and where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it was given.
    pub place: Place,
}

impl<T> Given<T> {
    /// A value of a command-line option.
    pub fn flag(name: &'static str, value: T) -> Self {
        Self { value, place: Place::Flag(name) }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot read the configuration file: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not TOML, or a key or type in it is not ours.
    #[error("{}:{line}:{column}: {reason}, in `{text}`", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// Line from 1.
        line: usize,
        /// Column in characters from 1.
        column: usize,
        /// What is wrong and what is allowed.
        reason: String,
        /// The line itself: key and value.
        text: String,
    },
    /// A value is not allowed.
    #[error("{place} {value}: {allowed}")]
    Value {
        /// Where it was given.
        place: Place,
        /// The value.
        value: String,
        /// What is wrong and what is allowed.
        allowed: String,
    },
    /// Something needed was not given at all.
    #[error("no {0} given: use {1}")]
    Missing(&'static str, &'static str),
}

/// What was given, in the file or on the command line. `None` means not given there.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Port pairs; the interface and the peer may stand at different places.
    pub wires: Vec<(Given<String>, Option<Given<String>>)>,
    /// See [`RunConfig::queues`]; so for the others of a field's name.
    pub queues: Option<Given<IndexList>>,
    /// Cores of the workers.
    pub cores: Option<Given<IndexList>>,
    /// What a drop rule does.
    pub action: Option<Given<ActionMode>>,
    /// How sockets are bound.
    pub bind: Option<Given<BindMode>>,
    /// Where the XDP program runs.
    pub attach: Option<Given<AttachMode>>,
    /// Whether workers hand packets over.
    pub steering: Option<Given<Steering>>,
    /// Always spin.
    pub busy_poll: Option<Given<bool>>,
    /// Uncovered queues are accepted.
    pub allow_uncovered: Option<Given<bool>>,
    /// Hairpin: swap MAC addresses.
    pub swap_mac: Option<Given<bool>>,
    /// Frames of a queue without a worker.
    pub on_worker_loss: Option<Given<OnWorkerLoss>>,
    /// Bytes per frame.
    pub frame_size: Option<Given<u32>>,
    /// Entries of the rx ring.
    pub rx: Option<Given<u32>>,
    /// Entries of the tx ring.
    pub tx: Option<Given<u32>>,
    /// Frames per turn.
    pub batch: Option<Given<u32>>,
    /// Try huge pages.
    pub huge_pages: Option<Given<bool>>,
    /// Rule files and patterns.
    pub rules: Vec<PathBuf>,
    /// What a bad rule does to a start.
    pub bad_rules_at_start: Option<OnBadRule>,
    /// What it does to a reload.
    pub bad_rules_at_reload: Option<OnBadRule>,
    /// Directory of eve.json.
    pub log_dir: Option<PathBuf>,
    /// Where figures go.
    pub stats_json: Option<StatsTarget>,
    /// Address variables.
    pub addresses: BTreeMap<String, String>,
    /// Port variables.
    pub ports: BTreeMap<String, String>,
    /// Settings by Suricata's names; a later one wins.
    pub named: Vec<Given<Override>>,
}

impl Settings {
    /// These settings, and `weaker`'s where these say nothing. Variables are merged by name; wires and
    /// rules are taken whole from one side.
    #[must_use]
    pub fn or(mut self, weaker: Self) -> Self {
        let mut addresses = weaker.addresses;
        addresses.append(&mut self.addresses);
        let mut ports = weaker.ports;
        ports.append(&mut self.ports);
        Self {
            wires: if self.wires.is_empty() { weaker.wires } else { self.wires },
            queues: self.queues.or(weaker.queues),
            cores: self.cores.or(weaker.cores),
            action: self.action.or(weaker.action),
            bind: self.bind.or(weaker.bind),
            attach: self.attach.or(weaker.attach),
            steering: self.steering.or(weaker.steering),
            busy_poll: self.busy_poll.or(weaker.busy_poll),
            allow_uncovered: self.allow_uncovered.or(weaker.allow_uncovered),
            swap_mac: self.swap_mac.or(weaker.swap_mac),
            on_worker_loss: self.on_worker_loss.or(weaker.on_worker_loss),
            frame_size: self.frame_size.or(weaker.frame_size),
            rx: self.rx.or(weaker.rx),
            tx: self.tx.or(weaker.tx),
            batch: self.batch.or(weaker.batch),
            huge_pages: self.huge_pages.or(weaker.huge_pages),
            rules: if self.rules.is_empty() { weaker.rules } else { self.rules },
            bad_rules_at_start: self.bad_rules_at_start.or(weaker.bad_rules_at_start),
            bad_rules_at_reload: self.bad_rules_at_reload.or(weaker.bad_rules_at_reload),
            log_dir: self.log_dir.or(weaker.log_dir),
            stats_json: self.stats_json.or(weaker.stats_json),
            addresses,
            ports,
            named: [weaker.named, self.named].concat(),
        }
    }

    /// Checks the settings against each other and fills in the defaults.
    ///
    /// # Errors
    /// The first setting that is not allowed, with its place, value and what is allowed.
    pub fn validate(mut self) -> Result<RunConfig, ConfigError> {
        let mut named = Named::default();
        if let Some(error) = named.apply(std::mem::take(&mut self.named)).into_iter().next() {
            return Err(error);
        }
        let rings = self.check_rings()?;
        self.check_wires()?;
        let Some(queues) = self.queues else {
            return Err(ConfigError::Missing("queues", "--queues 0-3, or `queues = \"0-3\"` in the file"));
        };
        let bind = value_or_default(self.bind);
        if let Some(given) = &self.attach
            && (given.value, bind) == (AttachMode::Generic, BindMode::ZeroCopy)
        {
            return Err(not_allowed(
                given,
                "generic",
                "generic XDP has no zero-copy; use native, or mode auto or copy",
            ));
        }

        let mut variables = Variables::suricata_defaults();
        variables.addresses.extend(self.addresses);
        variables.ports.extend(self.ports);
        named.add_to(&mut variables);
        let log_dir = self.log_dir.unwrap_or_else(|| DEFAULT_LOG_DIR.into());
        let directory = named.data.directory.take().or_else(|| Some(log_dir.clone()));
        Ok(RunConfig {
            wires: self
                .wires
                .into_iter()
                .map(|(interface, peer)| Wire { interface: interface.value, peer: peer.map(|p| p.value) })
                .collect(),
            queues: queues.value,
            cores: self.cores.map(|given| given.value),
            action: value_or_default(self.action),
            bind,
            attach: value_or_default(self.attach),
            steering: value_or_default(self.steering),
            busy_poll: value_or_default(self.busy_poll),
            allow_uncovered: value_or_default(self.allow_uncovered),
            swap_mac: value_or_default(self.swap_mac),
            on_worker_loss: value_or_default(self.on_worker_loss),
            rings,
            rules: self.rules,
            bad_rules: BadRules {
                start: self.bad_rules_at_start.unwrap_or_default(),
                reload: self.bad_rules_at_reload.unwrap_or_default(),
            },
            log_dir,
            stats_json: self.stats_json,
            variables,
            rule_data: RuleData { directory, ..named.data },
            hosts: named.hosts,
            eve: named.eve,
            stats_interval: named.stats_interval,
            engine: named.engine,
        })
    }

    fn check_wires(&self) -> Result<(), ConfigError> {
        if self.wires.is_empty() {
            return Err(ConfigError::Missing(
                "port",
                "--interface eth1 [--peer eth2], or `[[wire]]` with `interface = \"eth1\"` in the file",
            ));
        }
        let mut seen: Vec<&Given<String>> = Vec::new();
        for port in self.wires.iter().flat_map(|(interface, peer)| [Some(interface), peer.as_ref()]).flatten()
        {
            if !is_interface_name(&port.value) {
                return Err(not_allowed(
                    port,
                    &port.value,
                    "an interface name has 1 to 15 bytes, no space, no `/`, no `:`, and is not `.` or `..`",
                ));
            }
            if let Some(first) = seen.iter().find(|other| other.value == port.value) {
                let allowed = format!(
                    "the port is already taken by `{}`; each port belongs to one wire and one side of it",
                    first.place
                );
                return Err(not_allowed(port, &port.value, &allowed));
            }
            seen.push(port);
        }
        if let Some(given) = self.swap_mac.as_ref().filter(|given| given.value)
            && let Some((_, Some(peer))) = self.wires.iter().find(|(_, peer)| peer.is_some())
        {
            let allowed = format!(
                "MAC addresses are swapped in hairpin mode only, without a peer (here `{}`)",
                peer.value
            );
            return Err(not_allowed(given, "true", &allowed));
        }
        if let Some(given) = self.on_worker_loss.as_ref().filter(|given| given.value == OnWorkerLoss::Forward)
            && let Some((interface, _)) = self.wires.iter().find(|(_, peer)| peer.is_none())
        {
            let allowed = format!(
                "`{}` has no peer to forward to; use pass or drop, or give it a peer",
                interface.value
            );
            return Err(not_allowed(given, "forward", &allowed));
        }
        Ok(())
    }

    fn check_rings(&self) -> Result<RingConfig, ConfigError> {
        let default = RingConfig::default();
        let check =
            |given: &Option<Given<u32>>, default: u32, ok: &dyn Fn(u32) -> bool, allowed: &str| match given {
                Some(given) if !ok(given.value) => Err(not_allowed(given, given.value, allowed)),
                Some(given) => Ok(given.value),
                None => Ok(default),
            };
        let ring = |entries: u32| entries.is_power_of_two() && (64..=32768).contains(&entries);
        let ring_allowed = "a ring has a power of two of entries from 64 to 32768";
        let rx = check(&self.rx, default.rx, &ring, ring_allowed)?;
        let tx = check(&self.tx, default.tx, &ring, ring_allowed)?;
        let largest = rx.min(tx);
        Ok(RingConfig {
            frame_size: check(
                &self.frame_size,
                default.frame_size,
                &|n| n == 2048 || n == 4096,
                "a frame has 2048 or 4096 bytes",
            )?,
            rx,
            tx,
            batch: check(
                &self.batch,
                default.batch,
                &|n| (1..=largest).contains(&n),
                &format!("a batch has 1 to {largest} frames, as many as the smaller ring"),
            )?,
            huge_pages: self.huge_pages.as_ref().map_or(default.huge_pages, |given| given.value),
        })
    }
}

fn value_or_default<T: Default>(given: Option<Given<T>>) -> T {
    given.map(|given| given.value).unwrap_or_default()
}

fn not_allowed<T>(given: &Given<T>, value: impl fmt::Display, allowed: &str) -> ConfigError {
    ConfigError::Value { place: given.place.clone(), value: value.to_string(), allowed: allowed.into() }
}

/// As the kernel's `dev_valid_name` (net/core/dev.c) has it.
fn is_interface_name(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && name != "."
        && name != ".."
        && !name.bytes().any(|byte| matches!(byte, b'/' | b':') || byte.is_ascii_whitespace() || byte == 0)
}
