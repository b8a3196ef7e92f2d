//! Settings by Suricata's names: what `--set KEY=VALUE` sets, and the tables of the same names in the file.
//!
//! [`KEYS`] has one line for each.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

use super::{ConfigError, Given, Place};
use crate::{
    engine::{
        self,
        event::Drops,
        flow::{Idle, Timeouts},
        packet::TunnelPorts,
        policy::{ExceptionPolicy, Failure},
        rules::{HostSettings, Variables},
        stream::UrgentPolicy,
        verdict::Enforcement,
    },
    event::{EveOptions, EventType, EventTypes},
};

/// What settings by Suricata's names set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `vars.address-groups.NAME`.
    pub addresses: BTreeMap<String, String>,
    /// `vars.port-groups.NAME`.
    pub ports: BTreeMap<String, String>,
    /// `host.memcap`; its seed is chosen at the start.
    pub hosts: HostSettings,
    /// `outputs.eve-log`.
    pub eve: EveOptions,
    /// Time between two `stats` records (`stats.interval`, Suricata's default is 8 seconds).
    pub stats_interval: Duration,
    /// `decoder`, `defrag`, `flow`, `flow-timeouts`, `stream`, `vlan.use-for-tracking` and the exception policies. Whether
    /// drops are carried out is no part of it ([`engine::Settings::enforcing`]).
    pub engine: engine::Settings,
    /// `threshold-file`, `classification-file`, `reference-config-file`, `reputation-categories-file`, `default-reputation-path`,
    /// `reputation-files` and `default-data-dir`.
    pub data: RuleData,
}

impl Default for Named {
    fn default() -> Self {
        Self {
            addresses: BTreeMap::new(),
            ports: BTreeMap::new(),
            hosts: HostSettings::default(),
            eve: EveOptions::default(),
            stats_interval: Duration::from_secs(8),
            engine: engine::Settings::new(Enforcement::Report),
            data: RuleData::default(),
        }
    }
}

/// Where the files lie that rules are read against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleData {
    /// `threshold-file`: thresholds, rate filters and suppressions.
    pub thresholds: Option<PathBuf>,
    /// `classification-file`: what `classtype` means.
    pub classification: Option<PathBuf>,
    /// `reference-config-file`: where what `reference` names is found.
    pub references: Option<PathBuf>,
    /// `reputation-categories-file`: the categories of addresses.
    pub reputation_categories: Option<PathBuf>,
    /// `default-reputation-path`: where [`Self::reputation_files`] lie that are not named with a leading `/`.
    pub reputation_path: Option<PathBuf>,
    /// `reputation-files`: what is known of addresses, in the order of their numbers.
    pub reputation_files: BTreeMap<u32, PathBuf>,
    /// `default-data-dir`: where sets of values are written to, and read from at the next start.
    pub directory: Option<PathBuf>,
}

impl RuleData {
    /// Paths of what is known of addresses.
    pub fn reputation_files(&self) -> impl Iterator<Item = PathBuf> {
        let path = self.reputation_path.clone().unwrap_or_default();
        self.reputation_files.values().map(move |file| path.join(file))
    }
}

/// One setting by name, as split by the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The part before the first `=`.
    pub key: String,
    /// The rest.
    pub value: String,
}

impl FromStr for Override {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Self { key: key.trim().into(), value: value.trim().into() })
            }
            _ => Err("write key=value, such as vars.address-groups.HOME_NET=[10.0.0.0/8]"),
        }
    }
}

/// Why a setting has no effect.
enum Refusal {
    Unknown,
    /// What is allowed instead.
    Value(String),
}

type Outcome = Result<(), Refusal>;

/// Sets a value: of the key itself, or of what stands behind it when it ends with a dot.
type Setter = fn(&mut Named, &str, &str) -> Outcome;

