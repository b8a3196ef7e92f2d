//! The one table of what all workers know of addresses: counts of thresholds, bits.
//!
//! Its memory is reserved at once. A key can lie in two buckets only, so that a look-up is short whatever the table holds; when
//! both are full the entry that is over gives way, else the oldest, which is counted. Readers take no lock: a bucket has a
//! sequence number that is odd while it is changed, and who sees it odd or changed reads again. Writers exclude each other by
//! a lock for a part of the buckets; they come after a match only.

use std::{
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering, fence},
    },
};

use crate::engine::meta::Timestamp;

/// How large the host table is, and where in it things lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSettings {
    /// Its memory in bytes (`host.memcap` of suricata.yaml, with its default). It holds seven entries in 512 bytes.
    pub memory: u64,
    /// A number that nobody outside knows, so that nobody can choose addresses that fall together.
    pub seed: u64,
}

impl Default for HostSettings {
    fn default() -> Self {
        Self { memory: 32 << 20, seed: 0 }
    }
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A bit of a host.
    HostBit = 1,
    /// A bit of a pair of hosts.
    PairBit,
    /// A count of a rule's matches by their source.
    BySource,
    /// By their destination.
    ByDestination,
    /// By both, whichever is which.
    ByBoth,
    /// Of all of them.
    ByRule,
    /// By their flow: in [`super::counts`].
    ByFlow,
    /// A tag of a host.
    Tag,
}

/// What an entry is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key([u64; 5]);

impl Key {
    /// The key of `what` number `number`, of no address, one, or two in any order.
    pub(super) fn new(what: What, number: u32, addresses: &[IpAddr]) -> Self {
        let is_v6 = addresses.iter().any(IpAddr::is_ipv6);
        let bits = |address: &IpAddr| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        let (one, other) = match addresses {
            [] => (0, 0),
            [one] => (bits(one), 0),
            [one, other, ..] => (bits(one).min(bits(other)), bits(one).max(bits(other))),
        };
        let halves = |bits: u128| [(bits >> 64) as u64, (bits & 0xffff_ffff_ffff_ffff) as u64];
        let ([a, b], [c, d]) = (halves(one), halves(other));
        Self([u64::from(number) << 32 | (what as u64) << 1 | u64::from(is_v6), a, b, c, d])
    }

    /// Keyed, as wyhash is: who does not know the seed cannot find keys that fall together.
    fn hash(&self, seed: u64) -> u64 {
        self.0.iter().fold(seed, |hash, word| {
            let product =
                u128::from(hash ^ word ^ 0xa076_1d64_78bd_642f) * u128::from(seed ^ 0xe703_7ed1_a0b4_28db);
            (product >> 64) as u64 ^ (product & 0xffff_ffff_ffff_ffff) as u64 ^ hash.rotate_left(23)
        })
    }
}

/// What is remembered under a key. Times are nanoseconds as in [`Timestamp`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// When it began.
    pub(super) since: u64,
    /// The last moment at which it means anything.
    pub(super) until: u64,
    /// How often.
    pub(super) count: u32,
    /// A second figure, of those who need one.
    pub(super) extra: u32,
}

impl Record {
    /// Whether it means nothing any more. Time may have been set back: who waits for longer than it was to last waits in vain.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let lasts = self.until.saturating_sub(self.since);
        now.0 > self.until || now.0.saturating_add(lasts) < self.since
    }
}

/// Words of an entry: key, record. A first word of 0 is no key's.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Entry([AtomicU64; 8]);

impl Entry {
    fn word(&self, at: usize) -> u64 {
        self.0.get(at).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    fn is(&self, key: &Key) -> bool {
        self.0.iter().zip(&key.0).all(|(word, wanted)| word.load(Ordering::Relaxed) == *wanted)
    }

    fn is_empty(&self) -> bool {
        self.word(0) == 0
    }

    fn record(&self) -> Record {
        let figures = self.word(7);
        Record {
            since: self.word(5),
            until: self.word(6),
            count: (figures >> 32) as u32,
            extra: (figures & 0xffff_ffff) as u32,
        }
    }

    fn set(&self, Key([a, b, c, d, e]): Key, record: Record) {
        let figures = u64::from(record.count) << 32 | u64::from(record.extra);
        let words = [a, b, c, d, e, record.since, record.until, figures];
        self.0.iter().zip(words).for_each(|(word, value)| word.store(value, Ordering::Relaxed));
    }
}

/// Entries of a bucket. With its sequence number it fills eight cache lines.
const WAYS: usize = 7;

#[derive(Debug, Default)]
struct Bucket {
    sequence: AtomicU64,
    entries: [Entry; WAYS],
}

impl Bucket {
    fn find(&self, key: &Key) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.is(key))
    }

    /// Changes entries so that a reader notices; the caller holds the bucket's lock.
    fn change(&self, change: impl FnOnce()) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        change();
        self.sequence.store(sequence.wrapping_add(2), Ordering::Release);
    }

    /// What `read` sees while nobody changes anything; none when somebody does.
    fn read<R>(&self, read: impl FnOnce(&Self) -> R) -> Option<R> {
        let before = self.sequence.load(Ordering::Acquire);
        let seen = before.is_multiple_of(2).then(|| read(self))?;
        fence(Ordering::Acquire);
        (self.sequence.load(Ordering::Relaxed) == before).then_some(seen)
    }
}

