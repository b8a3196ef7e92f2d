//! Keywords that say what a rule is rather than what it matches (Suricata's "Meta Keywords").

use super::{
    Target,
    classification::Class,
    draft::{Draft, set},
    fault::Fault,
    lexer::Token,
    line,
    number::number,
    requirement,
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

/// Of several, the one with the highest priority counts, as in Suricata. One that is not known leaves the rule without a class.
pub(super) fn classtype(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    line::name(value)?;
    let class = draft.context.environment.classification.get(value.text).cloned().unwrap_or_else(|| {
        let reason =
            format!("class `{}` is not known (classification-file): such rules have priority 3", value.text);
        draft.warnings.push(value.fault(reason));
        Class::unknown()
    });
    if draft.class.is_some() {
        draft.warnings.push(value.fault("a second `classtype`: the one with the highest priority counts"));
    }
    if draft.class.as_ref().is_none_or(|other| class.priority < other.priority) {
        draft.class = Some(class);
    }
    Ok(())
}

/// Of several, the highest (the lowest number) counts, as in Suricata.
pub(super) fn priority(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let priority = number(value, 1..=u8::MAX)?;
    draft.priority = Some(draft.priority.map_or(priority, |other| other.min(priority)));
    Ok(())
}

/// `type,value`.
pub(super) fn reference(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let environment = draft.context.environment;
    let reference = environment.references.resolve(value)?;
    if reference.url.is_none() {
        let reason = format!("references to `{}` are not known (reference-config-file)", reference.system);
        draft.warnings.push(value.fault(reason));
    }
    if environment.kept.references {
        draft.details.references.push(reference);
    }
    Ok(())
}

/// `key value, …`. As in Suricata, what is no such pair does not count.
pub(super) fn metadata(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    for pair in value.split(',') {
        match pair.text.split_once([' ', '\t']) {
            Some((key, text)) if draft.context.environment.kept.metadata => {
                draft.details.add_metadata(key, text.trim_start());
            }
            Some(_) => {}
            None => {
                draft.warnings.push(pair.fault("metadata without a value: `key value` pairs between commas"))
            }
        }
    }
    Ok(())
}

pub(super) fn target(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let target = match value.text {
        "src_ip" => Target::Source,
        "dest_ip" => Target::Destination,
        _ => return Err(value.fault("the target is src_ip or dest_ip")),
    };
    if draft.target.replace(target).is_some_and(|other| other != target) {
        return Err(value.fault("the target is either src_ip or dest_ip, not both"));
    }
    Ok(())
}

/// Looked at before the rule is read ([`requirement::unmet`]): it may need to be read otherwise.
pub(super) fn requires(_: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    requirement::unmet(value).map(|_| ())
}

/// From the packet that matches on, its flow goes uninspected (Suricata's "bypass").
pub(super) fn bypass(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    match std::mem::replace(&mut draft.bypass, true) {
        false => Ok(()),
        true => Err(name.fault("`bypass` may stand in a rule once")),
    }
}
