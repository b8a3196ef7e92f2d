//! The wire: one queue of one port (hairpin) or of two (bridge) over one UMEM.

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsRawFd, RawFd},
    sync::Arc,
    thread,
    time::Duration,
};

use super::{FrameCensus, Handle, KernelCounts, PacketIo, SideCounts};
use crate::{
    config::{BindMode, RingConfig},
    engine::meta::Timestamp,
    nic::{
        frame::Packet,
        loan::{Loan, Memory},
        poll::{Bell, Poll},
        pool::{self, FramePool, PoolError},
        socket::{BindError, BindOptions, QueueSocket},
    },
};

/// What to open.
#[derive(Clone, Debug)]
pub struct XdpOptions {
    /// The port, and its peer in a bridge.
    pub interfaces: Vec<String>,
    /// Queue of each of them.
    pub queue: u32,
    /// Zero-copy, copy or what there is.
    pub bind: BindMode,
    /// Sizes.
    pub rings: RingConfig,
    /// Packets may be larger than a frame.
    pub multi_buffer: bool,
    /// Drive the driver from the worker.
    pub busy_poll: bool,
    /// Hairpin: swap the MAC addresses of what is sent back.
    pub swap_mac: bool,
    /// Packets that other workers may hold at once.
    pub loans: u32,
}

/// Why the wire could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No UMEM.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// No socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Nothing to sleep on.
    #[error("cannot make an eventfd: {0}; raise the limit of open files (ulimit -n)")]
    Poll(io::Error),
    /// The socket was bound, but its rings could not be used.
    #[error("{interface} queue {queue}: cannot fill the rings: {cause}")]
    Fill {
        /// Port.
        interface: String,
        /// Its rx queue.
        queue: u32,
        /// The system's reason.
        cause: io::Error,
    },
}

/// A system call on a live socket failed in a way that does not pass by itself.
#[derive(Debug, thiserror::Error)]
#[error("{interface} queue {queue}: {cause}; was the interface removed or reset?")]
pub struct WireError {
    interface: String,
    queue: u32,
    cause: io::Error,
}

/// Frames that may wait for room on a tx ring, in batches. One packet may always wait, however long it is.
const PENDING_BATCHES: u32 = 4;
/// A packet that could not be put on the ring for this long is given up: its peer is dead.
const PENDING_NANOSECONDS: u64 = 100_000_000;
/// Bytes of a huge page, where it is not set otherwise at boot.
const HUGE_PAGE: u32 = 2 << 20;
/// How long the kernel takes to give the memory of a closed UMEM back.
const UMEM_PAUSE: Duration = Duration::from_millis(50);
/// How often a port is asked whether it is still there.
const ALIVE_NANOSECONDS: u64 = 500_000_000;
/// Bytes that a buffer for lending a packet of several frames starts with: a jumbo frame.
const LOAN_BUFFER: usize = 10_240;

/// Frames of one worker's UMEM: per side what the kernel may hold for receiving, what may be on its way out, and
/// what is in hand; and what other workers may hold.
fn umem_frames(rings: RingConfig, sides: usize, loans: u32) -> u32 {
    let per_side = 2 * rings.rx + rings.tx + (PENDING_BATCHES + 1) * rings.batch;
    let sides = if sides == 2 { 2 } else { 1 };
    let frames = per_side * sides + pool::RESERVED + loans;
    match rings.huge_pages {
        // Whole pages: munmap(2) refuses a part of one, and the memory of a UMEM that is given up would stay.
        true => frames.next_multiple_of((HUGE_PAGE / rings.frame_size).max(1)),
        false => frames,
    }
}

/// Bytes of one worker's UMEM, of which other workers may hold `loans` packets.
pub fn umem_bytes(rings: RingConfig, sides: usize, loans: u32) -> u64 {
    u64::from(umem_frames(rings, sides, loans)) * u64::from(rings.frame_size)
}

struct Side {
    socket: QueueSocket,
    /// Forwarded to this side and not on its ring yet, in order.
    pending: VecDeque<Packet>,
    /// Frames of those packets.
    waiting: usize,
    counts: SideCounts,
    /// When the ring was last found to have taken something, or nothing was waiting; and what had been sent by then.
    moved: Timestamp,
    sent: u64,
    /// When the port was last known to be there.
    alive: Timestamp,
}

