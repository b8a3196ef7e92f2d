//! Variables that `byte_extract` and `byte_math` set, and what may be a number or a variable.

use crate::engine::rules::{fault::Fault, lexer::Token};

/// The variables of a rule, in the order of their declaration.
#[derive(Clone, Debug, Default)]
pub(in crate::engine::rules) struct Names(Vec<String>);

/// So many variables have an index.
const MOST: usize = 1 << 8;

impl Names {
    /// Gives a new variable its index.
    pub(in crate::engine::rules) fn declare(&mut self, name: Token<'_>) -> Result<u8, Fault> {
        if !is_name(name) {
            let reason = format!("`{}` is no name of a variable: it must begin with a letter", name.text);
            return Err(name.fault(reason));
        }
        if self.0.iter().any(|known| known == name.text) {
            return Err(
                name.fault(format!("variable `{}` is set twice: give it another name here", name.text))
            );
        }
        let index = u8::try_from(self.0.len())
            .map_err(|_| name.fault(format!("a rule may have {MOST} variables at most")))?;
        self.0.push(name.text.to_owned());
        Ok(index)
    }

    /// The index of a variable declared before.
    pub(in crate::engine::rules) fn look_up(&self, name: Token<'_>) -> Result<u8, Fault> {
        let index = self.0.iter().position(|known| known == name.text);
        index.and_then(|index| u8::try_from(index).ok()).ok_or_else(|| {
            let reason =
                format!("no `byte_extract` or `byte_math` before this sets a variable `{}`", name.text);
            name.fault(reason)
        })
    }
}

fn is_name(token: Token<'_>) -> bool {
    let mut characters = token.text.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && !characters.any(char::is_whitespace)
}

/// A number in the rule's text, or the variable whose value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Operand<T = i64> {
    Number(T),
    Variable(u8),
}

impl<T: Copy + Into<i128>> Operand<T> {
    /// Reads a variable's name, or with `number` a number.
    pub(in crate::engine::rules) fn parse(
        token: Token<'_>,
        names: &Names,
        number: impl FnOnce(Token<'_>) -> Result<T, Fault>,
    ) -> Result<Self, Fault> {
        if is_name(token) {
            names.look_up(token).map(Self::Variable)
        } else {
            number(token).map(Self::Number)
        }
    }

    /// Its value, wide enough for any offset and any variable.
    pub(in crate::engine::rules) fn value(self, variables: &[u64]) -> Option<i128> {
        match self {
            Self::Number(number) => Some(number.into()),
            Self::Variable(index) => variables.get(usize::from(index)).copied().map(i128::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rules::number::number;

    fn token(text: &str) -> Token<'_> {
        Token { text, at: 7 }
    }

    #[test]
    fn names_have_an_index_each() {
        let mut names = Names::default();
        assert_eq!(names.declare(token("a")), Ok(0));
        assert_eq!(names.declare(token("b_2")), Ok(1));
        assert_eq!(names.look_up(token("b_2")), Ok(1));
        for bad in ["a", "2b", "", "-a", "a b"] {
            assert_eq!(names.declare(token(bad)).unwrap_err().at, 7, "{bad}");
        }
        assert!(names.look_up(token("c")).is_err());
    }

    #[test]
    fn a_rule_has_256_variables_at_most() {
        let mut names = Names::default();
        for n in 0..=255_u8 {
            assert_eq!(names.declare(token(&format!("v{n}"))), Ok(n));
        }
        assert!(names.declare(token("v256")).is_err());
    }

    #[test]
    fn an_operand_is_a_number_or_a_variable() {
        let mut names = Names::default();
        names.declare(token("a")).unwrap();
        let parse = |text| Operand::parse(token(text), &names, |t| number(t, -5_i32..=5));
        assert_eq!(parse("-3"), Ok(Operand::Number(-3)));
        assert_eq!(parse("a"), Ok(Operand::Variable(0)));
        assert!(parse("6").is_err() && parse("b").is_err() && parse("").is_err());
        assert_eq!(parse("a").unwrap().value(&[u64::MAX]), Some(i128::from(u64::MAX)));
        assert_eq!(parse("a").unwrap().value(&[]), None);
        assert_eq!(parse("-3").unwrap().value(&[]), Some(-3));
    }
}
