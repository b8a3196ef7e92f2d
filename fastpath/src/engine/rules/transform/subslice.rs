//! `subslice:OFFSET[, COUNT][, truncate]`: a part of the buffer.

use crate::engine::rules::{fault::Fault, lexer::Token, number::number};

/// Negative numbers count from the end of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine::rules) struct Subslice {
    offset: i64,
    /// Bytes, or where to end; never 0. To the end of the buffer when there is none.
    count: Option<i64>,
    /// What lies outside of the buffer is left out; else the part is empty.
    truncate: bool,
}

impl Subslice {
    pub(super) fn parse(value: Token<'_>) -> Result<Self, Fault> {
        let mut parts = value.split(',').peekable();
        let limit = -i64::from(i32::MAX)..=i64::from(i32::MAX);
        let offset = number(parts.next().unwrap_or(value), limit.clone())?;
        let is_truncate = |part: &Token<'_>| part.text.eq_ignore_ascii_case("truncate");
        let count = match parts.next_if(|part| !is_truncate(part)) {
            None => None,
            Some(part) => Some(number(part, limit)?),
        };
        if count == Some(0) {
            return Err(value.fault("a `subslice` of 0 bytes is always empty"));
        }
        let truncate = parts.next_if(is_truncate).is_some();
        match parts.next() {
            None => Ok(Self { offset, count, truncate }),
            Some(part) => {
                Err(part.fault("`subslice` is `offset`, then the number of bytes, then `truncate`"))
            }
        }
    }

    /// The part. Ends that lie the wrong way round are exchanged, as in Suricata.
    pub(super) fn of<'i>(&self, input: &'i [u8]) -> &'i [u8] {
        let length = i64::try_from(input.len()).unwrap_or(i64::MAX);
        let from_end = |number: i64| if number < 0 { length.saturating_add(number) } else { number };
        let inside = |at: i64| (self.truncate || (0..=length).contains(&at)).then(|| at.clamp(0, length));
        let part = || {
            let start = inside(from_end(self.offset))?;
            let end = match self.count {
                None => length,
                Some(count) if count < 0 => inside(from_end(count))?,
                Some(count) => inside(start.saturating_add(count))?,
            };
            let place = |at| usize::try_from(at).ok();
            input.get(place(start.min(end))?..place(start.max(end))?)
        };
        part().unwrap_or_default()
    }
}
