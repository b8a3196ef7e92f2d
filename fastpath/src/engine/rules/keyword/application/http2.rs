//! HTTP/2 (Suricata's "HTTP2 Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "http2-keywords";

const fn check(check: fn(Token<'_>) -> Result<(), Fault>) -> Reader {
    reader("http2", Form::Value(check))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("http2.errorcode", PAGE, check(error_code)),
    ("http2.frametype", PAGE, check(frame_type)),
    ("http2.header_name", PAGE, reader("http2", Form::Sticky("http2.header_name"))),
    ("http2.priority", PAGE, check(value::integer::<u8>)),
    ("http2.settings", PAGE, check(settings)),
    ("http2.size_update", PAGE, check(value::integer::<u64>)),
    ("http2.window", PAGE, check(value::integer::<u32>)),
];

const FRAME_TYPES: &str =
    "DATA HEADERS PRIORITY RSTSTREAM SETTINGS PUSHPROMISE PING GOAWAY WINDOWUPDATE CONTINUATION";
const ERROR_CODES: &str = "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED \
                           FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM \
                           INADEQUATE_SECURITY HTTP_1_1_REQUIRED";
const SETTINGS: &str = "SETTINGS_HEADER_TABLE_SIZE SETTINGS_ENABLE_PUSH SETTINGS_MAX_CONCURRENT_STREAMS \
                        SETTINGS_INITIAL_WINDOW_SIZE SETTINGS_MAX_FRAME_SIZE SETTINGS_MAX_HEADER_LIST_SIZE \
                        SETTINGS_ENABLE_CONNECT_PROTOCOL SETTINGS_NO_RFC7540_PRIORITIES";

/// A number or a name.
fn frame_type(value: Token<'_>) -> Result<(), Fault> {
    value::one_of(value, FRAME_TYPES)
        .or_else(|fault| value::at_most(value, u8::MAX.into()).map_err(|_| fault))
}

/// A number or a name.
fn error_code(value: Token<'_>) -> Result<(), Fault> {
    value::one_of(value, ERROR_CODES).or_else(|_| value::at_most(value, u32::MAX.into()))
}

/// A setting's name and, if one likes, what its value is compared with.
fn settings(value: Token<'_>) -> Result<(), Fault> {
    let end = value.text.find([' ', '<', '>', '=']).unwrap_or(value.text.len());
    let (name, rest) = value.text.split_at(end);
    value::one_of(Token { text: name, at: value.at }, SETTINGS)?;
    match Token::trimmed(rest, value.at + end) {
        Token { text: "", .. } => Ok(()),
        comparison => value::integer::<u32>(comparison),
    }
}
