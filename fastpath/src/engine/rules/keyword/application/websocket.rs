//! WebSocket (Suricata's "WebSocket Keywords").

use super::{Form, reader, value};
use crate::engine::rules::keyword::Entry;

const PAGE: &str = "websocket-keywords";

pub(super) const KEYWORDS: &[Entry] = &[
    (
        "websocket.flags",
        PAGE,
        reader("websocket", Form::Value(|value| value::flags::<u8>(value, "fin comp"))),
    ),
    ("websocket.mask", PAGE, reader("websocket", Form::Value(value::integer::<u32>))),
    ("websocket.opcode", PAGE, reader("websocket", Form::Value(|value| value::named::<u8>(value, OPCODES)))),
    ("websocket.payload", PAGE, reader("websocket", Form::Sticky("websocket.payload"))),
];

/// Opcodes (RFC 6455, section 5.2).
const OPCODES: &str = "continuation text binary close ping pong";
