//! One rule's text -> [`Rule`].

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use super::{
    Action, RuleInfo,
    condition::Condition,
    content::{self, Content, ContentDraft},
    draft::Draft,
    effect::Effect,
    environment::Context,
    fault::Fault,
    header::{Header, HeaderParser},
    keyword,
    lexer::RuleText,
    scope::Scope,
};

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) info: Arc<RuleInfo>,
    pub(super) header: Header,
    pub(super) conditions: Box<[Condition]>,
    pub(super) contents: Box<[Content]>,
    /// What it does when it has matched.
    pub(super) effects: Box<[Effect]>,
    /// Where the contents are looked for.
    pub(super) scope: Scope,
    /// The bytes without which (in any case of letters) the rule cannot match.
    pub(super) fast_pattern: Option<Box<[u8]>>,
    /// Of its text: tells whether a rule of another set is the same.
    pub(super) fingerprint: u64,
}

impl Rule {
    /// Whether nothing but addresses and protocol decides (Suricata: detect-engine-build.c, SignatureIsIPOnly).
    pub(super) fn is_about_addresses_only(&self) -> bool {
        self.contents.is_empty() && self.conditions.is_empty() && self.header.is_about_addresses_only()
    }

    /// Whether it asks for what was found odd: only such rules see packets that are not taken for what they seem.
    pub(super) fn is_about_events(&self) -> bool {
        self.conditions.iter().any(Condition::is_about_events)
    }
}

/// Parses one rule; the offset is where its sid stands. Bytes that are no text have become U+FFFD: a rule with one of
/// them would not look for what its author wrote.
pub(super) fn parse(
    text: &str,
    headers: &mut HeaderParser<'_>,
    context: Context<'_>,
) -> Result<(Rule, usize), Fault> {
    if let Some(at) = text.find(char::REPLACEMENT_CHARACTER) {
        return Err(Fault::new(
            at,
            "here are bytes that are not UTF-8 text; write them as |hex| in a content",
        ));
    }
    let words = RuleText::lex(text)?;
    let (action, header) = headers.parse(&words)?;
    let mut draft = Draft::new(context);
    for option in &words.options {
        keyword::apply(&mut draft, option)?;
    }
    let Some(sid) = draft.sid else {
        return Err(Fault::new(text.len(), "the rule has no `sid`"));
    };
    let sid_at = draft.sid_at;
    let rule = Rule { fingerprint: fingerprint(text), ..compile(draft, sid, action, header)? };
    Ok((rule, sid_at))
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The sid of a rule that could not be parsed, if it can be made out.
pub(super) fn guess_sid(text: &str) -> Option<u32> {
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
    let contents = content::compile(&draft.contents)?;
    if let Some(largest) = draft.conditions.iter().find_map(Condition::largest_payload) {
        content::check_size(&draft.contents, largest)?;
    }
    let info = RuleInfo {
        gid: draft.gid.unwrap_or(1),
        sid,
        rev: draft.rev.unwrap_or(0),
        msg: draft.msg.unwrap_or_default(),
        action,
        class: draft.class.unwrap_or_default(),
        priority: draft.priority.unwrap_or(3),
    };
    let scope = Scope::of(&header, &draft.conditions, draft.stream, &contents);
    Ok(Rule {
        info: Arc::new(info),
        header,
        scope,
        conditions: draft.conditions.into(),
        effects: draft.effects.into(),
        contents,
        fast_pattern: fast_pattern(&draft.contents).map(Into::into),
        fingerprint: 0,
    })
}

/// The pattern the author chose, else the longest, else (no positive content) none.
fn fast_pattern(contents: &[ContentDraft]) -> Option<&[u8]> {
    let chosen = contents.iter().find(|content| content.is_chosen());
    let longest =
        || contents.iter().filter_map(ContentDraft::fast_pattern).rev().max_by_key(|bytes| bytes.len());
    chosen.and_then(ContentDraft::fast_pattern).or_else(longest)
}
