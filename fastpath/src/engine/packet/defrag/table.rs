//! The datagrams that are known, found by what their fragments have in common, and let go in the order of their deadlines.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
};

use super::{
    Fragment,
    pool::{Index, NONE, Pool},
};
use crate::engine::{meta::Timestamp, referral::Ticket, verdict::DropReason};

/// What the fragments of a datagram have in common: RFC 791 (section 3.2) for IPv4; for IPv6 without the protocol, which
/// only the first fragment tells (RFC 8200, section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    protocol: u8,
    vlan: [Option<u16>; 3],
}

impl Key {
    pub(super) fn of(fragment: &Fragment<'_>) -> Self {
        Self {
            source: fragment.source,
            destination: fragment.destination,
            identification: fragment.identification,
            protocol: if fragment.is_v6() { 0 } else { fragment.protocol },
            vlan: networks(fragment.vlan),
        }
    }

    pub(super) fn is_v6(&self) -> bool {
        self.source.is_ipv6()
    }
}

/// VLAN ids without those of priority tags (IEEE 802.1Q, section 6.9.1): 0 names no VLAN, and receivers take the tag off.
fn networks(vlan: [Option<u16>; 3]) -> [Option<u16>; 3] {
    let mut ids = vlan.into_iter().flatten().filter(|&id| id != 0);
    [(); 3].map(|()| ids.next())
}

/// How it stands with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Fragments are missing; what is there is in the assembly.
    Open(Index),
    /// All is there, and the verdict is awaited.
    Complete(Index),
    /// It went on; the identification is used up.
    Forwarded,
    /// It is never to reach the receiver.
    Condemned(DropReason),
}

/// A datagram of which a fragment was forwarded, or is to be never.
#[derive(Debug)]
pub(super) struct Tracker {
    pub(super) key: Key,
    pub(super) state: State,
    /// From when on it is forgotten.
    pub(super) deadline: Timestamp,
    /// Tells it from those that had its place before; 0 once it is out of the table.
    generation: u32,
    queue: Queue,
    older: Index,
    newer: Index,
    /// The next of its bucket.
    next: Index,
}

/// Trackers that wait equally long, so that the order of their arrival is that of their deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    AssemblyV4,
    AssemblyV6,
    ReuseV4,
    ReuseV6,
}

impl Queue {
    pub(super) const ALL: [Self; 4] = [Self::AssemblyV4, Self::AssemblyV6, Self::ReuseV4, Self::ReuseV6];
}

#[derive(Clone, Copy)]
struct Ends {
    oldest: Index,
    newest: Index,
    length: usize,
}

/// All trackers: a hash table with chains, and a list for each [`Queue`]. Every operation but the walk along a chain takes
/// constant time; the chains are short because nobody outside knows the seed.
pub(super) struct Table {
    trackers: Pool<Tracker>,
    buckets: Vec<Index>,
    queues: [Ends; Queue::ALL.len()],
    seed: u64,
    generation: u32,
}

