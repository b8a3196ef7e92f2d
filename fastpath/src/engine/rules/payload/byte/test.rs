//! `byte_test:COUNT,[!]OPERATOR,VALUE,OFFSET[,relative][,big|little][,string[,hex|dec|oct]][,bitmask MASK]`.

use super::{Form, Reading, digits::Base, form::FormDraft, literal, masked};
use crate::engine::rules::{
    fault::Fault,
    lexer::Token,
    once::once,
    payload::{
        variable::{Names, Operand},
        view::{Place, View},
    },
};

/// Compares a number in the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct ByteTest {
    reading: Reading,
    relation: Relation,
    negated: bool,
    value: Operand<u64>,
    place: Place,
    bitmask: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    Below,
    Above,
    AtMost,
    AtLeast,
    /// `&`: a bit in common.
    Common,
    /// `^`: a bit that differs (Suricata computes the exclusive or).
    Differing,
}

impl Relation {
    fn parse(token: Token<'_>, negated: bool) -> Result<Self, Fault> {
        Ok(match token.text {
            "=" => Self::Equal,
            "" if negated => Self::Equal,
            "<" => Self::Below,
            ">" => Self::Above,
            "<=" => Self::AtMost,
            ">=" => Self::AtLeast,
            "&" => Self::Common,
            "^" => Self::Differing,
            other => {
                return Err(token.fault(format!(
                    "`{other}` is no operator: use <, >, =, <=, >=, & or ^, or `!` and one"
                )));
            }
        })
    }
}

const FORM: &str = "`byte_test` is `bytes,operator,value,offset` and then `relative`, `big`, `little`, `string`, \
                    `hex`, `dec`, `oct` or `bitmask MASK`";

impl ByteTest {
    pub(in crate::engine::rules) fn parse(value: Token<'_>, names: &Names) -> Result<Self, Fault> {
        let mut parts = value.split(',');
        let mut next = || parts.next().ok_or_else(|| value.fault(FORM));
        let (count, operator, compared, offset) = (next()?, next()?, next()?, next()?);
        let mut form = FormDraft::default();
        let mut bitmask = None;
        for part in parts {
            let (name, mask) = part.word();
            if name.text.eq_ignore_ascii_case("bitmask") {
                once(&mut bitmask, literal(mask, 0..=u32::MAX)?, name)?;
            } else if !form.take(part)? {
                return Err(part.fault(FORM));
            }
        }
        let (negated, operator) = operator.negation();
        let read = form.form(Base::Auto, value)?;
        // 23 octal digits, the first of them a zero, are the longest number that fits.
        let counts = 0..=if matches!(read, Form::Text(_)) { 23 } else { 8 };
        Ok(Self {
            reading: Reading::parse(count, read, counts, names)?,
            relation: Relation::parse(operator, negated)?,
            negated,
            value: Operand::parse(compared, names, |token| literal(token, 0..=u64::MAX))?,
            place: Place {
                offset: Operand::parse(offset, names, |token| literal(token, i32::MIN..=i32::MAX))?,
                relative: form.is_relative(),
            },
            bitmask,
        })
    }

    /// Whether it counts from the cursor.
    pub(in crate::engine::rules) fn is_relative(&self) -> bool {
        self.place.relative
    }

    pub(in crate::engine::rules) fn holds(&self, view: &View<'_>) -> bool {
        self.compare(view).is_some_and(|holds| holds != self.negated)
    }

    fn compare(&self, view: &View<'_>) -> Option<bool> {
        let (number, _) = self.reading.read(view, self.place.inside(view)?)?;
        let number = self.bitmask.map_or(number, |mask| masked(number, mask));
        let value = u64::try_from(self.value.value(view.variables)?).ok()?;
        Some(match self.relation {
            Relation::Equal => number == value,
            Relation::Below => number < value,
            Relation::Above => number > value,
            Relation::AtMost => number <= value,
            Relation::AtLeast => number >= value,
            Relation::Common => number & value != 0,
            Relation::Differing => number ^ value != 0,
        })
    }
}
