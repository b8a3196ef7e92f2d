//! SMB (Suricata's "SMB Keywords").

use super::{Form, reader, value};
use crate::engine::rules::keyword::{Entry, Reader};

const PAGE: &str = "smb-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("smb", Form::Sticky(buffer))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("smb.named_pipe", PAGE, sticky("smb.named_pipe")),
    ("smb.ntlmssp_domain", PAGE, sticky("smb.ntlmssp_domain")),
    ("smb.ntlmssp_user", PAGE, sticky("smb.ntlmssp_user")),
    ("smb.share", PAGE, sticky("smb.share")),
    ("smb.version", PAGE, reader("smb", Form::Value(|value| value::one_of(value, "1 2")))),
    ("smb_named_pipe", PAGE, sticky("smb.named_pipe")),
    ("smb_share", PAGE, sticky("smb.share")),
];
