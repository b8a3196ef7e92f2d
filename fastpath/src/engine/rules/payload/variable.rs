//! What `byte_extract` and `byte_math` name, and options that take such a name.

use crate::engine::rules::{fault::Fault, lexer::Token};

/// Variables that one rule may have in one buffer.
const MAX_VARIABLES: usize = 16;

/// The variables of one buffer's part of a rule, in the order in which they are set.
#[derive(Clone, Debug, Default)]
pub(in crate::engine::rules) struct Names(Vec<String>);

/// A number, or a variable's value when the rule is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Operand {
    Number(i64),
    Variable(u8),
}

impl Names {
    /// The place of the variable's value.
    pub(in crate::engine::rules) fn find(&self, name: Token<'_>) -> Option<u8> {
        let position = self.0.iter().position(|known| known == name.text)?;
        u8::try_from(position).ok()
    }

    pub(in crate::engine::rules) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Operand {
    /// Its value among `variables`.
    pub(in crate::engine::rules) fn value(self, variables: &[u64]) -> i64 {
        match self {
            Self::Number(number) => number,
            Self::Variable(index) => {
                let value = variables.get(usize::from(index)).copied().unwrap_or(0);
                i64::try_from(value).unwrap_or(i64::MAX)
            }
        }
    }
}
