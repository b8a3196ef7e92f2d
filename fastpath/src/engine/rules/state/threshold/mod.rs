//! Which matches of a rule are reported, and what becomes of the others (Suricata's "Thresholding Keywords" and
//! "Global-Thresholds"; detect-engine-threshold.c, detect-engine-alert.c).
//!
//! A match that is held back by `limit`, by the second half of `both` or `backoff`, or by `suppress`, raises no alert but the
//! rule's action is done. One before `threshold`, `both`, `backoff` or `detection_filter` is reached is no match at all. What
//! the rule sets (`xbits`, `flowbits`, …) is set in any case.

mod file;
mod keyword;
mod pairs;
mod step;

use std::{net::IpAddr, sync::Arc};

use super::{
    Shared, State,
    hosts::{Key, Record, What},
};
use crate::engine::rules::{Action, Match, RuleInfo, Via, address::AddressSet, subject::Subject};

pub(in crate::engine::rules) use file::{Refusal, apply};
pub(in crate::engine::rules) use keyword::{alert, detection_filter, noalert, threshold};

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Track {
    Source,
    Destination,
    /// Both addresses, whichever way the packet goes.
    Both,
    Rule,
    Flow,
}

/// What is done with the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// So many are reported.
    Limit,
    /// Each time there were so many, one is.
    Threshold,
    /// When there were so many, one is.
    Both,
    /// The one that makes them so many is, and then the ones that make them `multiplier` times as many as the last time.
    Backoff { multiplier: u32 },
    /// Those after so many are.
    DetectionFilter,
    /// Those after so many, and all that follow within `timeout` seconds, get another action.
    Rate { timeout: u32 },
}

/// One counter of a rule: of how many, within how many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Limit {
    kind: Kind,
    track: Track,
    count: u32,
    seconds: u32,
}

/// What comes of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judgement {
    /// What the rule asks for.
    Match,
    /// That, with the action of the rate filter.
    Filtered,
    /// The action, but no alert.
    Silent,
    /// Nothing.
    Nothing,
}

/// Addresses that a rule raises no alerts about (`suppress`).
#[derive(Clone, Debug)]
struct Suppression {
    end: End,
    addresses: Arc<AddressSet>,
}

/// Which of a packet's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Source,
    Destination,
    Either,
}

/// When a rule's matches are reported.
#[derive(Debug)]
pub(in crate::engine::rules) struct Thresholding {
    /// Whether they ever are.
    alert: bool,
    suppressions: Vec<Suppression>,
    counter: Option<Counter>,
}

/// A limit and the rule that counts by it.
#[derive(Debug)]
struct Counter {
    limit: Limit,
    rule: u32,
    /// The rule with the action of the rate filter.
    filtered: Option<Arc<RuleInfo>>,
}

impl Thresholding {
    /// As the rule's own options have it.
    pub(in crate::engine::rules) fn new(
        alert: Option<bool>,
        limit: Option<Limit>,
        rule: &RuleInfo,
        shared: &Shared,
    ) -> Self {
        Self {
            alert: alert.unwrap_or(rule.action != Action::Pass),
            suppressions: Vec::new(),
            counter: limit.map(|limit| Counter::new(limit, rule, None, shared)),
        }
    }

    /// The action that a rate filter gives it.
    pub(in crate::engine::rules) fn filtered_action(&self) -> Option<Action> {
        self.counter.as_ref()?.filtered.as_ref().map(|rule| rule.action)
    }

    /// What comes of a match of `rule`; none when nothing is to be done.
    pub(in crate::engine::rules) fn judge<'r>(
        &'r self,
        rule: &'r Arc<RuleInfo>,
        via: Via,
        subject: &Subject<'_>,
        state: &mut State<'_>,
    ) -> Option<Match<'r>> {
        let usual = Match { rule, via, report: self.alert, filtered: false, bypass: false };
        let silent = Match { report: false, ..usual };
        let Some(addresses) = subject.packet.network.as_ref().map(|network| network.addresses()) else {
            return Some(usual);
        };
        if self.suppressions.iter().any(|suppression| suppression.holds(addresses)) {
            return Some(silent);
        }
        let Some(counter) = &self.counter else { return Some(usual) };
        match counter.judge(addresses, subject, state) {
            Judgement::Match => Some(usual),
            Judgement::Filtered => {
                let rule = counter.filtered.as_ref().unwrap_or(rule);
                Some(Match {
                    rule,
                    filtered: true,
                    report: self.alert && rule.action != Action::Pass,
                    ..usual
                })
            }
            Judgement::Silent => Some(silent),
            Judgement::Nothing => None,
        }
    }
}

impl Counter {
    fn new(limit: Limit, rule: &RuleInfo, action: Option<Action>, shared: &Shared) -> Self {
        let filtered = action.map(|action| Arc::new(RuleInfo { action, ..rule.clone() }));
        Self { limit, rule: shared.rules.of((rule.gid, rule.sid, rule.rev)), filtered }
    }

    fn judge(
        &self,
        (source, destination): (IpAddr, IpAddr),
        subject: &Subject<'_>,
        state: &mut State<'_>,
    ) -> Judgement {
        let step = |record: Option<Record>| {
            let (record, judgement) = self.limit.step(record, subject.time);
            (Some(record), judgement)
        };
        let (what, addresses): (_, &[IpAddr]) = match self.limit.track {
            Track::Source => (What::BySource, &[source]),
            Track::Destination => (What::ByDestination, &[destination]),
            Track::Both => (What::ByBoth, &[source, destination]),
            Track::Rule => (What::ByRule, &[]),
            Track::Flow => {
                // Without a flow there is nothing to count in: each is the first.
                let Some(flow) = &mut state.flow else { return step(None).1 };
                return flow.counts.update((What::ByFlow, self.rule), step);
            }
        };
        let key = Key::new(what, self.rule, addresses);
        let hosts = state.shared.hosts.get();
        hosts.and_then(|hosts| hosts.update(key, subject.time, step)).unwrap_or(Judgement::Match)
    }
}

impl Suppression {
    fn holds(&self, (source, destination): (IpAddr, IpAddr)) -> bool {
        match self.end {
            End::Source => self.addresses.contains(source),
            End::Destination => self.addresses.contains(destination),
            End::Either => self.addresses.contains(source) || self.addresses.contains(destination),
        }
    }
}

#[cfg(test)]
mod tests;
