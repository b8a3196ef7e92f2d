//! Keywords that say what a rule is rather than what it matches (Suricata's "Meta Keywords").

use super::{
    draft::{Draft, set},
    fault::Fault,
    lexer::Token,
    number::number,
};

pub(super) fn msg(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let text = value.unquote()?;
    let mut msg = String::with_capacity(text.text.len());
    let mut chars = text.text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => msg.extend(chars.next()),
            c => msg.push(c),
        }
    }
    if msg.is_empty() {
        return Err(value.fault("a message may not be empty"));
    }
    set(&mut draft.msg, msg, "msg", value)
}

pub(super) fn sid(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    draft.sid_at = value.at;
    set(&mut draft.sid, number(value, 1..=u32::MAX)?, "sid", value)
}

pub(super) fn rev(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    set(&mut draft.rev, number(value, 0..=u32::MAX)?, "rev", value)
}

pub(super) fn gid(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    set(&mut draft.gid, number(value, 0..=u32::MAX)?, "gid", value)
}

pub(super) fn classtype(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    if !value.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Err(value.fault(format!("`{}` is no class name: letters, digits, `-` and `_`", value.text)));
    }
    set(&mut draft.class, value.text.to_string(), "classtype", value)
}

/// Of several, the highest (the lowest number) counts, as in Suricata.
pub(super) fn priority(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let priority = number(value, 1..=u8::MAX)?;
    draft.priority = Some(draft.priority.map_or(priority, |other| other.min(priority)));
    Ok(())
}

/// `type,value`. Checked only: events do not carry references yet.
pub(super) fn reference(_: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    match value.text.split_once(',') {
        Some((kind, text)) if !kind.trim().is_empty() && !text.trim().is_empty() => Ok(()),
        _ => Err(value.fault("a reference is `type,value`")),
    }
}

/// `key value, …`. Checked only: events do not carry metadata yet.
pub(super) fn metadata(_: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    match value.split(',').find(|pair| pair.text.is_empty()) {
        Some(empty) => Err(empty.fault("metadata is `key value` pairs between commas")),
        None => Ok(()),
    }
}

/// From the packet that matches on, its flow goes uninspected (Suricata's "bypass").
pub(super) fn bypass(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    match std::mem::replace(&mut draft.bypass, true) {
        false => Ok(()),
        true => Err(name.fault("`bypass` may stand in a rule once")),
    }
}
