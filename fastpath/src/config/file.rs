//! The configuration file: TOML -> [`Settings`].
//!
//! ```toml
//! queues = "0-3"
//! rules = ["rules/*.rules"]   # relative paths are taken from the file's own directory
//! threshold-file = "threshold.config"
//!
//! [[wire]]
//! interface = "eth1"
//! peer = "eth2"               # without: hairpin
//!
//! [vars.address-groups]
//! HOME_NET = "[10.0.0.0/8]"
//!
//! [flow-timeouts.tcp]         # and other settings that have a name in suricata.yaml
//! new = 60
//! ```

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use super::{
    ActionMode, AttachMode, BindMode, ConfigError, DEFAULT_FILE, Given, IndexList, OnBadRule, OnWorkerLoss,
    Override, Place, Settings, StatsTarget, Steering, named::TABLES,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    #[serde(default)]
    wire: Vec<WireTable>,
    queues: Option<Spanned<IndexList>>,
    cores: Option<Spanned<IndexList>>,
    action: Option<Spanned<ActionMode>>,
    mode: Option<Spanned<BindMode>>,
    xdp: Option<Spanned<AttachMode>>,
    steering: Option<Spanned<Steering>>,
    busy_poll: Option<Spanned<bool>>,
    allow_uncovered: Option<Spanned<bool>>,
    swap_mac: Option<Spanned<bool>>,
    on_worker_loss: Option<Spanned<OnWorkerLoss>>,
    #[serde(default)]
    rings: Rings,
    #[serde(default)]
    rules: Vec<PathBuf>,
    threshold_file: Option<Spanned<PathBuf>>,
    classification_file: Option<Spanned<PathBuf>>,
    reference_config_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    bad_rules: BadRulesTable,
    log_dir: Option<PathBuf>,
    stats_json: Option<PathBuf>,
    #[serde(default)]
    vars: Vars,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTable {
    interface: Spanned<String>,
    peer: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Rings {
    frame_size: Option<Spanned<u32>>,
    rx: Option<Spanned<u32>>,
    tx: Option<Spanned<u32>>,
    batch: Option<Spanned<u32>>,
    huge_pages: Option<Spanned<bool>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BadRulesTable {
    start: Option<OnBadRule>,
    reload: Option<OnBadRule>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Vars {
    #[serde(default)]
    address_groups: BTreeMap<String, String>,
    #[serde(default)]
    port_groups: BTreeMap<String, Port>,
}

/// A port variable's value: `"[80,8080]"`, or a bare `80` as in Suricata's own file.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a port expression such as \"[80,8080]\", or a port number")]
enum Port {
    Number(u16),
    Text(String),
}

/// Reads the file that `-c` names; without one [`DEFAULT_FILE`], where it is there.
///
/// # Errors
/// [`ConfigError::Read`] and [`ConfigError::Shape`].
pub fn read_given(path: Option<&Path>) -> Result<Settings, ConfigError> {
    match path {
        Some(path) => read(path, false),
        None => read(Path::new(DEFAULT_FILE), true),
    }
}

/// Reads the file at `path`; an absent one gives empty settings when `optional`.
fn read(path: &Path, optional: bool) -> Result<Settings, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) if optional && error.kind() == io::ErrorKind::NotFound => Ok(Settings::default()),
        Err(source) => Err(ConfigError::Read { path: path.into(), source }),
    }
}

/// Reads the text of the file at `path`.
///
/// # Errors
/// [`ConfigError::Shape`] for what is not TOML, for unknown keys and for values of a wrong type.
pub fn parse(path: &Path, text: &str) -> Result<Settings, ConfigError> {
    let shape = |error| shape_error(path, text, &error);
    let source = Source { path: path.into(), text };
    let mut table = DeTable::parse(text).map_err(shape)?;
    let mut named = Vec::new();
    for name in TABLES {
        if let Some(value) = table.get_mut().remove(*name) {
            source.leaves(name, &value, &mut named);
        }
    }
    let document = Document::deserialize(Deserializer::from(table)).map_err(shape)?;
    let beside = |given: PathBuf| path.parent().map_or(given.clone(), |directory| directory.join(given));
    let files = [
        ("threshold-file", document.threshold_file),
        ("classification-file", document.classification_file),
        ("reference-config-file", document.reference_config_file),
    ];
    for (key, file) in files.into_iter().filter_map(|(key, file)| Some((key, file?))) {
        let Given { value, place } = source.given(key, file);
        let value = beside(value).display().to_string();
        named.push(Given { place, value: Override { key: key.into(), value } });
    }
    Ok(Settings {
        wires: document
            .wire
            .into_iter()
            .map(|wire| {
                (
                    source.given("wire.interface", wire.interface),
                    wire.peer.map(|p| source.given("wire.peer", p)),
                )
            })
            .collect(),
        queues: document.queues.map(|v| source.given("queues", v)),
        cores: document.cores.map(|v| source.given("cores", v)),
        action: document.action.map(|v| source.given("action", v)),
        bind: document.mode.map(|v| source.given("mode", v)),
        attach: document.xdp.map(|v| source.given("xdp", v)),
        steering: document.steering.map(|v| source.given("steering", v)),
        busy_poll: document.busy_poll.map(|v| source.given("busy-poll", v)),
        allow_uncovered: document.allow_uncovered.map(|v| source.given("allow-uncovered", v)),
        swap_mac: document.swap_mac.map(|v| source.given("swap-mac", v)),
        on_worker_loss: document.on_worker_loss.map(|v| source.given("on-worker-loss", v)),
        frame_size: document.rings.frame_size.map(|v| source.given("rings.frame-size", v)),
        rx: document.rings.rx.map(|v| source.given("rings.rx", v)),
        tx: document.rings.tx.map(|v| source.given("rings.tx", v)),
        batch: document.rings.batch.map(|v| source.given("rings.batch", v)),
        huge_pages: document.rings.huge_pages.map(|v| source.given("rings.huge-pages", v)),
        rules: document.rules.into_iter().map(beside).collect(),
        bad_rules_at_start: document.bad_rules.start,
        bad_rules_at_reload: document.bad_rules.reload,
        log_dir: document.log_dir.map(beside),
        stats_json: document.stats_json.map(|to| match StatsTarget::from(to) {
            StatsTarget::File(file) => StatsTarget::File(beside(file)),
            StatsTarget::Stdout => StatsTarget::Stdout,
        }),
        addresses: document.vars.address_groups,
        ports: document
            .vars
            .port_groups
            .into_iter()
            .map(|(name, port)| match port {
                Port::Number(number) => (name, number.to_string()),
                Port::Text(text) => (name, text),
            })
            .collect(),
        named,
    })
}

struct Source<'a> {
    path: Arc<Path>,
    text: &'a str,
}

