//! Where packets come from and go to. Each backend feeds the same engine: [`xdp`] (the wire), [`pcap`]
//! (captures), [`memory`] (tests).

pub mod memory;
pub mod pcap;
#[cfg(feature = "nic")]
pub mod xdp;

use std::time::Duration;

use crate::engine::meta::Timestamp;

/// What a turn's transmission came to, per side of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideCounts {
    /// Packets given to the port for sending.
    pub tx_packets: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    /// Packets meant for this port and dropped because it takes no more (ring full, peer dead).
    pub tx_full: u64,
    /// Descriptors from the kernel that were not believed.
    pub invalid: u64,
    /// Packets of the worker's own making, put among those to be sent.
    pub injected: u64,
    /// Such packets for which there was no frame.
    pub inject_failed: u64,
}

/// Where a worker's UMEM frames are; the conservation law is that `residual` is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct FrameCensus {
    /// Frames of the UMEM.
    pub total: u64,
    /// On the free list.
    pub free: u64,
    /// Submitted to a fill ring and not received back.
    pub with_kernel: u64,
    /// Received and neither sent nor released yet.
    pub in_worker: u64,
    /// Submitted to a tx ring and not completed.
    pub in_tx: u64,
}

impl FrameCensus {
    /// Frames that nobody accounts for: 0 unless one was lost or counted twice.
    pub fn residual(&self) -> i64 {
        let held = self.free + self.with_kernel + self.in_worker + self.in_tx;
        self.total.cast_signed() - held.cast_signed()
    }
}

/// What the kernel says of a side's AF_XDP socket (`XDP_STATISTICS`, linux/if_xdp.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct KernelCounts {
    /// Frames lost for reasons other than the two below.
    pub rx_dropped: u64,
    /// Fill ring entries the kernel did not take.
    pub rx_invalid_descs: u64,
    /// Tx ring entries the kernel did not take.
    pub tx_invalid_descs: u64,
    /// Frames lost because the rx ring was full.
    pub rx_ring_full: u64,
    /// Frames lost because the fill ring was empty.
    pub rx_fill_ring_empty_descs: u64,
    /// Times the kernel found the tx ring empty.
    pub tx_ring_empty_descs: u64,
}

impl KernelCounts {
    /// Frames that the kernel received for the socket and lost. `rx_fill_ring_empty_descs` is not among them: it
    /// counts attempts, and in copy mode a frame lost for that reason is in `rx_dropped` already (net/xdp/xsk.c).
    pub fn lost(&self) -> u64 {
        self.rx_dropped + self.rx_ring_full
    }
}

/// What a worker holds of another one's backend: it looks at packets lent to it, and wakes the other one.
pub trait Handle: Clone + Send + 'static {
    /// A packet in the hands of another worker. It is the only token of the packet.
    type Loan: Send + 'static;

    /// Shows the bytes of a loan of this backend, from the link layer on; `None` for another backend's. What `look` changes is
    /// changed when the backend has the loan back.
    fn with_bytes<R>(&self, loan: &mut Self::Loan, look: impl FnOnce(&mut [u8]) -> R) -> Option<R>;

    /// Ends the sleep of the backend's worker, if it sleeps.
    fn wake(&self);
}

/// A source and sink of packets, polled by one worker. It has one side (hairpin) or two (bridge), numbered
/// from 0; a forwarded packet leaves on the other side, or on the only one.
pub trait PacketIo {
    /// A received packet. Every one must be forwarded or released; neither copies it.
    type Packet;
    /// What other workers hold of this backend.
    type Handle: Handle;
    /// Why the backend cannot go on.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Number of sides, 1 or 2.
    fn sides(&self) -> usize;

    /// Appends at most one batch of packets, each with the side it came in on.
    fn receive(&mut self, packets: &mut Vec<(usize, Self::Packet)>) -> Result<(), Self::Error>;

    /// Shows a packet's bytes, from the link layer on, as one slice. What `look` changes is changed.
    fn with_bytes<R>(&mut self, packet: &mut Self::Packet, look: impl FnOnce(&mut [u8]) -> R) -> R;

    /// Shows a packet's first bytes, as far as they lie in one piece.
    fn with_head<R>(&mut self, packet: &mut Self::Packet, look: impl FnOnce(&[u8]) -> R) -> R;

    /// Takes a packet that came in on `side`, to be sent on by the next flush; dropped and counted as `tx_full`
    /// when too many are waiting already.
    fn forward(&mut self, side: usize, packet: Self::Packet);

    /// Takes back a packet that is not sent.
    fn release(&mut self, packet: Self::Packet);

    /// What other workers need to look at packets of this backend.
    fn handle(&self) -> Self::Handle;

    /// Lets another worker look at a packet; the packet itself when that is not to be had now (several frames, and no
    /// buffer to copy them together).
    fn lend(&mut self, packet: Self::Packet) -> Result<<Self::Handle as Handle>::Loan, Self::Packet>;

    /// Takes a packet back that was lent; `None` for another backend's.
    fn take_back(&mut self, loan: <Self::Handle as Handle>::Loan) -> Option<Self::Packet>;

    /// Puts a packet of the worker's own making among those to be sent out of `side`; false, and counted, when there is
    /// no frame for it or it does not fit one.
    fn inject(&mut self, side: usize, bytes: &[u8]) -> bool;

    /// Sends what was forwarded, takes back what was sent, and makes room for receiving.
    fn flush(&mut self, now: Timestamp) -> Result<(), Self::Error>;

    /// Sleeps until there is something to receive or [`Handle::wake`] is called, at most `timeout`; not at all when
    /// `still_idle` says no. That is asked when calls are heard already: who puts something into place and then calls is
    /// seen or heard.
    fn wait(&mut self, timeout: Duration, still_idle: impl FnOnce() -> bool) -> Result<(), Self::Error>;

    /// Packets forwarded but not given to the port yet; they are retried by the next flush.
    fn pending(&self) -> u64;

    /// True when nothing is on its way out any more.
    fn drained(&self) -> bool;

    /// Totals since the start, per side.
    fn counts(&self, side: usize) -> SideCounts;

    /// Where every frame is, between turns; all zero for a backend without frames.
    fn census(&self) -> FrameCensus {
        FrameCensus::default()
    }

    /// The kernel's counters of a side, where there is a kernel. A system call: not for every turn.
    fn kernel_counts(&self, side: usize) -> Option<KernelCounts> {
        let _ = side;
        None
    }

    /// Packets of several frames that were copied together for inspection.
    fn gathered(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::FrameCensus;

    #[test]
    fn a_lost_frame_shows_as_residual() {
        let census = FrameCensus { total: 10, free: 4, with_kernel: 3, in_worker: 1, in_tx: 1 };
        assert_eq!(census.residual(), 1);
        assert_eq!(FrameCensus { in_tx: 2, ..census }.residual(), 0);
    }
}
