//! `content` and its modifiers (Suricata's "Payload Keywords").

use super::{draft::Draft, fault::Fault, lexer::Token, number::number, pattern, scan::Needle};

/// A compiled content.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) needle: Needle,
    /// It must not be found.
    pub(super) negated: bool,
    pub(super) window: Window,
    /// It must end where the payload ends.
    pub(super) at_end: bool,
    /// `fast_pattern:only`: found anywhere, and no place for others to be relative to.
    pub(super) apart: bool,
    /// Some later content is relative to where this one is found.
    pub(super) anchors: bool,
}

/// Where a content must lie, from its first byte to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// From the start of the payload or stream: `offset` bytes off, `depth` bytes long.
    Payload { offset: usize, depth: Option<usize> },
    /// From the end of the content before: `distance` bytes off, `within` bytes long.
    Relative { distance: isize, within: Option<usize> },
}

/// A content as written, while its modifiers come in.
#[derive(Debug, Default)]
pub(super) struct ContentDraft {
    at: usize,
    bytes: Vec<u8>,
    negated: bool,
    nocase: bool,
    offset: Option<usize>,
    depth: Option<usize>,
    distance: Option<isize>,
    within: Option<usize>,
    starts: bool,
    ends: bool,
    rawbytes: bool,
    fast: Option<Fast>,
}

/// What `fast_pattern` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fast {
    Whole,
    Only,
    Part { from: usize, length: usize },
}

/// Suricata's limit for `distance` and `within`.
const MAX_DISTANCE: usize = 1 << 20;

pub(super) fn content(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (negated, quoted) = match value.strip_prefix("!") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let bytes = pattern::parse(quoted.unquote()?)?;
    if bytes.len() > usize::from(u16::MAX) {
        return Err(value.fault("a content may have 65535 bytes at most"));
    }
    draft.contents.push(ContentDraft { at: value.at, bytes, negated, ..ContentDraft::default() });
    Ok(())
}

/// The content that a modifier is about.
fn last<'d>(draft: &'d mut Draft<'_>, name: Token<'_>) -> Result<&'d mut ContentDraft, Fault> {
    draft.contents.last_mut().ok_or_else(|| name.fault(format!("`{}` must follow a `content`", name.text)))
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

pub(super) fn nocase(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    flag(&mut last(draft, name)?.nocase, name)
}

pub(super) fn rawbytes(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    flag(&mut last(draft, name)?.rawbytes, name)
}

pub(super) fn startswith(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    flag(&mut last(draft, name)?.starts, name)
}

pub(super) fn endswith(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    flag(&mut last(draft, name)?.ends, name)
}

pub(super) fn offset(draft: &mut Draft<'_>, name: Token<'_>, value: Token<'_>) -> Result<(), Fault> {
    let content = last(draft, name)?;
    set(&mut content.offset, number(value, 0..=usize::from(u16::MAX))?, name)
}

pub(super) fn depth(draft: &mut Draft<'_>, name: Token<'_>, value: Token<'_>) -> Result<(), Fault> {
    let content = last(draft, name)?;
    let depth = number(value, 0..=usize::from(u16::MAX))?;
    if depth < content.bytes.len() {
        let length = content.bytes.len();
        return Err(value.fault(format!("depth {depth} is shorter than the content of {length} bytes")));
    }
    set(&mut content.depth, depth, name)
}

pub(super) fn distance(draft: &mut Draft<'_>, name: Token<'_>, value: Token<'_>) -> Result<(), Fault> {
    let content = last(draft, name)?;
    let max = MAX_DISTANCE.cast_signed();
    set(&mut content.distance, number(value, -max..=max)?, name)
}

pub(super) fn within(draft: &mut Draft<'_>, name: Token<'_>, value: Token<'_>) -> Result<(), Fault> {
    let content = last(draft, name)?;
    let within = number(value, 0..=MAX_DISTANCE)?;
    if within < content.bytes.len() {
        let length = content.bytes.len();
        return Err(value.fault(format!("within {within} is shorter than the content of {length} bytes")));
    }
    set(&mut content.within, within, name)
}

pub(super) fn fast_pattern(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Option<Token<'_>>,
) -> Result<(), Fault> {
    if draft.contents.iter().any(|content| content.fast.is_some()) {
        return Err(name.fault("`fast_pattern` may stand in a rule once"));
    }
    let content = last(draft, name)?;
    let fast = match value {
        None => Fast::Whole,
        Some(value) if value.text == "only" => Fast::Only,
        Some(value) => {
            let form =
                || value.fault("`fast_pattern` takes nothing, `only`, or `offset,length` inside the content");
            let (from, length) = value.text.split_once(',').ok_or_else(form)?;
            let at_most_all =
                |text| number(Token::trimmed(text, value.at), 0..=content.bytes.len()).map_err(|_| form());
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
    /// The bytes to look for first, if this content may be looked for first: a part or the whole of it.
    pub(super) fn fast_pattern(&self) -> Option<&[u8]> {
        match self.fast {
            _ if self.negated => None,
            Some(Fast::Part { from, length }) => self.bytes.get(from..from + length),
            _ => Some(&self.bytes),
        }
    }

    /// Whether the rule's author chose this one.
    pub(super) fn is_chosen(&self) -> bool {
        self.fast.is_some()
    }

    fn is_relative(&self) -> bool {
        self.distance.is_some() || self.within.is_some()
    }

    fn compile(&self) -> Result<Content, Fault> {
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
        let window = if self.starts {
            Window::Payload { offset: 0, depth: Some(self.bytes.len()) }
        } else if self.is_relative() {
            Window::Relative { distance: self.distance.unwrap_or(0), within: self.within }
        } else {
            Window::Payload { offset: self.offset.unwrap_or(0), depth: self.depth }
        };
        Ok(Content {
            needle: Needle::new(&self.bytes, self.nocase),
            negated: self.negated,
            window,
            at_end: self.ends,
            apart,
            anchors: false,
        })
    }
}

/// Refuses contents that do not fit into a payload of `largest` bytes, because the rule could never match.
pub(super) fn check_size(drafts: &[ContentDraft], largest: usize) -> Result<(), Fault> {
    let needed = |content: &ContentDraft| content.offset.unwrap_or(0) + content.bytes.len();
    match drafts.iter().find(|content| !content.negated && needed(content) > largest) {
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

/// Compiles a rule's contents.
pub(super) fn compile(drafts: &[ContentDraft]) -> Result<Box<[Content]>, Fault> {
    for pair in drafts.windows(2) {
        if let [before, after] = pair
            && after.is_relative()
            && before.fast == Some(Fast::Only)
        {
            return Err(Fault::new(
                after.at,
                "nothing can be relative to a content with `fast_pattern:only`",
            ));
        }
    }
    let mut contents = drafts.iter().map(ContentDraft::compile).collect::<Result<Box<[_]>, _>>()?;
    let mut behind_one = false;
    for content in &mut contents {
        if let Window::Relative { distance, within } = content.window
            && !behind_one
        {
            // Nothing to be relative to: to the start.
            let depth = within.map(|within| within.saturating_add_signed(distance.min(0)));
            content.window = Window::Payload { offset: distance.max(0).unsigned_abs(), depth };
        }
        behind_one |= !content.negated && !content.apart;
    }
    let mut followed = false;
    for content in contents.iter_mut().rev() {
        if matches!(content.window, Window::Relative { .. }) {
            content.anchors = followed && !content.negated;
            followed = true;
        } else if !content.negated && !content.apart {
            content.anchors = followed;
            followed = false;
        }
    }
    Ok(contents)
}
