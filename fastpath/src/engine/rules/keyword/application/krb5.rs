//! Kerberos (Suricata's "Kerberos Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
    number::number,
};

const PAGE: &str = "kerberos-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("krb5", Form::Sticky(buffer))
}

const fn check(check: fn(Token<'_>) -> Result<(), Fault>) -> Reader {
    reader("krb5", Form::Value(check))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("krb5.cname", PAGE, sticky("krb5.cname")),
    ("krb5.sname", PAGE, sticky("krb5.sname")),
    ("krb5.ticket_encryption", PAGE, check(encryption)),
    ("krb5_cname", PAGE, sticky("krb5.cname")),
    ("krb5_err_code", PAGE, check(error_code)),
    ("krb5_msg_type", PAGE, check(value::integer::<u8>)),
    ("krb5_sname", PAGE, sticky("krb5.sname")),
];

/// Encryption types (IANA, "Kerberos Encryption Type Numbers").
const TYPES: &str = "des-cbc-crc des-cbc-md4 des-cbc-md5 des3-cbc-md5 des3-cbc-sha1 dsaWithSHA1-CmsOID \
                     md5WithRSAEncryption-CmsOID sha1WithRSAEncryption-CmsOID rc2CBC-EnvOID rsaEncryption-EnvOID \
                     rsaES-OAEP-ENV-OID des-ede3-cbc-Env-OID des3-cbc-sha1-kd aes128-cts-hmac-sha1-96 \
                     aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha256-128 aes256-cts-hmac-sha384-192 rc4-hmac \
                     rc4-hmac-exp camellia128-cts-cmac camellia256-cts-cmac subkey-keymaterial rc4-md4 rc4-plain2 \
                     rc4-lm rc4-sha des-plain rc4-hmac-OLD rc4-plain-OLD rc4-hmac-OLD-exp rc4-plain-OLD-exp rc4-plain \
                     rc4-plain-exp";

/// `weak`, `!weak`, or names and numbers between commas or spaces.
fn encryption(value: Token<'_>) -> Result<(), Fault> {
    if value.text == "weak" || value.text == "!weak" {
        return Ok(());
    }
    value.split(',').try_for_each(|part| {
        let types = part.split(' ').filter(|kind| part.text.is_empty() || !kind.text.is_empty());
        types.into_iter().try_for_each(|kind| {
            match kind.text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
                true => signed(kind),
                false => value::one_of(kind, TYPES),
            }
        })
    })
}

/// A number, or `!` and one.
fn error_code(value: Token<'_>) -> Result<(), Fault> {
    let code = value.without_quotes()?;
    match code.text.starts_with('-') {
        true => signed(code),
        false => value::integer::<u32>(code),
    }
}

fn signed(value: Token<'_>) -> Result<(), Fault> {
    number(value, i32::MIN..=i32::MAX).map(drop)
}