impl Table {
    pub(super) fn new(trackers: usize, seed: u64) -> Self {
        Self {
            trackers: Pool::new(trackers),
            buckets: vec![NONE; trackers.max(1).next_power_of_two()],
            queues: [Ends { oldest: NONE, newest: NONE, length: 0 }; Queue::ALL.len()],
            seed,
            generation: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.trackers.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.trackers.len() >= self.trackers.limit()
    }

    pub(super) fn find(&self, key: &Key) -> Option<(Index, &Tracker)> {
        let mut index = *self.buckets.get(self.bucket(key))?;
        while let Some(tracker) = self.trackers.get(index) {
            if tracker.key == *key {
                return Some((index, tracker));
            }
            index = tracker.next;
        }
        None
    }

    /// Adds a tracker whose key is not there yet; none when the table is full.
    pub(super) fn insert(
        &mut self,
        key: Key,
        state: State,
        deadline: Timestamp,
        queue: Queue,
    ) -> Option<Index> {
        self.generation = self.generation.wrapping_add(1).max(1);
        let bucket = self.bucket(&key);
        let next = *self.buckets.get(bucket)?;
        let index = self.trackers.insert(Tracker {
            key,
            state,
            deadline,
            generation: self.generation,
            queue,
            older: NONE,
            newer: NONE,
            next,
        })?;
        self.set_bucket(bucket, index);
        self.append(index, queue);
        Some(index)
    }

    /// Takes a tracker out.
    pub(super) fn remove(&mut self, index: Index) {
        let Some(&Tracker { key, next, .. }) = self.trackers.get(index) else { return };
        self.unlink(index);
        let bucket = self.bucket(&key);
        let mut at = self.buckets.get(bucket).copied().unwrap_or(NONE);
        if at == index {
            self.set_bucket(bucket, next);
        }
        while let Some(tracker) = self.trackers.get_mut(at) {
            at = tracker.next;
            if at == index {
                tracker.next = next;
            }
        }
        if let Some(tracker) = self.trackers.get_mut(index) {
            tracker.generation = 0;
        }
        self.trackers.remove(index);
    }

    /// Puts a tracker at the young end of `queue`. Its deadline only ever moves on while it stays in its queue, whatever the
    /// clock does.
    pub(super) fn renew(&mut self, index: Index, deadline: Timestamp, queue: Queue) {
        self.unlink(index);
        if let Some(tracker) = self.trackers.get_mut(index) {
            let same = tracker.queue == queue;
            tracker.deadline = if same { tracker.deadline.max(deadline) } else { deadline };
            tracker.queue = queue;
        }
        self.append(index, queue);
    }

    pub(super) fn set_state(&mut self, index: Index, state: State) {
        if let Some(tracker) = self.trackers.get_mut(index) {
            tracker.state = state;
        }
    }

    /// The tracker of `queue` whose deadline comes first.
    pub(super) fn oldest(&self, queue: Queue) -> Option<(Index, &Tracker)> {
        let index = self.queues[queue as usize].oldest;
        Some((index, self.trackers.get(index)?))
    }

    /// Number of trackers in `queue`.
    pub(super) fn queued(&self, queue: Queue) -> usize {
        self.queues[queue as usize].length
    }

    pub(super) fn ticket(&self, index: Index) -> Ticket {
        let generation = self.trackers.get(index).map_or(0, |tracker| tracker.generation);
        Ticket(u64::from(generation) << 32 | u64::from(index))
    }

    /// The tracker that `ticket` was given for, if it is still there.
    pub(super) fn redeem(&self, ticket: Ticket) -> Option<(Index, &Tracker)> {
        let index = Index::try_from(ticket.0 & u64::from(u32::MAX)).ok()?;
        let tracker = self.trackers.get(index)?;
        let known = tracker.generation != 0 && u64::from(tracker.generation) == ticket.0 >> 32;
        known.then_some((index, tracker))
    }

    fn bucket(&self, key: &Key) -> usize {
        // The seed before the key makes the hash's state behind it unknown.
        let mut hasher = DefaultHasher::new();
        self.seed.hash(&mut hasher);
        key.hash(&mut hasher);
        // The number of buckets is a power of two.
        let mask = self.buckets.len() as u64 - 1;
        usize::try_from(hasher.finish() & mask).unwrap_or(0)
    }

    fn set_bucket(&mut self, bucket: usize, index: Index) {
        if let Some(first) = self.buckets.get_mut(bucket) {
            *first = index;
        }
    }

    fn append(&mut self, index: Index, queue: Queue) {
        let ends = &mut self.queues[queue as usize];
        ends.length += 1;
        let older = std::mem::replace(&mut ends.newest, index);
        if older == NONE {
            ends.oldest = index;
        }
        if let Some(tracker) = self.trackers.get_mut(older) {
            tracker.newer = index;
        }
        if let Some(tracker) = self.trackers.get_mut(index) {
            (tracker.older, tracker.newer) = (older, NONE);
        }
    }

    fn unlink(&mut self, index: Index) {
        let Some(&Tracker { queue, older, newer, .. }) = self.trackers.get(index) else { return };
        self.queues[queue as usize].length = self.queues[queue as usize].length.saturating_sub(1);
        match self.trackers.get_mut(older) {
            Some(tracker) => tracker.newer = newer,
            None => self.queues[queue as usize].oldest = newer,
        }
        match self.trackers.get_mut(newer) {
            Some(tracker) => tracker.older = older,
            None => self.queues[queue as usize].newest = older,
        }
    }
}
