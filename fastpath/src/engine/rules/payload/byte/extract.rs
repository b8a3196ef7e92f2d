//! `byte_extract:COUNT,OFFSET,NAME[,relative][,multiplier N][,big|little][,string[,hex|dec|oct]][,align 2|4]`.

use super::{Form, Reading, digits::Base, form::FormDraft};
use crate::engine::rules::{
    fault::Fault,
    lexer::Token,
    number::number,
    once::once,
    payload::{
        variable::{Names, Operand},
        view::{Place, View},
    },
};

/// Puts a number of the buffer into a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct ByteExtract {
    /// Index of the variable.
    pub(in crate::engine::rules) variable: u8,
    reading: Reading,
    place: Place,
    multiplier: u16,
    /// Up to the next multiple of it; 1 changes nothing.
    align: u8,
}

const FORM: &str = "`byte_extract` is `bytes,offset,name` and then `relative`, `big`, `little`, `string`, `hex`, `dec`, \
                    `oct`, `align 2`, `align 4` or `multiplier N`";

impl ByteExtract {
    pub(in crate::engine::rules) fn parse(value: Token<'_>, names: &mut Names) -> Result<Self, Fault> {
        let mut parts = value.split(',');
        let mut next = || parts.next().ok_or_else(|| value.fault(FORM));
        let (count, offset, name) = (next()?, next()?, next()?);
        let mut form = FormDraft::default();
        let (mut multiplier, mut align) = (None, None);
        for part in parts {
            let (name, argument) = part.word();
            match name.text {
                "multiplier" => once(&mut multiplier, number(argument, 1..=u16::MAX)?, name)?,
                "align" => match argument.text {
                    "2" => once(&mut align, 2, name)?,
                    "4" => once(&mut align, 4, name)?,
                    _ => return Err(part.fault("`align` is `align 2` or `align 4`")),
                },
                "slice" => return Err(part.fault("`slice` is not supported (nor is it by Suricata 8)")),
                _ if form.take(part)? => {}
                _ => return Err(part.fault(FORM)),
            }
        }
        let read = form.form(Base::Decimal, value)?;
        if matches!(read, Form::Text(_)) && form.has_order() {
            return Err(value.fault("a `string` has no byte order: leave out `big` or `little`"));
        }
        // The digits that fit into 64 bits; for hexadecimal Suricata's own limit is lower.
        let most = match read {
            Form::Text(Base::Octal) => 23,
            Form::Text(Base::Hexadecimal) => 14,
            Form::Text(_) => 20,
            Form::Big | Form::Little => 8,
        };
        Ok(Self {
            reading: Reading {
                count: Operand::Number(number(count, 0..=most)?),
                form: read,
                counts: 0..=most,
            },
            place: Place {
                offset: Operand::Number(number(offset, i16::MIN..=i16::MAX)?.into()),
                relative: form.is_relative(),
            },
            multiplier: multiplier.unwrap_or(1),
            align: align.unwrap_or(1),
            variable: names.declare(name)?,
        })
    }

    /// Whether it counts from the cursor.
    pub(in crate::engine::rules) fn is_relative(&self) -> bool {
        self.place.relative
    }

    /// The variable's value, and the cursor after it: behind the number.
    pub(in crate::engine::rules) fn extract(&self, view: &View<'_>) -> Option<(u64, usize)> {
        let at = self.place.inside(view)?;
        let (number, length) = self.reading.read(view, at)?;
        let product = number.wrapping_mul(self.multiplier.into());
        let past = self.align - 1;
        Some((product.wrapping_add(past.into()) & !u64::from(past), at + length))
    }
}
