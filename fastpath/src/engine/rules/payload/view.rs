//! Where in a buffer an operation works.

use super::variable::Operand;

/// What one operation of a rule sees: a buffer, and one choice of occurrences of what came before the operation.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::rules) struct View<'t> {
    /// The buffer; of a stream what is remembered of it.
    pub(in crate::engine::rules) bytes: &'t [u8],
    /// Bytes of the buffer or stream that lie before `bytes`: absolute offsets count from there.
    pub(in crate::engine::rules) before: u64,
    /// Offset in `bytes` behind what matched last: `relative` offsets count from there.
    pub(in crate::engine::rules) cursor: usize,
    /// The values of the rule's variables, by index.
    pub(in crate::engine::rules) variables: &'t [u64],
}

/// Where an operation begins: so many bytes from the start of the buffer or stream, or from the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: Operand<i32>,
    pub(super) relative: bool,
}

impl Place {
    /// Its offset in `view.bytes`, if it lies in them or at their end. In an empty buffer there is no place.
    pub(super) fn at(&self, view: &View<'_>) -> Option<usize> {
        let base = if self.relative { view.cursor as i128 } else { -i128::from(view.before) };
        let at = usize::try_from(base + self.offset.value(view.variables)?).ok()?;
        (at <= view.bytes.len() && !view.bytes.is_empty()).then_some(at)
    }

    /// As [`Place::at`]; a relative one must have a byte behind it, even if none is read (as in Suricata).
    pub(super) fn inside(&self, view: &View<'_>) -> Option<usize> {
        self.at(view).filter(|&at| !self.relative || at < view.bytes.len())
    }
}
