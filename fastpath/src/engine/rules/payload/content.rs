//! `content` and its modifiers (Suricata's "Payload Keywords").

use super::{
    pattern,
    section::{Section, StepDraft},
    variable::{Names, Operand},
};
use crate::engine::rules::{
    buffer::Buffer, draft::Draft, fault::Fault, lexer::Token, number::number, scan::Needle,
    transform::Transform,
};

/// A compiled content.
#[derive(Debug)]
pub(in crate::engine::rules) struct Content {
    pub(in crate::engine::rules) needle: Needle,
    /// It must not be found.
    pub(in crate::engine::rules) negated: bool,
    pub(in crate::engine::rules) window: Window,
    /// It must end where the payload ends.
    pub(in crate::engine::rules) at_end: bool,
    /// `fast_pattern:only`: found anywhere, and no place for others to be relative to.
    pub(in crate::engine::rules) apart: bool,
    /// Some later content is relative to where this one is found.
    pub(in crate::engine::rules) anchors: bool,
    /// What is put in its place, of the same length.
    pub(in crate::engine::rules) replacement: Option<Box<[u8]>>,
}

/// Where a content must lie, from its first byte to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Window {
    /// From the start of the payload or stream: `offset` bytes off, `depth` bytes long.
    Payload { offset: Operand, depth: Option<Operand> },
    /// From the end of the content before: `distance` bytes off, `within` bytes long.
    Relative { distance: Operand, within: Option<Operand> },
}

impl Window {
    /// The same, counted from the start.
    pub(super) fn to_the_start(self) -> Self {
        let Self::Relative { distance, within } = self else { return self };
        Self::Payload { offset: distance, depth: within }
    }
}

/// A content as written, while its modifiers come in.
#[derive(Debug, Default)]
pub(in crate::engine::rules) struct ContentDraft {
    at: usize,
    bytes: Vec<u8>,
    negated: bool,
    nocase: bool,
    offset: Option<Operand>,
    depth: Option<Operand>,
    distance: Option<Operand>,
    within: Option<Operand>,
    starts: bool,
    ends: bool,
    rawbytes: bool,
    fast: Option<Fast>,
    replacement: Option<Box<[u8]>>,
}

/// What `fast_pattern` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fast {
    Whole,
    Only,
    Part { from: usize, length: usize },
}

/// Suricata's limit for `distance` and `within`.
const MAX_DISTANCE: i64 = 1 << 20;

pub(in crate::engine::rules) fn content(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let content = ContentDraft::parse(value, true)?;
    draft.sections.push(StepDraft::Content(content));
    Ok(())
}

/// A content about `buffer` whichever buffer the rule named last (`filename:"a"` and its like); it needs no quotes.
pub(in crate::engine::rules) fn content_of(
    draft: &mut Draft<'_>,
    buffer: Buffer,
    value: Token<'_>,
) -> Result<(), Fault> {
    let content = ContentDraft::parse(value, false)?;
    draft.sections.push_to(buffer, value.at, StepDraft::Content(content));
    Ok(())
}

/// Sets a modifier that a content may have once.
fn set<T>(place: &mut Option<T>, value: T, name: Token<'_>) -> Result<(), Fault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(twice(name)),
    }
}

fn flag(place: &mut bool, name: Token<'_>) -> Result<(), Fault> {
    if std::mem::replace(place, true) { Err(twice(name)) } else { Ok(()) }
}

fn twice(name: Token<'_>) -> Fault {
    name.fault(format!("`{}` may stand once after a content", name.text))
}

pub(in crate::engine::rules) fn nocase(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    flag(&mut draft.sections.last_content(name)?.0.nocase, name)
}

pub(in crate::engine::rules) fn rawbytes(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    flag(&mut draft.sections.last_content(name)?.0.rawbytes, name)
}

pub(in crate::engine::rules) fn startswith(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    flag(&mut draft.sections.last_content(name)?.0.starts, name)
}

pub(in crate::engine::rules) fn endswith(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    flag(&mut draft.sections.last_content(name)?.0.ends, name)
}

