//! The keyword table: what each keyword is called, whether it works, where Suricata documents it, and how it is read.
//! Parsing goes through this table, so it cannot say more than is true; documentation is generated from it.

mod application;
mod event;
mod flow;
mod header;
mod meta;
mod payload;
mod state;
mod transform;
mod unsupported;

use std::{collections::HashMap, fmt, sync::LazyLock};

use application::Application;

use super::{draft::Draft, fault::Fault, lexer::RuleOption, lexer::Token};

pub(super) use application::check;

/// A rule option.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// Its name.
    pub name: &'static str,
    /// Whether rules may use it.
    pub state: State,
    /// Suricata's page about it.
    pub page: &'static str,
}

/// Whether rules may use a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is evaluated as Suricata does.
    Supported,
    /// It is read and checked, but a rule with it is refused: it needs the parser of this application protocol (`any`: the
    /// detection of protocols), which is not there yet.
    NeedsParser(&'static str),
    /// Suricata has it; a rule with it is refused.
    Unsupported,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Supported => f.write_str("supported"),
            Self::NeedsParser(application::ANY) => f.write_str("needs the detection of protocols"),
            Self::NeedsParser(protocol) => write!(f, "needs the parser of {protocol}"),
            Self::Unsupported => f.write_str("not supported"),
        }
    }
}

impl Keyword {
    /// Address of Suricata's documentation of it.
    pub fn url(&self) -> String {
        format!("https://docs.suricata.io/en/latest/rules/{}.html", self.page)
    }
}

/// All keywords, those that are read first.
pub fn keywords() -> impl Iterator<Item = Keyword> {
    let read = entries().map(|&(name, page, reader)| {
        let state = match reader {
            Reader::Application(application) => State::NeedsParser(application.protocol),
            _ => State::Supported,
        };
        Keyword { name, state, page }
    });
    let unsupported = unsupported::UNSUPPORTED.iter().flat_map(|&(page, names)| {
        names.iter().map(move |&name| Keyword { name, state: State::Unsupported, page })
    });
    read.chain(unsupported)
}

/// How a keyword is read: with a value, without, or either way.
#[derive(Clone, Copy)]
pub(super) enum Reader {
    /// `name:value;`
    Value(fn(&mut Draft<'_>, Token<'_>) -> Result<(), Fault>),
    /// `name;`
    Bare(fn(&mut Draft<'_>, Token<'_>) -> Result<(), Fault>),
    /// `name;`, about the content before.
    Flag(fn(&mut Draft<'_>, Token<'_>) -> Result<(), Fault>),
    /// `name:value;`, about the content before.
    Modifier(fn(&mut Draft<'_>, Token<'_>, Token<'_>) -> Result<(), Fault>),
    /// `name;` or `name:value;`, about the content before.
    Either(fn(&mut Draft<'_>, Token<'_>, Option<Token<'_>>) -> Result<(), Fault>),
    /// Checked only: it is about an application protocol without a parser.
    Application(Application),
}

/// Name, page, reader.
type Entry = (&'static str, &'static str, Reader);

const FAMILIES: [&[Entry]; 7] = [
    event::KEYWORDS,
    flow::KEYWORDS,
    header::KEYWORDS,
    meta::KEYWORDS,
    payload::KEYWORDS,
    state::KEYWORDS,
    transform::KEYWORDS,
];

fn entries() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().chain(&application::FAMILIES).copied().flatten()
}

/// The keywords by name.
static INDEX: LazyLock<HashMap<&str, Reader>> =
    LazyLock::new(|| entries().map(|&(name, _, reader)| (name, reader)).collect());

/// Reads one option into the draft.
pub(super) fn apply(draft: &mut Draft<'_>, option: &RuleOption<'_>) -> Result<(), Fault> {
    let name = option.name;
    let Some(reader) = INDEX.get(name.text) else {
        let unsupported = unsupported::UNSUPPORTED.iter().any(|(_, names)| names.contains(&name.text));
        return Err(name.fault(match unsupported {
            true => format!("keyword `{}` is not supported yet", name.text),
            false => format!("unknown keyword `{}`", name.text),
        }));
    };
    let value = option.value.filter(|value| !value.text.is_empty());
    let needed = || value.ok_or_else(|| needs_value(name));
    match *reader {
        Reader::Value(read) => read(draft, needed()?),
        Reader::Modifier(read) => read(draft, name, needed()?),
        Reader::Either(read) => read(draft, name, value),
        Reader::Application(application) => application.read(draft, name, value),
        Reader::Bare(read) | Reader::Flag(read) => match value {
            None => read(draft, name),
            Some(value) => Err(takes_no_value(name, value)),
        },
    }
}

fn needs_value(name: Token<'_>) -> Fault {
    name.fault(format!("`{}` needs a value: `{}:…;`", name.text, name.text))
}

fn takes_no_value(name: Token<'_>, value: Token<'_>) -> Fault {
    value.fault(format!("`{}` takes no value", name.text))
}

#[cfg(test)]
mod tests;
