//! Bytes of a payload, a stream or another buffer, and where they begin in it.

use super::view::View;

/// Bytes that a program looks at.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::rules) struct Text<'t> {
    pub(in crate::engine::rules) bytes: &'t [u8],
    /// Bytes of the payload or stream that lie before them: `offset` and `depth` count from there.
    pub(in crate::engine::rules) before: u64,
}

impl<'t> Text<'t> {
    /// A packet's payload, or another whole buffer.
    pub(in crate::engine::rules) fn whole(bytes: &'t [u8]) -> Self {
        Self { bytes, before: 0 }
    }

    /// Without the first `n` bytes.
    pub(in crate::engine::rules) fn skip(self, n: usize) -> Self {
        let n = n.min(self.bytes.len());
        Self { bytes: self.bytes.get(n..).unwrap_or_default(), before: self.before.saturating_add(n as u64) }
    }

    /// As an operation sees it.
    pub(super) fn view(self, cursor: usize, variables: &'t [u64]) -> View<'t> {
        View { bytes: self.bytes, before: self.before, cursor, variables }
    }

    /// Where in `bytes` a window lies that is counted from the start of the payload or stream.
    pub(super) fn window(&self, offset: i64, depth: Option<i64>) -> (usize, usize) {
        let place = |at: i64| {
            let at = u64::try_from(at).unwrap_or(0).saturating_sub(self.before);
            usize::try_from(at).unwrap_or(usize::MAX).min(self.bytes.len())
        };
        (place(offset), depth.map_or(self.bytes.len(), |depth| place(offset.saturating_add(depth))))
    }
}
