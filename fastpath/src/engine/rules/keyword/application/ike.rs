//! IKE (Suricata's "IKE Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "ike-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("ike", Form::Sticky(buffer))
}

const fn check(check: fn(Token<'_>) -> Result<(), Fault>) -> Reader {
    reader("ike", Form::Value(check))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("ike.chosen_sa_attribute", PAGE, check(attribute)),
    ("ike.exchtype", PAGE, check(value::integer::<u8>)),
    ("ike.init_spi", PAGE, sticky("ike.init_spi")),
    ("ike.key_exchange_payload", PAGE, sticky("ike.key_exchange_payload")),
    ("ike.key_exchange_payload_length", PAGE, check(value::integer::<u32>)),
    ("ike.nonce_payload", PAGE, sticky("ike.nonce_payload")),
    ("ike.nonce_payload_length", PAGE, check(value::integer::<u32>)),
    ("ike.resp_spi", PAGE, sticky("ike.resp_spi")),
    ("ike.vendor", PAGE, sticky("ike.vendor")),
];

/// `attribute=number`
fn attribute(value: Token<'_>) -> Result<(), Fault> {
    let whole = value.without_quotes()?;
    let Some((name, number)) = whole.split_once("=") else {
        return Err(whole.fault("an attribute is written as in alg_hash=2"));
    };
    let names = "alg_enc alg_hash alg_auth alg_dh sa_group_type sa_life_type sa_life_duration alg_prf sa_key_length \
                 sa_field_size";
    value::one_of(name, names)?;
    value::at_most(number, u32::MAX.into())
}
