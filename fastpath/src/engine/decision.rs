//! What the layers of one packet come to.

use super::verdict::{DropReason, Enforcement, Verdict};

/// The decision about one packet while its layers are looked at: dropped as soon as one of them has to be.
#[derive(Debug, Default)]
pub(super) struct Decision {
    drop: Option<DropReason>,
    /// An end of it, or both, are told.
    pub(super) rejected: bool,
    /// Rules have put other bytes in the place of some of its.
    pub(super) rewritten: bool,
}

impl Decision {
    /// The packet is to be dropped. The first reason stays; false when there was one already.
    pub(super) fn drop(&mut self, reason: DropReason) -> bool {
        let first = self.drop.is_none();
        self.drop.get_or_insert(reason);
        first
    }

    /// What a datagram in the packet has come to.
    pub(super) fn join(&mut self, other: &Self) {
        self.drop = self.drop.or(other.drop);
        self.rejected |= other.rejected;
    }

    /// The verdict it comes to.
    pub(super) fn verdict(&self, enforcement: Enforcement) -> Verdict {
        match self.drop {
            Some(reason) => enforcement.of(reason),
            None if self.rewritten => Verdict::Rewritten,
            None => Verdict::Forward,
        }
    }
}
