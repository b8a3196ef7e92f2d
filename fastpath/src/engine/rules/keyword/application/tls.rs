//! TLS, and what its handshakes are told apart by (Suricata's "SSL/TLS Keywords", "JA3/JA4 Keywords").

use super::{Form, reader, shared, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "tls-keywords";
const JA: &str = "ja-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("tls", Form::Sticky(buffer))
}

/// What a client or a server says first, over TCP or in QUIC.
const fn hello(buffer: &'static str) -> Reader {
    shared("tls", &["quic"], Form::Sticky(buffer))
}

const fn check(check: fn(Token<'_>) -> Result<(), Fault>) -> Reader {
    reader("tls", Form::Value(check))
}

const FLAG: Reader = reader("tls", Form::Flag);

pub(super) const KEYWORDS: &[Entry] = &[
    ("ja3.hash", JA, hello("ja3.hash")),
    ("ja3.string", JA, hello("ja3.string")),
    ("ja3_hash", JA, hello("ja3.hash")),
    ("ja3_string", JA, hello("ja3.string")),
    ("ja3s.hash", JA, hello("ja3s.hash")),
    ("ja3s.string", JA, hello("ja3s.string")),
    ("ja4.hash", JA, hello("ja4.hash")),
    ("ja4_hash", JA, hello("ja4.hash")),
    ("ssl_state", PAGE, check(state)),
    ("ssl_version", PAGE, check(record_version)),
    ("tls.alpn", PAGE, sticky("tls.alpn")),
    ("tls.cert_chain_len", PAGE, check(value::integer::<u32>)),
    ("tls.cert_fingerprint", PAGE, sticky("tls.cert_fingerprint")),
    ("tls.cert_issuer", PAGE, sticky("tls.cert_issuer")),
    ("tls.cert_serial", PAGE, sticky("tls.cert_serial")),
    ("tls.cert_subject", PAGE, sticky("tls.cert_subject")),
    ("tls.certs", PAGE, sticky("tls.certs")),
    ("tls.fingerprint", PAGE, reader("tls", Form::Content("tls.cert_fingerprint"))),
    ("tls.issuerdn", PAGE, check(value::text)),
    ("tls.random", PAGE, sticky("tls.random")),
    ("tls.random_bytes", PAGE, sticky("tls.random_bytes")),
    ("tls.random_time", PAGE, sticky("tls.random_time")),
    ("tls.sni", PAGE, sticky("tls.sni")),
    ("tls.store", PAGE, FLAG),
    ("tls.subject", PAGE, check(value::text)),
    ("tls.subjectaltname", PAGE, sticky("tls.subjectaltname")),
    ("tls.version", PAGE, check(version)),
    ("tls_cert_expired", PAGE, FLAG),
    ("tls_cert_fingerprint", PAGE, sticky("tls.cert_fingerprint")),
    ("tls_cert_issuer", PAGE, sticky("tls.cert_issuer")),
    ("tls_cert_notafter", PAGE, check(date)),
    ("tls_cert_notbefore", PAGE, check(date)),
    ("tls_cert_serial", PAGE, sticky("tls.cert_serial")),
    ("tls_cert_subject", PAGE, sticky("tls.cert_subject")),
    ("tls_cert_valid", PAGE, FLAG),
    ("tls_sni", PAGE, sticky("tls.sni")),
    ("tls_store", PAGE, FLAG),
];

/// States between `|` or `,`, each with or without `!`.
fn state(value: Token<'_>) -> Result<(), Fault> {
    let states = "client_hello server_hello client_keyx server_keyx unknown";
    value.split('|').try_for_each(|part| {
        value::each_once(part, ',', |state| value::one_of(state.strip_prefix("!").unwrap_or(state), states))
    })
}

/// Versions between commas; a `!` before the first is for all.
fn record_version(value: Token<'_>) -> Result<(), Fault> {
    let list = value.strip_prefix("!").unwrap_or(value);
    value::each_once(list, ',', |version| value::one_of(version, "sslv2 sslv3 tls1.0 tls1.1 tls1.2 tls1.3"))
}

/// `1.0` to `1.3`, or four hexadecimal digits as in `0x7f12`.
fn version(value: Token<'_>) -> Result<(), Fault> {
    let version = value.without_quotes()?;
    let is_hex = |digits: &str| digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match version.text.strip_prefix("0x") {
        Some(digits) if is_hex(digits) => Ok(()),
        Some(_) => Err(version.fault("after `0x` come four hexadecimal digits")),
        None => value::one_of(version, "1.0 1.1 1.2 1.3"),
    }
}

/// A date, `<` or `>` a date, or two dates with `<>` between.
fn date(value: Token<'_>) -> Result<(), Fault> {
    if let Some((first, last)) = value.text.split_once("<>").filter(|(first, _)| !first.is_empty()) {
        let (first, last) =
            (Token::trimmed(first, value.at), Token::trimmed(last, value.at + first.len() + 2));
        moment(first)?;
        return moment(last);
    }
    moment(value.strip_prefix("<").or_else(|| value.strip_prefix(">")).unwrap_or(value))
}

/// `2015`, `2015-10`, `2015-10-22`, with `T` or a space before hours, minutes and seconds; or seconds since 1970.
fn moment(value: Token<'_>) -> Result<(), Fault> {
    let wrong = || value.fault("a date is written as in 2015-10-22 or 2015-10-22T23:59:59");
    let (date, time) = match value.text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (value.text, None),
    };
    let is = |text: &str, digits: usize, allowed: std::ops::RangeInclusive<u32>| {
        let is_number = text.len() == digits && text.bytes().all(|digit| digit.is_ascii_digit());
        is_number && text.parse().is_ok_and(|number| allowed.contains(&number))
    };
    let mut parts = date.split('-');
    let year = parts.next().unwrap_or("");
    let (month, day) = (parts.next(), parts.next());
    let is_seconds = month.is_none() && (5..=10).contains(&year.len()) && is(year, year.len(), 0..=u32::MAX);
    let is_date = is(year, 4, 0..=9999)
        && month.is_none_or(|month| is(month, 2, 1..=12))
        && day.is_none_or(|day| is(day, 2, 1..=31))
        && parts.next().is_none();
    let is_time = |time: &str| {
        let mut parts = time.split(':');
        parts.next().is_some_and(|hour| is(hour, 2, 0..=23))
            && parts.next().is_none_or(|minute| is(minute, 2, 0..=59))
            && parts.next().is_none_or(|second| is(second, 2, 0..=60))
            && parts.next().is_none()
    };
    let is_whole = match time {
        None => is_date || is_seconds,
        Some(time) => is_date && day.is_some() && is_time(time),
    };
    if is_whole { Ok(()) } else { Err(wrong()) }
}
