//! `from_base64:[bytes N][, offset N][, mode rfc4648|rfc2045|strict]`.

use crate::engine::rules::{fault::Fault, lexer::Token, number::number, once::once, payload::base64::Mode};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine::rules) struct FromBase64 {
    /// Bytes of text, 0 for all.
    count: u16,
    offset: u16,
    mode: Mode,
}

impl FromBase64 {
    pub(super) fn parse(value: Option<Token<'_>>) -> Result<Self, Fault> {
        let (mut count, mut offset, mut mode) = (None, None, None);
        for part in value.iter().flat_map(|value| value.split(',')) {
            let (name, argument) = part.word();
            match (name.text, argument.text) {
                ("bytes", _) => once(&mut count, number(argument, 0..=u16::MAX)?, name)?,
                ("offset", _) => once(&mut offset, number(argument, 0..=u16::MAX)?, name)?,
                ("mode", "rfc4648") => once(&mut mode, Mode::Rfc4648, name)?,
                ("mode", "rfc2045") => once(&mut mode, Mode::Rfc2045, name)?,
                ("mode", "strict") => once(&mut mode, Mode::Strict, name)?,
                _ => {
                    let form =
                        "`from_base64` takes `bytes N`, `offset N` and `mode rfc4648`, `rfc2045` or `strict`";
                    return Err(part.fault(form));
                }
            }
        }
        Ok(Self { count: count.unwrap_or(0), offset: offset.unwrap_or(0), mode: mode.unwrap_or_default() })
    }

    /// A buffer that is too short, or of which nothing can be decoded, stays as it is (as in Suricata).
    pub(super) fn apply(&self, input: &[u8], out: &mut Vec<u8>) {
        let rest = input.get(usize::from(self.offset)..);
        let text = match self.count {
            0 => rest,
            count => rest.and_then(|rest| rest.get(..usize::from(count))),
        };
        self.mode.decode(text.unwrap_or_default(), out);
        if out.is_empty() {
            out.extend_from_slice(input);
        }
    }
}
