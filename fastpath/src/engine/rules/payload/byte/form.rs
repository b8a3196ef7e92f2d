//! `relative`, `string`, `little` and the like, which all byte keywords have.

use super::{Form, digits::Base};
use crate::engine::rules::{fault::Fault, lexer::Token, once::once};

/// What a byte keyword's options have said so far.
#[derive(Debug, Default)]
pub(super) struct FormDraft {
    relative: Option<()>,
    text: Option<()>,
    base: Option<Base>,
    /// Whether the low byte comes first.
    little: Option<bool>,
}

impl FormDraft {
    /// Takes a word if it is one of these; false when it is another.
    pub(super) fn take(&mut self, word: Token<'_>) -> Result<bool, Fault> {
        match word.text.to_ascii_lowercase().as_str() {
            "relative" => once(&mut self.relative, (), word),
            "string" => once(&mut self.text, (), word),
            "hex" => once(&mut self.base, Base::Hexadecimal, word),
            "dec" => once(&mut self.base, Base::Decimal, word),
            "oct" => once(&mut self.base, Base::Octal, word),
            "big" => once(&mut self.little, false, word),
            "little" => once(&mut self.little, true, word),
            "dce" => Err(word.fault("`dce` needs the dcerpc parser, which is not supported yet")),
            _ => return Ok(false),
        }
        .map(|()| true)
    }

    pub(super) fn is_relative(&self) -> bool {
        self.relative.is_some()
    }

    /// Whether a byte order is given.
    pub(super) fn has_order(&self) -> bool {
        self.little.is_some()
    }

    /// The form; `base` is that of a `string` without one. `value` is where to point at.
    pub(super) fn form(&self, base: Base, value: Token<'_>) -> Result<Form, Fault> {
        match (self.text, self.base) {
            (Some(()), given) => Ok(Form::Text(given.unwrap_or(base))),
            (None, Some(_)) => Err(value.fault("`hex`, `dec` and `oct` need `string` with them")),
            (None, None) if self.little == Some(true) => Ok(Form::Little),
            (None, None) => Ok(Form::Big),
        }
    }
}
