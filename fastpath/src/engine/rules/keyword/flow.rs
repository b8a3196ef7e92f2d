//! What is asked of a flow, and remembered of it.

use super::{Entry, Reader};
use crate::engine::rules::{condition, identity};

pub(super) const KEYWORDS: &[Entry] = &[
    ("bypass", "bypass-keyword", Reader::Bare(identity::bypass)),
    ("flow", "flow-keywords", Reader::Value(condition::flow)),
    ("flow.age", "flow-keywords", Reader::Value(condition::age)),
    ("flow.bytes", "flow-keywords", Reader::Value(condition::bytes)),
    ("flow.bytes_toclient", "flow-keywords", Reader::Value(condition::bytes_to_client)),
    ("flow.bytes_toserver", "flow-keywords", Reader::Value(condition::bytes_to_server)),
    ("flow.pkts", "flow-keywords", Reader::Value(condition::packets)),
    ("flow.pkts_toclient", "flow-keywords", Reader::Value(condition::packets_to_client)),
    ("flow.pkts_toserver", "flow-keywords", Reader::Value(condition::packets_to_server)),
    ("flowbits", "flow-keywords", Reader::Value(condition::flowbits)),
    ("flowint", "flow-keywords", Reader::Value(condition::flowint)),
    ("flowvar", "flow-keywords", Reader::Value(condition::flowvar)),
    ("pktvar", "flow-keywords", Reader::Value(condition::pktvar)),
    ("stream_size", "flow-keywords", Reader::Value(condition::stream_size)),
];
