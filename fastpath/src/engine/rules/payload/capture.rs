//! What an expression captures, kept under a name when the rule matches: `pcre:"/(…)/, flow:name, pkt:name, alert:name"` and
//! `(?P<flow_name>…)` (Suricata: detect-pcre.c).
//!
//! When a program is satisfied it is run once more, with a variable for each group that says where it lies, so that in the end this is known
//! for the choice that satisfied all steps. Whether a rule matches so never depends on what it captures.

use std::ops::Range;

use crate::engine::rules::{
    chain::Variable,
    fault::Fault,
    lexer::Token,
    scan::pcre::{Regex, Scratch},
    state::{LONGEST_TEXT, Number, Shared, State},
};

/// A group of an expression whose text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Capture {
    group: usize,
    /// The variable that says where it lies, one behind those that the rule names.
    pub(super) variable: usize,
    pub(super) keep: Keep,
}

/// What a text is kept of, and under which name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Keep {
    Flow(Number),
    Packet(Number),
    /// The alert of the rule alone.
    Alert(Number),
}

/// Groups that an expression can keep (Suricata's DETECT_PCRE_CAPTURE_MAX).
const MOST: usize = 8;

impl Keep {
    fn new(kind: &str, name: Token<'_>, shared: &Shared) -> Option<Result<Self, Fault>> {
        let (names, keep): (_, fn(Number) -> Self) = match kind {
            "flow" => (&shared.flow_texts, Self::Flow),
            "pkt" => (&shared.packet_texts, Self::Packet),
            "alert" => (&shared.alert_texts, Self::Alert),
            _ => return None,
        };
        Some(check_name(name).and_then(|()| {
            let too_many = |most| name.fault(format!("there are more than {most} names of `{kind}`"));
            names.number(name.text).map(keep).map_err(too_many)
        }))
    }

    /// What others may ask for.
    pub(super) fn sets(self) -> Option<Variable> {
        match self {
            Self::Flow(name) => Some(Variable::FlowText(name)),
            Self::Packet(name) => Some(Variable::PacketText(name)),
            Self::Alert(_) => None,
        }
    }

    /// Keeps `text`; that of an alert is the alert's matter.
    pub(in crate::engine::rules) fn happen(self, text: &[u8], state: &mut State<'_>) {
        match self {
            Self::Flow(name) => {
                if let Some(flow) = state.flow.as_deref_mut() {
                    flow.keep(name, text);
                }
            }
            Self::Packet(name) => state.packet.keep(name, text),
            Self::Alert(_) => {}
        }
    }
}

/// The name of a text.
pub(in crate::engine::rules) fn check_name(name: Token<'_>) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    match !name.text.is_empty() && name.text.len() < 64 && name.text.chars().all(allowed) {
        true => Ok(()),
        false => Err(name
            .fault(format!("`{}` is no name: letters, digits, `_`, `.` and `-`, less than 64", name.text))),
    }
}

impl Capture {
    /// Those that `names` asks for, in the order of the groups, and those of the groups that are called `flow_…` and its like.
    pub(super) fn parse_all(
        expression: Token<'_>,
        names: Option<Token<'_>>,
        regex: &Regex,
        shared: &Shared,
    ) -> Result<Box<[Self]>, Fault> {
        let mut all = Vec::new();
        let groups = usize::try_from(regex.groups()).unwrap_or(usize::MAX);
        let words = names.into_iter().flat_map(|names| names.split(',')).flat_map(words);
        for (group, word) in (1..).zip(words) {
            let form =
                || word.fault(format!("`{}` is none of `flow:name`, `pkt:name` and `alert:name`", word.text));
            let (kind, name) = word.split_once(":").ok_or_else(form)?;
            if kind.text == "pkt" && matches!(name.text, "key" | "value") {
                return Err(word.fault("names that are captured themselves (`pkt:key`) are not supported"));
            }
            let keep = Keep::new(kind.text, name, shared).ok_or_else(form)??;
            if group > groups {
                return Err(word.fault(format!(
                    "there are more names than groups in parentheses: the expression has {groups} of those"
                )));
            }
            all.push(Self { group, variable: 0, keep });
        }
        for (at, _) in expression.text.match_indices("(?P<") {
            let at = at + "(?P<".len();
            let called =
                expression.text.get(at..).and_then(|rest| rest.split_once('>')).map_or("", |(name, _)| name);
            let Some((kind, name)) = called.split_once('_') else { continue };
            let name = Token { text: name, at: expression.at + at + kind.len() + 1 };
            if let (Some(group), Some(keep)) = (regex.group_called(called), Keep::new(kind, name, shared)) {
                all.push(Self { group, variable: 0, keep: keep? });
            }
        }
        match all.iter().all(|capture: &Self| capture.group <= MOST) && all.len() <= MOST {
            true => Ok(all.into()),
            false => Err(expression.fault(format!("of an expression the first {MOST} groups can be kept"))),
        }
    }

    /// Where the group of the match at hand lies, whose subject begins at `start`.
    pub(super) fn place(&self, start: usize, matched: &Scratch) -> u64 {
        matched.group(self.group).map_or(NOWHERE, |group| {
            ((start + group.start) as u64) << 32 | (start + group.end) as u64 & 0xffff_ffff
        })
    }

    /// What it has captured.
    pub(super) fn text<'t>(&self, bytes: &'t [u8], variables: &[u64]) -> Option<(Keep, &'t [u8])> {
        let place = *variables.get(self.variable)?;
        let half = |half| usize::try_from(half).ok();
        let range: Range<usize> = half(place >> 32)?..half(place & 0xffff_ffff)?;
        bytes.get(range).map(|text| (self.keep, text))
    }
}

/// A place that is in no text.
const NOWHERE: u64 = u64::MAX;

fn words(text: Token<'_>) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (word, behind) = rest.word();
        rest = behind;
        (!word.text.is_empty()).then_some(word)
    })
}

/// What the expressions of one rule have captured, until it is known whether it matches.
#[derive(Debug, Default)]
pub(in crate::engine::rules) struct Captured {
    bytes: Vec<u8>,
    /// And where in `bytes` each ends.
    parts: Vec<(Keep, usize)>,
}

impl Captured {
    pub(in crate::engine::rules) fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
    }

    pub(super) fn add(&mut self, keep: Keep, text: &[u8]) {
        self.bytes.extend_from_slice(text.get(..LONGEST_TEXT).unwrap_or(text));
        self.parts.push((keep, self.bytes.len()));
    }

    pub(in crate::engine::rules) fn iter(&self) -> impl Iterator<Item = (Keep, &[u8])> {
        let mut start = 0;
        self.parts.iter().map(move |&(keep, end)| {
            let text = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            (keep, text)
        })
    }
}
