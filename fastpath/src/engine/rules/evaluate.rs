//! Whether a rule matches a packet.
//!
//! Relative contents ask whether *some* choice of occurrences satisfies all of them. Instead of trying choices one
//! after the other, which a hostile payload can make exponential, each content turns the sorted set of places where
//! the one before may end into the set of places where it may end itself: the same answer, in time proportional to
//! payload length times contents. (Suricata backtracks, up to a limit.)

use super::content::{Content, Window};

/// Places where the content before may end, in order; reused from packet to packet.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    now: Vec<usize>,
    next: Vec<usize>,
}

/// Bytes that contents are looked for in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'t> {
    pub(super) bytes: &'t [u8],
    /// Bytes of the payload or stream that lie before them: `offset` and `depth` count from there.
    pub(super) before: u64,
}

impl<'t> Text<'t> {
    /// A packet's payload.
    pub(super) fn whole(bytes: &'t [u8]) -> Self {
        Self { bytes, before: 0 }
    }

    /// Without the first `n` bytes.
    pub(super) fn skip(self, n: usize) -> Self {
        let n = n.min(self.bytes.len());
        Self { bytes: self.bytes.get(n..).unwrap_or_default(), before: self.before.saturating_add(n as u64) }
    }

    /// Where in `bytes` a window lies that is counted from the start of the payload or stream.
    fn window(&self, offset: usize, depth: Option<usize>) -> (usize, usize) {
        let place = |at: usize| {
            let at = (at as u64).saturating_sub(self.before);
            usize::try_from(at).unwrap_or(usize::MAX).min(self.bytes.len())
        };
        (place(offset), depth.map_or(self.bytes.len(), |depth| place(offset.saturating_add(depth))))
    }
}

impl Cursors {
    pub(super) fn satisfy(&mut self, contents: &[Content], text: Text<'_>) -> bool {
        self.now.clear();
        self.now.push(0);
        let payload = text.bytes;
        contents.iter().all(|content| match (content.window, content.negated) {
            (Window::Payload { offset, depth }, negated) => {
                let (from, end) = text.window(offset, depth);
                if content.anchors {
                    self.next.clear();
                    self.next
                        .extend(content.occurrences(payload, from, end).map(|at| at + content.needle.len()));
                    self.step()
                } else {
                    content.occurrences(payload, from, end).next().is_some() != negated
                }
            }
            (Window::Relative { distance, within }, false) => self.follow(content, payload, distance, within),
            (Window::Relative { distance, within }, true) => self.avoid(content, payload, distance, within),
        })
    }

    /// Goes on from where the content just found may end; false when it was not found.
    fn step(&mut self) -> bool {
        std::mem::swap(&mut self.now, &mut self.next);
        !self.now.is_empty()
    }

    /// Finds a relative content behind any cursor.
    fn follow(&mut self, content: &Content, payload: &[u8], distance: isize, within: Option<usize>) -> bool {
        let (Some(&first), Some(&last)) = (self.now.first(), self.now.last()) else {
            return false;
        };
        let (from, _) = window(first, distance, within, payload);
        let (_, to) = window(last, distance, within, payload);
        self.next.clear();
        let mut candidates = self.now.iter().copied().peekable();
        for at in content.occurrences(payload, from, to) {
            let end = at + content.needle.len();
            // Windows move with their cursors: one that ends before this occurrence does is done with.
            while candidates.next_if(|&cursor| window(cursor, distance, within, payload).1 < end).is_some() {}
            let Some(&cursor) = candidates.peek() else {
                break;
            };
            if window(cursor, distance, within, payload).0 <= at {
                if !content.anchors {
                    return true;
                }
                self.next.push(end);
            }
        }
        self.step()
    }

    /// Keeps the cursors behind which a negated relative content is not found.
    fn avoid(&mut self, content: &Content, payload: &[u8], distance: isize, within: Option<usize>) -> bool {
        // The first occurrence that starts at or behind the window of the cursor at hand.
        let mut found: Option<usize> = None;
        let mut searched = false;
        self.now.retain(|&cursor| {
            let (from, to) = window(cursor, distance, within, payload);
            if !searched || found.is_some_and(|at| at < from) {
                found = content.occurrences(payload, from, payload.len()).next();
                searched = true;
            }
            found.is_none_or(|at| at + content.needle.len() > to)
        });
        !self.now.is_empty()
    }
}

/// First byte of a window relative to `cursor`, and the end of its last.
fn window(cursor: usize, distance: isize, within: Option<usize>, payload: &[u8]) -> (usize, usize) {
    let from = cursor.saturating_add_signed(distance);
    let to = match within {
        None => payload.len(),
        // Not from `from`: a negative distance that reaches before the payload does not move the end.
        Some(within) => cursor.saturating_add(within).saturating_add_signed(distance).min(payload.len()),
    };
    (from, to)
}

impl Content {
    /// Starts of the occurrences that lie within `from..to`, in order.
    fn occurrences<'p>(
        &'p self,
        payload: &'p [u8],
        from: usize,
        to: usize,
    ) -> impl Iterator<Item = usize> + 'p {
        let mut from = from;
        let text = payload.get(..to).unwrap_or(payload);
        std::iter::from_fn(move || {
            let at = if self.at_end {
                let at = payload.len().checked_sub(self.needle.len()).filter(|&at| at >= from)?;
                self.needle.is(text.get(at..payload.len())?).then_some(at)?
            } else {
                from + self.needle.find(text.get(from..)?)?
            };
            from = at + 1;
            Some(at)
        })
    }
}

#[cfg(test)]
mod tests;
