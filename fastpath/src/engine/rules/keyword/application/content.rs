//! Contents that can never be found, because of what their buffer is like.

use crate::engine::rules::{
    buffer::Buffer,
    fault::Fault,
    payload::{ContentDraft, Section},
};

/// Buffers with a hash in hexadecimal digits.
const MD5: [&str; 5] = ["ja3.hash", "ja3s.hash", "quic.cyu.hash", "ssh.hassh", "ssh.hassh.server"];
const MD5_DIGITS: usize = 32;
/// Twenty bytes in hexadecimal digits, with colons.
const SHA1_CHARACTERS: usize = 59;

/// Refuses contents that Suricata refuses in their buffer.
pub(in crate::engine::rules) fn check(section: &Section) -> Result<(), Fault> {
    let Buffer::Application(buffer) = section.buffer else { return Ok(()) };
    section.contents().try_for_each(|content| match wrong(buffer, content) {
        None => Ok(()),
        Some(reason) => Err(Fault::new(content.at(), format!("a content of `{buffer}` {reason}"))),
    })
}

fn wrong(buffer: &str, content: &ContentDraft) -> Option<&'static str> {
    let bytes = content.bytes();
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    match buffer {
        "http.host" if content.is_nocase() => {
            Some("does not go with `nocase`: names of hosts are in lower case")
        }
        "http.host" if bytes.iter().any(u8::is_ascii_uppercase) => {
            Some("must be in lower case, as names of hosts are")
        }
        "http.method" if blank(bytes.first()) || blank(bytes.last()) => {
            Some("may not begin or end with white space")
        }
        "http.protocol" if bytes.contains(&b' ') => Some("may not have a space"),
        "tls.cert_fingerprint" if bytes.len() != SHA1_CHARACTERS || !bytes.contains(&b':') => {
            Some("must have 20 bytes in hexadecimal digits, with colons between them")
        }
        "tls.cert_serial" if bytes.len() > 2 && !bytes.contains(&b':') => {
            Some("must have colons between the bytes")
        }
        buffer if MD5.contains(&buffer) => {
            let is_md5 = bytes.len() == MD5_DIGITS && bytes.iter().all(u8::is_ascii_hexdigit);
            (!is_md5).then_some("must have 32 hexadecimal digits")
        }
        _ => None,
    }
}
