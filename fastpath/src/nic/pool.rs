//! A worker's UMEM and the ownership of each of its chunks.

use std::{
    io::Write as _,
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
};

use xsk_rs::{
    FrameDesc, Umem,
    config::{FrameSize, QueueSize, UmemConfig},
};

use super::{
    frame::{Frame, Packet},
    loan::{Loan, Memory},
};

/// Space the kernel keeps in front of the data of every chunk (`XDP_PACKET_HEADROOM`). The XDP program may
/// leave metadata in it (`bpf_xdp_adjust_meta`).
pub const HEADROOM: u32 = 256;

/// Who holds a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// On the free list.
    Pool,
    /// On a fill ring, in the driver, or on an rx ring.
    Kernel,
    /// In a [`Frame`] the worker holds.
    Worker,
    /// In a [`Loan`]: another worker may be looking at it.
    Lent,
    /// On a tx ring, in the driver, or on a completion ring.
    Tx,
}

/// Frames kept for packets of the worker's own making (RST, ICMP unreachable).
pub const RESERVED: u32 = 32;

/// Why a UMEM could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// A size the kernel or libxdp does not take.
    #[error("UMEM of {frames} frames of {frame_size} bytes: {reason}")]
    Geometry {
        /// Chunks asked for.
        frames: u32,
        /// Bytes per chunk asked for.
        frame_size: u32,
        /// What is wrong with it.
        reason: String,
    },
    /// The kernel refused to register the memory.
    #[error("cannot register a UMEM of {bytes} bytes: {reason}; {fix}")]
    Register {
        /// Size asked for.
        bytes: u64,
        /// The system's reason.
        reason: String,
        /// What the operator can do.
        fix: &'static str,
    },
}

/// The UMEM of one worker: its chunks, which of them are free, and who has the others.
///
/// The owner table makes a [`Frame`] unique whatever the kernel says: a descriptor becomes a frame only when
/// its chunk was given to the kernel before.
#[derive(Debug)]
pub struct FramePool {
    umem: Umem,
    /// Last in, first out: the chunk freed last is the one still in the cache.
    free: Vec<Frame>,
    /// Free, but kept for packets of the worker's own making.
    reserve: Vec<Frame>,
    owners: Box<[Owner]>,
    /// Frame that follows the one in this chunk in a multi-frame packet.
    links: Box<[Option<Frame>]>,
    /// Buffers that packets of several frames are copied to when they are lent.
    buffers: Vec<Vec<u8>>,
    /// Frames in loans.
    lent: u64,
    /// Of all pools of this process, which one.
    number: u64,
    shift: u32,
    huge_pages: bool,
}

impl FramePool {
    /// Registers `frames` chunks of `frame_size` bytes (2048 or 4096), on huge pages when `huge_pages` asks
    /// for it and there are any. `rx` and `tx` are the sizes of the fill and completion rings of the first
    /// socket.
    pub fn new(frames: u32, frame_size: u32, rx: u32, tx: u32, huge_pages: bool) -> Result<Self, PoolError> {
        let geometry = |reason: String| PoolError::Geometry { frames, frame_size, reason };
        let count = NonZeroU32::new(frames).ok_or_else(|| geometry("there must be at least one".into()))?;
        let size = FrameSize::new(frame_size).map_err(|e| geometry(e.to_string()))?;
        let config = UmemConfig::builder()
            .frame_size(size)
            .fill_queue_size(QueueSize::new(rx).map_err(|e| geometry(e.to_string()))?)
            .comp_queue_size(QueueSize::new(tx).map_err(|e| geometry(e.to_string()))?)
            .frame_headroom(0)
            .build()
            .map_err(|e| geometry(e.to_string()))?;
        let huge = huge_pages.then(|| Umem::new(config, count, true).ok()).flatten();
        let huge_pages = huge.is_some();
        let (umem, descs) = match huge {
            Some(made) => made,
            None => Umem::new(config, count, false).map_err(|e| register_error(frames, frame_size, &e))?,
        };
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let mut free: Vec<Frame> = descs.into_iter().map(Frame).collect();
        let reserve = free.split_off(free.len().saturating_sub(RESERVED as usize));
        Ok(Self {
            umem,
            free,
            reserve,
            buffers: Vec::new(),
            lent: 0,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            owners: vec![Owner::Pool; frames as usize].into(),
            links: std::iter::repeat_with(|| None).take(frames as usize).collect(),
            shift: frame_size.trailing_zeros(),
            huge_pages,
        })
    }

    /// The UMEM itself, for binding sockets to it.
    pub(super) fn umem(&self) -> &Umem {
        &self.umem
    }

    /// Whether the memory is on huge pages.
    pub fn huge_pages(&self) -> bool {
        self.huge_pages
    }

    /// Number of chunks in the UMEM.
    pub fn total(&self) -> usize {
        self.owners.len()
    }

    /// Number of chunks that nobody uses.
    pub fn free(&self) -> usize {
        self.free.len() + self.reserve.len()
    }

    /// Number of those that may go on a fill ring: all but the reserve.
    pub(super) fn fillable(&self) -> usize {
        self.free.len()
    }