/// Locks of the table. A worker waits for another one only when both write in the same part at the same moment.
const LOCKS: usize = 64;
/// How often a reader tries without the lock.
const TRIES: usize = 64;

/// The table.
#[derive(Debug)]
pub(super) struct Hosts {
    /// A power of two of them.
    buckets: Box<[Bucket]>,
    locks: Box<[Mutex<()>]>,
    seed: u64,
    shed: AtomicU64,
}

impl Hosts {
    pub(super) fn new(settings: HostSettings) -> Self {
        let buckets = usize::try_from(settings.memory).unwrap_or(usize::MAX) / size_of::<Bucket>();
        // The largest power of two that does not need more.
        let buckets = 1_usize << buckets.max(1).ilog2();
        Self {
            buckets: std::iter::repeat_with(Bucket::default).take(buckets).collect(),
            locks: std::iter::repeat_with(Mutex::default).take(LOCKS).collect(),
            seed: settings.seed,
            shed: AtomicU64::new(0),
        }
    }

    /// Entries given up before their time, for others.
    pub(super) fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// The record under `key`.
    pub(super) fn get(&self, key: &Key) -> Option<Record> {
        let (buckets, lock) = self.place(key)?;
        let find = |bucket: &Bucket| bucket.find(key).map(Entry::record);
        buckets.into_iter().find_map(|bucket| {
            for _ in 0..TRIES {
                if let Some(found) = bucket.read(find) {
                    return found;
                }
                std::hint::spin_loop();
            }
            let _held = hold(lock);
            find(bucket)
        })
    }

    /// Replaces the record under `key` by what `change` makes of it, in one step for all workers.
    pub(super) fn update<R>(
        &self,
        key: Key,
        now: Timestamp,
        change: impl FnOnce(Option<Record>) -> (Option<Record>, R),
    ) -> Option<R> {
        let (buckets, lock) = self.place(&key)?;
        let _held = hold(lock);
        let known = buckets.iter().find_map(|bucket| Some((*bucket, bucket.find(&key)?)));
        let (new, result) = change(known.map(|(_, entry)| entry.record()));
        match (known, new) {
            (None, None) => {}
            (Some((bucket, entry)), None) => bucket.change(|| entry.set(Key([0; 5]), Record::default())),
            (Some((bucket, entry)), Some(new)) => bucket.change(|| entry.set(key, new)),
            (None, Some(new)) => {
                if let Some((bucket, entry)) = self.make_room(buckets, now) {
                    bucket.change(|| entry.set(key, new));
                }
            }
        }
        Some(result)
    }

    /// An entry that is empty or over, in the bucket that has more of them; else the oldest.
    fn make_room<'b>(&self, buckets: [&'b Bucket; 2], now: Timestamp) -> Option<(&'b Bucket, &'b Entry)> {
        let is_used = |entry: &Entry| !entry.is_empty() && !entry.record().is_over(now);
        let entries = buckets.into_iter().flat_map(|bucket| {
            let used = bucket.entries.iter().filter(|entry| is_used(entry)).count() as u64;
            bucket.entries.iter().map(move |entry| (used, bucket, entry))
        });
        let (_, bucket, entry) = entries.min_by_key(|(used, _, entry)| match is_used(entry) {
            false => (false, *used),
            true => (true, entry.record().since),
        })?;
        self.shed.fetch_add(is_used(entry).into(), Ordering::Relaxed);
        Some((bucket, entry))
    }

    /// The two buckets that a key may lie in, and the lock for both.
    fn place(&self, key: &Key) -> Option<([&Bucket; 2], &Mutex<()>)> {
        let hash = key.hash(self.seed);
        let mask = self.buckets.len() as u64 - 1;
        let first = hash & mask;
        // Another one, unless there are too few; the buckets of one lock have the lower bits of their numbers in common.
        let locks = LOCKS as u64;
        let second = first ^ ((hash >> 32 | locks) & mask & !(locks - 1));
        // Masked by the length, so that both fit.
        let bucket = |at: u64| self.buckets.get(usize::try_from(at).ok()?);
        let lock = self.locks.get(usize::try_from(first).ok()? % LOCKS)?;
        Some(([bucket(first)?, bucket(second)?], lock))
    }
}

/// A panic while it was held changed nothing: what is changed is written last.
fn hold(lock: &Mutex<()>) -> MutexGuard<'_, ()> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
