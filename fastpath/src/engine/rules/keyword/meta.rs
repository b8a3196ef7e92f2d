//! What a rule is called and how it is ranked.

use super::{Entry, Reader};
use crate::engine::rules::{identity, state::threshold};

pub(super) const KEYWORDS: &[Entry] = &[
    ("alert", "noalert", Reader::Bare(threshold::alert)),
    ("classtype", "meta", Reader::Value(identity::classtype)),
    ("gid", "meta", Reader::Value(identity::gid)),
    ("metadata", "meta", Reader::Value(identity::metadata)),
    ("msg", "meta", Reader::Value(identity::msg)),
    ("noalert", "noalert", Reader::Bare(threshold::noalert)),
    ("priority", "meta", Reader::Value(identity::priority)),
    ("reference", "meta", Reader::Value(identity::reference)),
    ("requires", "meta", Reader::Value(identity::requires)),
    ("rev", "meta", Reader::Value(identity::rev)),
    ("sid", "meta", Reader::Value(identity::sid)),
    ("target", "meta", Reader::Value(identity::target)),
];