const KEYS: &[(&str, Setter)] = &[
    ("vars.address-groups.", |to, name, value| variable(&mut to.addresses, name, value)),
    ("vars.port-groups.", |to, name, value| variable(&mut to.ports, name, value)),
    ("threshold-file", |to, _, value| file(&mut to.data.thresholds, value)),
    ("classification-file", |to, _, value| file(&mut to.data.classification, value)),
    ("reference-config-file", |to, _, value| file(&mut to.data.references, value)),
    ("host.memcap", |to, _, value| size(value).map(|bytes| to.hosts.memory = bytes)),
    ("outputs.eve-log.types", |to, _, value| event_types(&mut to.eve.types, value)),
    ("outputs.eve-log.types.stats.null-values", |to, _, value| {
        switch(value).map(|on| to.eve.null_values = on)
    }),
    ("outputs.eve-log.types.anomaly.types.decode", |to, _, value| {
        switch(value).map(|on| to.eve.anomalies.decode = on)
    }),
    ("outputs.eve-log.types.anomaly.types.stream", |to, _, value| {
        switch(value).map(|on| to.eve.anomalies.stream = on)
    }),
    ("outputs.eve-log.types.anomaly.types.applayer", |to, _, value| {
        switch(value).map(|on| to.eve.anomalies.application = on)
    }),
    ("outputs.eve-log.types.alert.tagged-packets", |to, _, value| {
        switch(value).map(|on| to.eve.tagged_packets = on)
    }),
    ("outputs.eve-log.types.anomaly.packethdr", |to, _, value| {
        switch(value).map(|on| to.eve.anomalies.packet_header = on)
    }),
    ("outputs.eve-log.types.alert.metadata", |to, _, value| {
        switch(value).map(|on| (to.eve.alert.flow, to.eve.alert.rule_metadata) = (on, on))
    }),
    ("outputs.eve-log.types.alert.metadata.flow", |to, _, value| {
        switch(value).map(|on| to.eve.alert.flow = on)
    }),
    ("outputs.eve-log.types.alert.metadata.rule.metadata", |to, _, value| {
        switch(value).map(|on| to.eve.alert.rule_metadata = on)
    }),
    ("outputs.eve-log.types.alert.metadata.rule.raw", |to, _, value| {
        switch(value).map(|on| to.eve.alert.rule_text = on)
    }),
    ("outputs.eve-log.types.alert.metadata.rule.reference", |to, _, value| {
        switch(value).map(|on| to.eve.alert.references = on)
    }),
    ("outputs.eve-log.types.alert.payload", |to, _, value| switch(value).map(|on| to.eve.alert.payload = on)),
    ("outputs.eve-log.types.alert.payload-printable", |to, _, value| {
        switch(value).map(|on| to.eve.alert.payload_printable = on)
    }),
    ("outputs.eve-log.types.alert.payload-length", |to, _, value| {
        switch(value).map(|on| to.eve.alert.payload_length = on)
    }),
    ("outputs.eve-log.types.alert.payload-buffer-size", |to, _, value| {
        let allowed = || Refusal::Value("from 1 byte to 1gb".into());
        let size = size(value)?;
        let bytes = u32::try_from(size).ok().filter(|bytes| (1..=1 << 30).contains(bytes));
        bytes.ok_or_else(allowed).map(|bytes| to.eve.alert.payload_buffer_size = bytes)
    }),
    ("outputs.eve-log.types.alert.packet", |to, _, value| switch(value).map(|on| to.eve.alert.packet = on)),
    ("outputs.eve-log.types.alert.verdict", |to, _, value| switch(value).map(|on| to.eve.alert.verdict = on)),
    ("outputs.eve-log.types.drop.alerts", |to, _, value| switch(value).map(|on| to.eve.drop_alerts = on)),
    ("outputs.eve-log.types.drop.verdict", |to, _, value| switch(value).map(|on| to.eve.drop_verdict = on)),
    ("outputs.eve-log.types.drop.flows", |to, _, value| {
        to.eve.drops = match value {
            "start" => Drops::Start,
            "all" => Drops::All,
            _ => return Err(Refusal::Value("write start or all".into())),
        };
        Ok(())
    }),
    ("outputs.eve-log.community-id", |to, _, value| switch(value).map(|on| to.eve.community_id = on)),
    ("outputs.eve-log.community-id-seed", |to, _, value| {
        number(value, 0..=u16::MAX).map(|seed| to.eve.community_id_seed = seed)
    }),
    ("reputation-categories-file", |to, _, value| {
        to.data.reputation_categories = Some(value.into());
        Ok(())
    }),
    ("default-reputation-path", |to, _, value| {
        to.data.reputation_path = Some(value.into());
        Ok(())
    }),
    ("reputation-files", |to, _, value| {
        to.data.reputation_files = (0..).zip(value.split(',').map(|file| file.trim().into())).collect();
        Ok(())
    }),
    ("reputation-files.", |to, name, value| {
        number(name, 0..=u32::MAX).map(|number| {
            to.data.reputation_files.insert(number, value.into());
        })
    }),
    ("default-data-dir", |to, _, value| {
        to.data.directory = Some(value.into());
        Ok(())
    }),
    ("outputs.eve-log.ethernet", |to, _, value| switch(value).map(|on| to.eve.ethernet = on)),
    ("outputs.eve-log.pcap-file", |to, _, value| switch(value).map(|on| to.eve.pcap_file = on)),
    ("stats.interval", |to, _, value| {
        number(value, 1..=u32::MAX).map(|seconds| to.stats_interval = Duration::from_secs(seconds.into()))
    }),
    ("vlan.use-for-tracking", |to, _, value| switch(value).map(|on| to.engine.flow.tracking.vlan = on)),
    ("decoder.recursion-level.use-for-tracking", |to, _, value| {
        switch(value).map(|on| to.engine.flow.tracking.recursion = on)
    }),
    ("flow.capacity", |to, _, value| number(value, 1..=1 << 28).map(|flows| to.engine.flow.capacity = flows)),
    ("flow.emergency-recovery", |to, _, value| {
        number(value, 0..=100).map(|percent| to.engine.flow.emergency_recovery = percent)
    }),
    ("flow-timeouts.", |to, name, value| timeout(&mut to.engine.flow.timeouts, name, value)),
    ("decoder.vxlan.enabled", |to, _, value| tunnel(&mut to.engine.decoder.vxlan_ports, 4789, value)),
    ("decoder.vxlan.ports", |to, _, value| tunnel_ports(&mut to.engine.decoder.vxlan_ports, value)),
    ("decoder.geneve.enabled", |to, _, value| tunnel(&mut to.engine.decoder.geneve_ports, 6081, value)),
    ("decoder.geneve.ports", |to, _, value| tunnel_ports(&mut to.engine.decoder.geneve_ports, value)),
    ("decoder.teredo.enabled", |to, _, value| tunnel(&mut to.engine.decoder.teredo_ports, 3544, value)),
    ("decoder.teredo.ports", |to, _, value| tunnel_ports(&mut to.engine.decoder.teredo_ports, value)),
    ("decoder.max-layers", |to, _, value| {
        number(value, 1..=u8::MAX).map(|layers| to.engine.decoder.max_layers = layers)
    }),
    ("defrag.memcap", |to, _, value| {
        size(value).and_then(|bytes| {
            to.engine.defrag.memcap = usize::try_from(bytes).map_err(|_| Refusal::Value("less".into()))?;
            Ok(())
        })
    }),
    ("defrag.trackers", |to, _, value| {
        number(value, 1..=1 << 24).map(|trackers| to.engine.defrag.trackers = trackers)
    }),
    ("stream.memcap", |to, _, value| size(value).map(|bytes| to.engine.stream.memcap = bytes)),
    ("stream.midstream", |to, _, value| switch(value).map(|on| to.engine.stream.midstream = on)),
    ("stream.async-oneside", |to, _, value| switch(value).map(|on| to.engine.stream.async_oneside = on)),
    ("stream.checksum-validation", |to, _, value| {
        switch(value).map(|on| to.engine.stream.checksum_validation = on)
    }),
    ("stream.reassembly.memcap", |to, _, value| {
        size(value).map(|bytes| to.engine.stream.reassembly_memcap = bytes)
    }),
    ("stream.reassembly.depth", |to, _, value| size(value).map(|bytes| to.engine.stream.depth = bytes)),
    ("stream.reassembly.urgent.policy", |to, _, value| {
        let known = || Refusal::Value("write oob, inline, drop or gap".into());
        UrgentPolicy::from_name(value).ok_or_else(known).map(|policy| to.engine.stream.urgent = policy)
    }),
    ("exception-policy", |to, _, value| policy(to, &Failure::ALL, value)),
    ("decoder.error-policy", |to, _, value| policy(to, &[Failure::Decode], value)),
    ("defrag.memcap-policy", |to, _, value| policy(to, &[Failure::DefragMemcap], value)),
    ("flow.memcap-policy", |to, _, value| policy(to, &[Failure::FlowMemcap], value)),
    ("stream.memcap-policy", |to, _, value| policy(to, &[Failure::StreamMemcap], value)),
    ("stream.reassembly.memcap-policy", |to, _, value| policy(to, &[Failure::ReassemblyMemcap], value)),
    ("stream.midstream-policy", |to, _, value| policy(to, &[Failure::Midstream], value)),
    ("app-layer.error-policy", |to, _, value| policy(to, &[Failure::AppLayer], value)),
    ("detect.limit-policy", |to, _, value| policy(to, &[Failure::Detection], value)),
    ("handover.full-policy", |to, _, value| policy(to, &[Failure::Handover], value)),
];

