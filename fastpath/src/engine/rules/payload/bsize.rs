//! `bsize`: the length of a buffer.

use crate::engine::rules::{fault::Fault, lexer::Token, number::Comparison};

/// Compares a buffer's length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct BufferSize(Comparison<u64>);

impl BufferSize {
    pub(in crate::engine::rules) fn parse(value: Token<'_>) -> Result<Self, Fault> {
        Comparison::parse(value, u64::MAX).map(Self)
    }

    /// Whether a buffer of `length` bytes is as wanted.
    pub(in crate::engine::rules) fn holds(self, length: u64) -> bool {
        self.0.holds(length)
    }

    /// The largest length it allows, if it limits it.
    pub(in crate::engine::rules) fn largest(self) -> Option<u64> {
        self.0.largest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        let parse = |text: &str| BufferSize::parse(Token { text, at: 0 });
        let lengths = |text: &str| (0..9).filter(|&n| parse(text).unwrap().holds(n)).collect::<Vec<_>>();
        assert_eq!(lengths("4"), [4]);
        assert_eq!(lengths("=4"), [4]);
        assert_eq!(lengths("!4"), [0, 1, 2, 3, 5, 6, 7, 8]);
        assert_eq!(lengths("<2"), [0, 1]);
        assert_eq!(lengths("<= 2"), [0, 1, 2]);
        assert_eq!(lengths(">6"), [7, 8]);
        assert_eq!(lengths(">=6"), [6, 7, 8]);
        assert_eq!(lengths("2<>5"), [3, 4]);
        assert_eq!(parse("2<>5").unwrap().largest(), Some(4));
        assert!(parse("18446744073709551615").unwrap().holds(u64::MAX));
        for bad in ["", "<0", "a", "-1", "5<>2", "18446744073709551616"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