impl Source<'_> {
    fn given<T>(&self, key: &'static str, value: Spanned<T>) -> Given<T> {
        Given { place: self.place(key.into(), value.span().start), value: value.into_inner() }
    }

    fn place(&self, key: Cow<'static, str>, offset: usize) -> Place {
        let (line, _) = position(self.text, offset);
        Place::File { path: self.path.clone(), line, key }
    }

    /// The settings in a table and the tables in it, by their dotted keys.
    fn leaves(&self, key: &str, value: &Spanned<DeValue<'_>>, all: &mut Vec<Given<Override>>) {
        if let DeValue::Table(table) = value.get_ref() {
            for (name, inner) in table {
                self.leaves(&format!("{key}.{}", name.get_ref()), inner, all);
            }
            return;
        }
        let place = self.place(key.to_owned().into(), value.span().start);
        let setting = Override { key: key.into(), value: plain(value.get_ref()) };
        all.push(Given { place, value: setting });
    }
}

/// A value as it is written on the command line: a list's items stand between commas.
fn plain(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(on) => on.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => items.iter().map(|item| plain(item.get_ref())).collect::<Vec<_>>().join(","),
        // A table in a list: no setting has that.
        DeValue::Table(_) => String::new(),
    }
}

/// Line and column, both from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

