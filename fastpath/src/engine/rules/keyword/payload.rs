//! Contents, and what else is asked of bytes.

use super::{Entry, Reader};
use crate::engine::rules::{buffer, condition, payload};

pub(super) const KEYWORDS: &[Entry] = &[
    ("content", "payload-keywords", Reader::Value(payload::content)),
    ("depth", "payload-keywords", Reader::Modifier(payload::depth)),
    ("distance", "payload-keywords", Reader::Modifier(payload::distance)),
    ("dsize", "payload-keywords", Reader::Value(condition::dsize)),
    ("endswith", "payload-keywords", Reader::Flag(payload::endswith)),
    ("fast_pattern", "prefilter-keywords", Reader::Either(payload::fast_pattern)),
    ("nocase", "payload-keywords", Reader::Flag(payload::nocase)),
    ("offset", "payload-keywords", Reader::Modifier(payload::offset)),
    ("rawbytes", "payload-keywords", Reader::Flag(payload::rawbytes)),
    ("startswith", "payload-keywords", Reader::Flag(payload::startswith)),
    ("within", "payload-keywords", Reader::Modifier(payload::within)),
    ("pcre", "payload-keywords", Reader::Value(payload::pcre)),
    ("pkt_data", "payload-keywords", Reader::Bare(buffer::pkt_data)),
];
