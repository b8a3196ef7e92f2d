//! One rule's text -> [`Rule`].

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use super::{
    Action, RuleInfo,
    classification::DEFAULT_PRIORITY,
    condition::Condition,
    draft::Draft,
    effect::Effect,
    environment::Context,
    fault::Fault,
    header::{Header, HeaderParser, Protocol},
    inspection::Inspection,
    keyword,
    lexer::RuleText,
    ordering::Ordering,
    payload::{self, ContentDraft, Program, Section},
    requirement,
    scope::Scope,
    state::{tag::Tag, threshold::Thresholding},
};

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) info: Arc<RuleInfo>,
    pub(super) header: Header,
    pub(super) conditions: Box<[Condition]>,
    pub(super) payload: Program,
    /// What it asks of other buffers.
    pub(super) buffers: Box<[Inspection]>,
    /// The buffers of which it asks last, when all else holds, because that changes a set.
    pub(super) changing: Box<[Inspection]>,
    /// What it does when it has matched.
    pub(super) effects: Box<[Effect]>,
    /// Which of its matches are reported.
    pub(super) thresholding: Thresholding,
    /// Which packets are reported that follow one.
    pub(super) tags: Box<[Tag]>,
    /// A match lets the rest of the flow go uninspected.
    pub(super) bypass: bool,
    pub(super) ordering: Ordering,
    /// Where the payload is looked at.
    pub(super) scope: Scope,
    /// The bytes without which (in any case of letters) the rule cannot match.
    pub(super) fast_pattern: Option<Box<[u8]>>,
    /// A drop or a change may fail to come when it is left open whether it matches.
    pub(super) decisive: bool,
    /// Of its text: tells whether a rule of another set is the same.
    pub(super) fingerprint: u64,
}

impl Rule {
    /// Whether nothing but addresses and protocol decides (Suricata: detect-engine-build.c, SignatureIsIPOnly).
    pub(super) fn is_about_addresses_only(&self) -> bool {
        self.payload.is_empty()
            && self.buffers.is_empty()
            && self.changing.is_empty()
            && self.conditions.iter().all(Condition::is_about_addresses)
            && self.header.is_about_addresses_only()
    }

    /// What it asks of bytes.
    pub(super) fn programs(&self) -> impl Iterator<Item = &Program> {
        let buffers = self.buffers.iter().chain(&self.changing);
        std::iter::once(&self.payload).chain(buffers.map(Inspection::program))
    }

    /// Whether it asks for what was found odd: only such rules see packets that are not taken for what they seem.
    pub(super) fn is_about_events(&self) -> bool {
        self.conditions.iter().any(Condition::is_about_events)
    }
}

/// Bytes of the longest rule that is read: many times the longest of the Emerging Threats rules. It bounds what one line of a
/// file that is no rule file costs.
const MAX_LENGTH: usize = 1 << 16;

/// A rule that was read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) rule: Rule,
    /// Where its sid stands.
    pub(super) sid_at: usize,
    /// What is odd about it.
    pub(super) warnings: Vec<Fault>,
}

/// Why there is no rule.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is wrong.
    Faulty(Fault),
    /// It is not meant for us.
    Unmet(Fault),
}

#[cfg(test)]
impl Unusable {
    /// Why.
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Faulty(fault) | Self::Unmet(fault) => fault,
        }
    }
}

impl From<Fault> for Unusable {
    fn from(fault: Fault) -> Self {
        Self::Faulty(fault)
    }
}

/// Parses one rule. Bytes that are no text have become U+FFFD: a rule with one of
/// them would not look for what its author wrote.
pub(super) fn parse(
    text: &str,
    headers: &mut HeaderParser<'_>,
    context: Context<'_>,
) -> Result<Parsed, Unusable> {
    if text.len() > MAX_LENGTH {
        let reason = format!("a rule may have {MAX_LENGTH} bytes at most; this one has {}", text.len());
        return Err(Fault::new(MAX_LENGTH, reason).into());
    }
    if let Some(at) = text.find(char::REPLACEMENT_CHARACTER) {
        let reason = "here are bytes that are not UTF-8 text; write them as |hex| in a content";
        return Err(Fault::new(at, reason).into());
    }
    let words = RuleText::lex(text)?;
    for requires in words.options.iter().filter(|option| option.name.text == "requires") {
        // What it needs to be read for does not have to be known here.
        if let Some(unmet) = requires.value.map(requirement::unmet).transpose()?.flatten() {
            return Err(Unusable::Unmet(unmet));
        }
    }
    let (action, header) = headers.parse(&words)?;
    let mut draft = Draft::new(context);
    if let Protocol::Application(protocol) = header.protocol {
        draft.belong_to(protocol, words.protocol)?;
    }
    for option in &words.options {
        keyword::apply(&mut draft, option)?;
    }
    let Some(sid) = draft.sid else {
        return Err(Fault::new(text.len(), "the rule has no `sid`").into());
    };
    if context.environment.kept.text {
        draft.details.text = Some(text.into());
    }
    let (sid_at, warnings) = (draft.sid_at, std::mem::take(&mut draft.warnings));
    let rule = Rule { fingerprint: fingerprint(text), ..compile(draft, sid, action, header)? };
    Ok(Parsed { rule, sid_at, warnings })
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The sid of a rule that could not be parsed, if it can be made out.
pub(super) fn guess_sid(text: &str) -> Option<u32> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    if let Ok(words) = RuleText::lex(text) {
        let option = words.options.iter().find(|option| option.name.text == "sid")?;
        return option.value?.text.parse().ok();
    }
    text.match_indices("sid").find_map(|(at, _)| {
        let before = text[..at].trim_end();
        let value = text[at + 3..].trim_start().strip_prefix(':')?.trim_start();
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        before.ends_with([';', '(']).then(|| value[..end].parse().ok()).flatten()
    })
}

