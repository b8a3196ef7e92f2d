//! SMTP and the mail in it (Suricata's "SMTP Keywords", "Email Keywords").

use super::{Form, reader};
use crate::engine::rules::keyword::{Entry, Reader};

const PAGE: &str = "smtp-keywords";
const EMAIL: &str = "email-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("smtp", Form::Sticky(buffer))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("email.body_md5", EMAIL, sticky("email.body_md5")),
    ("email.cc", EMAIL, sticky("email.cc")),
    ("email.date", EMAIL, sticky("email.date")),
    ("email.from", EMAIL, sticky("email.from")),
    ("email.message_id", EMAIL, sticky("email.message_id")),
    ("email.received", EMAIL, sticky("email.received")),
    ("email.subject", EMAIL, sticky("email.subject")),
    ("email.to", EMAIL, sticky("email.to")),
    ("email.url", EMAIL, sticky("email.url")),
    ("email.x_mailer", EMAIL, sticky("email.x_mailer")),
    ("smtp.helo", PAGE, sticky("smtp.helo")),
    ("smtp.mail_from", PAGE, sticky("smtp.mail_from")),
    ("smtp.rcpt_to", PAGE, sticky("smtp.rcpt_to")),
];
