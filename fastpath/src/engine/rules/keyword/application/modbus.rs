//! Modbus (Suricata's "Modbus Keyword").

use super::{Form, reader, value};
use crate::engine::rules::{fault::Fault, keyword::Entry, lexer::Token};

pub(super) const KEYWORDS: &[Entry] = &[("modbus", "modbus-keyword", reader("modbus", Form::Value(read)))];

/// `unit`, `function` with `subfunction`, or `access` with `address` and `value`; `unit` may stand before the others.
fn read(value: Token<'_>) -> Result<(), Fault> {
    let whole = value.without_quotes()?;
    let mut parts = whole.split(',').peekable();
    if let Some(unit) = parts.next_if(|part| part.text.starts_with("unit")) {
        range(after(unit, "unit")?)?;
        if parts.peek().is_none() {
            return Ok(());
        }
    }
    let first = parts.next().unwrap_or(whole);
    if first.text.starts_with("function") {
        let number = function(after(first, "function")?)?;
        if let Some(sub) = parts.next() {
            if !number {
                return Err(sub.fault("`subfunction` follows the number of a function"));
            }
            value::at_most(after(sub, "subfunction")?, u16::MAX.into())?;
        }
    } else if first.text.starts_with("access") {
        access(after(first, "access")?, &mut parts)?;
    } else {
        return Err(first.fault("here must stand `unit`, `function` or `access`"));
    }
    parts.next().map_or(Ok(()), |more| Err(more.fault("nothing may follow here")))
}

/// A number or a category; whether it is a number.
fn function(value: Token<'_>) -> Result<bool, Fault> {
    if value.text.starts_with(|c: char| c.is_ascii_digit()) {
        return match value.text {
            "0" => Err(value.fault("functions are numbered from 1")),
            _ => value::at_most(value, u8::MAX.into()).map(|()| true),
        };
    }
    let category = value.strip_prefix("!").unwrap_or(value);
    value::one_of(category, "assigned unassigned public user reserved all").map(|()| false)
}

/// `read` or `write`, of what, and where.
fn access<'a>(kind: Token<'a>, parts: &mut impl Iterator<Item = Token<'a>>) -> Result<(), Fault> {
    let (writes, table) = match (kind.strip_prefix("read"), kind.strip_prefix("write")) {
        (Some(table), _) => (false, table),
        (_, Some(table)) => (true, table),
        _ => return Err(kind.fault("an access is `read` or `write`")),
    };
    if !table.text.is_empty() {
        value::one_of(table, if writes { "coils holding" } else { "discretes coils input holding" })?;
    }
    let Some(address) = parts.next() else { return Ok(()) };
    let one = range(after(address, "address")?)?;
    let Some(written) = parts.next() else { return Ok(()) };
    if !writes || !one {
        return Err(written.fault("`value` goes with `access write` and one address"));
    }
    range(after(written, "value")?).map(drop)
}

/// `n`, `<n`, `>n` or `a<>b`; whether it is one number.
fn range(value: Token<'_>) -> Result<bool, Fault> {
    if let Some((first, last)) = value.split_once("<>") {
        value::at_most(first, u16::MAX.into())?;
        value::at_most(last, u16::MAX.into())?;
        return Ok(false);
    }
    let bound = value.strip_prefix("<").or_else(|| value.strip_prefix(">"));
    value::at_most(bound.unwrap_or(value), u16::MAX.into())?;
    Ok(bound.is_none())
}

/// What stands behind a word and white space.
fn after<'a>(part: Token<'a>, word: &str) -> Result<Token<'a>, Fault> {
    match part.strip_prefix(word) {
        Some(rest) if !rest.text.is_empty() && rest.at > part.at + word.len() => Ok(rest),
        Some(_) => Err(part.fault(format!("`{word}` needs a value behind a space"))),
        None => Err(part.fault(format!("here must stand `{word}`"))),
    }
}
