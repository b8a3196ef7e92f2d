//! Blocks of memory for what streams remember, shared by all sessions of a worker.

use std::ops::Range;

/// Bytes of a block. A block holds the offsets of a stream from a multiple of this.
pub(super) const BLOCK: usize = 1024;
const WORDS: usize = BLOCK / 64;

/// No block.
pub(super) const NONE: u32 = u32::MAX;

/// One block's data.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) data: [u8; BLOCK],
    /// One bit a byte; see [`super::buffer::Buffer`].
    marks: [u64; WORDS],
}

/// Where a block stands in its stream.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// Stream offset of its first byte, in blocks.
    number: u64,
    /// The next one of the stream, or of the free ones.
    next: u32,
}

/// All blocks. They come into being when they are first needed, up to the limit, and are never given back to the system.
#[derive(Debug)]
pub(super) struct Pool {
    // Apart from the data, so that a walk along a stream touches little memory.
    links: Vec<Link>,
    blocks: Vec<Block>,
    free: u32,
    used: u32,
    limit: usize,
}

impl Pool {
    /// Of at most `bytes`.
    pub(super) fn new(bytes: u64) -> Self {
        let each = size_of::<Block>() + size_of::<Link>();
        let limit = usize::try_from(bytes).unwrap_or(usize::MAX) / each;
        let mut limit = limit.min(NONE as usize - 1);
        let (mut links, mut blocks) = (Vec::new(), Vec::new());
        // Address space now, so that no block ever moves; memory when it is touched.
        if links.try_reserve_exact(limit).and_then(|()| blocks.try_reserve_exact(limit)).is_err() {
            limit = 0;
        }
        Self { links, blocks, free: NONE, used: 0, limit }
    }

    /// Blocks in use.
    pub(super) fn used(&self) -> u32 {
        self.used
    }

    /// A block for the stream offsets from `number * BLOCK`, with no mark; none if all are taken.
    pub(super) fn take(&mut self, number: u64) -> Option<u32> {
        let index = if self.free != NONE {
            let index = self.free;
            self.free = self.next(index);
            if let Some(block) = self.blocks.get_mut(index as usize) {
                block.marks = [0; WORDS];
            }
            index
        } else if self.blocks.len() < self.limit {
            self.blocks.push(Block { data: [0; BLOCK], marks: [0; WORDS] });
            self.links.push(Link { number, next: NONE });
            u32::try_from(self.blocks.len() - 1).ok()?
        } else {
            return None;
        };
        *self.links.get_mut(index as usize)? = Link { number, next: NONE };
        self.used += 1;
        Some(index)
    }

    /// Gives a block back; the one behind it.
    pub(super) fn give(&mut self, index: u32) -> u32 {
        let next = self.next(index);
        self.link(index, self.free);
        self.free = index;
        self.used = self.used.saturating_sub(1);
        next
    }

    /// The block behind `index`.
    pub(super) fn next(&self, index: u32) -> u32 {
        self.links.get(index as usize).map_or(NONE, |link| link.next)
    }

    /// The number of the block, if it is one.
    pub(super) fn number(&self, index: u32) -> Option<u64> {
        self.links.get(index as usize).map(|link| link.number)
    }

    /// Puts `next` behind `index`.
    pub(super) fn link(&mut self, index: u32, next: u32) {
        if let Some(link) = self.links.get_mut(index as usize) {
            link.next = next;
        }
    }

    /// The block, if it is one.
    pub(super) fn get(&self, index: u32) -> Option<&Block> {
        self.blocks.get(index as usize)
    }

    /// The block, if it is one.
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut Block> {
        self.blocks.get_mut(index as usize)
    }
}

impl Block {
    /// Sets or clears the marks in `range`.
    pub(super) fn mark(&mut self, range: Range<usize>, set: bool) {
        let mut at = range.start;
        while at < range.end {
            let (word, low) = (at / 64, at % 64);
            let high = (range.end - word * 64).min(64);
            let mask = (u64::MAX >> (64 - (high - low))) << low;
            if let Some(marks) = self.marks.get_mut(word) {
                *marks = if set { *marks | mask } else { *marks & !mask };
            }
            at = (word + 1) * 64;
        }
    }

    /// Where the marks are no longer as at `at`, at most `end`; and how they are there.
    pub(super) fn run(&self, at: usize, end: usize) -> (usize, bool) {
        let word = |index: usize| self.marks.get(index).copied().unwrap_or_default();
        let marked = word(at / 64) >> (at % 64) & 1 == 1;
        let mut stop = at;
        while stop < end {
            let same = if marked { word(stop / 64) } else { !word(stop / 64) };
            // Marks from `stop` on to the end of its word that are all the same.
            let length = (!(same >> (stop % 64))).trailing_zeros() as usize;
            let to_word_end = 64 - stop % 64;
            stop += length.min(to_word_end);
            if length < to_word_end {
                break;
            }
        }
        (stop.min(end), marked)
    }

    /// The runs of equal marks in `range`.
    pub(super) fn runs(&self, range: Range<usize>) -> impl Iterator<Item = (Range<usize>, bool)> {
        let mut at = range.start;
        std::iter::from_fn(move || {
            if at >= range.end {
                return None;
            }
            let (stop, marked) = self.run(at, range.end);
            let run = at..stop;
            at = stop;
            Some((run, marked))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_a_set_of_bytes(changes in prop::collection::vec((0..=BLOCK, 0..=BLOCK, any::<bool>()), 0..9)) {
            let mut block = Block { data: [0; BLOCK], marks: [0; WORDS] };
            let mut model = [false; BLOCK];
            for (a, b, set) in changes {
                block.mark(a.min(b)..a.max(b), set);
                model[a.min(b)..a.max(b)].fill(set);
            }
            for range in [0..BLOCK, 3..700, 64..128, 5..5] {
                let mut at = range.start;
                for (run, marked) in block.runs(range.clone()) {
                    prop_assert!(run.start == at && run.end > at);
                    prop_assert!(model[run.clone()].iter().all(|&mark| mark == marked));
                    prop_assert!(run.end == range.end || model[run.end] != marked);
                    at = run.end;
                }
                prop_assert_eq!(at, range.end);
            }
        }
    }

    #[test]
    fn a_pool_has_its_limit_and_takes_back() {
        let mut pool = Pool::new(3000);
        let (a, b) = (pool.take(7).unwrap(), pool.take(8).unwrap());
        assert_eq!((pool.take(9), pool.used(), pool.number(b)), (None, 2, Some(8)));
        pool.get_mut(a).unwrap().mark(0..5, true);
        pool.give(a);
        let again = pool.take(3).unwrap();
        assert_eq!(pool.get(again).unwrap().run(0, BLOCK), (BLOCK, false));
    }
}
