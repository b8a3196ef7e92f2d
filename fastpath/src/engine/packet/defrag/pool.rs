//! A fixed number of equal items, handed out and taken back.

/// Names an item of a [`Pool`].
pub(super) type Index = u32;

/// No item.
pub(super) const NONE: Index = Index::MAX;

/// Items that are made when they are first needed and never given back to the allocator: room for all of them is
/// reserved at the start, and only the part that was ever in use is touched.
pub(super) struct Pool<T> {
    items: Vec<T>,
    free: Vec<Index>,
    limit: usize,
}

impl<T> Pool<T> {
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit.min(NONE as usize);
        Self { items: Vec::with_capacity(limit), free: Vec::with_capacity(limit), limit }
    }

    /// Puts `item` into the pool; none when it is full.
    pub(super) fn insert(&mut self, item: T) -> Option<Index> {
        if let Some(index) = self.free.pop() {
            *self.get_mut(index)? = item;
            return Some(index);
        }
        let index = Index::try_from(self.items.len()).ok().filter(|_| self.items.len() < self.limit)?;
        self.items.push(item);
        Some(index)
    }

    /// Takes it out again. Only for an item that is in.
    pub(super) fn remove(&mut self, index: Index) {
        debug_assert!((index as usize) < self.items.len() && self.free.len() < self.items.len());
        self.free.push(index);
    }

    pub(super) fn get(&self, index: Index) -> Option<&T> {
        self.items.get(index as usize)
    }

    pub(super) fn get_mut(&mut self, index: Index) -> Option<&mut T> {
        self.items.get_mut(index as usize)
    }

    /// Number of items in it.
    pub(super) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    /// Number of items it has room for.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }
}
