//! FTP (Suricata's "FTP/FTP-DATA Keywords").

use super::{Form, reader, value};
use crate::engine::rules::keyword::{Entry, Reader};

const PAGE: &str = "ftp-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("ftp", Form::Sticky(buffer))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("ftp.command", PAGE, sticky("ftp.command")),
    ("ftp.command_data", PAGE, sticky("ftp.command_data")),
    ("ftp.completion_code", PAGE, sticky("ftp.completion_code")),
    ("ftp.dynamic_port", PAGE, reader("ftp", Form::Value(value::integer::<u16>))),
    ("ftp.mode", PAGE, reader("ftp", Form::Value(|value| value::one_of(value, "active passive")))),
    ("ftp.reply", PAGE, sticky("ftp.reply")),
    (
        "ftp.reply_received",
        PAGE,
        reader("ftp", Form::Value(|value| value::one_of(value, "true 1 yes on false 0 no off"))),
    ),
    ("ftpbounce", PAGE, reader("ftp", Form::Flag)),
    (
        "ftpdata_command",
        PAGE,
        reader("ftp-data", Form::Value(|value| value::one_of(value, "stor appe stou retr nlst list mlsd"))),
    ),
];
