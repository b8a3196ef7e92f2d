//! What is remembered of hosts, counted over time or kept in sets.

use super::{Entry, Reader};
use crate::engine::rules::{
    condition, payload,
    state::{tag, threshold},
};

pub(super) const KEYWORDS: &[Entry] = &[
    ("datarep", "datasets", Reader::Modifier(payload::datarep)),
    ("dataset", "datasets", Reader::Modifier(payload::dataset)),
    ("detection_filter", "thresholding", Reader::Value(threshold::detection_filter)),
    ("hostbits", "flow-keywords", Reader::Value(condition::hostbits)),
    ("iprep", "ip-reputation-rules", Reader::Value(condition::iprep)),
    ("tag", "tag", Reader::Value(tag::tag)),
    ("threshold", "thresholding", Reader::Value(threshold::threshold)),
    ("xbits", "xbits", Reader::Value(condition::xbits)),
];