impl Side {
    /// Puts what waits onto the ring, as much as it has room for. No system call.
    fn transmit(&mut self, pool: &mut FramePool) {
        let before = self.socket.in_tx();
        let (packets, bytes) = self.socket.transmit(pool, &mut self.pending);
        let moved = usize::try_from(self.socket.in_tx() - before).unwrap_or(usize::MAX);
        self.waiting = self.waiting.saturating_sub(moved);
        self.counts.tx_packets += packets;
        self.counts.tx_bytes += bytes;
    }

    /// Lets a packet wait for the next flush. `cap` frames may wait; beyond that the ring has to make room at once, because
    /// more than a batch may come in one turn: the other workers' answers. The packet itself when it does not.
    fn queue(&mut self, packet: Packet, cap: usize, pool: &mut FramePool) -> Result<(), Packet> {
        if self.waiting + packet.frames() > cap {
            self.transmit(pool);
        }
        if !self.pending.is_empty() && self.waiting + packet.frames() > cap {
            return Err(packet);
        }
        self.waiting += packet.frames();
        self.pending.push_back(packet);
        Ok(())
    }
}

/// The AF_XDP backend of one worker.
pub struct XdpIo {
    pool: FramePool,
    sides: Vec<Side>,
    poll: Poll,
    pending_cap: usize,
    swap_mac: bool,
    scratch: Vec<u8>,
    gathered: u64,
}

impl XdpIo {
    /// Makes the UMEM, binds the sockets and fills their fill rings. Under [`BindMode::Auto`] all sides are
    /// zero-copy or all are copy: they share a UMEM, and with it the mode.
    pub fn open(options: &XdpOptions) -> Result<Self, OpenError> {
        match Self::open_as(options, options.bind) {
            // The first side is zero-copy and with it the UMEM; another side cannot be. All anew.
            Err(OpenError::Bind(error)) if options.bind == BindMode::Auto && error.unsupported() => {
                thread::sleep(UMEM_PAUSE);
                Self::open_as(options, BindMode::Copy)
            }
            result => result,
        }
    }

    fn open_as(options: &XdpOptions, mode: BindMode) -> Result<Self, OpenError> {
        let rings = options.rings;
        let pending = PENDING_BATCHES * rings.batch;
        let frames = umem_frames(rings, options.interfaces.len(), options.loans);
        let mut pool = FramePool::new(frames, rings.frame_size, rings.rx, rings.tx, rings.huge_pages)?;
        if options.multi_buffer && options.loans > 0 {
            pool.keep_buffers(rings.batch as usize, LOAN_BUFFER);
        }
        let mut bind = BindOptions {
            zero_copy: mode != BindMode::Copy,
            multi_buffer: options.multi_buffer,
            rx: rings.rx,
            tx: rings.tx,
            batch: rings.batch,
            busy_poll: options.busy_poll,
        };
        let mut sides = Vec::with_capacity(options.interfaces.len());
        for interface in &options.interfaces {
            let mut bound = QueueSocket::bind(&pool, interface, options.queue, bind);
            // No socket has given the UMEM a mode yet, so it need not be made anew.
            if mode == BindMode::Auto && sides.is_empty() && bound.as_ref().is_err_and(BindError::unsupported)
            {
                bind.zero_copy = false;
                bound = QueueSocket::bind(&pool, interface, options.queue, bind);
            }
            let mut socket = bound?;
            socket.fill(&mut pool).map_err(|cause| OpenError::Fill {
                interface: interface.clone(),
                queue: options.queue,
                cause,
            })?;
            sides.push(Side {
                socket,
                pending: VecDeque::with_capacity(pending as usize),
                waiting: 0,
                counts: SideCounts::default(),
                moved: Timestamp::default(),
                sent: 0,
                alive: Timestamp::default(),
            });
        }
        let poll = Poll::new(sides.iter().map(|side| side.socket.as_raw_fd())).map_err(OpenError::Poll)?;
        Ok(Self {
            pool,
            sides,
            poll,
            pending_cap: pending as usize,
            swap_mac: options.swap_mac,
            // The largest packet the kernel builds (64 KiB and headers), so that gathering never allocates.
            scratch: Vec::with_capacity(1 << 17),
            gathered: 0,
        })
    }

