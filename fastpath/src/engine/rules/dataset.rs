//! `dataset` and `datarep`: what a rule asks of a set of values, and does to it (Suricata's "Datasets").

use std::sync::Arc;

use super::{
    chain::Variable,
    environment::Context,
    fault::Fault,
    lexer::Token,
    number::{Comparison, number, size},
    state::{Dataset, DatasetKind, Definition},
};

/// Bytes that the values of a set may take when `memcap` does not say (Suricata's `datasets.defaults.memcap`).
const DEFAULT_MEMCAP: u64 = 100 << 20;

/// A set, and the file that a rule has named for it.
#[derive(Clone, Debug)]
pub(super) struct Defined {
    pub(super) set: Arc<Dataset>,
    load: Option<String>,
}

/// `dataset`: applied to a buffer's bytes.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    set: Arc<Dataset>,
    command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    IsSet,
    IsNotSet,
    Set,
    Unset,
}

impl Lookup {
    /// `command,name[,type …][,load …][,save …][,state …][,memcap …][,hashsize …]`.
    pub(super) fn parse(value: Token<'_>, context: Context<'_>) -> Result<Self, Fault> {
        let mut parts = value.split(',');
        let (word, name) = (parts.next().unwrap_or(value), parts.next());
        let command = match word.text {
            "isset" => Command::IsSet,
            "isnotset" => Command::IsNotSet,
            "set" => Command::Set,
            "unset" => Command::Unset,
            other => {
                return Err(word.fault(format!(
                    "`{other}` is nothing that `dataset` knows: use isset, isnotset, set or unset"
                )));
            }
        };
        let name = name.ok_or_else(|| value.fault("`dataset` needs the name of a set: `isset,name`"))?;
        Ok(Self { set: define(name, parts, context)?, command })
    }

    /// Whether it adds or takes out.
    pub(super) fn changes(&self) -> bool {
        matches!(self.command, Command::Set | Command::Unset)
    }

    /// What it may add to.
    pub(super) fn sets(&self) -> Option<Variable> {
        (self.command == Command::Set).then_some(Variable::Dataset(Arc::as_ptr(&self.set)))
    }

    /// What must have been added to so that it holds.
    pub(super) fn wants(&self) -> Option<Variable> {
        (self.command == Command::IsSet).then_some(Variable::Dataset(Arc::as_ptr(&self.set)))
    }

    /// Whether it holds for a buffer's bytes. What it changes is changed at once: `set` holds when they were added, `unset` when they
    /// were taken out. An empty buffer fulfils none.
    pub(super) fn matches(&self, bytes: &[u8]) -> bool {
        !bytes.is_empty()
            && match self.command {
                Command::IsSet => self.set.holds(bytes),
                Command::IsNotSet => !self.set.holds(bytes),
                Command::Set => self.set.add(bytes),
                Command::Unset => self.set.remove(bytes),
            }
    }
}

/// `datarep`: applied to a buffer's bytes.
#[derive(Clone, Debug)]
pub(super) struct Reputed {
    set: Arc<Dataset>,
    wanted: Comparison<u16>,
}

impl Reputed {
    /// `name,operator,value[,type …][,load …][,state …][,memcap …][,hashsize …]`.
    pub(super) fn parse(value: Token<'_>, context: Context<'_>) -> Result<Self, Fault> {
        let mut parts = value.split(',');
        let (name, operator, reputation) = (parts.next().unwrap_or(value), parts.next(), parts.next());
        let (Some(operator), Some(reputation)) = (operator, reputation) else {
            return Err(value.fault(
                "`datarep` is `name,operator,value` and options: `name,>,200,load file,type string`",
            ));
        };
        let reputation = number(reputation, 0..=u16::MAX)?;
        let wanted = match operator.text {
            "<" => Comparison::Below(reputation),
            ">" => Comparison::Above(reputation),
            "==" => Comparison::Equal(reputation),
            other => return Err(operator.fault(format!("`{other}` is none of <, > and =="))),
        };
        Ok(Self { set: define(name, parts, context)?, wanted })
    }

    /// Whether a buffer's bytes are in the set, with a reputation as wanted.
    pub(super) fn matches(&self, bytes: &[u8]) -> bool {
        self.set.reputation(bytes).is_some_and(|reputation| self.wanted.holds(reputation))
    }
}

/// What stands behind a set's name.
#[derive(Default)]
struct Options<'t> {
    kind: Option<DatasetKind>,
    load: Option<Token<'t>>,
    save: Option<Token<'t>>,
    state: Option<Token<'t>>,
    memcap: Option<u64>,
}

