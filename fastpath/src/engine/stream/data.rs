//! The data of a segment: compared with what is remembered, and remembered itself.

use super::{
    Settings, UrgentPolicy,
    buffer::{Overlap, Refusal},
    event::StreamEvent,
    half::{BEYOND_DEPTH, CONFIRMED, Half},
    pool::Pool,
    segment::{Segment, URG},
    tracked::{Fresh, Outcome},
    tracker::Notes,
};
use crate::engine::{policy::Failure, verdict::Enforcement};

/// What a segment's data is taken with.
pub(super) struct Intake<'a> {
    pub(super) settings: &'a Settings,
    pub(super) pool: &'a mut Pool,
    /// Position of the packet in the capture.
    pub(super) number: u64,
    /// The receiver is not seen: what it has is guessed.
    pub(super) one_sided: bool,
}

/// How far data may lie apart from what the receiver has; the largest window (RFC 7323, section 2.2).
const SPAN: u64 = 1 << 30;

impl Intake<'_> {
    /// Takes a segment's data at `offset`. An error says that it must not go on; then nothing was taken.
    pub(super) fn take(
        &mut self,
        half: &mut Half,
        segment: &Segment<'_>,
        offset: i64,
        notes: &mut Notes,
    ) -> Result<Option<Fresh>, Outcome> {
        let payload = segment.payload;
        let length = payload.len() as u64;
        let end = offset.saturating_add_unsigned(length);
        let Some(end) = u64::try_from(end).ok().filter(|&end| end > half.buffer.start) else {
            return self.pass_old(half, end, notes);
        };
        if end > half.fin {
            return notes.invalid(StreamEvent::ReassemblyInsertInvalid);
        }
        if end.saturating_sub(half.acked) > SPAN && !self.one_sided {
            return notes.invalid(StreamEvent::EstPacketOutOfWindow);
        }
        // What lies before all that is remembered has to be with the receiver already.
        let start = half.buffer.start;
        let offset = match u64::try_from(offset) {
            Ok(offset) if offset >= start => offset,
            _ if self.one_sided || !half.is(CONFIRMED) || half.acked < start => {
                return notes.invalid(StreamEvent::ReassemblySegmentBeforeBaseSeq);
            }
            _ => start,
        };
        let skipped = length - (end - offset);
        let bytes =
            usize::try_from(skipped).ok().and_then(|skipped| payload.get(skipped..)).unwrap_or_default();
        // A keep-alive's byte is no data, and may be any (RFC 9293, section 3.8.4).
        let keep_alive = bytes.len() == 1 && end == half.highest && half.acked >= end;
        if keep_alive {
            return Ok(None);
        }
        self.urge(half, segment, offset, end, notes)?;
        self.compare(half, offset, bytes, notes)?;
        let fresh = self.remember(half, offset, bytes, skipped, notes)?;
        half.highest = half.highest.max(end);
        if fresh.is_none() && !notes.beyond_depth && end <= half.buffer.next {
            notes.event(StreamEvent::PktRetransmission);
        }
        Ok(fresh)
    }

    /// A segment that lies before all that is remembered.
    fn pass_old(&self, half: &Half, end: i64, notes: &mut Notes) -> Result<Option<Fresh>, Outcome> {
        // Offset 0 of a session picked up on its way is a guess: only what the receiver says counts.
        let has_all = half.is(CONFIRMED) && !self.one_sided && end <= half.acked.cast_signed();
        if !has_all {
            return notes.invalid(StreamEvent::ReassemblySegmentBeforeBaseSeq);
        }
        notes.event(StreamEvent::PktSpuriousRetransmission);
        Ok(None)
    }

    /// Sees to the urgent byte (RFC 6093): which byte of the stream is one must never change, because the receiver leaves it out.
    fn urge(
        &self,
        half: &mut Half,
        segment: &Segment<'_>,
        offset: u64,
        end: u64,
        notes: &mut Notes,
    ) -> Result<(), Outcome> {
        let pointer = if segment.has(URG) { segment.urgent } else { 0 };
        match self.settings.urgent {
            UrgentPolicy::Inline => return Ok(()),
            UrgentPolicy::Drop if segment.has(URG) => return Err(Outcome::Urgent),
            UrgentPolicy::Drop => return Ok(()),
            UrgentPolicy::OutOfBand | UrgentPolicy::Gap => {}
        }
        // The pointer is to the byte behind the urgent one: so receivers have it, whatever RFC 1122 says.
        let announced = (end + u64::from(pointer)).checked_sub(segment.payload.len() as u64 + 1);
        let announced = announced.filter(|_| pointer != 0).filter(|&urgent| urgent >= half.acked);
        let known = half.buffer.left_out(self.pool, offset.max(half.acked)..end);
        let fits = match announced {
            None => known.is_none() && (half.urgent == u64::MAX || half.urgent < offset),
            Some(urgent) if urgent >= half.buffer.next => {
                known.is_none() && (half.urgent == u64::MAX || half.urgent == urgent)
            }
            Some(urgent) => {
                known.is_none_or(|known| known == urgent)
                    && half.buffer.left_out(self.pool, urgent..urgent + 1).is_some()
            }
        };
        if !fits && self.settings.enforcement == Enforcement::Drop {
            return notes.invalid(StreamEvent::ReassemblyUrgentOobLimitReached);
        }
        if let Some(urgent) = announced.filter(|&urgent| urgent >= half.buffer.next) {
            half.urgent = urgent;
        }
        Ok(())
    }

    fn compare(
        &mut self,
        half: &mut Half,
        offset: u64,
        bytes: &[u8],
        notes: &mut Notes,
    ) -> Result<(), Outcome> {
        match half.buffer.compare(self.pool, offset, bytes) {
            Ok(Overlap::None) => Ok(()),
            Ok(Overlap::Same) => {
                notes.overlap = true;
                Ok(())
            }
            Ok(Overlap::Different) => {
                notes.overlap = true;
                notes.event(StreamEvent::ReassemblyOverlapDifferentData);
                notes.contradiction = true;
                match self.settings.enforcement {
                    Enforcement::Drop => Err(Outcome::Contradiction),
                    // It goes on, and the first data stays.
                    Enforcement::Report => Ok(()),
                }
            }
            Err(refusal) => self.refuse(refusal, notes),
        }
    }

    fn remember(
        &mut self,
        half: &mut Half,
        offset: u64,
        bytes: &[u8],
        skipped: u64,
        notes: &mut Notes,
    ) -> Result<Option<Fresh>, Outcome> {
        let depth = self.settings.end_of_inspection();
        let end = offset + bytes.len() as u64;
        notes.left_out = end > depth;
        let end = end.min(depth);
        let kept = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.get(..kept).unwrap_or_default();
        let next = half.buffer.next;
        let mut fresh = None;
        if end > next.max(offset) {
            // The receiver has what was never seen: the rest goes on behind the hole.
            let reach = u64::from(self.settings.reach);
            // Nobody will say that the receiver has it if it is not seen. Inline it does not have it: it would have come by.
            let given_up = self.one_sided
                && self.settings.enforcement == Enforcement::Report
                && offset > next.saturating_add(reach);
            let over_hole = offset > next && (half.acked > next || given_up);
            let floor = if over_hole { half.acked.max(next) } else { next };
            if offset > floor.saturating_add(reach) && !given_up {
                return notes.invalid(StreamEvent::ReassemblyInsertLimit);
            }
            let keep = half.acked.min(next.saturating_sub(u64::from(self.settings.window)));
            let keep =
                if self.one_sided { next.saturating_sub(u64::from(self.settings.reach)) } else { keep };
            half.buffer.trim(self.pool, keep);
            if self.number != 0 && self.number == self.settings.fail_reassembly_at {
                return self.refuse(Refusal::Full, notes);
            }
            if let Err(refusal) = half.buffer.reserve(self.pool, offset.max(next)..end) {
                return self.refuse(refusal, notes);
            }
            let advanced = half.buffer.insert(self.pool, offset, bytes);
            notes.out_of_order = advanced.is_none();
            fresh = match advanced {
                Some(buffered) => {
                    let from = usize::try_from(next - offset + skipped).unwrap_or(usize::MAX);
                    let to = usize::try_from(end - offset + skipped).unwrap_or(usize::MAX);
                    Some(Fresh {
                        offset: next,
                        in_segment: from..to,
                        buffered: u32::try_from(buffered).unwrap_or(u32::MAX),
                        gap: 0,
                        plain: !notes.contradiction,
                    })
                }
                None if over_hole => {
                    let limit = if given_up { offset } else { half.acked };
                    resume(half, self.pool, limit, notes)
                }
                None => None,
            };
            fresh = fresh.map(|fresh| self.leave_out(half, fresh, notes));
        }
        if half.buffer.next >= depth && !half.is(BEYOND_DEPTH) {
            half.flags |= BEYOND_DEPTH;
            notes.event(StreamEvent::ReassemblyDepthReached);
            notes.depth_reached = true;
        }
        notes.beyond_depth = half.is(BEYOND_DEPTH);
        Ok(fresh)
    }

    /// Leaves the urgent byte out of what is new.
    fn leave_out(&mut self, half: &mut Half, mut fresh: Fresh, notes: &mut Notes) -> Fresh {
        if half.urgent < half.buffer.next {
            if half.urgent >= fresh.offset {
                half.buffer.leave_out(self.pool, half.urgent);
                fresh.plain &= half.urgent - fresh.offset >= fresh.in_segment.len() as u64;
                if self.settings.urgent == UrgentPolicy::Gap {
                    notes.event(StreamEvent::ReassemblySeqGap);
                }
            }
            half.urgent = u64::MAX;
        }
        fresh
    }

    fn refuse<T>(&self, refusal: Refusal, notes: &mut Notes) -> Result<T, Outcome> {
        match refusal {
            Refusal::TooFar => notes.invalid(StreamEvent::ReassemblyInsertLimit),
            Refusal::Full => {
                notes.event(StreamEvent::ReassemblyInsertMemcap);
                Err(Outcome::Failure(Failure::ReassemblyMemcap))
            }
        }
    }
}

/// What lies behind the next hole, if the hole ends by `limit`.
pub(super) fn resume(half: &mut Half, pool: &mut Pool, limit: u64, notes: &mut Notes) -> Option<Fresh> {
    let before = half.buffer.next;
    let (gap, buffered) = half.buffer.skip(pool, limit)?;
    if gap > 0 {
        notes.event(StreamEvent::ReassemblySeqGap);
    }
    let buffered = u32::try_from(buffered).unwrap_or(u32::MAX);
    Some(Fresh { offset: before + gap, in_segment: 0..0, buffered, gap, plain: true })
}
