//! `pcre:"/expression/flags"` (Suricata's "Payload Keywords", PCRE).

use crate::engine::rules::{
    buffer::Buffer,
    draft::Draft,
    fault::Fault,
    lexer::Token,
    payload::{
        capture::{Capture, Keep},
        program::Step,
        section::StepDraft,
    },
    scan::pcre::{Options, Regex},
};

/// A compiled expression and how it is looked for.
#[derive(Debug)]
pub(in crate::engine::rules) struct Pcre {
    pub(super) regex: Regex,
    pub(super) negated: bool,
    /// `R`: from the end of what was found before.
    pub(super) relative: bool,
    /// What stands behind may be relative to where it was found.
    pub(super) anchors: bool,
    /// Groups that are kept.
    pub(super) captures: Box<[Capture]>,
}

/// Flags that say which part of an HTTP message is meant, and the sticky buffers that are the same.
const BUFFERS: [(char, &str); 13] = [
    ('U', "http.uri"),
    ('I', "http.uri.raw"),
    ('P', "http.request_body"),
    ('Q', "file.data"),
    ('H', "http.header"),
    ('D', "http.header.raw"),
    ('M', "http.method"),
    ('C', "http.cookie"),
    ('S', "http.stat_code"),
    ('Y', "http.stat_msg"),
    ('V', "http.user_agent"),
    ('W', "http.host"),
    ('Z', "http.host.raw"),
];

pub(in crate::engine::rules) fn pcre(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (negated, quoted) = value.negation();
    let text = quoted.without_quotes()?;
    let form = || value.fault("an expression is written \"/expression/flags\"");
    let body = text.text.strip_prefix('/').ok_or_else(form)?;
    let end = body.rfind('/').ok_or_else(form)?;
    let (expression, flags) = (&body[..end], &body[end + 1..]);
    let (flags, names) = match flags.split_once(',') {
        Some((flags, names)) => (flags, Some(names)),
        None => (flags, None),
    };
    let (expression_at, flags_at) = (text.at + 1, text.at + end + 2);

    let mut options = Options::default();
    let (mut relative, mut buffer) = (false, None);
    for (at, flag) in flags.trim_end().char_indices() {
        let fault = |reason: &str| Fault::new(flags_at + at, reason);
        match flag {
            'i' => options.caseless = true,
            'm' => options.multiline = true,
            's' => options.dot_all = true,
            'x' => options.extended = true,
            'A' => options.anchored = true,
            'E' => options.dollar_end_only = true,
            'G' => options.ungreedy = true,
            'R' => relative = true,
            // Payload is looked at raw anyway; and no expression may do without limits.
            'B' | 'O' => {}
            flag => match BUFFERS.iter().find(|(known, _)| *known == flag) {
                Some(&(_, name)) if buffer.is_none_or(|other| other == name) => buffer = Some(name),
                Some(_) => return Err(fault("an expression is about one buffer")),
                None => return Err(fault(&format!("unknown flag `{flag}`"))),
            },
        }
    }
    // A `;` or `"` that the rule language wants escaped, PCRE takes for itself.
    let regex = Regex::new(expression.as_bytes(), options)
        .map_err(|error| Fault::new(expression_at + error.offset.min(expression.len()), error.to_string()))?;
    let expression = Token { text: expression, at: expression_at };
    let names = names.map(|names| Token { text: names, at: flags_at + flags.len() + 1 });
    let mut captures = Capture::parse_all(expression, names, &regex, draft.context.shared)?;
    if negated {
        // What must not be found captures nothing.
        captures = Box::default();
    }
    for capture in &captures {
        match capture.keep {
            Keep::Flow(_) => draft.ordering.flowvars.write(),
            Keep::Packet(_) => draft.ordering.pktvars.write(),
            Keep::Alert(_) => {}
        }
    }
    let section = match buffer {
        Some(name) => {
            draft.belong_to("http", value)?;
            draft.sections.section_about(Buffer::Application(name), value.at)
        }
        None => draft.sections.section(),
    };
    if section.buffer == Buffer::Base64 && !captures.is_empty() {
        return Err(value.fault("of `base64_data` nothing that is captured can be kept"));
    }
    let pcre = Pcre { regex, negated, relative, anchors: false, captures };
    section.steps.push(StepDraft::Other(Step::Pcre(pcre)));
    Ok(())
}