/// `replace:"bytes"`: what is sent on instead of the content before it.
pub(in crate::engine::rules) fn replace(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    let (content, _) = draft.sections.last_content(name)?;
    if content.negated {
        return Err(name.fault("nothing can be put in the place of a negated content"));
    }
    let bytes = pattern::parse(value.unquote()?)?;
    let (before, after) = (content.bytes.len(), bytes.len());
    if before != after {
        let reason = format!("`replace` must be as long as its content: {before} bytes, not {after}");
        return Err(value.fault(reason));
    }
    set(&mut content.replacement, bytes.into(), name)
}

pub(in crate::engine::rules) fn offset(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    let (content, names) = draft.sections.last_content(name)?;
    set(&mut content.offset, operand(value, 0, u16::MAX.into(), names)?, name)
}

pub(in crate::engine::rules) fn depth(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    let (content, names) = draft.sections.last_content(name)?;
    let depth = operand(value, 0, u16::MAX.into(), names)?;
    content.check_room("depth", depth, value)?;
    set(&mut content.depth, depth, name)
}

pub(in crate::engine::rules) fn distance(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    let (content, names) = draft.sections.last_content(name)?;
    set(&mut content.distance, operand(value, -MAX_DISTANCE, MAX_DISTANCE, names)?, name)
}

pub(in crate::engine::rules) fn within(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    let (content, names) = draft.sections.last_content(name)?;
    let within = operand(value, 0, MAX_DISTANCE, names)?;
    content.check_room("within", within, value)?;
    set(&mut content.within, within, name)
}

/// A number, or the name of a variable that stands before.
fn operand(value: Token<'_>, least: i64, most: i64, names: &Names) -> Result<Operand, Fault> {
    Operand::parse(value, names, |token| number(token, least..=most))
}

pub(in crate::engine::rules) fn fast_pattern(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Option<Token<'_>>,
) -> Result<(), Fault> {
    if draft.sections.contents().any(|content| content.fast.is_some()) {
        return Err(name.fault("`fast_pattern` may stand in a rule once"));
    }
    let (content, _) = draft.sections.last_content(name)?;
    let fast = match value {
        None => Fast::Whole,
        Some(value) if value.text == "only" => Fast::Only,
        Some(value) => {
            let form =
                || value.fault("`fast_pattern` takes nothing, `only`, or `offset,length` inside the content");
            let (from, length) = value.split_once(",").ok_or_else(form)?;
            let at_most_all = |token| number(token, 0..=content.bytes.len()).map_err(|_| form());
            let (from, length) = (at_most_all(from)?, at_most_all(length)?);
            if length == 0 || from.checked_add(length).is_none_or(|end| end > content.bytes.len()) {
                return Err(form());
            }
            Fast::Part { from, length }
        }
    };
    if content.negated && fast != Fast::Whole {
        return Err(name.fault("`fast_pattern` with a value does not go with a negated content"));
    }
    content.fast = Some(fast);
    Ok(())
}

impl ContentDraft {
    fn parse(value: Token<'_>, quotes: bool) -> Result<Self, Fault> {
        let (negated, text) = value.negation();
        let text = if quotes || text.text.starts_with('"') { text.unquote()? } else { text };
        let bytes = pattern::parse(text)?;
        if bytes.len() > usize::from(u16::MAX) {
            return Err(value.fault("a content may have 65535 bytes at most"));
        }
        Ok(Self { at: value.at, bytes, negated, ..Self::default() })
    }

    /// Where it stands in the rule.
    pub(in crate::engine::rules) fn at(&self) -> usize {
        self.at
    }

    pub(in crate::engine::rules) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(in crate::engine::rules) fn is_nocase(&self) -> bool {
        self.nocase
    }

    /// The bytes to look for first, if this content may be looked for first: a part or the whole of it.
    pub(in crate::engine::rules) fn fast_pattern(&self) -> Option<&[u8]> {
        match self.fast {
            _ if self.negated => None,
            Some(Fast::Part { from, length }) => self.bytes.get(from..from + length),
            _ => Some(&self.bytes),
        }
    }

    /// Whether the rule's author chose this one.
    pub(in crate::engine::rules) fn is_chosen(&self) -> bool {
        self.fast.is_some()
    }

