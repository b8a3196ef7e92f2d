//! `isdataat:[!]OFFSET[,relative][,rawbytes]`: whether the buffer reaches so far.

use super::{
    variable::{Names, Operand},
    view::View,
};
use crate::engine::rules::{fault::Fault, lexer::Token, number::number};

/// Asks for data at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct IsDataAt {
    offset: Operand<u16>,
    relative: bool,
    negated: bool,
}

impl IsDataAt {
    pub(in crate::engine::rules) fn parse(value: Token<'_>, names: &Names) -> Result<Self, Fault> {
        let (negated, value) = value.negation();
        let mut parts = value.split(',').peekable();
        let offset = parts.next().unwrap_or(value);
        let offset = Operand::parse(offset, names, |token| number(token, 0..=u16::MAX))?;
        let relative = parts.next_if(|part| part.text == "relative").is_some();
        // There are no decoded bytes beside the raw ones here.
        parts.next_if(|part| part.text == "rawbytes");
        match parts.next() {
            None => Ok(Self { offset, relative, negated }),
            Some(part) => Err(part.fault("`isdataat` is `[!]offset`, then `relative`, then `rawbytes`")),
        }
    }

    /// Whether it counts from the cursor.
    pub(in crate::engine::rules) fn is_relative(&self) -> bool {
        self.relative
    }

    /// An absolute offset is that of a byte which must be there; a relative one is a number of bytes which must follow
    /// the cursor.
    pub(in crate::engine::rules) fn holds(&self, view: &View<'_>) -> bool {
        let Some(offset) = self.offset.value(view.variables) else { return false };
        let length = view.bytes.len() as i128;
        let there = if self.relative {
            view.cursor as i128 + offset <= length
        } else {
            offset < i128::from(view.before) + length
        };
        there != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, bytes: &[u8], cursor: usize, before: u64) -> bool {
        let mut names = Names::default();
        names.declare(Token { text: "n", at: 0 }).unwrap();
        let test = IsDataAt::parse(Token { text, at: 0 }, &names).unwrap();
        test.holds(&View { bytes, before, cursor, variables: &[4] })
    }

    #[test]
    fn an_absolute_offset_is_of_a_byte_and_a_relative_one_a_count() {
        let bytes = b"abcd";
        for (text, cursor, expected) in [
            ("3", 0, true),
            ("4", 0, false),
            ("!4", 0, true),
            ("!3", 4, false),
            ("n", 0, false),
            ("4,relative", 0, true),
            ("5,relative", 0, false),
            ("1, relative", 3, true),
            ("1,relative,rawbytes", 4, false),
            ("!1,relative", 4, true),
            ("!1,relative", 3, false),
            ("0,relative", 4, true),
            ("n,relative", 0, true),
            ("!n,relative", 1, true),
        ] {
            assert_eq!(holds(text, bytes, cursor, 0), expected, "{text} at {cursor}");
        }
        assert!(!holds("0", b"", 0, 0) && holds("!0", b"", 0, 0) && holds("0,relative", b"", 0, 0));
    }

    #[test]
    fn an_absolute_offset_counts_from_the_start_of_the_stream() {
        assert!(holds("103", b"abcd", 0, 100) && !holds("104", b"abcd", 0, 100));
        assert!(holds("2", b"abcd", 0, 100));
        assert!(!holds("103,relative", b"abcd", 0, 100));
    }

    #[test]
    fn good_and_bad_forms() {
        let parse = |text| IsDataAt::parse(Token { text, at: 0 }, &Names::default());
        assert!(parse("!1,relative").is_ok() && parse("! 1 , relative").is_ok());
        assert!(parse("65535").is_ok() && parse("5,rawbytes").is_ok());
        for bad in
            ["", "!", "-1", "65536", "n", "1,rel", "1,", "1,rawbytes,relative", "1,relative,relative", "0x1"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
