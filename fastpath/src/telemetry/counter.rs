//! Counters of one worker: written by it alone, read by anyone.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    engine::{counters::Counters, verdict::DropReason},
    io::{FrameCensus, KernelCounts},
};

/// What is counted for each side (port) of a worker's queue. The names are those of the stats JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Packets received on this port.
    RxPackets,
    /// Their bytes.
    RxBytes,
    /// Packets given to this port for sending.
    TxPackets,
    /// Their bytes.
    TxBytes,
    /// Packets of the worker's own making (RST, ICMP unreachable) meant to leave here.
    Injected,
    /// Such packets for which there was no frame.
    InjectFailed,
    /// Received here and dropped by the engine or for want of it.
    Drop(DropReason),
    /// Meant to leave here and dropped because the port takes no more.
    DropTxFull,
    /// Received here and kept (tap: nothing is sent).
    Tapped,
    /// Received here; a rule would have dropped it.
    WouldDrop,
    /// Descriptors from the kernel that were not believed.
    Invalid,
}

/// Counters that are not [`Counter::Drop`].
const PLAIN: usize = 10;

impl Counter {
    /// Number of counters.
    pub const COUNT: usize = PLAIN + DropReason::ALL.len();

    fn index(self) -> usize {
        match self {
            Self::RxPackets => 0,
            Self::RxBytes => 1,
            Self::TxPackets => 2,
            Self::TxBytes => 3,
            Self::Injected => 4,
            Self::InjectFailed => 5,
            Self::DropTxFull => 6,
            Self::Tapped => 7,
            Self::WouldDrop => 8,
            Self::Invalid => 9,
            Self::Drop(reason) => PLAIN + reason as usize,
        }
    }
}

/// The values of one side at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Counter::COUNT]);

impl Counts {
    /// A counter's value.
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter.index()]
    }

    /// Adds to a counter.
    pub fn add(&mut self, counter: Counter, n: u64) {
        self.0[counter.index()] += n;
    }

    /// Sets a counter that is kept elsewhere.
    pub fn set(&mut self, counter: Counter, value: u64) {
        self.0[counter.index()] = value;
    }

    /// Packets dropped by the engine or for want of it, for whatever reason.
    pub fn dropped(&self) -> u64 {
        DropReason::ALL.into_iter().map(|reason| self.get(Counter::Drop(reason))).sum()
    }

    /// Adds all counters of another side.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// What happened since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut all = *self;
        for (mine, theirs) in all.0.iter_mut().zip(earlier.0) {
            *mine = mine.saturating_sub(theirs);
        }
        all
    }
}

/// Packets between the workers of a wire, of one worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct HandoverCounts {
    /// Received here and handed to the worker that owns the flow.
    pub handed_over: u64,
    /// Of those: came back with a verdict.
    pub returned: u64,
    /// Of those: given up at the end of the run, because the owner did not answer.
    pub given_up: u64,
    /// Received by others and inspected here.
    pub served: u64,
    /// Datagrams put together here and given to the worker that owns their flow.
    pub referred: u64,
    /// Packets and datagrams that their owner took no more of; the exception policy decided.
    pub full: u64,
}

impl HandoverCounts {
    /// Packets that are away for a verdict.
    pub fn waiting(&self) -> u64 {
        self.handed_over.saturating_sub(self.returned + self.given_up)
    }
}

/// One worker's figures at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Per side.
    pub sides: [Counts; 2],
    /// What the kernel says of each side's socket, as last asked.
    pub kernel: [KernelCounts; 2],
    /// Its frames.
    pub frames: FrameCensus,
    /// Packets forwarded and still waiting for room on a tx ring.
    pub pending: u64,
    /// Packets between the workers.
    pub handover: HandoverCounts,
    /// Alerts raised.
    pub alerts: u64,
    /// Packets of several frames that were copied together for inspection.
    pub gathered: u64,
}

impl Figures {
    /// The loss ledger in packets: received and injected minus sent, dropped, kept and waiting (for room or for
    /// another worker's verdict). 0 unless a packet went missing between the rings.
    pub fn residual(&self) -> i64 {
        let sum = |counter| self.sides.iter().map(|side| side.get(counter)).sum::<u64>();
        let gone = sum(Counter::TxPackets)
            + self.sides.iter().map(Counts::dropped).sum::<u64>()
            + sum(Counter::DropTxFull)
            + sum(Counter::Tapped)
            + self.handover.waiting()
            + self.pending;
        let come = sum(Counter::RxPackets) + sum(Counter::Injected);
        come.cast_signed() - gone.cast_signed()
    }
}

const KERNEL: usize = 6;
const HANDOVER: usize = 6;
const REST: usize = 8;
const WORDS: usize = 2 * (Counter::COUNT + KERNEL) + HANDOVER + REST;

/// The shared copy of a worker's [`Figures`]: one writer, any number of readers, no lock on either side.
///
/// A sequence number tells a reader that it read while the writer wrote, so that the ledger it computes is
/// of one moment.
#[derive(Debug)]
#[repr(align(128))]
pub struct Published {
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
    /// What its engine has counted, as of its last tick.
    engine: Mutex<Counters>,
}

impl Default for Published {
    fn default() -> Self {
        Self {
            sequence: AtomicU64::new(0),
            words: [const { AtomicU64::new(0) }; WORDS],
            engine: Mutex::default(),
        }
    }
}