/// The tables and keys of the file that are such settings, in the order in which they are applied: what is about all comes before what is
/// about one. The others, such as `vars`, have a shape of their own.
pub(super) const TABLES: &[&str] = &[
    "exception-policy",
    "app-layer",
    "decoder",
    "default-data-dir",
    "default-reputation-path",
    "defrag",
    "detect",
    "flow",
    "flow-timeouts",
    "handover",
    "host",
    "outputs",
    "reputation-categories-file",
    "reputation-files",
    "stats",
    "stream",
    "vlan",
];

impl Named {
    /// Applies `all` in order, the last one of a key wins. What cannot be honoured comes back: an error in `run`, a warning
    /// in `replay`.
    pub fn apply(&mut self, all: impl IntoIterator<Item = Given<Override>>) -> Vec<ConfigError> {
        all.into_iter().filter_map(|given| self.set(&given).err()).collect()
    }

    fn set(&mut self, given: &Given<Override>) -> Result<(), ConfigError> {
        let Override { key, value } = &given.value;
        let setter = KEYS.iter().find_map(|&(known, set)| match key.strip_prefix(known)? {
            "" if !known.ends_with('.') => Some((set, "")),
            rest if known.ends_with('.') && !rest.is_empty() => Some((set, rest)),
            _ => None,
        });
        let outcome = setter.map_or(Err(Refusal::Unknown), |(set, rest)| set(self, rest, value));
        outcome.map_err(|refusal| {
            let allowed = match refusal {
                Refusal::Unknown => format!("unknown key; known are {Known}"),
                Refusal::Value(allowed) => allowed,
            };
            // A line of the file has its key in the place.
            let value = match &given.place {
                Place::Flag(_) => format!("{key}={value}"),
                Place::File { .. } => value.clone(),
            };
            ConfigError::Value { place: given.place.clone(), value, allowed }
        })
    }

