//! Bits of hosts and of pairs of hosts, each with the time until which it is set (Suricata's host-bit.c, ippair-bit.c).

use std::net::IpAddr;

use super::{
    Shared,
    hosts::{Key, Record, What},
};
use crate::engine::{meta::Timestamp, rules::subject::Subject};

/// A bit by its name's number, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Bit {
    number: u32,
    owner: Owner,
}

/// Whose bit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Owner {
    /// The packet's source.
    Source,
    /// Its destination.
    Destination,
    /// Both together, whichever way the packet goes.
    Pair,
}

/// What is done with a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Change {
    /// It is set for so many seconds, unless it is set already.
    Set(u32),
    /// It is unset.
    Unset,
    /// It is unset if it is set, else set for so many seconds.
    Toggle(u32),
}

impl Bit {
    /// What stands for its name.
    pub(in crate::engine::rules) fn number(self) -> u32 {
        self.number
    }

    /// The bit that rules call `name`.
    pub(in crate::engine::rules) fn named(name: &str, owner: Owner, shared: &Shared) -> Self {
        Self { number: shared.bits.of(name.into()), owner }
    }

    /// Whether it is set; none for a packet without addresses.
    pub(in crate::engine::rules) fn is_set(self, subject: &Subject<'_>, shared: &Shared) -> Option<bool> {
        let record = shared.hosts.get()?.get(&self.key(subject)?);
        Some(is_set(record, subject.time))
    }

    /// Changes it.
    pub(in crate::engine::rules) fn change(self, change: Change, subject: &Subject<'_>, shared: &Shared) {
        let (Some(hosts), Some(key)) = (shared.hosts.get(), self.key(subject)) else { return };
        hosts.update(key, subject.time, |record| (changed(record, change, subject.time), ()));
    }

    fn key(self, subject: &Subject<'_>) -> Option<Key> {
        let (source, destination) = subject.packet.network.as_ref()?.addresses();
        let host = |address: IpAddr| Key::new(What::HostBit, self.number, &[address]);
        Some(match self.owner {
            Owner::Source => host(source),
            Owner::Destination => host(destination),
            Owner::Pair => Key::new(What::PairBit, self.number, &[source, destination]),
        })
    }
}

fn is_set(record: Option<Record>, now: Timestamp) -> bool {
    record.is_some_and(|record| !record.is_over(now))
}

fn changed(record: Option<Record>, change: Change, now: Timestamp) -> Option<Record> {
    let set = |seconds: u32| {
        let until = now.0.saturating_add(u64::from(seconds).saturating_mul(Timestamp::SECOND));
        Some(Record { since: now.0, until, ..Record::default() })
    };
    match change {
        Change::Set(_) if is_set(record, now) => record,
        Change::Toggle(_) if is_set(record, now) => None,
        Change::Set(seconds) | Change::Toggle(seconds) => set(seconds),
        Change::Unset => None,
    }
}
