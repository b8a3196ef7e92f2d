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

/// Keys of [`TABLES`] that name a file or folder.
const PATHS: &[&str] = &["default-data-dir", REPUTATION_PATH, "reputation-categories-file"];

/// Where the files of `reputation-files` lie.
const REPUTATION_PATH: &str = "default-reputation-path";

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
    let document = Document::deserialize(Deserializer::from(table)).map_err(|error| match shape(error) {
        ConfigError::Shape { path, line, column, mut reason, text } => {
            // Those of the top level; serde does not know of the ones that were taken out.
            if reason.contains("expected one of `wire`") {
                reason.extend(TABLES.iter().flat_map(|name| [", `", name, "`"]));
            }
            ConfigError::Shape { path, line, column, reason, text }
        }
        other => other,
    })?;
    let beside = |given: PathBuf| path.parent().map_or(given.clone(), |directory| directory.join(given));
    for Given { value: Override { key, value }, .. } in &mut named {
        if PATHS.contains(&key.as_str()) && !value.is_empty() {
            *value = beside(value.as_str().into()).display().to_string();
        }
    }
    if !named.iter().any(|given| given.value.key == REPUTATION_PATH)
        && let Some(list) = named.iter().find(|given| given.value.key.starts_with("reputation-files"))
    {
        let value = beside(PathBuf::new()).display().to_string();
        let place = list.place.clone();
        named.push(Given { place, value: Override { key: REPUTATION_PATH.into(), value } });
    }
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
mod tests;
