//! HTTP (Suricata's "HTTP Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "http-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("http", Form::Sticky(buffer))
}

const fn modifier(buffer: &'static str) -> Reader {
    reader("http", Form::Modifier(buffer))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("http.accept", PAGE, sticky("http.accept")),
    ("http.accept_enc", PAGE, sticky("http.accept_enc")),
    ("http.accept_lang", PAGE, sticky("http.accept_lang")),
    ("http.connection", PAGE, sticky("http.connection")),
    ("http.content_len", PAGE, sticky("http.content_len")),
    ("http.content_type", PAGE, sticky("http.content_type")),
    ("http.cookie", PAGE, sticky("http.cookie")),
    ("http.header", PAGE, sticky("http.header")),
    ("http.header.raw", PAGE, sticky("http.header.raw")),
    ("http.header_names", PAGE, sticky("http.header_names")),
    ("http.host", PAGE, sticky("http.host")),
    ("http.host.raw", PAGE, sticky("http.host.raw")),
    ("http.location", PAGE, sticky("http.location")),
    ("http.method", PAGE, sticky("http.method")),
    ("http.protocol", PAGE, sticky("http.protocol")),
    ("http.referer", PAGE, sticky("http.referer")),
    ("http.request_body", PAGE, sticky("http.request_body")),
    ("http.request_header", PAGE, sticky("http.request_header")),
    ("http.request_line", PAGE, sticky("http.request_line")),
    ("http.response_body", PAGE, sticky("http.response_body")),
    ("http.response_header", PAGE, sticky("http.response_header")),
    ("http.response_line", PAGE, sticky("http.response_line")),
    ("http.server", PAGE, sticky("http.server")),
    ("http.start", PAGE, sticky("http.start")),
    ("http.stat_code", PAGE, sticky("http.stat_code")),
    ("http.stat_msg", PAGE, sticky("http.stat_msg")),
    ("http.uri", PAGE, sticky("http.uri")),
    ("http.uri.normalized", PAGE, sticky("http.uri")),
    ("http.uri.raw", PAGE, sticky("http.uri.raw")),
    ("http.user_agent", PAGE, sticky("http.user_agent")),
    ("http_accept", PAGE, sticky("http.accept")),
    ("http_accept_enc", PAGE, sticky("http.accept_enc")),
    ("http_accept_lang", PAGE, sticky("http.accept_lang")),
    ("http_client_body", PAGE, modifier("http.request_body")),
    ("http_connection", PAGE, sticky("http.connection")),
    ("http_content_len", PAGE, sticky("http.content_len")),
    ("http_content_type", PAGE, sticky("http.content_type")),
    ("http_cookie", PAGE, modifier("http.cookie")),
    ("http_header", PAGE, modifier("http.header")),
    ("http_header_names", PAGE, sticky("http.header_names")),
    ("http_host", PAGE, modifier("http.host")),
    ("http_method", PAGE, modifier("http.method")),
    ("http_protocol", PAGE, sticky("http.protocol")),
    ("http_raw_header", PAGE, modifier("http.header.raw")),
    ("http_raw_host", PAGE, modifier("http.host.raw")),
    ("http_raw_uri", PAGE, modifier("http.uri.raw")),
    ("http_referer", PAGE, sticky("http.referer")),
    ("http_request_line", PAGE, sticky("http.request_line")),
    ("http_response_line", PAGE, sticky("http.response_line")),
    ("http_server_body", PAGE, modifier("http.response_body")),
    ("http_start", PAGE, sticky("http.start")),
    ("http_stat_code", PAGE, modifier("http.stat_code")),
    ("http_stat_msg", PAGE, modifier("http.stat_msg")),
    ("http_uri", PAGE, modifier("http.uri")),
    ("http_user_agent", PAGE, modifier("http.user_agent")),
    ("uricontent", PAGE, reader("http", Form::Content("http.uri"))),
    ("urilen", PAGE, reader("http", Form::Value(length))),
];

/// A number, and which of the two forms of the URI is measured: `,norm` (so too without) or `,raw`.
fn length(value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    value::integer::<u16>(parts.next().unwrap_or(value))?;
    parts.next().map_or(Ok(()), |form| value::one_of(form, "norm raw"))?;
    parts.next().map_or(Ok(()), |more| Err(more.fault("nothing may follow `norm` or `raw`")))
}
