//! What decoding and tracking found odd.

use super::{Entry, Reader};
use crate::engine::rules::condition;

pub(super) const KEYWORDS: &[Entry] = &[
    ("decode-event", "decode-layer", Reader::Value(condition::decode_event)),
    ("engine-event", "differences-from-snort", Reader::Value(condition::engine_event)),
    ("stream-event", "decode-layer", Reader::Value(condition::stream_event)),
];