    /// The sockets' descriptors, one per side, for the XSKMAP.
    pub fn descriptors(&self) -> Vec<RawFd> {
        self.sides.iter().map(|side| side.socket.as_raw_fd()).collect()
    }

    /// The sockets, one per side.
    pub fn sockets(&self) -> impl Iterator<Item = &QueueSocket> {
        self.sides.iter().map(|side| &side.socket)
    }

    /// Whether the UMEM is on huge pages.
    pub fn huge_pages(&self) -> bool {
        self.pool.huge_pages()
    }

    /// The side that a packet from `side` leaves on.
    fn beyond(&self, side: usize) -> usize {
        if self.sides.len() == 2 { 1 - side } else { 0 }
    }
}

/// An [`XdpIo`] in the hands of another worker.
#[derive(Clone, Debug)]
pub struct XdpHandle {
    memory: Memory,
    bell: Arc<Bell>,
}

impl Handle for XdpHandle {
    type Loan = Loan;

    fn with_bytes<R>(&self, loan: &mut Loan, look: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
        self.memory.with_bytes(loan, look)
    }

    fn wake(&self) {
        self.bell.ring();
    }
}

fn wire_error(socket: &QueueSocket, cause: io::Error) -> WireError {
    WireError { interface: socket.interface().into(), queue: socket.queue(), cause }
}

impl PacketIo for XdpIo {
    type Packet = Packet;
    type Handle = XdpHandle;
    type Error = WireError;

    fn sides(&self) -> usize {
        self.sides.len()
    }

    fn receive(&mut self, packets: &mut Vec<(usize, Packet)>) -> Result<(), WireError> {
        for (index, side) in self.sides.iter_mut().enumerate() {
            side.socket.receive(&mut self.pool, index, packets);
        }
        Ok(())
    }

    fn with_bytes<R>(&mut self, packet: &mut Packet, look: impl FnOnce(&mut [u8]) -> R) -> R {
        self.gathered += u64::from(packet.frames() > 1);
        self.pool.with_bytes(packet, &mut self.scratch, look)
    }

    fn with_head<R>(&mut self, packet: &mut Packet, look: impl FnOnce(&[u8]) -> R) -> R {
        self.pool.with_head(packet, |bytes| look(bytes))
    }

    fn forward(&mut self, side: usize, mut packet: Packet) {
        if self.swap_mac {
            self.pool.with_head(&mut packet, swap_mac);
        }
        let to = self.beyond(side);
        let side = &mut self.sides[to];
        if let Err(packet) = side.queue(packet, self.pending_cap, &mut self.pool) {
            side.counts.tx_full += 1;
            self.pool.release(packet);
        }
    }

    fn release(&mut self, packet: Packet) {
        self.pool.release(packet);
    }

    fn handle(&self) -> XdpHandle {
        XdpHandle { memory: self.pool.memory(), bell: self.poll.bell() }
    }

    fn lend(&mut self, packet: Packet) -> Result<Loan, Packet> {
        self.pool.lend_packet(packet)
    }

    fn take_back(&mut self, loan: Loan) -> Option<Packet> {
        self.pool.take_back(loan)
    }

    fn inject(&mut self, side: usize, bytes: &[u8]) -> bool {
        let Some(side) = self.sides.get_mut(side) else { return false };
        let injected = self.pool.make_packet(bytes).is_some_and(|packet| {
            let queued = side.queue(packet, self.pending_cap, &mut self.pool);
            queued.map_err(|packet| self.pool.release(packet)).is_ok()
        });
        side.counts.injected += u64::from(injected);
        side.counts.inject_failed += u64::from(!injected);
        injected
    }