impl Published {
    /// Publishes new figures. Only the worker that owns them calls this.
    pub fn store(&self, figures: &Figures) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence + 1, Ordering::Relaxed);
        std::sync::atomic::fence(Ordering::Release);
        for (word, value) in self.words.iter().zip(flatten(figures)) {
            word.store(value, Ordering::Relaxed);
        }
        self.sequence.store(sequence + 2, Ordering::Release);
    }

    /// Publishes what the engine has counted; not on the packets' way. While someone reads, that waits for the next time.
    pub fn store_engine(&self, counters: Counters) {
        if let Ok(mut engine) = self.engine.try_lock() {
            *engine = counters;
        }
    }

    /// What the engine had counted when that was published last.
    pub fn engine(&self) -> Counters {
        // A panic while it was held cannot have left it half-written: it is stored whole.
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The figures of one moment.
    pub fn load(&self) -> Figures {
        loop {
            let before = self.sequence.load(Ordering::Acquire);
            let mut words = [0; WORDS];
            for (value, word) in words.iter_mut().zip(&self.words) {
                *value = word.load(Ordering::Relaxed);
            }
            std::sync::atomic::fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.sequence.load(Ordering::Relaxed) == before {
                return unflatten(&words);
            }
            std::hint::spin_loop();
        }
    }
}

fn flatten(figures: &Figures) -> impl Iterator<Item = u64> {
    let FrameCensus { total, free, with_kernel, in_worker, in_tx } = figures.frames;
    let rest =
        [total, free, with_kernel, in_worker, in_tx, figures.pending, figures.alerts, figures.gathered];
    let sides = figures.sides.into_iter().flat_map(|side| side.0);
    let kernel = figures.kernel.into_iter().flat_map(|kernel| {
        let KernelCounts {
            rx_dropped,
            rx_invalid_descs,
            tx_invalid_descs,
            rx_ring_full,
            rx_fill_ring_empty_descs,
            tx_ring_empty_descs,
        } = kernel;
        [
            rx_dropped,
            rx_invalid_descs,
            tx_invalid_descs,
            rx_ring_full,
            rx_fill_ring_empty_descs,
            tx_ring_empty_descs,
        ]
    });
    let HandoverCounts { handed_over, returned, given_up, served, referred, full } = figures.handover;
    sides.chain(kernel).chain([handed_over, returned, given_up, served, referred, full]).chain(rest)
}

/// The other way round; words come in the order of [`flatten`].
fn unflatten(words: &[u64; WORDS]) -> Figures {
    let mut words = words.iter().copied();
    let mut next = || words.next().unwrap_or_default();
    let mut figures = Figures::default();
    for side in &mut figures.sides {
        side.0.fill_with(&mut next);
    }
    for kernel in &mut figures.kernel {
        *kernel = KernelCounts {
            rx_dropped: next(),
            rx_invalid_descs: next(),
            tx_invalid_descs: next(),
            rx_ring_full: next(),
            rx_fill_ring_empty_descs: next(),
            tx_ring_empty_descs: next(),
        };
    }
    figures.handover = HandoverCounts {
        handed_over: next(),
        returned: next(),
        given_up: next(),
        served: next(),
        referred: next(),
        full: next(),
    };
    figures.frames =
        FrameCensus { total: next(), free: next(), with_kernel: next(), in_worker: next(), in_tx: next() };
    Figures { pending: next(), alerts: next(), gathered: next(), ..figures }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: u64) -> Figures {
        let mut figures = Figures { pending: n, alerts: n, gathered: n, ..Figures::default() };
        for side in &mut figures.sides {
            side.0.fill(n);
        }
        for kernel in &mut figures.kernel {
            kernel.rx_ring_full = n;
        }
        figures.frames = FrameCensus { total: n, free: n, with_kernel: n, in_worker: n, in_tx: n };
        figures
    }

    #[test]
    fn loads_what_was_stored() {
        let mut figures = sample(7);
        figures.kernel[1].tx_ring_empty_descs = 9;
        figures.kernel[0].rx_dropped = 8;
        figures.frames.in_tx = 11;
        figures.gathered = 12;
        figures.handover.full = 13;
        let published = Published::default();
        published.store(&figures);
        assert_eq!(published.load(), figures);
    }

    #[test]
    fn readers_never_see_two_moments_at_once() {
        let published = Published::default();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..20_000).for_each(|n| published.store(&sample(n))));
            for _ in 0..2_000 {
                let figures = published.load();
                assert_eq!(figures, sample(figures.alerts));
            }
        });
    }

    #[test]
    fn residuals_show_what_is_missing() {
        let mut figures = Figures::default();
        figures.sides[0].set(Counter::RxPackets, 5);
        figures.sides[0].set(Counter::Drop(DropReason::Rule), 1);
        figures.sides[1].set(Counter::TxPackets, 2);
        figures.pending = 1;
        assert_eq!(figures.residual(), 1);
        figures.handover = HandoverCounts { handed_over: 3, returned: 2, ..HandoverCounts::default() };
        assert_eq!(figures.residual(), 0);
    }

    #[test]
    fn each_counter_has_a_place_of_its_own() {
        let mut counts = Counts::default();
        for reason in DropReason::ALL {
            counts.add(Counter::Drop(reason), 1);
        }
        counts.add(Counter::Invalid, 1);
        assert_eq!(counts.dropped(), DropReason::ALL.len() as u64);
        assert_eq!(counts.0.iter().filter(|count| **count == 1).count(), DropReason::ALL.len() + 1);
    }
}
