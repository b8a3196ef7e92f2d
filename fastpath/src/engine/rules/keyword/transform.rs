//! Transforms of buffers.

use super::{Entry, Reader};
use crate::engine::rules::payload;

pub(super) const KEYWORDS: &[Entry] = &[
    ("compress_whitespace", "transforms", Reader::Either(payload::transform)),
    ("domain", "transforms", Reader::Either(payload::transform)),
    ("dotprefix", "transforms", Reader::Either(payload::transform)),
    ("from_base64", "transforms", Reader::Either(payload::transform)),
    ("gunzip", "transforms", Reader::Either(payload::transform)),
    ("header_lowercase", "transforms", Reader::Either(payload::transform)),
    ("pcrexform", "transforms", Reader::Either(payload::transform)),
    ("strip_pseudo_headers", "transforms", Reader::Either(payload::transform)),
    ("strip_whitespace", "transforms", Reader::Either(payload::transform)),
    ("subslice", "transforms", Reader::Either(payload::transform)),
    ("tld", "transforms", Reader::Either(payload::transform)),
    ("to_lowercase", "transforms", Reader::Either(payload::transform)),
    ("to_md5", "transforms", Reader::Either(payload::transform)),
    ("to_sha1", "transforms", Reader::Either(payload::transform)),
    ("to_sha256", "transforms", Reader::Either(payload::transform)),
    ("to_uppercase", "transforms", Reader::Either(payload::transform)),
    ("url_decode", "transforms", Reader::Either(payload::transform)),
    ("xor", "transforms", Reader::Either(payload::transform)),
    ("zlib_deflate", "transforms", Reader::Either(payload::transform)),
];
