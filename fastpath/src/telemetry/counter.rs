//! Counters of one worker: written by it alone, read by anyone.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::io::{FrameCensus, KernelCounts};

/// What is counted for each side (port) of a worker's queue. The names are those of the stats JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Counter {
    /// Packets received on this port.
    RxPackets,
    /// Their bytes.
    RxBytes,
    /// Packets given to this port for sending.
    TxPackets,
    /// Their bytes.
    TxBytes,
    /// Received here and dropped by a rule.
    DropRule,
    /// Meant to leave here and dropped because the port takes no more.
    DropTxFull,
    /// Received here and kept (tap: nothing is sent).
    Tapped,
    /// Received here; a rule would have dropped it.
    WouldDrop,
    /// Descriptors from the kernel that were not believed.
    Invalid,
}

impl Counter {
    /// Number of counters.
    pub const COUNT: usize = Self::Invalid as usize + 1;
}

/// The values of one side at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Counter::COUNT]);

impl Counts {
    /// A counter's value.
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }

    /// Adds to a counter.
    pub fn add(&mut self, counter: Counter, n: u64) {
        self.0[counter as usize] += n;
    }

    /// Sets a counter that is kept elsewhere.
    pub fn set(&mut self, counter: Counter, value: u64) {
        self.0[counter as usize] = value;
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
    /// Alerts raised.
    pub alerts: u64,
    /// Packets of several frames that were copied together for inspection.
    pub gathered: u64,
}

impl Figures {
    /// The loss ledger in packets: received minus forwarded, dropped, kept and waiting. 0 unless a packet
    /// went missing between the rings.
    pub fn residual(&self) -> i64 {
        let sum = |counter| self.sides.iter().map(|side| side.get(counter)).sum::<u64>();
        let gone = sum(Counter::TxPackets)
            + sum(Counter::DropRule)
            + sum(Counter::DropTxFull)
            + sum(Counter::Tapped)
            + self.pending;
        sum(Counter::RxPackets).cast_signed() - gone.cast_signed()
    }
}

const KERNEL: usize = 6;
const REST: usize = 8;
const WORDS: usize = 2 * (Counter::COUNT + KERNEL) + REST;

/// The shared copy of a worker's [`Figures`]: one writer, any number of readers, no lock on either side.
///
/// A sequence number tells a reader that it read while the writer wrote, so that the ledger it computes is
/// of one moment.
#[derive(Debug)]
#[repr(align(128))]
pub struct Published {
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl Default for Published {
    fn default() -> Self {
        Self { sequence: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
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
    sides.chain(kernel).chain(rest)
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
        figures.sides[0].set(Counter::DropRule, 1);
        figures.sides[1].set(Counter::TxPackets, 2);
        figures.pending = 1;
        assert_eq!(figures.residual(), 1);
    }
}