    /// Adds its variables to `variables`; those of the same names give way.
    pub fn add_to(&self, variables: &mut Variables) {
        variables.addresses.extend(self.addresses.clone());
        variables.ports.extend(self.ports.clone());
    }
}

/// The list of keys.
struct Known;

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (key, _)) in KEYS.iter().enumerate() {
            let (comma, name) = (if n > 0 { ", " } else { "" }, if key.ends_with('.') { "NAME" } else { "" });
            write!(f, "{comma}{key}{name}")?;
        }
        Ok(())
    }
}

fn variable(variables: &mut BTreeMap<String, String>, name: &str, value: &str) -> Outcome {
    variables.insert(name.into(), value.into());
    Ok(())
}

/// Those that are known are taken also where others are not.
fn event_types(types: &mut EventTypes, value: &str) -> Outcome {
    let unknown;
    (*types, unknown) = EventTypes::from_names(value.split(',').map(str::trim));
    if unknown.is_empty() {
        return Ok(());
    }
    let known = EventType::ALL.map(EventType::name).join(", ");
    Err(Refusal::Value(format!("`{}` events are not written; known are: {known}", unknown.join("`, `"))))
}

/// A file's name; empty for none.
fn file(place: &mut Option<PathBuf>, value: &str) -> Outcome {
    *place = (!value.is_empty()).then(|| value.into());
    Ok(())
}

