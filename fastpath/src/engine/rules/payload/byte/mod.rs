//! `byte_test`, `byte_jump`, `byte_extract`, `byte_math`: numbers in a buffer.
//!
//! What is not there, or is no number, makes none of them hold, negated or not.

mod digits;
mod extract;
mod form;
mod jump;
mod math;
mod test;

pub(in crate::engine::rules) use {extract::ByteExtract, jump::ByteJump, math::ByteMath, test::ByteTest};

use std::ops::RangeInclusive;

use super::{
    variable::{Names, Operand},
    view::View,
};
use crate::engine::rules::{fault::Fault, lexer::Token, number::number};
use digits::Base;

/// How a number stands in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Big,
    Little,
    Text(Base),
}

/// A number to read from the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading {
    /// How many bytes; 0 of text is all there are.
    count: Operand<u8>,
    form: Form,
    /// The counts that are possible.
    counts: RangeInclusive<u8>,
}

impl Reading {
    fn parse(count: Token<'_>, form: Form, counts: RangeInclusive<u8>, names: &Names) -> Result<Self, Fault> {
        let count = Operand::parse(count, names, |token| number(token, counts.clone()))?;
        Ok(Self { count, form, counts })
    }

    /// The number at offset `at` of the buffer, and how many bytes it takes up.
    fn read(&self, view: &View<'_>, at: usize) -> Option<(u64, usize)> {
        let count = u8::try_from(self.count.value(view.variables)?).ok()?;
        if !self.counts.contains(&count) {
            return None;
        }
        let rest = view.bytes.get(at..)?;
        let bytes = rest.get(..count.into())?;
        let join = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
        match self.form {
            Form::Big => Some((bytes.iter().fold(0, join), bytes.len())),
            Form::Little => Some((bytes.iter().rev().fold(0, join), bytes.len())),
            Form::Text(base) => digits::read(if count == 0 { rest } else { bytes }, base),
        }
    }
}

/// What `bitmask` leaves of a value: the bits of the mask, moved to the right by the zeros at its end.
fn masked(value: u64, mask: u32) -> u64 {
    (value & u64::from(mask)) >> mask.trailing_zeros()
}

/// A number in C's notation (`10`, `0x0a`, `012`) within `allowed`.
fn literal<T>(token: Token<'_>, allowed: RangeInclusive<T>) -> Result<T, Fault>
where
    T: TryFrom<i128> + PartialOrd + std::fmt::Display,
{
    let (negative, digits) = match token.text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, token.text),
    };
    let whole = |&(_, length): &(u64, usize)| {
        length == digits.len() && digits.starts_with(|c: char| c.is_ascii_digit())
    };
    digits::read(digits.as_bytes(), Base::Auto)
        .filter(whole)
        .map(|(value, _)| if negative { -i128::from(value) } else { i128::from(value) })
        .and_then(|value| T::try_from(value).ok())
        .filter(|value| allowed.contains(value))
        .ok_or_else(|| {
            let (first, last) = (allowed.start(), allowed.end());
            token.fault(format!("`{}` is no whole number from {first} to {last}", token.text))
        })
}

#[cfg(test)]
mod tests;