fn compile(draft: Draft<'_>, sid: u32, action: Action, header: Header) -> Result<Rule, Fault> {
    if let Some(largest) = draft.conditions.iter().find_map(Condition::largest_payload) {
        payload::check_size(draft.sections.payload(), largest)?;
    }
    if let Some(at) = draft.sections.payload().replaced_at() {
        check_replace(at, &header, draft.stream)?;
    }
    let fast_pattern = fast_pattern(draft.sections.payload()).map(Into::into);
    let sections = draft.sections.finish()?;
    sections.iter().try_for_each(keyword::check)?;
    let mut sections = sections.into_iter();
    let payload = sections.next().map(Program::new).transpose()?.unwrap_or_default();
    let buffers = sections.map(Inspection::new).collect::<Result<Vec<_>, _>>()?;
    let missing_parser = draft.missing_parser;
    let class_priority = draft.class.as_ref().map_or(DEFAULT_PRIORITY, |class| class.priority);
    let info = RuleInfo {
        gid: draft.gid.unwrap_or(1),
        sid,
        rev: draft.rev.unwrap_or(0),
        msg: draft.msg.unwrap_or_default(),
        action,
        category: draft.class.map(|class| class.description).unwrap_or_default(),
        priority: draft.priority.unwrap_or(class_priority),
        target: draft.target,
        details: draft.details.boxed(),
    };
    if let Some((protocol, at)) = missing_parser {
        return Err(Fault::missing_parser(at, protocol));
    }
    let scope = Scope::of(&header, &draft.conditions, draft.stream, &payload, &buffers);
    let (changing, buffers): (Vec<_>, Vec<_>) =
        buffers.into_iter().partition(|buffer| buffer.program().changes_sets());
    let tag = |(position, extent)| Tag::new(extent, &info, position, draft.context.shared);
    Ok(Rule {
        tags: draft.tags.iter().copied().enumerate().map(tag).collect(),
        thresholding: Thresholding::new(draft.alert, draft.threshold, &info, draft.context.shared),
        info: Arc::new(info),
        header,
        scope,
        conditions: draft.conditions.into(),
        effects: draft.effects.into(),
        bypass: draft.bypass,
        ordering: draft.ordering,
        payload,
        buffers: buffers.into(),
        changing: changing.into(),
        fast_pattern,
        decisive: false,
        fingerprint: 0,
    })
}

/// Refuses a `replace`, about the content at `at`, that could never happen.
fn check_replace(at: usize, header: &Header, stream: Option<bool>) -> Result<(), Fault> {
    let reason = match header.protocol {
        Protocol::Sctp => "`replace` does not go with SCTP: the checksum would be wrong",
        Protocol::TcpStream => "`replace` changes single packets; `tcp-stream` looks at streams only",
        _ if stream == Some(true) => {
            "`replace` changes single packets; `flow:only_stream` looks at streams only"
        }
        _ => return Ok(()),
    };
    Err(Fault::new(at, reason))
}

/// The pattern the author chose, else the longest, else (no positive content) none.
fn fast_pattern(payload: &Section) -> Option<&[u8]> {
    let chosen = payload.contents().find(|content| content.is_chosen());
    // The first of equally long ones.
    let longest = || {
        let patterns = payload.contents().filter_map(ContentDraft::fast_pattern);
        patterns.reduce(|longest, bytes| if bytes.len() > longest.len() { bytes } else { longest })
    };
    chosen.and_then(ContentDraft::fast_pattern).or_else(longest)
}
