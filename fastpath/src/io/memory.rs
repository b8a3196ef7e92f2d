//! Packets from memory to memory: the worker's loop under test, without a kernel.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use super::{PacketIo, SideCounts};
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
}

impl MemoryIo {
    /// An empty wire with `sides` sides (1 or 2) that hands out `batch` packets at a time.
    pub fn new(sides: usize, batch: usize) -> Self {
        Self {
            sides: sides.clamp(1, 2),
            batch: batch.max(1),
            incoming: VecDeque::new(),
            outgoing: Vec::new(),
            released: Vec::new(),
            counts: Default::default(),
        }
    }
}

impl PacketIo for MemoryIo {
    type Packet = Vec<u8>;
    type Error = Infallible;

    fn sides(&self) -> usize {
        self.sides
    }

    fn receive(&mut self, packets: &mut Vec<(usize, Vec<u8>)>) -> Result<(), Infallible> {
        let n = self.batch.min(self.incoming.len());
        packets.extend(self.incoming.drain(..n));
        Ok(())
    }

    fn with_bytes<R>(&mut self, packet: &mut Vec<u8>, look: impl FnOnce(&mut [u8]) -> R) -> R {
        look(packet)
    }

    fn forward(&mut self, side: usize, packet: Vec<u8>) {
        let to = if self.sides == 2 { 1 - side } else { 0 };
        self.counts[to].tx_packets += 1;
        self.counts[to].tx_bytes += packet.len() as u64;
        self.outgoing.push((to, packet));
    }

    fn release(&mut self, packet: Vec<u8>) {
        self.released.push(packet);
    }

    fn flush(&mut self, _now: Timestamp) -> Result<(), Infallible> {
        Ok(())
    }

    fn wait(&mut self, _timeout: Duration) -> Result<(), Infallible> {
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
}
