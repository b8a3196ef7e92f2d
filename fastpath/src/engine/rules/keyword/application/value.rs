//! Forms of values that several protocols' keywords have.

use std::mem::size_of;

use crate::engine::rules::{
    fault::Fault,
    lexer::Token,
    number::{self, Comparison, Field},
};

/// A number of `T`'s size, or a comparison with one.
pub(super) fn integer<T: Field>(value: Token<'_>) -> Result<(), Fault> {
    let bits = u32::try_from(size_of::<T>() * 8).unwrap_or(64);
    let max = u64::MAX >> 64_u32.saturating_sub(bits);
    let max = T::try_from(max).map_err(|_| value.fault("the number is too large"))?;
    Comparison::parse(value, max).map(drop)
}

/// The same, or one of `names` (with a space between them) in any case of letters, or `!` and one of them.
pub(super) fn named<T: Field>(value: Token<'_>, names: &str) -> Result<(), Fault> {
    let name = value.strip_prefix("!").unwrap_or(value);
    if is_one_of(name.text, names) {
        return Ok(());
    }
    match name.text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => Err(unknown(name, names)),
        false => integer::<T>(value),
    }
}

/// One of `names`, in any case of letters.
pub(super) fn one_of(value: Token<'_>, names: &str) -> Result<(), Fault> {
    if is_one_of(value.text, names) { Ok(()) } else { Err(unknown(value, names)) }
}

/// A number or a comparison, or a list of flags, each with or without `!` and each once.
pub(super) fn flags<T: Field>(value: Token<'_>, names: &str) -> Result<(), Fault> {
    let first = value.strip_prefix("!").unwrap_or(value);
    if !first.text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return integer::<T>(value);
    }
    each_once(value, ',', |flag| one_of(flag.strip_prefix("!").unwrap_or(flag), names))
}

/// Parts between `separator`, none of them twice (nor with and without `!`).
pub(super) fn each_once<'a>(
    value: Token<'a>,
    separator: char,
    check: impl Fn(Token<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut seen: Vec<Token<'_>> = Vec::new();
    for part in value.split(separator) {
        check(part)?;
        let bare = part.strip_prefix("!").unwrap_or(part);
        if seen.iter().any(|other| other.text.eq_ignore_ascii_case(bare.text)) {
            return Err(part.fault(format!("`{}` stands here twice", bare.text)));
        }
        seen.push(bare);
    }
    Ok(())
}

/// Text, in quotes or without, negated or not.
pub(super) fn text(value: Token<'_>) -> Result<(), Fault> {
    let text = value.strip_prefix("!").unwrap_or(value).without_quotes()?;
    if text.text.is_empty() { Err(text.fault("the value may not be empty")) } else { Ok(()) }
}

/// `to_server` or `to_client`.
pub(super) fn direction(value: Token<'_>) -> Result<(), Fault> {
    one_of(value, "to_server to_client")
}

/// A whole number from 0 to `max`.
pub(super) fn at_most(value: Token<'_>, max: u64) -> Result<(), Fault> {
    number::number(value, 0..=max).map(drop)
}

fn is_one_of(text: &str, names: &str) -> bool {
    names.split(' ').any(|name| name.eq_ignore_ascii_case(text))
}

/// Characters of a list of names that is too long to be told.
const LONG: usize = 240;

fn unknown(value: Token<'_>, names: &str) -> Fault {
    let name = value.text;
    if names.len() > LONG {
        return value.fault(format!("`{name}` is not known here"));
    }
    value.fault(format!("`{name}` is not known here: use {}", names.replace(' ', ", ")))
}
