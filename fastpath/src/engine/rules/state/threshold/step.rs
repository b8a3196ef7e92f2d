//! One match more: what it does to the count, and what comes of it.

use super::{Judgement, Kind, Limit, Record};
use crate::engine::meta::Timestamp;

/// The count of a rate filter while it gives matches another action.
const FILTERING: u32 = u32::MAX;

impl Limit {
    /// The record after one match more than `record` tells of, and what comes of the match.
    ///
    /// A period begins with a match and lasts to the last nanosecond of its seconds. What came before its beginning belongs to it, as
    /// workers do not keep step, but not by more than its length: then time was set back, and a new one begins.
    pub(super) fn step(self, record: Option<Record>, now: Timestamp) -> (Record, Judgement) {
        match (self.kind, record) {
            (Kind::Backoff { multiplier }, record) => self.back_off(multiplier, record, now),
            (Kind::Rate { timeout }, Some(record)) => self.filter(timeout, record, now),
            (_, Some(record)) if self.is_within(record.since, now) => self.count(record),
            _ => self.begin(now),
        }
    }

    fn begin(self, now: Timestamp) -> (Record, Judgement) {
        let until = now.0.saturating_add(nanoseconds(self.seconds));
        let record = Record { since: now.0, until, count: 1, extra: 0 };
        let judgement = match self.kind {
            Kind::Limit | Kind::Rate { .. } => Judgement::Match,
            Kind::Threshold | Kind::Both | Kind::Backoff { .. } if self.count == 1 => Judgement::Match,
            Kind::Threshold | Kind::Both | Kind::Backoff { .. } | Kind::DetectionFilter => Judgement::Nothing,
        };
        (record, judgement)
    }

    fn count(self, record: Record) -> (Record, Judgement) {
        let count = record.count.saturating_add(1);
        let counted = Record { count, ..record };
        match self.kind {
            Kind::Limit if count <= self.count => (counted, Judgement::Match),
            Kind::Limit => (counted, Judgement::Silent),
            Kind::Threshold if count >= self.count => (Record { count: 0, ..record }, Judgement::Match),
            Kind::Both if count == self.count => (counted, Judgement::Match),
            Kind::Both if count > self.count => (counted, Judgement::Silent),
            Kind::DetectionFilter if count > self.count => (counted, Judgement::Match),
            Kind::Rate { .. } if count > self.count => (counted, Judgement::Filtered),
            Kind::Rate { .. } => (counted, Judgement::Match),
            _ => (counted, Judgement::Nothing),
        }
    }

    /// While it filters, nothing is counted; the match after that is the rule's own, and counted again is from the next one on.
    /// `extra` is the second in which it began to, in 32 bits: of two such, the shorter way between them is meant.
    fn filter(self, timeout: u32, record: Record, now: Timestamp) -> (Record, Judgement) {
        let second = (now.seconds() & 0xffff_ffff) as u32;
        if record.count == FILTERING {
            let elapsed = second.wrapping_sub(record.extra);
            return if elapsed.min(elapsed.wrapping_neg()) > timeout {
                (Record { count: self.count, ..record }, Judgement::Match)
            } else {
                (record, Judgement::Filtered)
            };
        }
        if !self.is_within(record.since, now) {
            return self.begin(now);
        }
        let (record, judgement) = self.count(record);
        if judgement != Judgement::Filtered {
            return (record, judgement);
        }
        let until = record.until.max(now.0.saturating_add(nanoseconds(timeout)));
        (Record { count: FILTERING, extra: second, until, ..record }, judgement)
    }

    /// `extra` is the count at which the next match is reported.
    fn back_off(self, multiplier: u32, record: Option<Record>, now: Timestamp) -> (Record, Judgement) {
        let Some(record) = record else {
            let (record, judgement) = self.begin(now);
            let reported = judgement == Judgement::Match;
            let next = if reported { self.count.saturating_mul(multiplier) } else { self.count };
            return (Record { extra: next, ..record }, judgement);
        };
        let Some(count) = record.count.checked_add(1) else { return (record, Judgement::Silent) };
        if count == record.extra {
            let extra = record.extra.saturating_mul(multiplier);
            return (Record { count, extra, ..record }, Judgement::Match);
        }
        (Record { count, ..record }, Judgement::Silent)
    }

    fn is_within(self, since: u64, now: Timestamp) -> bool {
        now.0.abs_diff(since) <= nanoseconds(self.seconds)
    }
}

fn nanoseconds(seconds: u32) -> u64 {
    u64::from(seconds).saturating_mul(Timestamp::SECOND)
}
