//! QUIC (Suricata's "Quic Keywords").

use super::{Form, reader};
use crate::engine::rules::keyword::{Entry, Reader};

const PAGE: &str = "quic-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("quic", Form::Sticky(buffer))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("quic.cyu.hash", PAGE, sticky("quic.cyu.hash")),
    ("quic.cyu.string", PAGE, sticky("quic.cyu.string")),
    ("quic.sni", PAGE, sticky("quic.sni")),
    ("quic.ua", PAGE, sticky("quic.ua")),
    ("quic.version", PAGE, sticky("quic.version")),
];
