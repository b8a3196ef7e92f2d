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
    ("replace", "payload-keywords", Reader::Modifier(payload::replace)),
    ("startswith", "payload-keywords", Reader::Flag(payload::startswith)),
    ("within", "payload-keywords", Reader::Modifier(payload::within)),
    ("pcre", "payload-keywords", Reader::Value(payload::pcre)),
    ("pkt_data", "payload-keywords", Reader::Bare(buffer::pkt_data)),
    ("absent", "payload-keywords", Reader::Either(payload::absent)),
    ("asn1", "payload-keywords", Reader::Value(payload::asn1)),
    ("base64_data", "base64-keywords", Reader::Bare(buffer::base64_data)),
    ("base64_decode", "base64-keywords", Reader::Either(payload::base64_decode)),
    ("bsize", "payload-keywords", Reader::Modifier(payload::bsize)),
    ("byte_extract", "payload-keywords", Reader::Value(payload::byte_extract)),
    ("byte_jump", "payload-keywords", Reader::Value(payload::byte_jump)),
    ("byte_math", "payload-keywords", Reader::Value(payload::byte_math)),
    ("byte_test", "payload-keywords", Reader::Value(payload::byte_test)),
    ("entropy", "payload-keywords", Reader::Value(payload::entropy)),
    ("isdataat", "payload-keywords", Reader::Value(payload::isdataat)),
    ("rpc", "payload-keywords", Reader::Value(condition::rpc)),
    // A hint for speed: which of a rule's keywords to look at first is decided here without it.
    ("prefilter", "prefilter-keywords", Reader::Bare(payload::prefilter)),
];
