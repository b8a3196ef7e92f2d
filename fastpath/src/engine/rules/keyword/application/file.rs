//! Files that HTTP, SMTP, FTP, NFS or SMB carry (Suricata's "File Keywords"). Where a rule does not say the protocol, HTTP's is
//! the one that it misses first.

use super::{Form, shared, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "file-keywords";

/// The protocols beside HTTP that carry files.
pub(super) const CARRIERS: &[&str] = &["doh2", "ftp", "ftp-data", "http1", "http2", "nfs", "smb", "smtp"];

const fn form(form: Form) -> Reader {
    shared("http", CARRIERS, form)
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("file.data", PAGE, form(Form::Directed("file.data"))),
    ("file.magic", PAGE, form(Form::Directed("file.magic"))),
    ("file.name", PAGE, form(Form::Directed("file.name"))),
    ("file_data", PAGE, form(Form::Directed("file.data"))),
    ("fileext", PAGE, form(Form::Content("file.name"))),
    ("filemagic", PAGE, form(Form::Content("file.magic"))),
    ("filemd5", PAGE, form(Form::Value(list))),
    ("filename", PAGE, form(Form::Content("file.name"))),
    ("filesha1", PAGE, form(Form::Value(list))),
    ("filesha256", PAGE, form(Form::Value(list))),
    ("filesize", PAGE, form(Form::Value(size))),
    ("filestore", PAGE, form(Form::Optional(store))),
];

/// The name of a file with a hash a line.
fn list(value: Token<'_>) -> Result<(), Fault> {
    let name = value.strip_prefix("!").unwrap_or(value);
    if name.text.is_empty() || name.text.contains(['"', '\0']) {
        return Err(name.fault("here must stand the name of a file of hashes, without quotes"));
    }
    Ok(())
}

/// A number or a comparison; a direction may stand before it.
fn size(value: Token<'_>) -> Result<(), Fault> {
    match value.split_once(",") {
        None => value::integer::<u64>(value),
        Some((way, rest)) => {
            value::direction(way)?;
            value::integer::<u64>(rest)
        }
    }
}

/// `direction[,scope]`
fn store(value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let direction = parts.next().unwrap_or(value);
    value::one_of(direction, "request response to_server to_client both")?;
    parts.next().map_or(Ok(()), |scope| value::one_of(scope, "file tx ssn flow"))?;
    parts.next().map_or(Ok(()), |more| Err(more.fault("nothing may follow the scope")))
}
