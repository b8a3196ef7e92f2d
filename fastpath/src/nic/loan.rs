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

#[cfg(test)]
mod tests {
    use super::super::pool::{FramePool, RESERVED};

    /// Of the reserve, and as many again.
    const FRAMES: usize = 2 * RESERVED as usize;

    fn pool() -> FramePool {
        let mut pool = FramePool::new(FRAMES.try_into().unwrap(), 2048, 64, 64, false).unwrap();
        pool.keep_buffers(1, 64);
        pool
    }

    #[test]
    fn only_its_own_memory_shows_a_loan_and_only_its_own_pool_takes_it_back() {
        let (mut pool, mut other) = (pool(), pool());
        let packet = pool.make_packet(b"lent").unwrap();
        let mut loan = pool.lend_packet(packet).unwrap();
        assert_eq!((pool.free(), pool.lent()), (FRAMES - 1, 1));
        assert_eq!(other.memory().with_bytes(&mut loan, |_| ()), None);
        let memory = pool.memory();
        // Another thread, as it is meant to be.
        let mut loan = std::thread::spawn(move || {
            memory.with_bytes(&mut loan, |bytes| bytes.make_ascii_uppercase()).unwrap();
            loan
        })
        .join()
        .unwrap();
        assert_eq!(pool.memory().with_bytes(&mut loan, |bytes| bytes.to_vec()).unwrap(), b"LENT");
        let mut packet = pool.take_back(loan).unwrap();
        assert_eq!(pool.with_head(&mut packet, |bytes| bytes.to_vec()), b"LENT");
        pool.release(packet);
        assert_eq!((pool.free(), pool.lent()), (FRAMES, 0));
        let foreign = other.make_packet(b"x").unwrap();
        let foreign = other.lend_packet(foreign).unwrap();
        assert!(pool.take_back(foreign).is_none());
    }

    #[test]
    fn the_memory_outlives_its_pool() {
        let mut pool = pool();
        let packet = pool.make_packet(&[7; 1500]).unwrap();
        let mut loan = pool.lend_packet(packet).unwrap();
        let memory = pool.memory();
        drop(pool);
        assert_eq!(memory.with_bytes(&mut loan, |bytes| bytes.iter().all(|byte| *byte == 7)), Some(true));
    }

    #[test]
    fn a_packet_of_several_frames_is_lent_in_a_buffer_as_long_as_there_is_one() {
        let mut pool = pool();
        let mut long = |words: [&[u8]; 2]| {
            let [mut packet, tail] = words.map(|bytes| pool.make_packet(bytes).unwrap());
            let tail = tail.head;
            pool.append(&mut packet, tail);
            packet
        };
        let (first, second) = (long([b"one ", b"packet"]), long([b"and ", b"another"]));
        let mut loan = pool.lend_packet(first).unwrap();
        assert_eq!(pool.memory().with_bytes(&mut loan, |bytes| bytes.to_vec()).unwrap(), b"one packet");
        let second = pool.lend_packet(second).unwrap_err();
        assert_eq!((pool.lent(), pool.free()), (2, FRAMES - 4));
        let first = pool.take_back(loan).unwrap();
        let loan = pool.lend_packet(second).unwrap();
        pool.release(first);
        let second = pool.take_back(loan).unwrap();
        pool.release(second);
        assert_eq!((pool.lent(), pool.free()), (0, FRAMES));
    }

    #[test]
    fn what_is_changed_in_a_packet_of_several_frames_is_changed_in_its_frames() {
        let mut pool = pool();
        let [mut packet, middle, last] =
            [&b"one "[..], b"evil ", b"packet"].map(|b| pool.make_packet(b).unwrap());
        pool.append(&mut packet, middle.head);
        pool.append(&mut packet, last.head);
        let mut scratch = Vec::new();
        pool.with_bytes(&mut packet, &mut scratch, |bytes| bytes[2..7].copy_from_slice(b"X goo"));
        let mut frames = Vec::new();
        pool.gather(&packet, &mut frames);
        assert_eq!(frames, b"onX gool packet");
        let mut loan = pool.lend_packet(packet).unwrap();
        pool.memory().with_bytes(&mut loan, |bytes| bytes[9..].make_ascii_uppercase()).unwrap();
        let packet = pool.take_back(loan).unwrap();
        pool.gather(&packet, &mut frames);
        assert_eq!(frames, b"onX gool PACKET");
        pool.release(packet);
        assert_eq!((pool.lent(), pool.free()), (0, FRAMES));
    }

    #[test]
    fn the_reserve_is_not_filled_into_rings_and_refills_itself() {
        let mut pool = pool();
        let reserved = RESERVED as usize;
        assert_eq!(pool.fillable(), FRAMES - reserved);
        let made: Vec<_> = std::iter::from_fn(|| pool.make_packet(b"reject")).collect();
        assert_eq!((made.len(), pool.fillable()), (reserved, FRAMES - reserved));
        for packet in made {
            pool.release(packet);
        }
        assert_eq!((pool.free(), pool.fillable()), (FRAMES, FRAMES - reserved));
        assert!(pool.make_packet(&[0; 4096]).is_none(), "longer than a frame");
        assert_eq!(pool.free(), FRAMES);
    }
}