    /// Whether the content fits into so many bytes.
    fn check_room(&self, modifier: &str, room: Operand, value: Token<'_>) -> Result<(), Fault> {
        let length = length(&self.bytes);
        match room {
            Operand::Number(room) if room < length => {
                Err(value.fault(format!("{modifier} {room} is shorter than the content of {length} bytes")))
            }
            _ => Ok(()),
        }
    }

    /// Whether something is put in its place.
    pub(super) fn is_replaced(&self) -> bool {
        self.replacement.is_some()
    }

    /// Whether it can be in a buffer of so many bytes after these transformations.
    pub(super) fn check_buffer(&self, transforms: &[Transform], largest: Option<u64>) -> Result<(), Fault> {
        if transforms.last().is_some_and(|last| !last.can_yield(&self.bytes, self.nocase)) {
            return Err(Fault::new(self.at, "no such content comes out of the transformation before it"));
        }
        match largest {
            Some(largest) if !self.negated && (self.bytes.len() as u64) > largest => Err(Fault::new(
                self.at,
                format!("the content has {} bytes, but `bsize` allows {largest} at most", self.bytes.len()),
            )),
            _ => Ok(()),
        }
    }

    /// Whether it is relative to what stands before it.
    pub(super) fn is_relative(&self) -> bool {
        self.distance.is_some() || self.within.is_some()
    }

    pub(super) fn compile(&self) -> Result<Content, Fault> {
        let fault = |reason: &str| Err(Fault::new(self.at, reason));
        let absolute = self.offset.is_some() || self.depth.is_some();
        if absolute && self.is_relative() {
            return fault("a content has either `offset` and `depth` or `distance` and `within`");
        }
        if self.starts && (absolute || self.is_relative()) {
            return fault("`startswith` does not go with `offset`, `depth`, `distance` or `within`");
        }
        let apart = self.fast == Some(Fast::Only);
        if apart && (absolute || self.is_relative() || self.starts || self.ends) {
            return fault("`fast_pattern:only` does not go with modifiers that say where the content lies");
        }
        if apart && self.is_replaced() {
            return fault(
                "`fast_pattern:only` does not go with `replace`: it leaves open where the content lies",
            );
        }
        let window = if self.starts {
            Window::Payload { offset: ZERO, depth: Some(Operand::Number(length(&self.bytes))) }
        } else if self.is_relative() {
            Window::Relative { distance: self.distance.unwrap_or(ZERO), within: self.within }
        } else {
            Window::Payload { offset: self.offset.unwrap_or(ZERO), depth: self.depth }
        };
        Ok(Content {
            needle: Needle::new(&self.bytes, self.nocase),
            negated: self.negated,
            window,
            at_end: self.ends,
            apart,
            anchors: false,
            replacement: self.replacement.clone(),
        })
    }
}

const ZERO: Operand = Operand::Number(0);

/// A content has 65535 bytes at most.
fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// Refuses contents that do not fit into a payload of `largest` bytes, because the rule could never match.
pub(in crate::engine::rules) fn check_size(payload: &Section, largest: usize) -> Result<(), Fault> {
    let needed = |content: &ContentDraft| {
        let offset = match content.offset {
            Some(Operand::Number(offset)) => usize::try_from(offset).unwrap_or(0),
            _ => 0,
        };
        offset + content.bytes.len()
    };
    match payload.contents().find(|content| !content.negated && needed(content) > largest) {
        None => Ok(()),
        Some(content) => {
            let needed = needed(content);
            let reason = format!(
                "the content needs a payload of {needed} bytes, but `dsize` allows {largest} at most"
            );
            Err(Fault::new(content.at, reason))
        }
    }
}

/// Refuses contents relative to one that has no place.
pub(super) fn check_apart(section: &Section) -> Result<(), Fault> {
    for pair in section.steps.windows(2) {
        if let [StepDraft::Content(before), StepDraft::Content(after)] = pair
            && after.is_relative()
            && before.fast == Some(Fast::Only)
        {
            return Err(Fault::new(
                after.at,
                "nothing can be relative to a content with `fast_pattern:only`",
            ));
        }
    }
    Ok(())
}
