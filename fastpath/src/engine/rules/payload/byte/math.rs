//! `byte_math:bytes COUNT, offset OFFSET, oper +|-|*|/|<<|>>, rvalue VALUE, result NAME[, relative]
//! [, endian big|little][, string hex|dec|oct][, bitmask MASK]`, in any order.

use super::{Form, Reading, digits::Base, form::FormDraft};
use crate::engine::rules::{
    fault::Fault,
    lexer::Token,
    number::number,
    once::once,
    payload::{
        byte::masked,
        variable::{Names, Operand},
        view::{Place, View},
    },
};

/// Calculates with a number of the buffer, into a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct ByteMath {
    /// Index of the variable.
    pub(in crate::engine::rules) variable: u8,
    reading: Reading,
    place: Place,
    operator: Operator,
    operand: Operand<u32>,
    /// Applied to the result.
    bitmask: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    ShiftLeft,
    ShiftRight,
}

impl Operator {
    fn parse(token: Token<'_>) -> Result<Self, Fault> {
        Ok(match token.text {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "<<" => Self::ShiftLeft,
            ">>" => Self::ShiftRight,
            other => return Err(token.fault(format!("`{other}` is no operator: use +, -, *, /, << or >>"))),
        })
    }

    fn apply(self, left: u64, right: u64) -> Option<u64> {
        let shift = u32::try_from(right).unwrap_or(u32::MAX);
        Some(match self {
            Self::Add => left.wrapping_add(right),
            Self::Subtract => left.wrapping_sub(right),
            Self::Multiply => left.wrapping_mul(right),
            Self::Divide => left.checked_div(right)?,
            Self::ShiftLeft => left.checked_shl(shift).unwrap_or(0),
            Self::ShiftRight => left.checked_shr(shift).unwrap_or(0),
        })
    }
}

const FORM: &str = "`byte_math` is `bytes N, offset N, oper OPERATOR, rvalue N, result NAME` and then `relative`, \
                    `endian big`, `endian little`, `string hex`, `string dec`, `string oct` or `bitmask MASK`";

impl ByteMath {
    pub(in crate::engine::rules) fn parse(value: Token<'_>, names: &mut Names) -> Result<Self, Fault> {
        let mut form = FormDraft::default();
        let (mut count, mut offset, mut operator, mut operand) = (None, None, None, None);
        let (mut result, mut bitmask) = (None, None);
        for part in value.split(',') {
            let (name, argument) = part.word();
            match (name.text, argument.text) {
                ("bytes", _) => once(&mut count, argument, name)?,
                ("offset", _) => once(&mut offset, number(argument, -65535..=65535)?, name)?,
                ("oper", _) => once(&mut operator, Operator::parse(argument)?, name)?,
                ("rvalue", _) => {
                    let read = Operand::parse(argument, names, |token| number(token, 0..=u32::MAX))?;
                    once(&mut operand, read, name)?;
                }
                ("result", _) => once(&mut result, argument, name)?,
                ("bitmask", _) => once(&mut bitmask, hexadecimal(argument)?, name)?,
                ("endian", "big" | "little" | "dce") => {
                    form.take(argument)?;
                }
                ("string", "hex" | "dec" | "oct") => {
                    form.take(name)?;
                    form.take(argument)?;
                }
                ("relative" | "dce", "") => {
                    form.take(name)?;
                }
                _ => return Err(part.fault(FORM)),
            }
        }
        let (Some(count), Some(offset), Some(operator), Some(operand), Some(result)) =
            (count, offset, operator, operand, result)
        else {
            return Err(value.fault(FORM));
        };
        let read = form.form(Base::Decimal, value)?;
        let shifts = matches!(operator, Operator::ShiftLeft | Operator::ShiftRight);
        let counts = 1..=if matches!(read, Form::Text(_)) && !shifts { 10 } else { 4 };
        Ok(Self {
            reading: Reading::parse(count, read, counts, names)?,
            place: Place { offset: Operand::Number(offset), relative: form.is_relative() },
            operator,
            operand,
            bitmask,
            variable: names.declare(result)?,
        })
    }

    /// Whether it counts from the cursor.
    pub(in crate::engine::rules) fn is_relative(&self) -> bool {
        self.place.relative
    }

    /// The variable's value, and the cursor after it: behind the number. A division by 0 has no value.
    pub(in crate::engine::rules) fn calculate(&self, view: &View<'_>) -> Option<(u64, usize)> {
        let at = self.place.inside(view)?;
        let (number, length) = self.reading.read(view, at)?;
        let operand = u64::try_from(self.operand.value(view.variables)?).ok()?;
        let result = self.operator.apply(number, operand)?;
        Some((self.bitmask.map_or(result, |mask| masked(result, mask)), at + length))
    }
}

/// A hexadecimal number, with or without `0x`.
fn hexadecimal(token: Token<'_>) -> Result<u32, Fault> {
    let digits =
        token.text.strip_prefix("0x").or_else(|| token.text.strip_prefix("0X")).unwrap_or(token.text);
    Some(digits)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .ok_or_else(|| token.fault(format!("`{}` is no hexadecimal number of 32 bits", token.text)))
}
