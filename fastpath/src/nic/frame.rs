//! Move-only tokens for UMEM memory: a [`Frame`] is one chunk, a [`Packet`] a chain of them.
//!
//! Neither can be copied, so a chunk cannot be sent twice or freed twice. One that is dropped on the floor is
//! missing from the worker's census ([`crate::io::FrameCensus`]) and shows as its residual.

use xsk_rs::FrameDesc;

/// One UMEM chunk that user space owns, with the position and length of the data in it.
#[must_use = "a frame that is not given back is lost to the pool"]
#[derive(Debug)]
#[repr(transparent)]
pub struct Frame(pub(super) FrameDesc);

impl Frame {
    /// Bytes of packet data in this chunk.
    pub fn len(&self) -> usize {
        self.0.lengths().data()
    }

    /// True when the chunk holds no packet data.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when the packet goes on in the next descriptor (`XDP_PKT_CONTD`).
    pub(super) fn continues(&self) -> bool {
        self.0.has_more_frames()
    }
}

/// A received packet: one frame, or several when it is larger than a chunk (multi-buffer). It is sent or
/// released whole. The frames after the first are linked through the pool.
#[must_use = "a packet that is neither sent nor released is lost to the pool"]
#[derive(Debug)]
pub struct Packet {
    pub(super) head: Frame,
    /// Chunk index of the last frame, where the next one is linked on.
    pub(super) last: usize,
    frames: u16,
    bytes: u32,
}

impl Packet {
    /// A packet of one frame that lies in chunk `chunk`.
    pub(super) fn new(head: Frame, chunk: usize) -> Self {
        let bytes = u32::try_from(head.len()).unwrap_or(u32::MAX);
        Self { head, last: chunk, frames: 1, bytes }
    }

    /// Accounts for a frame of `bytes` bytes in chunk `chunk` that was linked on behind the last one.
    pub(super) fn extend(&mut self, chunk: usize, bytes: usize) {
        self.last = chunk;
        self.frames = self.frames.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// Number of frames, at least 1.
    pub fn frames(&self) -> usize {
        usize::from(self.frames)
    }

    /// Bytes from the link layer on, over all frames.
    pub fn len(&self) -> usize {
        self.bytes as usize
    }

    /// True when there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}
