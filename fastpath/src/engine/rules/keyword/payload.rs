//! Contents, and what else is asked of bytes.

use super::{Entry, Reader};
use crate::engine::rules::{condition, content};

pub(super) const KEYWORDS: &[Entry] = &[
    ("content", "payload-keywords", Reader::Value(content::content)),
    ("depth", "payload-keywords", Reader::Modifier(content::depth)),
    ("distance", "payload-keywords", Reader::Modifier(content::distance)),
    ("dsize", "payload-keywords", Reader::Value(condition::dsize)),
    ("endswith", "payload-keywords", Reader::Flag(content::endswith)),
    ("fast_pattern", "prefilter-keywords", Reader::Either(content::fast_pattern)),
    ("nocase", "payload-keywords", Reader::Flag(content::nocase)),
    ("offset", "payload-keywords", Reader::Modifier(content::offset)),
    ("rawbytes", "payload-keywords", Reader::Flag(content::rawbytes)),
    ("startswith", "payload-keywords", Reader::Flag(content::startswith)),
    ("within", "payload-keywords", Reader::Modifier(content::within)),
];
