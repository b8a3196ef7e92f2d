//! Packets that another worker may look at, where they lie: in the UMEM of the worker that received them.

use xsk_rs::Umem;

use super::frame::Packet;

/// A packet that its worker has lent to another one. There is no other token of its frames, and it cannot be copied; the
/// pool makes no use of them until it has this one back ([`super::pool::FramePool::take_back`]).
#[must_use = "a loan that is not given back is lost to its pool"]
#[derive(Debug)]
pub struct Loan {
    pub(super) packet: Packet,
    /// The pool that the packet is of.
    pub(super) pool: u64,
    /// The bytes of a packet of several frames, copied together.
    pub(super) gathered: Option<Vec<u8>>,
}

/// A worker's packet memory in the hands of another worker, for its loans. The memory lasts as long as anybody has one
/// of these, whatever becomes of the worker.
#[derive(Clone, Debug)]
pub struct Memory {
    umem: Umem,
    pool: u64,
}

impl Memory {
    /// The memory of the pool number `pool`.
    pub(super) fn new(umem: Umem, pool: u64) -> Self {
        Self { umem, pool }
    }

    /// Shows the bytes of a loan; `None` when it is of another memory.
    pub fn with_bytes<R>(&self, loan: &mut Loan, look: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
        if loan.pool != self.pool {
            return None;
        }
        if let Some(bytes) = &mut loan.gathered {
            return Some(look(bytes));
        }
        // SAFETY:
        // - In range: the pool of this UMEM (the numbers agree, and no two pools have the same) has accepted the
        //   descriptor, so it lies inside one chunk.
        // - Alive: `self.umem` keeps the mapping, also when the worker that made it is gone.
        // - Exclusive: the chunk's owner is `Lent` from when the loan was made until the pool has the loan back, so
        //   neither its worker nor the kernel uses the chunk; the loan is its only token, and borrowed mutably here.
        //   A loan that is never given back leaves the chunk `Lent`, and so unused, for ever.
        // - Ordered: a loan that comes from another thread came over a queue, whose push happens before its pop.
        let mut data = unsafe { self.umem.data_mut(&mut loan.packet.head.0) };
        Some(look(data.contents_mut()))
    }
}