    /// Number of chunks that other workers may be looking at.
    pub fn lent(&self) -> u64 {
        self.lent
    }

    /// What other workers need to look at packets lent to them.
    pub fn memory(&self) -> Memory {
        Memory::new(self.umem.clone(), self.number)
    }

    /// Makes `n` buffers of `bytes` bytes for lending packets of several frames. One grows when it has to.
    pub fn keep_buffers(&mut self, n: usize, bytes: usize) {
        self.buffers.extend(std::iter::repeat_with(|| Vec::with_capacity(bytes)).take(n));
    }

    fn chunk(&self, desc: &FrameDesc) -> usize {
        desc.addr() >> self.shift
    }

    /// Accepts a descriptor from an rx ring. `None` when it lies outside the UMEM, runs over its chunk's end,
    /// or names a chunk that the kernel was not given: such a descriptor is never touched.
    pub(super) fn accept(&mut self, desc: FrameDesc) -> Option<Frame> {
        let chunk = self.chunk(&desc);
        let offset = desc.addr() & ((1 << self.shift) - 1);
        let fits = offset + desc.lengths().data() <= 1 << self.shift;
        let owner = self.owners.get_mut(chunk)?;
        if *owner != Owner::Kernel || !fits {
            return None;
        }
        *owner = Owner::Worker;
        Some(Frame(desc))
    }

    /// Starts a packet with `head`.
    pub(super) fn packet(&self, head: Frame) -> Packet {
        let chunk = self.chunk(&head.0);
        Packet::new(head, chunk)
    }

    /// Links `frame` on at the end of `packet`.
    pub(super) fn append(&mut self, packet: &mut Packet, frame: Frame) {
        let chunk = self.chunk(&frame.0);
        let bytes = frame.len();
        if let Some(link) = self.links.get_mut(packet.last) {
            *link = Some(frame);
        }
        packet.extend(chunk, bytes);
    }

    /// Descriptors of a packet's frames in order.
    pub(super) fn descriptors<'a>(&'a self, packet: &'a Packet) -> impl Iterator<Item = &'a FrameDesc> {
        std::iter::successors(Some(&packet.head), |frame| self.links.get(self.chunk(&frame.0))?.as_ref())
            .map(|frame| &frame.0)
    }

    /// Takes a packet apart, giving each of its frames to `each`.
    fn dismantle(&mut self, packet: Packet, mut each: impl FnMut(&mut Self, Frame)) {
        let mut next = Some(packet.head);
        while let Some(frame) = next {
            let chunk = self.chunk(&frame.0);
            next = self.links.get_mut(chunk).and_then(Option::take);
            each(self, frame);
        }
    }

    /// Puts a packet's frames back on the free list.
    pub fn release(&mut self, packet: Packet) {
        self.dismantle(packet, Self::put_back);
    }

    /// The reserve is filled up first.
    fn put_back(&mut self, frame: Frame) {
        self.set_owner(&frame.0, Owner::Pool);
        match self.reserve.len() < RESERVED as usize {
            true => self.reserve.push(frame),
            false => self.free.push(frame),
        }
    }

    /// Lends a packet to another worker. One of several frames is copied together for it; when there is no buffer to copy
    /// to, the packet comes back.
    pub fn lend_packet(&mut self, packet: Packet) -> Result<Loan, Packet> {
        let mut gathered = None;
        if packet.frames() > 1 {
            let Some(mut buffer) = self.buffers.pop() else { return Err(packet) };
            self.gather(&packet, &mut buffer);
            gathered = Some(buffer);
        }
        self.set_owners(&packet, Owner::Lent);
        self.lent += packet.frames() as u64;
        Ok(Loan { packet, pool: self.number, gathered })
    }

    /// Takes a packet back that was lent, with what has become of its bytes; `None` when it is of another pool.
    pub fn take_back(&mut self, loan: Loan) -> Option<Packet> {
        if loan.pool != self.number {
            return None;
        }
        let Loan { mut packet, gathered, .. } = loan;
        self.set_owners(&packet, Owner::Worker);
        self.lent -= (packet.frames() as u64).min(self.lent);
        if let Some(buffer) = gathered {
            self.scatter(&mut packet, &buffer);
            self.buffers.push(buffer);
        }
        Some(packet)
    }

    /// Makes a packet of `bytes` in a frame of the reserve; `None` when there is none left, or it does not hold so many.
    pub fn make_packet(&mut self, bytes: &[u8]) -> Option<Packet> {
        let mut frame = self.reserve.pop()?;
        frame.0.set_options(0);
        // SAFETY: the frame was free, so neither the kernel nor anybody else uses its chunk, and it is one of this UMEM.
        let mut data = unsafe { self.umem.data_mut(&mut frame.0) };
        let mut cursor = data.cursor();
        cursor.set_pos(0);
        if cursor.write_all(bytes).is_err() {
            self.reserve.push(frame);
            return None;
        }
        self.set_owner(&frame.0, Owner::Worker);
        Some(self.packet(frame))
    }

    /// Gives up a packet whose descriptors were produced on a tx ring: from now on the kernel has it.
    pub(super) fn submit(&mut self, packet: Packet) {
        self.dismantle(packet, |pool, frame| pool.set_owner(&frame.0, Owner::Tx));
    }

