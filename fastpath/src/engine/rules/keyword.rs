//! The keyword table: what each keyword is called, whether it works, where Suricata documents it, and how it is read.
//! Parsing goes through this table, so it cannot say more than is true; documentation is generated from it.

mod planned;

use super::{condition, content, draft::Draft, fault::Fault, identity, lexer::RuleOption, lexer::Token};

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
    /// Suricata has it; a rule with it is refused.
    Planned,
}

impl Keyword {
    /// Address of Suricata's documentation of it.
    pub fn url(&self) -> String {
        format!("https://docs.suricata.io/en/latest/rules/{}.html", self.page)
    }
}

/// All keywords, supported ones first.
pub fn keywords() -> impl Iterator<Item = Keyword> {
    let supported = SUPPORTED.iter().map(|&(name, page, _)| Keyword { name, state: State::Supported, page });
    let planned = planned::PLANNED.iter().flat_map(|&(page, names)| {
        names.iter().map(move |&name| Keyword { name, state: State::Planned, page })
    });
    supported.chain(planned)
}

/// How a keyword is read: with a value, without, or either way.
#[derive(Clone, Copy)]
enum Reader {
    /// `name:value;`
    Value(fn(&mut Draft, Token<'_>) -> Result<(), Fault>),
    /// `name;`
    Bare(fn(&mut Draft, Token<'_>) -> Result<(), Fault>),
    /// `name;`, about the content before.
    Flag(fn(&mut Draft, Token<'_>) -> Result<(), Fault>),
    /// `name:value;`, about the content before.
    Modifier(fn(&mut Draft, Token<'_>, Token<'_>) -> Result<(), Fault>),
    /// `name;` or `name:value;`, about the content before.
    Either(fn(&mut Draft, Token<'_>, Option<Token<'_>>) -> Result<(), Fault>),
}

const SUPPORTED: &[(&str, &str, Reader)] = &[
    ("ack", "header-keywords", Reader::Value(condition::ack)),
    ("classtype", "meta", Reader::Value(identity::classtype)),
    ("content", "payload-keywords", Reader::Value(content::content)),
    ("decode-event", "decode-layer", Reader::Value(condition::decode_event)),
    ("depth", "payload-keywords", Reader::Modifier(content::depth)),
    ("distance", "payload-keywords", Reader::Modifier(content::distance)),
    ("dsize", "payload-keywords", Reader::Value(condition::dsize)),
    ("endswith", "payload-keywords", Reader::Flag(content::endswith)),
    ("fast_pattern", "prefilter-keywords", Reader::Either(content::fast_pattern)),
    ("flags", "header-keywords", Reader::Value(condition::flags)),
    ("flow", "flow-keywords", Reader::Value(condition::flow)),
    ("gid", "meta", Reader::Value(identity::gid)),
    ("icmp_id", "header-keywords", Reader::Value(condition::icmp_id)),
    ("icmp_seq", "header-keywords", Reader::Value(condition::icmp_seq)),
    ("icode", "header-keywords", Reader::Value(condition::icode)),
    ("ip_proto", "header-keywords", Reader::Value(condition::ip_proto)),
    ("itype", "header-keywords", Reader::Value(condition::itype)),
    ("metadata", "meta", Reader::Value(identity::metadata)),
    ("msg", "meta", Reader::Value(identity::msg)),
    ("nocase", "payload-keywords", Reader::Flag(content::nocase)),
    ("offset", "payload-keywords", Reader::Modifier(content::offset)),
    ("priority", "meta", Reader::Value(identity::priority)),
    ("rawbytes", "payload-keywords", Reader::Flag(content::rawbytes)),
    ("reference", "meta", Reader::Value(identity::reference)),
    ("rev", "meta", Reader::Value(identity::rev)),
    ("sameip", "header-keywords", Reader::Bare(condition::same_ip)),
    ("seq", "header-keywords", Reader::Value(condition::seq)),
    ("sid", "meta", Reader::Value(identity::sid)),
    ("startswith", "payload-keywords", Reader::Flag(content::startswith)),
    ("stream-event", "decode-layer", Reader::Value(condition::stream_event)),
    ("tcp.flags", "header-keywords", Reader::Value(condition::flags)),
    ("tos", "header-keywords", Reader::Value(condition::tos)),
    ("ttl", "header-keywords", Reader::Value(condition::ttl)),
    ("window", "header-keywords", Reader::Value(condition::window)),
    ("within", "payload-keywords", Reader::Modifier(content::within)),
];

/// Reads one option into the draft.
pub(super) fn apply(draft: &mut Draft, option: &RuleOption<'_>) -> Result<(), Fault> {
    let name = option.name;
    let Some((_, _, reader)) = SUPPORTED.iter().find(|(known, _, _)| *known == name.text) else {
        let planned = planned::PLANNED.iter().any(|(_, names)| names.contains(&name.text));
        return Err(name.fault(match planned {
            true => format!("keyword `{}` is not supported yet", name.text),
            false => format!("unknown keyword `{}`", name.text),
        }));
    };
    let value = option.value.filter(|value| !value.text.is_empty());
    let needed =
        || value.ok_or_else(|| name.fault(format!("`{}` needs a value: `{}:…;`", name.text, name.text)));
    match *reader {
        Reader::Value(read) => read(draft, needed()?),
        Reader::Modifier(read) => read(draft, name, needed()?),
        Reader::Either(read) => read(draft, name, value),
        Reader::Bare(read) | Reader::Flag(read) => match value {
            None => read(draft, name),
            Some(value) => Err(value.fault(format!("`{}` takes no value", name.text))),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_stands_once() {
        let mut names = BTreeSet::new();
        for keyword in keywords() {
            assert!(names.insert(keyword.name), "{}", keyword.name);
        }
        assert!(names.contains("content") && names.contains("http.uri"));
    }
}
