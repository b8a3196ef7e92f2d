//! SSH (Suricata's "SSH Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "ssh-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("ssh", Form::Sticky(buffer))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("ssh.hassh", PAGE, sticky("ssh.hassh")),
    ("ssh.hassh.server", PAGE, sticky("ssh.hassh.server")),
    ("ssh.hassh.server.string", PAGE, sticky("ssh.hassh.server.string")),
    ("ssh.hassh.string", PAGE, sticky("ssh.hassh.string")),
    ("ssh.proto", PAGE, sticky("ssh.proto")),
    ("ssh.protoversion", PAGE, reader("ssh", Form::Value(version))),
    ("ssh.software", PAGE, sticky("ssh.software")),
    ("ssh.softwareversion", PAGE, reader("ssh", Form::Value(value::text))),
    ("ssh_proto", PAGE, sticky("ssh.proto")),
    ("ssh_software", PAGE, sticky("ssh.software")),
];

/// `2_compat` (2 and 1.99), or a version as in `1.99`.
fn version(value: Token<'_>) -> Result<(), Fault> {
    let version = value.without_quotes()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = version.text.splitn(2, '.');
    let is_version = parts.next().is_some_and(is_number) && parts.next().is_none_or(is_number);
    if is_version || version.text == "2_compat" {
        return Ok(());
    }
    Err(version.fault("a version is `2_compat` or written as in 1.99"))
}
