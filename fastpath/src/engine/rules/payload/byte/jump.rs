//! `byte_jump:COUNT,OFFSET[,relative][,multiplier N][,big|little][,string[,hex|dec|oct]][,align][,from_beginning]
//! [,from_end][,post_offset N][,bitmask MASK]`.

use super::{Form, Reading, digits::Base, form::FormDraft, literal, masked};
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

/// Moves the cursor by a number in the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct ByteJump {
    reading: Reading,
    place: Place,
    bitmask: Option<u32>,
    multiplier: u16,
    /// Up to the next multiple of 4.
    align: bool,
    post_offset: i32,
    origin: Origin,
}

/// From where it jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// From behind the number.
    Number,
    Beginning,
    End,
}

const FORM: &str = "`byte_jump` is `bytes,offset` and then `relative`, `big`, `little`, `string`, `hex`, `dec`, `oct`, \
                    `align`, `from_beginning`, `from_end`, `multiplier N`, `post_offset N` or `bitmask MASK`";

impl ByteJump {
    pub(in crate::engine::rules) fn parse(value: Token<'_>, names: &Names) -> Result<Self, Fault> {
        let mut parts = value.split(',');
        let mut next = || parts.next().ok_or_else(|| value.fault(FORM));
        let (count, offset) = (next()?, next()?);
        let mut form = FormDraft::default();
        let (mut bitmask, mut multiplier, mut post_offset) = (None, None, None);
        let (mut align, mut origin) = (None, None);
        for part in parts {
            let (name, argument) = part.word();
            match (name.text.to_ascii_lowercase().as_str(), argument.text) {
                ("bitmask", _) => once(&mut bitmask, literal(argument, 1..=u32::MAX)?, name)?,
                ("multiplier", _) => once(&mut multiplier, number(argument, 1..=u16::MAX)?, name)?,
                ("post_offset", _) => once(&mut post_offset, number(argument, -65535..=65535)?, name)?,
                ("align", "") => once(&mut align, (), name)?,
                ("from_beginning", "") => once(&mut origin, Origin::Beginning, name)?,
                ("from_end", "") => once(&mut origin, Origin::End, name)?,
                _ if form.take(part)? => {}
                _ => return Err(part.fault(FORM)),
            }
        }
        let read = form.form(Base::Auto, value)?;
        let counts = 0..=if matches!(read, Form::Text(_)) { 23 } else { 8 };
        Ok(Self {
            reading: Reading::parse(count, read, counts, names)?,
            place: Place {
                offset: Operand::parse(offset, names, |token| number(token, -65535..=65535))?,
                relative: form.is_relative(),
            },
            bitmask,
            multiplier: multiplier.unwrap_or(1),
            align: align.is_some(),
            post_offset: post_offset.unwrap_or(0),
            origin: origin.unwrap_or(Origin::Number),
        })
    }

    /// Whether it counts from the cursor.
    pub(in crate::engine::rules) fn is_relative(&self) -> bool {
        self.place.relative
    }

    /// The cursor after it: in `view.bytes` or at their end. A jump to before the start of the buffer leads to its
    /// start; of a stream, what lies before the remembered part cannot be reached.
    pub(in crate::engine::rules) fn jump(&self, view: &View<'_>) -> Option<usize> {
        let at = self.place.at(view)?;
        let (number, length) = self.reading.read(view, at)?;
        let number = self.bitmask.map_or(number, |mask| masked(number, mask));
        // As Suricata's 64-bit unsigned arithmetic: a distance from 2^63 up is a jump back.
        let mut distance = number.wrapping_mul(self.multiplier.into());
        if self.align {
            distance = distance.wrapping_add(3) & !3;
        }
        let distance = i128::from(distance.cast_signed().wrapping_add(self.post_offset.into()));
        let before = i128::from(view.before);
        let origin = match self.origin {
            Origin::Number => before + at as i128 + length as i128,
            Origin::Beginning => 0,
            Origin::End => before + view.bytes.len() as i128,
        };
        let target = (origin + distance).max(0) - before;
        usize::try_from(target).ok().filter(|&cursor| cursor <= view.bytes.len())
    }
}