fn switch(value: &str) -> Result<bool, Refusal> {
    match value {
        "yes" | "true" | "on" | "1" => Ok(true),
        "no" | "false" | "off" | "0" => Ok(false),
        _ => Err(Refusal::Value("write yes or no".into())),
    }
}

fn number<T: FromStr + PartialOrd + fmt::Display>(
    value: &str,
    range: RangeInclusive<T>,
) -> Result<T, Refusal> {
    value
        .parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| Refusal::Value(format!("a number from {} to {}", range.start(), range.end())))
}

/// Bytes: a number with kb, mb or gb, or without.
fn size(value: &str) -> Result<u64, Refusal> {
    let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match value[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" => Some(1),
        "kb" | "kib" => Some(1 << 10),
        "mb" | "mib" => Some(1 << 20),
        "gb" | "gib" => Some(1 << 30),
        _ => None,
    };
    let bytes = digits.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    bytes.ok_or_else(|| Refusal::Value("a number of bytes, such as 65536, 64kb, 64mb or 1gb".into()))
}

/// Whether a tunnel is decoded, on its usual port.
fn tunnel(ports: &mut TunnelPorts, usual: u16, value: &str) -> Outcome {
    switch(value).map(|on| {
        if !on {
            *ports = TunnelPorts::OFF;
        } else if *ports == TunnelPorts::OFF {
            *ports = TunnelPorts::one(usual);
        }
    })
}

/// `any`, a port, or up to four as `[1, 2]`.
fn tunnel_ports(ports: &mut TunnelPorts, value: &str) -> Outcome {
    let allowed = || Refusal::Value("write any, a port, or up to four in a list such as [4789, 8472]".into());
    if value == "any" {
        *ports = TunnelPorts::Any;
        return Ok(());
    }
    let list = value.trim_start_matches('[').trim_end_matches(']');
    let numbers: Result<Vec<u16>, _> = list.split(',').map(|port| port.trim().parse()).collect();
    *ports = numbers.ok().and_then(|numbers| TunnelPorts::list(&numbers)).ok_or_else(allowed)?;
    Ok(())
}

/// `tcp.new`, `default.emergency-established`: seconds.
fn timeout(timeouts: &mut Timeouts, name: &str, value: &str) -> Outcome {
    let (protocol, state) = name.split_once('.').ok_or(Refusal::Unknown)?;
    let (emergency, state) = match state.strip_prefix("emergency-") {
        Some(state) => (1, state),
        None => (0, state),
    };
    let idle: &mut Idle = &mut match protocol {
        "default" => &mut timeouts.other,
        "tcp" => &mut timeouts.tcp,
        "udp" => &mut timeouts.udp,
        "icmp" => &mut timeouts.icmp,
        _ => return Err(Refusal::Unknown),
    }[emergency];
    let seconds = match state {
        "new" => &mut idle.new,
        "established" => &mut idle.established,
        "closed" => &mut idle.closed,
        "bypassed" => &mut idle.bypassed,
        _ => return Err(Refusal::Unknown),
    };
    number(value, 0..=u32::MAX).map(|given| *seconds = given)
}

fn policy(to: &mut Named, failures: &[Failure], value: &str) -> Outcome {
    let policy = ExceptionPolicy::from_name(value).ok_or_else(|| {
        Refusal::Value(format!("write one of {}", ExceptionPolicy::NAMES.map(|(name, _)| name).join(", ")))
    })?;
    for &failure in failures {
        to.engine.policies.set(failure, policy);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
