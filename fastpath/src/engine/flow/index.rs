//! From a key's hash to its slot: open addressing over buckets of one cache line.

/// Eight words of 64 bits: seven entries, and how many entries were put further on because the bucket was full.
const BUCKET: usize = 8;
const PLACES: usize = 7;

/// An index of fixed size over slots `0..capacity`. All memory is asked for at the start and touched when used.
///
/// An entry is 32 bits of the hash and the slot's number plus 1. A bucket is filled by 4 of 7 places on the average when the
/// table is full; what does not fit goes to the next bucket, and a look-up follows only where that happened.
#[derive(Debug)]
pub(super) struct Index {
    words: Vec<u64>,
    /// Where the first bucket starts, so that buckets are cache lines.
    start: usize,
    buckets: usize,
}

impl Index {
    pub(super) fn new(capacity: u32) -> Self {
        let buckets = (capacity as usize).div_ceil(4).max(1);
        // Zeroed words come from calloc: untouched pages cost nothing.
        let words = vec![0; (buckets + 1) * BUCKET];
        let start = words.as_ptr().align_offset(64).min(BUCKET - 1);
        Self { words, start, buckets }
    }

    /// Bytes per slot of capacity.
    pub(super) const BYTES_PER_SLOT: usize = BUCKET * size_of::<u64>() / 4;

    fn home(&self, hash: u64) -> usize {
        // Lemire's reduction of the hash's upper half; below `buckets`.
        ((hash >> 32) as usize * self.buckets) >> 32
    }

    fn next(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets { 0 } else { bucket + 1 }
    }

    fn bucket(&self, number: usize) -> &[u64; BUCKET] {
        self.words[self.start + number * BUCKET..].first_chunk().unwrap_or(&[0; BUCKET])
    }

    fn word(&mut self, bucket: usize, place: usize) -> &mut u64 {
        &mut self.words[self.start + bucket * BUCKET + place]
    }

    /// The slot with this hash that `is_it` accepts.
    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = hash << 32;
        let mut number = self.home(hash);
        for _ in 0..self.buckets {
            let [entries @ .., passed] = self.bucket(number);
            for &entry in entries {
                // An empty place differs in its lower half: it is 0.
                if (entry ^ tag) >> 32 == 0 && entry != 0 {
                    let slot = slot_of(entry);
                    if is_it(slot) {
                        return Some(slot);
                    }
                }
            }
            if *passed == 0 {
                return None;
            }
            number = self.next(number);
        }
        None
    }

    /// Reads from the bucket in which a look-up of this hash begins, so that it is in the cache then. The result means nothing.
    pub(super) fn warm(&self, hash: u64) -> u64 {
        self.bucket(self.home(hash))[PLACES]
    }

    /// A slot that may well be the one with this hash; told without a branch that could be foretold wrong. `u32::MAX` for none.
    pub(super) fn guess(&self, hash: u64) -> u32 {
        let [entries @ .., _] = self.bucket(self.home(hash));
        let upper = hash << 32;
        let likely = |&entry: &u64| if (entry ^ upper) >> 32 == 0 { entry } else { 0 };
        slot_of(entries.iter().map(likely).fold(0, u64::max))
    }

    /// Adds `slot`, which must not be there yet. There is room for every slot.
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        let entry = hash << 32 | (u64::from(slot) + 1);
        let mut number = self.home(hash);
        for _ in 0..self.buckets {
            if let Some(place) = self.bucket(number)[..PLACES].iter().position(|&entry| entry == 0) {
                *self.word(number, place) = entry;
                return;
            }
            *self.word(number, PLACES) += 1;
            number = self.next(number);
        }
        debug_assert!(false, "more slots than the index was made for");
    }

    /// Removes `slot`.
    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let entry = hash << 32 | (u64::from(slot) + 1);
        let mut number = self.home(hash);
        for _ in 0..self.buckets {
            if let Some(place) = self.bucket(number)[..PLACES].iter().position(|&other| other == entry) {
                *self.word(number, place) = 0;
                return;
            }
            // It passed this bucket when it came.
            let passed = self.word(number, PLACES);
            *passed = passed.saturating_sub(1);
            number = self.next(number);
        }
        debug_assert!(false, "the slot is not in the index");
    }
}

fn slot_of(entry: u64) -> u32 {
    ((entry & 0xffff_ffff) as u32).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bucket_is_a_cache_line() {
        for capacity in [1, 1000, 1 << 20] {
            let index = Index::new(capacity);
            assert_eq!(index.bucket(0).as_ptr() as usize % 64, 0, "{capacity}");
        }
    }

    proptest! {
        /// Few different hashes, so that buckets overflow.
        #[test]
        fn finds_what_is_in_and_nothing_else(steps in prop::collection::vec((0u32..40, 0u64..3, any::<bool>()), 0..300)) {
            let mut index = Index::new(40);
            let mut inside: [Option<u64>; 40] = [None; 40];
            for (slot, hash, spread) in steps {
                let hash = if spread { hash << 62 } else { hash };
                let at = slot as usize;
                match inside[at].take() {
                    Some(hash) => index.remove(hash, slot),
                    None => {
                        index.insert(hash, slot);
                        inside[at] = Some(hash);
                    }
                }
                for (slot, hash) in (0..).zip(inside) {
                    let found = hash.and_then(|hash| index.find(hash, |other| other == slot));
                    prop_assert_eq!(found, hash.map(|_| slot));
                }
            }
            for (slot, hash) in (0..).zip(inside) {
                if let Some(hash) = hash {
                    index.remove(hash, slot);
                }
            }
            prop_assert!(index.words.iter().all(|&word| word == 0), "empty again, with nothing passed");
        }
    }
}