impl<'t> Options<'t> {
    fn parse(options: impl Iterator<Item = Token<'t>>) -> Result<Self, Fault> {
        let mut this = Self::default();
        for option in options {
            let (Token { text: key, .. }, value) = option.word();
            if value.text.is_empty() {
                return Err(option.fault(format!("`{}` needs a value behind it", option.text)));
            }
            let twice = match key {
                "type" => {
                    let kind = DatasetKind::from_name(value.text).ok_or_else(|| {
                        value.fault(format!(
                            "`{}` is no type of a set: use string, md5, sha256, ipv4, ipv6 or ip",
                            value.text
                        ))
                    })?;
                    this.kind.replace(kind).is_some()
                }
                "load" => this.load.replace(value).is_some(),
                "save" => this.save.replace(below(value)?).is_some(),
                "state" => this.state.replace(below(value)?).is_some(),
                "memcap" => this.memcap.replace(size(value)?).is_some(),
                // A set grows as it needs to.
                "hashsize" => {
                    size(value)?;
                    false
                }
                "format" if value.text == "csv" => false,
                "format" | "value_key" | "array_key" | "context_key" | "enrichment_key" | "remove_key" => {
                    return Err(option.fault("sets from JSON, with a context, are not supported yet"));
                }
                other => {
                    return Err(option.fault(format!("`{other}` is no option of a set that is supported")));
                }
            };
            if twice {
                return Err(option.fault(format!("`{key}` may stand once")));
            }
        }
        if let (Some(state), true) = (this.state, this.load.is_some() || this.save.is_some()) {
            return Err(state.fault("`state` is `load` and `save` in one: use either"));
        }
        Ok(this)
    }
}

/// A file that is written must lie in the directory for data.
fn below(path: Token<'_>) -> Result<Token<'_>, Fault> {
    let leaves = path.text.split(['/', '\\']).any(|part| part == "..");
    match leaves || path.text.starts_with(['/', '\\']) {
        true => Err(path.fault(
            "a file that is written lies in the data directory: name it without a leading / and without ..",
        )),
        false => Ok(path),
    }
}

/// The set that a rule names; the first rule that does defines it.
fn define<'t>(
    name: Token<'t>,
    options: impl Iterator<Item = Token<'t>>,
    context: Context<'_>,
) -> Result<Arc<Dataset>, Fault> {
    if name.text.is_empty() || name.text.len() > 63 || name.text.contains(char::is_whitespace) {
        return Err(name.fault("the name of a set has 1 to 63 bytes, and no space"));
    }
    let options = Options::parse(options)?;
    let load = options.load.or(options.state).map(|file| file.text.to_string());
    let save = options.save.or(options.state).map(|file| file.text.to_string());
    let mut known = context.reading.datasets.borrow_mut();
    if let Some(defined) = known.get(name.text) {
        let differs = options.kind.is_some_and(|kind| kind != defined.set.kind())
            || (load.is_some() && load != defined.load)
            || (save.is_some() && save.as_deref() != defined.set.save());
        if differs {
            return Err(name.fault(format!("another rule says otherwise of the set `{}`", name.text)));
        }
        return Ok(Arc::clone(&defined.set));
    }
    let Some(kind) = options.kind else {
        return Err(name.fault(format!("no rule before says what the set `{}` has: add `type …`", name.text)));
    };
    let text = read(&options, context)?;
    let memcap = options.memcap.filter(|&bytes| bytes > 0).unwrap_or(DEFAULT_MEMCAP);
    let definition = Definition { name: name.text.to_string(), kind, memcap, save };
    let set = context.shared.datasets.get(definition, &text).map_err(|bad| {
        let file = options.load.or(options.state).unwrap_or(name);
        file.fault(format!("line {} of `{}`: {}", bad.line, file.text, bad.reason))
    })?;
    known.insert(name.text.to_string(), Defined { set: Arc::clone(&set), load });
    Ok(set)
}

/// The text of the file that a set begins with; empty when there is none.
fn read(options: &Options<'_>, context: Context<'_>) -> Result<String, Fault> {
    let Some(file) = options.load.or(options.state) else { return Ok(String::new()) };
    let Some(files) = &context.environment.files else {
        return Err(file.fault("no file can be read here"));
    };
    match options.load {
        Some(_) => files.load(file.text, context.file),
        None => files.restore(file.text).map(Option::unwrap_or_default),
    }
    .map_err(|reason| file.fault(reason))
}

#[cfg(test)]
mod tests;