fn shape_error(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    ConfigError::Shape {
        path: path.into(),
        line,
        column,
        reason: error.message().trim_end().replace('\n', "; "),
        text: text.lines().nth(line - 1).unwrap_or_default().trim().into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        engine::{
            policy::{ExceptionPolicy, Failure},
            verdict::Enforcement,
        },
        event::EventType,
    };

    const WHOLE: &str = r#"
queues = "0-3"
cores = "1"
action = "detect"
mode = "zerocopy"
xdp = "native"
steering = "off"
busy-poll = true
allow-uncovered = true
swap-mac = false
on-worker-loss = "forward"
rules = ["rules/*.rules", "/abs.rules"]
classification-file = "classification.config"
reference-config-file = "/reference.config"
log-dir = "log"
stats-json = "-"
threshold-file = "threshold.config"

[rings]
frame-size = 2048
rx = 512
tx = 1024
batch = 32
huge-pages = false

[bad-rules]
start = "skip"
reload = "refuse"

[vars.address-groups]
HOME_NET = "[10.0.0.0/8]"

[vars.port-groups]
HTTP_PORTS = 8080
SSH_PORTS = "[22,2222]"

[flow]
capacity = 5000

[flow-timeouts.udp]
new = 7
emergency-new = 3

[host]
memcap = "1mb"

[vlan]
use-for-tracking = false

[outputs.eve-log]
types = ["alert", "netflow"]
"types.alert.payload" = true
community-id = true

[stream]
midstream-policy = "pass-flow"

[[wire]]
interface = "eth1"
peer = "eth2"

[[wire]]
interface = "eth3"
peer = "eth4"
"#;

    fn path() -> &'static Path {
        Path::new("/etc/fastpath/fastpath.toml")
    }

    #[test]
    fn every_key_reaches_the_configuration() {
        use super::super::{BadRules, RingConfig, Wire};

        let config = parse(path(), WHOLE).unwrap().validate().unwrap();
        let wire = |a: &str, b: &str| Wire { interface: a.into(), peer: Some(b.into()) };
        assert_eq!(config.wires, [wire("eth1", "eth2"), wire("eth3", "eth4")]);
        assert_eq!(config.queues.to_string(), "0-3");
        assert_eq!(config.cores.unwrap().to_string(), "1");
        assert_eq!(config.action, ActionMode::Detect);
        assert_eq!((config.bind, config.attach), (BindMode::ZeroCopy, AttachMode::Native));
        assert_eq!(config.steering, Steering::Off);
        assert_eq!((config.busy_poll, config.allow_uncovered, config.swap_mac), (true, true, false));
        assert_eq!(config.on_worker_loss, OnWorkerLoss::Forward);
        let rings = RingConfig { frame_size: 2048, rx: 512, tx: 1024, batch: 32, huge_pages: false };
        assert_eq!(config.rings, rings);
        assert_eq!(config.rules, [Path::new("/etc/fastpath/rules/*.rules"), Path::new("/abs.rules")]);
        let beside = (config.rule_data.classification.as_deref(), config.rule_data.references.as_deref());
        let expected = ["/etc/fastpath/classification.config", "/reference.config"].map(Path::new).map(Some);
        assert_eq!([beside.0, beside.1], expected);
        assert_eq!(config.bad_rules, BadRules { start: OnBadRule::Skip, reload: OnBadRule::Refuse });
        assert_eq!(config.log_dir, Path::new("/etc/fastpath/log"));
        assert_eq!(config.stats_json, Some(StatsTarget::Stdout));
        assert_eq!(config.rule_data.thresholds.unwrap(), Path::new("/etc/fastpath/threshold.config"));
        assert_eq!(config.hosts.memory, 1 << 20);
        assert_eq!(config.variables.addresses["HOME_NET"], "[10.0.0.0/8]");
        assert_eq!(config.variables.ports["HTTP_PORTS"], "8080");
        assert_eq!(config.variables.ports["SSH_PORTS"], "[22,2222]");
        let udp = config.engine.flow.timeouts.udp;
        assert_eq!((config.engine.flow.capacity, udp[0].new, udp[1].new), (5000, 7, 3));
        assert!(!config.engine.flow.tracking.vlan && config.engine.flow.tracking.recursion);
        assert!(config.eve.community_id && config.eve.types.contains(EventType::Netflow));
        assert!(!config.eve.types.contains(EventType::Flow) && config.eve.alert.payload);
        let midstream = config.engine.policies.resolve(Failure::Midstream, Enforcement::Drop);
        assert_eq!(midstream, ExceptionPolicy::PassFlow);
    }

    #[test]
    fn the_stronger_side_wins_and_variables_are_merged_by_name() {
        let weak = parse(path(), WHOLE).unwrap();
        let mut strong = parse(path(), "queues = \"7\"\nrules = [\"own\"]\n").unwrap();
        strong.ports.insert("HTTP_PORTS".into(), "81".into());
        strong.named.push(Given::flag("--set", "classification-file=own.config".parse().unwrap()));
        strong.named.push(Given::flag("--set", "flow.capacity=6000".parse().unwrap()));
        let config = strong.or(weak).validate().unwrap();
        assert_eq!(config.queues.to_string(), "7");
        assert_eq!(config.rules, [Path::new("/etc/fastpath/own")]);
        assert_eq!(config.rule_data.classification.as_deref(), Some(Path::new("own.config")));
        assert_eq!((config.wires.len(), config.rings.rx), (2, 512));
        assert_eq!((config.engine.flow.capacity, config.engine.flow.timeouts.udp[0].new), (6000, 7));
        assert_eq!(config.variables.ports["HTTP_PORTS"], "81");
        assert_eq!(config.variables.ports["SSH_PORTS"], "[22,2222]");
    }

    #[test]
    fn an_absent_file_is_fine_only_where_it_is_optional() {
        let absent = Path::new("/nonexistent/fastpath.toml");
        assert!(read(absent, true).unwrap().wires.is_empty());
        assert!(matches!(read(absent, false), Err(ConfigError::Read { .. })));
        // A directory is there, but no file.
        assert!(matches!(read(Path::new("/"), true), Err(ConfigError::Read { .. })));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text: String) {
            let _ = parse(path(), &text);
        }

        #[test]
        fn any_change_is_survived_and_blamed_on_a_line_of_the_file(at in 0..WHOLE.len(), change in "\\PC{0,3}|\n") {
            let text = [&WHOLE[..at], &change, &WHOLE[at + 1..]].concat();
            match parse(path(), &text).and_then(Settings::validate) {
                Err(ConfigError::Shape { line, .. }) => prop_assert!((1..=text.lines().count() + 1).contains(&line)),
                Err(ConfigError::Value { place: Place::File { line, .. }, .. }) => {
                    prop_assert!((1..=text.lines().count()).contains(&line));
                }
                _ => {}
            }
        }
    }
}