    /// Takes a chunk back from a completion ring. False when it had not been submitted.
    pub(super) fn reclaim(&mut self, desc: FrameDesc) -> bool {
        let chunk = self.chunk(&desc);
        match self.owners.get(chunk) {
            Some(owner) if *owner == Owner::Tx => {
                self.put_back(Frame(desc));
                true
            }
            _ => false,
        }
    }

    /// The `n` chunks freed last, for a fill ring; call [`FramePool::lend`] when they were produced.
    pub(super) fn lendable(&self, n: usize) -> &[FrameDesc] {
        let frames = &self.free[self.free.len().saturating_sub(n)..];
        // SAFETY: `Frame` is `repr(transparent)` over `FrameDesc`, so the slices have the same layout.
        unsafe { std::slice::from_raw_parts(frames.as_ptr().cast::<FrameDesc>(), frames.len()) }
    }

    /// Gives up the `n` chunks of [`FramePool::lendable`]: from now on the kernel has them.
    pub(super) fn lend(&mut self, n: usize) {
        for _ in 0..n {
            if let Some(frame) = self.free.pop() {
                self.set_owner(&frame.0, Owner::Kernel);
            }
        }
    }

    fn set_owner(&mut self, desc: &FrameDesc, to: Owner) {
        let chunk = self.chunk(desc);
        if let Some(owner) = self.owners.get_mut(chunk) {
            *owner = to;
        }
    }

    fn set_owners(&mut self, packet: &Packet, to: Owner) {
        self.set_owner(&packet.head.0, to);
        let mut at = self.chunk(&packet.head.0);
        while let Some(next) = self.links.get(at).and_then(Option::as_ref) {
            at = self.chunk(&next.0);
            if let Some(owner) = self.owners.get_mut(at) {
                *owner = to;
            }
        }
    }

    /// Copies a packet's frames together.
    pub(super) fn gather(&self, packet: &Packet, into: &mut Vec<u8>) {
        into.clear();
        for desc in self.descriptors(packet) {
            // SAFETY: as in `with_head`; the frames of one packet are distinct chunks, each read here only.
            into.extend_from_slice(unsafe { self.umem.data(desc) }.contents());
        }
    }

    /// Writes what has changed of what [`Self::gather`] made of a packet into its frames.
    fn scatter(&mut self, packet: &mut Packet, from: &[u8]) {
        let Self { umem, links, shift, .. } = self;
        let (mut rest, mut next) = (from, Some(&mut packet.head));
        while let Some(frame) = next {
            let chunk = frame.0.addr() >> *shift;
            // SAFETY: as in `with_head`; only one frame of the packet is held at a time.
            let mut data = unsafe { umem.data_mut(&mut frame.0) };
            let bytes = data.contents_mut();
            let Some((part, others)) = rest.split_at_checked(bytes.len()) else { return };
            if bytes != part {
                bytes.copy_from_slice(part);
            }
            rest = others;
            next = links.get_mut(chunk).and_then(Option::as_mut);
        }
    }

    /// Shows the bytes of a packet's first frame.
    pub fn with_head<R>(&self, packet: &mut Packet, look: impl FnOnce(&mut [u8]) -> R) -> R {
        // SAFETY: `accept` checked that the descriptor lies inside one chunk of this UMEM, and the owner table
        // that no other frame and not the kernel holds that chunk.
        let mut data = unsafe { self.umem.data_mut(&mut packet.head.0) };
        look(data.contents_mut())
    }

    /// Shows a packet's bytes, which may be changed. A packet of several frames is copied together into `scratch` first, and what
    /// is changed there is written back.
    pub fn with_bytes<R>(
        &mut self,
        packet: &mut Packet,
        scratch: &mut Vec<u8>,
        look: impl FnOnce(&mut [u8]) -> R,
    ) -> R {
        if packet.frames() == 1 {
            return self.with_head(packet, look);
        }
        self.gather(packet, scratch);
        let seen = look(scratch);
        self.scatter(packet, scratch);
        seen
    }
}

fn register_error(frames: u32, frame_size: u32, error: &xsk_rs::umem::UmemCreateError) -> PoolError {
    let cause = std::error::Error::source(error).and_then(|e| e.downcast_ref::<std::io::Error>());
    let fix = match cause.and_then(std::io::Error::raw_os_error) {
        Some(libc::ENOBUFS) => {
            "raise the memlock limit (ulimit -l unlimited, LimitMEMLOCK=infinity) or give CAP_IPC_LOCK"
        }
        Some(libc::EPERM) => "run as root or give CAP_NET_RAW",
        Some(libc::ENOMEM) => "free memory, or make the rings smaller (--rx-ring, --tx-ring)",
        Some(libc::EAFNOSUPPORT) => "this kernel has no AF_XDP (CONFIG_XDP_SOCKETS)",
        _ => "see the kernel's log",
    };
    let reason = cause.map_or_else(|| error.to_string(), ToString::to_string);
    PoolError::Register { bytes: u64::from(frames) * u64::from(frame_size), reason, fix }
}
