//! What is remembered of one direction's data.

use std::ops::Range;

use super::pool::{BLOCK, NONE, Pool};

/// Blocks passed on the way to one. Those that segments come for are near one of three known ones; only an attacker goes elsewhere, and not
/// farther than this (4 MiB).
const STEPS: usize = 4096;

/// One direction's data, as far as it is remembered: all of `start..next`, and pieces of `next..end`.
///
/// The data lies in blocks, linked in the order of the stream. A mark at or behind `next` is a byte that is there. A mark
/// before `next` is a byte that is no part of the stream (urgent data).
#[derive(Debug)]
pub(super) struct Buffer {
    /// Offset of the first byte remembered.
    pub(super) start: u64,
    /// Offset of the next byte expected.
    pub(super) next: u64,
    /// Offset behind the last byte that came, at least `next`.
    pub(super) end: u64,
    first: u32,
    /// The block used last.
    cursor: u32,
    last: u32,
    /// There are marks before `next`.
    left_out: bool,
}

/// What data has in common with what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    /// No place.
    None,
    /// Some places, with the same bytes.
    Same,
    /// Some places, with other bytes in one of them.
    Different,
}

/// Why data cannot be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The pool is used up.
    Full,
    /// Its place is too far from all others.
    TooFar,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { start: 0, next: 0, end: 0, first: NONE, cursor: NONE, last: NONE, left_out: false }
    }
}

impl Buffer {
    /// Compares `bytes` with what is remembered, wherever something is.
    pub(super) fn compare(&mut self, pool: &Pool, offset: u64, bytes: &[u8]) -> Result<Overlap, Refusal> {
        let mut overlap = Overlap::None;
        let range = offset.max(self.start)..(offset + bytes.len() as u64).min(self.end);
        for piece in pieces(range) {
            let Some(block) = self.find(pool, piece.number)?.and_then(|index| pool.get(index)) else {
                continue;
            };
            let known = self.next.saturating_sub(piece.offset);
            let known =
                piece.within.start + usize::try_from(known).unwrap_or(usize::MAX).min(piece.within.len());
            let differs = |run: Range<usize>| {
                let from = usize::try_from(piece.offset - offset).unwrap_or(usize::MAX);
                let from = from.saturating_add(run.start - piece.within.start);
                block.data.get(run.clone()) != bytes.get(from..from.saturating_add(run.len()))
            };
            let ahead = block.runs(known..piece.within.end).filter(|&(_, there)| there).map(|(run, _)| run);
            for run in std::iter::once(piece.within.start..known).chain(ahead) {
                if run.is_empty() {
                    continue;
                }
                if differs(run) {
                    return Ok(Overlap::Different);
                }
                overlap = Overlap::Same;
            }
        }
        Ok(overlap)
    }

    /// Makes room for `range`.
    pub(super) fn reserve(&mut self, pool: &mut Pool, range: Range<u64>) -> Result<(), Refusal> {
        for piece in pieces(range) {
            let before = self.seek(pool, piece.number)?;
            if pool.number(before) == Some(piece.number) {
                self.cursor = before;
                continue;
            }
            let index = pool.take(piece.number).ok_or(Refusal::Full)?;
            if before == NONE {
                pool.link(index, self.first);
                self.first = index;
            } else {
                pool.link(index, pool.next(before));
                pool.link(before, index);
            }
            if self.last == before {
                self.last = index;
            }
            self.cursor = index;
        }
        Ok(())
    }

    /// Takes what is new of `bytes`, for which there is room. How many bytes that came before have become contiguous, if
    /// the bytes themselves are.
    pub(super) fn insert(&mut self, pool: &mut Pool, offset: u64, bytes: &[u8]) -> Option<u64> {
        let in_order = offset <= self.next;
        let range = offset.max(self.next)..offset + bytes.len() as u64;
        let untouched = in_order && self.end <= range.start;
        for piece in pieces(range.clone()) {
            let Ok(Some(index)) = self.find(pool, piece.number) else { continue };
            let Some(block) = pool.get_mut(index) else { continue };
            let from = usize::try_from(piece.offset - offset).unwrap_or(usize::MAX);
            let mut at = piece.within.start;
            while at < piece.within.end {
                let (stop, there) =
                    if untouched { (piece.within.end, false) } else { block.run(at, piece.within.end) };
                let source = from.saturating_add(at - piece.within.start);
                let source = bytes.get(source..source.saturating_add(stop - at));
                if let (false, Some(source), Some(target)) = (there, source, block.data.get_mut(at..stop)) {
                    target.copy_from_slice(source);
                }
                at = stop;
            }
            if !untouched {
                block.mark(piece.within, !in_order);
            }
        }
        self.end = self.end.max(range.end);
        if !in_order {
            return None;
        }
        self.next = self.next.max(range.end);
        Some(self.advance(pool))
    }

    /// Moves `next` over what is there; how far.
    fn advance(&mut self, pool: &mut Pool) -> u64 {
        let from = self.next;
        while self.next < self.end {
            let (number, within) = place(self.next);
            let Ok(Some(index)) = self.find(pool, number) else { break };
            let Some(block) = pool.get_mut(index) else { break };
            let (stop, there) = block.run(within, BLOCK);
            if !there {
                break;
            }
            block.mark(within..stop, false);
            self.next += (stop - within) as u64;
            if stop < BLOCK {
                break;
            }
        }
        self.next - from
    }

