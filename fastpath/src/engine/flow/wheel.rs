//! When to look at which flow again: a hashed timer wheel (Varghese and Lauck, 1987) of intrusive lists.

/// Buckets of the wheel; a flow that is due later is looked at once per turn of it.
const TURNS: u64 = BUCKETS as u64;
const BUCKETS: usize = 4096;

/// Nanoseconds per bucket as a power of two: 0.27 s, so that a turn takes 18 minutes.
const SHIFT: u32 = 28;

/// Lists of slots by the time they want to be looked at. Numbers are stored plus 1, so that memory which was never touched
/// says "none".
#[derive(Debug)]
pub(super) struct Wheel {
    /// First slot of each bucket.
    heads: Vec<u32>,
    /// Per slot: next and previous slot of its list, and its bucket.
    links: Vec<[u32; 3]>,
    /// The next bucket to look into, as a time.
    cursor: u64,
}

const NEXT: usize = 0;
const PREVIOUS: usize = 1;

impl Wheel {
    /// Bytes per slot of capacity.
    pub(super) const BYTES_PER_SLOT: usize = size_of::<[u32; 3]>();

    pub(super) fn new(capacity: u32) -> Self {
        Self { heads: vec![0; BUCKETS], links: vec![[0; 3]; capacity as usize], cursor: 0 }
    }

    /// Puts the wheel to `now`, in nanoseconds, however far that is from where it was. Nothing in it is lost: what it holds is
    /// looked at within one turn.
    pub(super) fn set(&mut self, now: u64) {
        self.cursor = now >> SHIFT;
    }

    /// How far `now` lies behind the wheel, in nanoseconds.
    pub(super) fn behind(&self, now: u64) -> u64 {
        (self.cursor << SHIFT).saturating_sub(now)
    }

    /// Wants `slot`, which is in no list, to be looked at when `deadline` has passed.
    pub(super) fn arm(&mut self, slot: u32, deadline: u64) {
        let at = self.bucket(deadline);
        let head = std::mem::replace(&mut self.heads[at as usize], slot + 1);
        self.links[slot as usize] = [head, 0, at];
        if let Some(next) = self.link(head) {
            next[PREVIOUS] = slot + 1;
        }
    }

    /// Wants `slot`, which is in a list, to be looked at when `deadline` has passed, if that is earlier than it would be.
    pub(super) fn advance(&mut self, slot: u32, deadline: u64) {
        let [.., at] = self.links[slot as usize];
        if self.distance(self.bucket(deadline)) < self.distance(at) {
            self.disarm(slot);
            self.arm(slot, deadline);
        }
    }

    /// Takes `slot` out of its list.
    pub(super) fn disarm(&mut self, slot: u32) {
        let [next, previous, at] = self.links[slot as usize];
        match self.link(previous) {
            Some(link) => link[NEXT] = next,
            None => self.heads[at as usize] = next,
        }
        if let Some(link) = self.link(next) {
            link[PREVIOUS] = previous;
        }
    }

    /// The next slot whose bucket lies wholly before `now`; it is taken out of its list.
    pub(super) fn due(&mut self, now: u64) -> Option<u32> {
        let target = now >> SHIFT;
        // More than one turn has every bucket passed once.
        self.cursor = self.cursor.max(target.saturating_sub(TURNS));
        while self.cursor < target {
            let head = self.heads[(self.cursor % TURNS) as usize];
            if let Some(slot) = head.checked_sub(1) {
                self.disarm(slot);
                return Some(slot);
            }
            self.cursor += 1;
        }
        None
    }

    /// Where a deadline stands: within one turn from where the wheel is.
    fn bucket(&self, deadline: u64) -> u32 {
        let tick = (deadline >> SHIFT).clamp(self.cursor, self.cursor + TURNS - 1);
        (tick % TURNS) as u32
    }

    fn distance(&self, bucket: u32) -> u64 {
        (u64::from(bucket) + TURNS - self.cursor % TURNS) % TURNS
    }

    fn link(&mut self, stored: u32) -> Option<&mut [u32; 3]> {
        self.links.get_mut(stored.checked_sub(1)? as usize)
    }
}
