//! Whether a rule matches a packet.
//!
//! Relative contents ask whether *some* choice of occurrences satisfies all of them. Instead of trying choices one
//! after the other, which a hostile payload can make exponential, each content turns the sorted set of places where
//! the one before may end into the set of places where it may end itself: the same answer, in time proportional to
//! payload length times contents. (Suricata backtracks, up to a limit.)

use super::{
    content::{Content, Window},
    parser::Rule,
};
use crate::engine::packet::Packet;

/// Places where the content before may end, in order; reused from packet to packet.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    now: Vec<usize>,
    next: Vec<usize>,
}

impl Rule {
    /// Whether `packet` fulfils everything that the rule says.
    pub(super) fn matches(&self, packet: &Packet<'_>, cursors: &mut Cursors) -> bool {
        self.header.matches(packet)
            && self.conditions.iter().all(|condition| condition.holds(packet))
            && (self.contents.is_empty()
                || (!packet.payload.is_empty() && cursors.satisfy(&self.contents, packet.payload)))
    }
}

impl Cursors {
    pub(super) fn satisfy(&mut self, contents: &[Content], payload: &[u8]) -> bool {
        self.now.clear();
        self.now.push(0);
        contents.iter().all(|content| match (content.window, content.negated) {
            (Window::Payload { offset, depth }, negated) => {
                let end =
                    depth.map_or(payload.len(), |depth| offset.saturating_add(depth).min(payload.len()));
                if content.anchors {
                    self.next.clear();
                    self.next.extend(
                        content.occurrences(payload, offset, end).map(|at| at + content.needle.len()),
                    );
                    self.step()
                } else {
                    content.occurrences(payload, offset, end).next().is_some() != negated
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
