//! `pcrexform:"EXPRESSION"`: what the one group of the expression captures. A buffer without a match stays as it is (Suricata 8:
//! detect-transform-pcrexform.c).

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::engine::rules::{
    fault::Fault,
    lexer::Token,
    scan::pcre::{Found, Options, Regex, Scratch},
};

#[derive(Clone, Debug)]
pub(in crate::engine::rules) struct Pcrexform {
    /// As the rule has it: what is written alike is the same.
    expression: Box<str>,
    regex: Arc<Regex>,
}

impl PartialEq for Pcrexform {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression
    }
}

impl Eq for Pcrexform {}

impl Hash for Pcrexform {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expression.hash(state);
    }
}

impl Pcrexform {
    pub(super) fn parse(value: Token<'_>) -> Result<Self, Fault> {
        let expression = value.unquote()?;
        let regex = Regex::new(expression.text.as_bytes(), Options::default())
            .map_err(|error| expression.fault(error.to_string()))?;
        match regex.groups() {
            1 => Ok(Self { expression: expression.text.into(), regex: Arc::new(regex) }),
            groups => Err(expression
                .fault(format!("the expression must have one group in parentheses; it has {groups}"))),
        }
    }

    pub(super) fn apply<'b>(&self, input: &'b [u8], scratch: &mut Scratch) -> &'b [u8] {
        match self.regex.find(input, 0, scratch) {
            // The group may have no part in the match.
            Found::At(..) => scratch.group(1).and_then(|group| input.get(group)).unwrap_or(input),
            Found::Nowhere | Found::TooMuch => input,
        }
    }
}
