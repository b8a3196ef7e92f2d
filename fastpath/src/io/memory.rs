//! Packets from memory to memory: the worker's loop under test, without a kernel.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::{FrameCensus, Handle, PacketIo, SideCounts};
use crate::engine::meta::Timestamp;

/// A wire in memory. Packets put into `incoming` are received in order; forwarded ones end in `outgoing`.
#[derive(Debug)]
pub struct MemoryIo {
    sides: usize,
    batch: usize,
    /// To be received: side and bytes.
    pub incoming: VecDeque<(usize, Vec<u8>)>,
    /// Sent: the side it left on, and bytes.
    pub outgoing: Vec<(usize, Vec<u8>)>,
    /// Not sent.
    pub released: Vec<Vec<u8>>,
    counts: [SideCounts; 2],
    number: u64,
    /// Frames there are, and those that are free; each packet takes one until it is sent or released.
    frames: u64,
    free: u64,
    lent: u64,
}

/// A packet of a [`MemoryIo`] in the hands of another worker.
#[derive(Debug)]
pub struct MemoryLoan {
    packet: Vec<u8>,
    of: u64,
}

/// A [`MemoryIo`] in the hands of another worker.
#[derive(Clone, Debug)]
pub struct MemoryHandle(u64);

impl Handle for MemoryHandle {
    type Loan = MemoryLoan;

    fn with_bytes<R>(&self, loan: &mut MemoryLoan, look: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
        (loan.of == self.0).then(|| look(&mut loan.packet))
    }

    /// It never sleeps.
    fn wake(&self) {}
}

impl MemoryIo {
    /// An empty wire with `sides` sides (1 or 2) that hands out `batch` packets at a time.
    pub fn new(sides: usize, batch: usize) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self {
            sides: sides.clamp(1, 2),
            batch: batch.max(1),
            incoming: VecDeque::new(),
            outgoing: Vec::new(),
            released: Vec::new(),
            counts: Default::default(),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            frames: u64::from(u32::MAX),
            free: u64::from(u32::MAX),
            lent: 0,
        }
    }

    /// With `frames` frames: what does not find a free one is not received until one is.
    #[must_use]
    pub fn with_frames(self, frames: u64) -> Self {
        Self { frames, free: frames, ..self }
    }

    fn send(&mut self, side: usize, packet: Vec<u8>) {
        self.counts[side].tx_packets += 1;
        self.counts[side].tx_bytes += packet.len() as u64;
        self.outgoing.push((side, packet));
        self.free += 1;
    }
}

impl PacketIo for MemoryIo {
    type Packet = Vec<u8>;
    type Handle = MemoryHandle;
    type Error = Infallible;

    fn sides(&self) -> usize {
        self.sides
    }

    fn receive(&mut self, packets: &mut Vec<(usize, Vec<u8>)>) -> Result<(), Infallible> {
        let free = usize::try_from(self.free).unwrap_or(usize::MAX);
        let n = self.batch.min(self.incoming.len()).min(free);
        packets.extend(self.incoming.drain(..n));
        self.free -= n as u64;
        Ok(())
    }

    fn with_bytes<R>(&mut self, packet: &mut Vec<u8>, look: impl FnOnce(&mut [u8]) -> R) -> R {
        look(packet)
    }

    fn with_head<R>(&mut self, packet: &mut Vec<u8>, look: impl FnOnce(&[u8]) -> R) -> R {
        look(packet)
    }

    fn forward(&mut self, side: usize, packet: Vec<u8>) {
        let to = if self.sides == 2 { 1 - side } else { 0 };
        self.send(to, packet);
    }

    fn release(&mut self, packet: Vec<u8>) {
        self.released.push(packet);
        self.free += 1;
    }

    fn handle(&self) -> MemoryHandle {
        MemoryHandle(self.number)
    }

    fn lend(&mut self, packet: Vec<u8>) -> Result<MemoryLoan, Vec<u8>> {
        self.lent += 1;
        Ok(MemoryLoan { packet, of: self.number })
    }

    fn take_back(&mut self, loan: MemoryLoan) -> Option<Vec<u8>> {
        let own = loan.of == self.number;
        self.lent -= u64::from(own);
        own.then_some(loan.packet)
    }

    fn inject(&mut self, side: usize, bytes: &[u8]) -> bool {
        let Some(counts) = self.counts.get_mut(side).filter(|_| side < self.sides) else { return false };
        if self.free == 0 {
            counts.inject_failed += 1;
            return false;
        }
        counts.injected += 1;
        self.free -= 1;
        self.send(side, bytes.to_vec());
        true
    }

    fn flush(&mut self, _now: Timestamp) -> Result<(), Infallible> {
        Ok(())
    }

    fn wait(&mut self, _timeout: Duration, _still_idle: impl FnOnce() -> bool) -> Result<(), Infallible> {
        Ok(())
    }

    fn pending(&self) -> u64 {
        0
    }

    fn drained(&self) -> bool {
        true
    }

    fn counts(&self, side: usize) -> SideCounts {
        self.counts[side]
    }

    fn census(&self) -> FrameCensus {
        FrameCensus { total: self.frames, free: self.free, in_worker: self.lent, ..FrameCensus::default() }
    }
}
