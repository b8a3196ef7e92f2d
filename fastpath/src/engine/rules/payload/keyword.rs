//! Keywords beside `content` and `pcre`, as they come in.

use super::{
    absent::Absent,
    asn1::Asn1,
    base64::Base64Decode,
    bsize::BufferSize,
    byte::{ByteExtract, ByteJump, ByteMath, ByteTest},
    entropy::Entropy,
    isdataat::IsDataAt,
    program::Step,
    section::{Section, StepDraft},
};
use crate::engine::rules::{
    buffer::Buffer,
    dataset::{Lookup, Reputed},
    draft::Draft,
    fault::Fault,
    lexer::Token,
    transform::Transform,
};

/// Adds the step that `read` makes to the section that is being written.
fn add(draft: &mut Draft<'_>, read: impl FnOnce(&mut Section) -> Result<Step, Fault>) -> Result<(), Fault> {
    let section = draft.sections.section();
    let step = read(section)?;
    section.steps.push(StepDraft::Other(step));
    Ok(())
}

/// As [`add`]; but what is relative to a content that an old-style modifier (`http_uri`) has moved is about the same buffer.
fn add_where_it_belongs(
    draft: &mut Draft<'_>,
    value: Token<'_>,
    read: impl FnOnce(&mut Section) -> Result<Step, Fault>,
) -> Result<(), Fault> {
    let is_relative = value.split(',').any(|part| part.text == "relative");
    let section = draft.sections.section_of(is_relative);
    let step = read(section)?;
    section.steps.push(StepDraft::Other(step));
    Ok(())
}

pub(in crate::engine::rules) fn isdataat(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add_where_it_belongs(draft, value, |section| IsDataAt::parse(value, &section.names).map(Step::IsDataAt))
}

pub(in crate::engine::rules) fn byte_test(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add_where_it_belongs(draft, value, |section| ByteTest::parse(value, &section.names).map(Step::Test))
}

pub(in crate::engine::rules) fn byte_jump(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add_where_it_belongs(draft, value, |section| ByteJump::parse(value, &section.names).map(Step::Jump))
}

pub(in crate::engine::rules) fn byte_extract(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add_where_it_belongs(draft, value, |section| {
        ByteExtract::parse(value, &mut section.names).map(Step::Extract)
    })
}

pub(in crate::engine::rules) fn byte_math(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add_where_it_belongs(draft, value, |section| ByteMath::parse(value, &mut section.names).map(Step::Math))
}

pub(in crate::engine::rules) fn asn1(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, |_| Asn1::parse(value).map(Step::Asn1))
}

pub(in crate::engine::rules) fn entropy(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, |_| Entropy::parse(value).map(Step::Entropy))
}

pub(in crate::engine::rules) fn bsize(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    let size = BufferSize::parse(value)?;
    add(draft, |section| match section.buffer {
        Buffer::Payload => {
            Err(name.fault("`bsize` must follow a sticky buffer; the size of a payload is `dsize`"))
        }
        _ => {
            section.largest = size.largest().or(section.largest);
            Ok(Step::Size(size))
        }
    })
}

/// `prefilter;` makes no difference to what a rule means.
pub(in crate::engine::rules) fn prefilter(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    match draft.sections.is_empty() && draft.conditions.is_empty() && draft.missing_parser.is_none() {
        true => Err(name.fault("`prefilter` must follow the keyword that it is about")),
        false => Ok(()),
    }
}

/// A step that is about a buffer as a whole.
fn add_whole(draft: &mut Draft<'_>, name: Token<'_>, step: Step) -> Result<(), Fault> {
    add(draft, |section| match section.buffer {
        Buffer::Payload => Err(name.fault(format!("`{}` must follow a sticky buffer", name.text))),
        _ => Ok(step),
    })
}

pub(in crate::engine::rules) fn dataset(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    let lookup = Lookup::parse(value, draft.context)?;
    add_whole(draft, name, Step::Set(lookup))
}

pub(in crate::engine::rules) fn datarep(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    let reputed = Reputed::parse(value, draft.context)?;
    add_whole(draft, name, Step::Reputation(reputed))
}

/// `absent;`, `absent:or_else;`
pub(in crate::engine::rules) fn absent(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Option<Token<'_>>,
) -> Result<(), Fault> {
    let absent = Absent::parse(value)?;
    let section = draft.sections.section();
    if section.buffer == Buffer::Payload {
        return Err(name.fault("`absent` must follow a sticky buffer"));
    }
    match section.absent.replace(absent) {
        None => Ok(()),
        Some(_) => Err(name.fault("`absent` may be said of a buffer once")),
    }
}

pub(in crate::engine::rules) fn base64_decode(
    draft: &mut Draft<'_>,
    _: Token<'_>,
    value: Option<Token<'_>>,
) -> Result<(), Fault> {
    let decode = Base64Decode::parse(value)?;
    draft.sections.push(StepDraft::Base64(decode, None));
    Ok(())
}

/// `to_lowercase;` and its like.
pub(in crate::engine::rules) fn transform(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Option<Token<'_>>,
) -> Result<(), Fault> {
    draft.sections.transform(Transform::parse(name, value)?, name)
}
