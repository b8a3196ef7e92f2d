//! Numbers for names, the same in every rule set that follows.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Numbers from 0 on, in the order in which they were asked for. Asked while rules are read, never for a packet.
#[derive(Debug)]
pub(super) struct Numbers<K>(Mutex<HashMap<K, u32>>);

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Numbers<K> {
    /// The number of `name`.
    pub(super) fn of(&self, name: K) -> u32 {
        let mut known = self.known();
        let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
        *known.entry(name).or_insert(next)
    }

    /// The number of `name`; none when it would be the `most`th or later.
    pub(super) fn of_at_most(&self, name: K, most: u32) -> Option<u32> {
        let mut known = self.known();
        let next = u32::try_from(known.len()).ok().filter(|&next| next < most);
        match known.entry(name) {
            Entry::Occupied(entry) => Some(*entry.get()),
            Entry::Vacant(entry) => Some(*entry.insert(next?)),
        }
    }

    /// What `number` stands for.
    pub(super) fn name(&self, number: u32) -> Option<K>
    where
        K: Clone,
    {
        self.known().iter().find(|(_, known)| **known == number).map(|(name, _)| name.clone())
    }

    /// Whether nobody has asked for one.
    pub(super) fn is_empty(&self) -> bool {
        self.known().is_empty()
    }

    /// What a panic left behind is whole: each change is one insertion.
    fn known(&self) -> MutexGuard<'_, HashMap<K, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
