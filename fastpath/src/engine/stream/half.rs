//! One direction of a session: sequence numbers, window, and what is remembered of its data.

use super::{
    buffer::Buffer,
    segment::{SYN, Segment},
};

/// The largest shift of a window (RFC 7323, section 2.3).
pub(super) const MAX_SCALE: u8 = 14;

/// One direction of a session. Offsets count from the byte after the SYN, or the first byte seen.
#[derive(Debug)]
pub(super) struct Half {
    pub(super) buffer: Buffer,
    /// Offset behind all data that went on to the receiver, also what is not remembered.
    pub(super) highest: u64,
    /// Offset up to which the receiver has all; counts the FIN.
    pub(super) acked: u64,
    /// Offset behind the widest window that the receiver offered.
    pub(super) edge: u64,
    /// Offset of the FIN, [`u64::MAX`] if there was none.
    pub(super) fin: u64,
    /// Offset of a byte announced as urgent that has not come, [`u64::MAX`] for none.
    pub(super) urgent: u64,
    /// Sequence number of the SYN.
    pub(super) isn: u32,
    /// The last timestamp in order, and the second it came in (TS.Recent; RFC 7323, section 4.3).
    pub(super) timestamp: u32,
    pub(super) timestamp_at: u32,
    /// Shift of the windows that this direction's sender offers.
    pub(super) scale: u8,
    pub(super) flags: u8,
}

/// The receiver has acknowledged the SYN: it counts from there.
pub(super) const CONFIRMED: u8 = 1;
/// It is not inspected any more.
pub(super) const BEYOND_DEPTH: u8 = 1 << 1;
/// The SYN had a timestamp.
pub(super) const HAS_TIMESTAMPS: u8 = 1 << 2;
/// The SYN had a window scale.
pub(super) const HAS_SCALE: u8 = 1 << 3;
/// The receiver has begun another connection.
pub(super) const VOID: u8 = 1 << 4;
/// The receiver acknowledged the data of the SYN (RFC 7413).
pub(super) const FAST_OPEN: u8 = 1 << 5;
/// A segment of it was seen.
pub(super) const HEARD: u8 = 1 << 6;

impl Default for Half {
    fn default() -> Self {
        Self {
            buffer: Buffer::default(),
            highest: 0,
            acked: 0,
            edge: 0,
            fin: u64::MAX,
            urgent: u64::MAX,
            isn: 0,
            timestamp: 0,
            timestamp_at: 0,
            scale: 0,
            flags: 0,
        }
    }
}

impl Half {
    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Takes the sequence number and options of a SYN.
    pub(super) fn open(&mut self, segment: &Segment<'_>, seconds: u32) {
        debug_assert!(segment.has(SYN));
        self.isn = segment.seq;
        self.flags |= HEARD;
        if let Some(scale) = segment.options.window_scale {
            self.scale = scale.min(MAX_SCALE);
            self.flags |= HAS_SCALE;
        }
        if let Some((value, _)) = segment.options.timestamps {
            self.timestamp = value;
            self.timestamp_at = seconds;
            self.flags |= HAS_TIMESTAMPS;
        }
    }

    /// The offset of a sequence number: of all that it can stand for, the one nearest to the data. Negative before offset 0.
    pub(super) fn offset(&self, seq: u32) -> i64 {
        // Sequence numbers count modulo 2^32 (RFC 9293, section 3.4).
        let here = self.isn.wrapping_add(1).wrapping_add((self.highest & 0xffff_ffff) as u32);
        let distance = seq.wrapping_sub(here).cast_signed();
        self.highest.cast_signed().wrapping_add(i64::from(distance))
    }

    /// The largest acknowledgement of what went on to the receiver.
    pub(super) fn acknowledgeable(&self) -> u64 {
        if self.fin == u64::MAX { self.highest } else { self.fin + 1 }
    }

    /// The same, without what lies behind a hole.
    pub(super) fn contiguous(&self) -> u64 {
        match self.buffer.next {
            _ if self.is(BEYOND_DEPTH) => self.acknowledgeable(),
            next if next == self.fin => next + 1,
            next => next,
        }
    }

    /// Whether the receiver has acknowledged the FIN.
    pub(super) fn is_finished(&self) -> bool {
        self.acked > self.fin
    }

    /// Takes note of a valid acknowledgement and the window behind it.
    pub(super) fn acknowledge(&mut self, offset: i64, window: u64) {
        let Ok(offset) = u64::try_from(offset) else { return };
        self.flags |= CONFIRMED;
        self.acked = self.acked.max(offset);
        self.edge = self.edge.max(offset.saturating_add(window));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_go_over_the_end_of_the_sequence_numbers() {
        let mut half = Half { isn: u32::MAX - 5, ..Half::default() };
        assert_eq!((half.offset(u32::MAX - 4), half.offset(10), half.offset(u32::MAX - 5)), (0, 15, -1));
        half.highest = (7 << 32) + 100;
        let next = half.isn.wrapping_add(101);
        assert_eq!(half.offset(next), (7 << 32) + 100);
        assert_eq!(half.offset(next.wrapping_sub(1 << 31)), (7 << 32) + 100 - (1 << 31));
        assert_eq!(half.offset(next.wrapping_add(i32::MAX as u32)), (7 << 32) + 100 + i64::from(i32::MAX));
    }
}
