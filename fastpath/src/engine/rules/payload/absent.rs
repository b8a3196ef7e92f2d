//! `absent`, `absent:or_else`: a buffer that is not there.

use crate::engine::rules::{fault::Fault, lexer::Token};

/// What `absent` says about the buffer before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Absent {
    /// It must not be there.
    Always,
    /// It must not be there, or what is asked of it must hold.
    OrElse,
}

impl Absent {
    pub(in crate::engine::rules) fn parse(value: Option<Token<'_>>) -> Result<Self, Fault> {
        match value {
            None => Ok(Self::Always),
            Some(value) if value.text == "or_else" => Ok(Self::OrElse),
            Some(value) => Err(value.fault("`absent` takes nothing or `or_else`")),
        }
    }

    /// Whether it holds for a buffer that is there, so that the rest is to be asked.
    pub(in crate::engine::rules) fn allows_presence(self) -> bool {
        self == Self::OrElse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let parse = |text| Absent::parse(Some(Token { text, at: 3 }));
        assert!(!Absent::parse(None).unwrap().allows_presence());
        assert!(parse("or_else").unwrap().allows_presence());
        assert_eq!(parse("or else").unwrap_err().at, 3);
    }
}