    /// Goes over a hole to what is there behind it, if that begins by `limit`. How large the hole is, and how much is behind it.
    pub(super) fn skip(&mut self, pool: &mut Pool, limit: u64) -> Option<(u64, u64)> {
        let target = self.first_ahead(pool).filter(|&ahead| ahead <= limit)?;
        let gap = target - self.next;
        self.next = target;
        self.start = target;
        Some((gap, self.advance(pool)))
    }

    /// Offset of the first byte that came out of order.
    fn first_ahead(&self, pool: &Pool) -> Option<u64> {
        if self.end <= self.next {
            return None;
        }
        let (number, mut within) = place(self.next);
        let mut index = self.seek(pool, number).ok()?;
        if index == NONE {
            index = self.first;
        }
        while let (Some(own), Some(block)) = (pool.number(index), pool.get(index)) {
            if own > number {
                within = 0;
            }
            if own >= number {
                let (stop, there) = block.run(within, BLOCK);
                let at = if there { within } else { stop };
                if at < BLOCK {
                    return Some(own * BLOCK as u64 + at as u64);
                }
            }
            index = pool.next(index);
        }
        None
    }

    /// Leaves the byte at `offset`, before `next`, out of the stream.
    pub(super) fn leave_out(&mut self, pool: &mut Pool, offset: u64) {
        let (number, within) = place(offset);
        if let Ok(Some(index)) = self.find(pool, number)
            && let Some(block) = pool.get_mut(index)
        {
            block.mark(within..within + 1, true);
            self.left_out = true;
        }
    }

    /// The first byte in `range`, of what is remembered before `next`, that was left out of the stream.
    pub(super) fn left_out(&self, pool: &Pool, range: Range<u64>) -> Option<u64> {
        if !self.left_out {
            return None;
        }
        let range = range.start.max(self.start)..range.end.min(self.next);
        pieces(range).find_map(|piece| {
            let block = pool.get(self.seek(pool, piece.number).ok()?)?;
            let (run, _) = block.runs(piece.within.clone()).find(|(_, marked)| *marked)?;
            Some(piece.offset + (run.start - piece.within.start) as u64)
        })
    }

    /// Appends what is remembered of `range`, before `next`, to `out`, without what was left out of the stream.
    pub(super) fn read(&self, pool: &Pool, range: Range<u64>, out: &mut Vec<u8>) {
        for piece in pieces(range.start.max(self.start)..range.end.min(self.next)) {
            let Some(block) = self.seek(pool, piece.number).ok().and_then(|index| pool.get(index)) else {
                continue;
            };
            if self.left_out {
                for (run, marked) in block.runs(piece.within) {
                    out.extend_from_slice(block.data.get(run).filter(|_| !marked).unwrap_or_default());
                }
            } else {
                out.extend_from_slice(block.data.get(piece.within).unwrap_or_default());
            }
        }
    }

    /// Forgets what is before `keep`, but nothing from `next` on.
    pub(super) fn trim(&mut self, pool: &mut Pool, keep: u64) {
        let keep = keep.min(self.next);
        if keep <= self.start {
            return;
        }
        self.start = keep;
        while pool.number(self.first).is_some_and(|number| number < keep / BLOCK as u64) {
            self.pop(pool);
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self, pool: &mut Pool) {
        while self.first != NONE {
            self.pop(pool);
        }
        self.start = self.next;
        self.end = self.next;
    }

    fn pop(&mut self, pool: &mut Pool) {
        if self.cursor == self.first {
            self.cursor = NONE;
        }
        if self.last == self.first {
            self.last = NONE;
        }
        self.first = pool.give(self.first);
    }

    /// The block of that number.
    fn find(&mut self, pool: &Pool, number: u64) -> Result<Option<u32>, Refusal> {
        let index = self.seek(pool, number)?;
        if pool.number(index) != Some(number) {
            return Ok(None);
        }
        self.cursor = index;
        Ok(Some(index))
    }

    /// The last block with at most that number, [`NONE`] if there is none.
    fn seek(&self, pool: &Pool, number: u64) -> Result<u32, Refusal> {
        let reaches = |index: u32| pool.number(index).is_some_and(|own| own <= number);
        let Some(mut at) = [self.last, self.cursor, self.first].into_iter().find(|&known| reaches(known))
        else {
            return Ok(NONE);
        };
        for _ in 0..STEPS {
            let next = pool.next(at);
            if !reaches(next) {
                return Ok(at);
            }
            at = next;
        }
        Err(Refusal::TooFar)
    }
}

/// The part of a range that lies in one block.
struct Piece {
    number: u64,
    within: Range<usize>,
    offset: u64,
}

fn pieces(range: Range<u64>) -> impl Iterator<Item = Piece> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        if at >= range.end {
            return None;
        }
        let (number, from) = place(at);
        let left = usize::try_from(range.end - at).unwrap_or(usize::MAX);
        let to = from.saturating_add(left).min(BLOCK);
        let piece = Piece { number, within: from..to, offset: at };
        at += (to - from) as u64;
        Some(piece)
    })
}

/// The number of the block that an offset lies in, and where in it.
fn place(offset: u64) -> (u64, usize) {
    let block = BLOCK as u64;
    (offset / block, usize::try_from(offset % block).unwrap_or_default())
}
