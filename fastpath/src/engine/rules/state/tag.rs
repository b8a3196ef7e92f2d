//! `tag`: the packets that follow a match, in its flow or of its host, are reported too (Suricata's "Tag"; detect-tag.c,
//! detect-engine-tag.c).

use std::sync::atomic::Ordering;

use super::{
    Shared, State,
    hosts::{Key, Record, What},
};
use crate::engine::{
    meta::Timestamp,
    rules::{RuleInfo, draft::Draft, fault::Fault, lexer::Token, number::number, subject::Subject},
};

/// Packets that are reported when the rule does not say, and at most.
const MOST_PACKETS: u32 = 256;
/// How often a tag that has not ended begins anew.
const MOST_RENEWALS: u32 = 9;
/// Nanoseconds without a packet after which a tag is forgotten.
const IDLE: u64 = 600 * Timestamp::SECOND;
/// Bit of a record's `extra`: the packet that matched has been counted. Above it stands how often the tag began anew.
const BEGUN: u32 = 1;

/// Which packets a match tags, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Extent {
    scope: Scope,
    metric: Metric,
    count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Those of the flow.
    Session,
    /// Those from and to the source of the packet that matched.
    Source,
    /// Those from and to its destination.
    Destination,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    Packets,
    Bytes,
    Seconds,
}

/// One `tag` of a rule.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::rules) struct Tag {
    number: u32,
    extent: Extent,
}

impl Tag {
    /// The `position`th of `rule`.
    pub(in crate::engine::rules) fn new(
        extent: Extent,
        rule: &RuleInfo,
        position: usize,
        shared: &Shared,
    ) -> Self {
        Self { number: shared.tags.of((rule.gid, rule.sid, position)), extent }
    }

    /// The rule has matched.
    pub(in crate::engine::rules) fn attach(self, subject: &Subject<'_>, state: &mut State<'_>) {
        let now = subject.time;
        let begin = |record: Option<Record>| (Some(begun(record, now)), ());
        let addresses = subject.packet.network.as_ref().map(|network| network.addresses());
        let address = match (self.extent.scope, addresses) {
            (Scope::Session, _) => {
                if let Some(flow) = &mut state.flow {
                    flow.counts.update((What::Tag, self.number), begin);
                }
                return;
            }
            (_, None) => return,
            (Scope::Source, Some((source, _))) => source,
            (Scope::Destination, Some((_, destination))) => destination,
        };
        if let Some(hosts) = state.shared.hosts.get() {
            state.shared.hosts_tagged.store(true, Ordering::Relaxed);
            hosts.update(Key::new(What::Tag, self.number, &[address]), now, begin);
        }
    }

    /// Counts a packet where it is tagged, and says whether it is to be reported.
    pub(in crate::engine::rules) fn sees(self, subject: &Subject<'_>, state: &mut State<'_>) -> bool {
        let step = |record: Option<Record>| record.map_or((None, false), |record| self.step(record, subject));
        if self.extent.scope == Scope::Session {
            let flow = state.flow.as_mut().filter(|flow| !flow.counts.is_empty());
            return flow.is_some_and(|flow| flow.counts.update((What::Tag, self.number), step));
        }
        if !state.shared.hosts_tagged.load(Ordering::Relaxed) {
            return false;
        }
        let (Some(hosts), Some(network)) = (state.shared.hosts.get(), &subject.packet.network) else {
            return false;
        };
        let (source, destination) = network.addresses();
        let mut reported = false;
        for address in [source, destination] {
            let key = Key::new(What::Tag, self.number, &[address]);
            // Of hosts without a tag nothing is locked.
            if hosts.get(&key).is_some() {
                reported |= hosts.update(key, subject.time, step).unwrap_or(false);
            }
        }
        reported
    }

    /// One packet more. The one that has begun the tag is counted, but reported already.
    fn step(self, record: Record, subject: &Subject<'_>) -> (Option<Record>, bool) {
        let now = subject.time;
        if record.is_over(now) {
            return (None, false);
        }
        let bytes = u32::try_from(subject.length).unwrap_or(u32::MAX);
        let more = match self.extent.metric {
            Metric::Packets => 1,
            Metric::Bytes => bytes,
            Metric::Seconds => 0,
        };
        let count = record.count.saturating_add(more);
        let record = Record { count, until: now.0.saturating_add(IDLE).max(record.since), ..record };
        if record.extra & BEGUN == 0 {
            return (Some(Record { extra: record.extra | BEGUN, ..record }), false);
        }
        let elapsed = now.seconds().saturating_sub(Timestamp(record.since).seconds());
        let used = if self.extent.metric == Metric::Seconds { elapsed } else { count.into() };
        if used > self.extent.count.into() { (None, false) } else { (Some(record), true) }
    }
}

/// The record after a match. A tag begins anew with each match, but not for ever.
fn begun(record: Option<Record>, now: Timestamp) -> Record {
    let until = now.0.saturating_add(IDLE);
    match record.filter(|record| !record.is_over(now)) {
        None => Record { since: now.0, until, ..Record::default() },
        Some(record) if record.extra >> 1 >= MOST_RENEWALS => record,
        Some(record) => Record { since: now.0, until, count: 0, extra: record.extra + 2 },
    }
}

/// `tag:session;` `tag:host,100,packets,src;`
pub(in crate::engine::rules) fn tag(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let first = parts.next().unwrap_or(value);
    let host = match first.text {
        "session" => false,
        "host" => true,
        other => return Err(first.fault(format!("`{other}` cannot be tagged: use session or host"))),
    };
    let scope = |direction: &str| match (host, direction) {
        (false, "src" | "dst") => Some(Scope::Session),
        (true, "src") => Some(Scope::Source),
        (true, "dst") => Some(Scope::Destination),
        _ => None,
    };
    let default = if host { Scope::Destination } else { Scope::Session };
    let mut extent = Extent { scope: default, metric: Metric::Packets, count: MOST_PACKETS };
    if let Some(count) = parts.next() {
        let metric =
            parts.next().ok_or_else(|| count.fault("packets, seconds or bytes must follow the count"))?;
        extent.count = number(count, 0..=u32::MAX)?;
        extent.metric = match metric.text {
            "packets" => Metric::Packets,
            "seconds" => Metric::Seconds,
            "bytes" => Metric::Bytes,
            other => {
                return Err(metric.fault(format!("`{other}` is not counted: use packets, seconds or bytes")));
            }
        };
        if extent.metric == Metric::Packets {
            extent.count = extent.count.min(MOST_PACKETS);
        }
    }
    if let Some(direction) = parts.next() {
        extent.scope =
            scope(direction.text).ok_or_else(|| direction.fault("the tagged host is `src` or `dst`"))?;
    }
    if let Some(more) = parts.next() {
        return Err(more.fault("nothing may follow the direction"));
    }
    draft.tags.push(extent);
    Ok(())
}