    fn flush(&mut self, now: Timestamp) -> Result<(), WireError> {
        for side in &mut self.sides {
            side.socket.complete(&mut self.pool);
            side.transmit(&mut self.pool);
            if side.counts.tx_packets > side.sent || side.pending.is_empty() {
                (side.moved, side.sent) = (now, side.counts.tx_packets);
            } else if now.0.abs_diff(side.moved.0) > PENDING_NANOSECONDS {
                while let Some(packet) = side.pending.pop_front() {
                    side.counts.tx_full += 1;
                    self.pool.release(packet);
                }
                side.waiting = 0;
            }
            if side.socket.in_tx() > 0 {
                side.socket.kick().map_err(|cause| wire_error(&side.socket, cause))?;
                side.socket.complete(&mut self.pool);
            }
            // A removed port is silent: poll(2) sleeps on, and nothing may ever be sent there.
            if now.0.abs_diff(side.alive.0) > ALIVE_NANOSECONDS {
                side.alive = now;
                side.socket.alive().map_err(|cause| wire_error(&side.socket, cause))?;
            }
            side.counts.invalid = side.socket.invalid();
        }
        for side in &mut self.sides {
            side.socket.fill(&mut self.pool).map_err(|cause| wire_error(&side.socket, cause))?;
        }
        Ok(())
    }

    fn wait(&mut self, timeout: Duration, still_idle: impl FnOnce() -> bool) -> Result<(), WireError> {
        self.poll.wait(timeout, still_idle).map_err(|cause| wire_error(&self.sides[0].socket, cause))
    }

    fn pending(&self) -> u64 {
        self.sides.iter().map(|side| side.pending.len() as u64).sum()
    }

    fn drained(&self) -> bool {
        self.sides.iter().all(|side| side.pending.is_empty() && side.socket.in_tx() == 0)
    }

    fn counts(&self, side: usize) -> SideCounts {
        self.sides[side].counts
    }

    fn census(&self) -> FrameCensus {
        let sum = |of: fn(&Side) -> u64| self.sides.iter().map(of).sum();
        FrameCensus {
            total: self.pool.total() as u64,
            free: self.pool.free() as u64,
            with_kernel: sum(|side| side.socket.with_kernel()),
            in_worker: sum(|side| side.socket.held() + side.waiting as u64) + self.pool.lent(),
            in_tx: sum(|side| side.socket.in_tx()),
        }
    }

    fn kernel_counts(&self, side: usize) -> Option<KernelCounts> {
        let statistics = self.sides.get(side)?.socket.statistics().ok()?;
        Some(KernelCounts {
            rx_dropped: statistics.rx_dropped(),
            rx_invalid_descs: statistics.rx_invalid_descs(),
            tx_invalid_descs: statistics.tx_invalid_descs(),
            rx_ring_full: statistics.rx_ring_full(),
            rx_fill_ring_empty_descs: statistics.rx_fill_ring_empty_descs(),
            tx_ring_empty_descs: statistics.tx_ring_empty_descs(),
        })
    }

    fn gathered(&self) -> u64 {
        self.gathered
    }
}

/// Exchanges destination and source address of an Ethernet frame (IEEE 802.3, 6 bytes each).
fn swap_mac(frame: &mut [u8]) {
    if let Some(addresses) = frame.first_chunk_mut::<12>() {
        let (destination, source) = addresses.split_at_mut(6);
        destination.swap_with_slice(source);
    }
}

#[cfg(test)]
mod tests {
    use super::{HUGE_PAGE, RingConfig, swap_mac, umem_bytes};

    #[test]
    fn a_umem_on_huge_pages_fills_them() {
        for (sides, frame_size) in [(1, 4096), (2, 4096), (1, 2048), (2, 2048)] {
            let huge = RingConfig { frame_size, ..RingConfig::default() };
            let plain = umem_bytes(RingConfig { huge_pages: false, ..huge }, sides, 100);
            let bytes = umem_bytes(huge, sides, 100);
            assert!(bytes.is_multiple_of(HUGE_PAGE.into()));
            assert!((plain..plain + u64::from(HUGE_PAGE)).contains(&bytes));
        }
    }

    #[test]
    fn swaps_addresses_and_leaves_short_frames_alone() {
        let mut frame = *b"ddddddssssss\x08\x00rest";
        swap_mac(&mut frame);
        assert_eq!(&frame, b"ssssssdddddd\x08\x00rest");
        let mut short = *b"dddddds";
        swap_mac(&mut short);
        assert_eq!(&short, b"dddddds");
    }
}
