//! IP defragmentation, inline: fragments go on at once, copies of them are kept, and the one that completes a datagram waits
//! for the verdict on the whole.
//!
//! What must hold, whatever the receiver does: *all it can assemble from the fragments that went on is the datagram that was
//! inspected*. It may prefer the first or the last of overlapping bytes, or whatever its system does (Novak, "Target-Based
//! Fragmentation Reassembly"), may have lost or refused any fragment (TTL, checksum, options, memory), and may have
//! given up on a datagram at any time. So of one datagram:
//!
//! | a fragment that | inline | else |
//! |---|---|---|
//! | brings bytes again, the same | goes on, event | the same |
//! | brings other bytes, or another protocol (IPv6), for what is there | is dropped, the datagram condemned | gives only what is new, event |
//! | says that the datagram ends elsewhere, or lies behind the end | is dropped, the datagram condemned | is not taken |
//! | makes it larger than 65,535 bytes | is dropped, event | is not taken |
//! | is not the last, and its length no multiple of 8 (receivers trim or refuse) | is dropped, event | IPv4: is trimmed, as by Linux; IPv6: is not taken |
//! | has no payload (receivers differ on whether it tells the end) | is dropped, event | tells the end, as to Linux |
//! | comes when the datagram has gone on | is dropped: see below | starts another |
//! | comes when it is condemned | is dropped for the reason of that | |
//!
//! A condemned datagram stays so until no receiver can have a fragment of it any more. A tiny first fragment, that ends in
//! the middle of the transport header, is one like any other: nothing is read from fragments, only from datagrams.
//!
//! **A datagram that went on is closed, not forgotten.** The receiver may have lost or timed out a part of it and still hold the
//! rest; were the identification free again, a fragment with other bytes would complete that rest to something never
//! inspected. So every fragment with its identification is dropped until no rest can be left ([`Timeouts::reuse`]). RFC 6864
//! (section 4.3) forbids a sender to use it again that soon.
//!
//! Some do: tunnels of IPv4 that fragment each packet run through all 65,536 identifications in less than a second. So of
//! each IP version only the last 32,768 datagrams that went on stay closed ([`Settings::closed`]), half of the
//! identifications: a sender that takes them in turn never meets one that is closed, however fast it is. The price: who gets that
//! many others through while a receiver still waits can use one again. Open and condemned datagrams are never
//! given up, nor is a closed one for want of memory: the new is refused ([`Fate::NoMemory`]).

mod assembly;
mod event;
mod pool;
mod table;

use std::time::Duration;

use super::Fragment;
use crate::engine::{
    meta::Timestamp,
    referral::Ticket,
    verdict::{DropReason, Enforcement, Verdict},
};
use assembly::{Assembly, Fit, IPV6_HEADER, Page};
use pool::{Index, Pool};
use table::{Key, Queue, State, Table, Tracker};

pub use event::DefragEvent;

/// What the defragmenter is told once, at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most memory in use for fragments and what is known of their datagrams, in bytes (`defrag.memcap`).
    pub memcap: usize,
    /// Most datagrams known at a time, the closed ones included (`defrag.trackers`).
    pub trackers: usize,
    /// Most datagrams of each IP version that stay closed after they went on; the one longest closed is given up. Less than
    /// 65,536, or senders meet their own identifications. See [`Settings::most_closed`].
    pub closed: usize,
    /// Of IPv4.
    pub v4: Timeouts,
    /// Of IPv6.
    pub v6: Timeouts,
    /// A number that nobody outside knows, so that nobody can make all datagrams fall into one bucket of the table.
    pub seed: u64,
    /// Number of the packet for which the memcap counts as reached (`--simulate-packet-defrag-memcap`).
    pub simulate_memcap_at: Option<u64>,
}

/// How long datagrams are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// How long after the last forwarded fragment a datagram that did not go on is forgotten (`defrag.timeout`).
    ///
    /// Never less than any receiver waits, or a fragment sent in between completes there what is no longer known here:
    /// Linux 30 s (`ipfrag_time`), the BSDs 30 s, Windows, Solaris and RFC 8200 60 s. They count from the first fragment;
    /// RFC 791's algorithm starts anew with later ones, so the last counts here. More than 60 s, because the
    /// fragment reaches the receiver later than us and its timers are coarse.
    pub assembly: Duration,
    /// How long after it went on the datagram's identification stays closed. Less than `assembly` only where senders need it;
    /// zero forgets it at once.
    pub reuse: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { assembly: Duration::from_secs(65), reuse: Duration::from_secs(65) }
    }
}

impl Default for Settings {
    /// Suricata's memcap of 32 MiB; timeouts a little over its 60 s. Its 65,535 trackers times four, because closed
    /// datagrams need one too. Half of IPv4's identifications.
    fn default() -> Self {
        Self {
            memcap: 32 << 20,
            trackers: 4 * 65_535,
            closed: 32_768,
            v4: Timeouts::default(),
            v6: Timeouts::default(),
            seed: 0,
            simulate_memcap_at: None,
        }
    }
}

impl Settings {
    /// [`Self::closed`], or less where the closed datagrams of both IP versions would take more than half of the trackers or of
    /// the memory, and so leave too little to those that are open.
    pub fn most_closed(&self) -> usize {
        self.closed.min(self.trackers / 4).min(self.memcap / 4 / size_of::<Tracker>())
    }
}

/// What becomes of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A copy is kept; it goes on.
    Held,
    /// It is a whole datagram by itself, to be judged as it is (RFC 6946); nothing is kept.
    Atomic,
    /// It makes the datagram complete, which is to be inspected ([`Defragmenter::assemble`]); its verdict is that of
    /// the fragment ([`Defragmenter::settle`]).
    Complete(Ticket),
    /// It contradicts what was accepted of its datagram.
    Contradiction,
    /// Its datagram was condemned before, for this reason.
    Condemned(DropReason),
    /// Its datagram has gone on already, or is just being judged.
    Late,
    /// It is no proper fragment.
    Malformed,
    /// There is no memory for it ([`crate::engine::policy::Failure::DefragMemcap`]).
    NoMemory,
}

impl Fate {
    /// Why it is to be dropped; none for one that goes on, waits for its datagram's verdict, or is left to the exception
    /// policy.
    pub fn drop_reason(self) -> Option<DropReason> {
        match self {
            Self::Contradiction | Self::Late | Self::Malformed => Some(DropReason::Defrag),
            Self::Condemned(reason) => Some(reason),
            Self::Held | Self::Atomic | Self::Complete(_) | Self::NoMemory => None,
        }
    }
}

/// The answer to a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What becomes of it.
    pub fate: Fate,
    /// What is remarkable about it.
    pub event: Option<DefragEvent>,
}

/// The datagrams of which fragments were seen.
pub struct Defragmenter {
    settings: Settings,
    enforcement: Enforcement,
    table: Table,
    assemblies: Pool<Assembly>,
    pages: Pool<Page>,
}

/// How many expired datagrams a fragment, and a tick, let go at most from each queue. More than one, so that the queues drain
/// faster than they can fill.
const EXPIRED_PER_FRAGMENT: usize = 2;
const EXPIRED_PER_TICK: usize = 256;

impl Defragmenter {
    /// One that knows no datagram. Room for all of them is reserved, and touched as it is needed.
    pub fn new(settings: Settings, enforcement: Enforcement) -> Self {
        let memcap = settings.memcap;
        Self {
            settings,
            enforcement,
            table: Table::new(settings.trackers, settings.seed),
            // No datagram is open without an assembly and a page.
            assemblies: Pool::new(memcap / (size_of::<Assembly>() + size_of::<Page>())),
            pages: Pool::new(memcap / size_of::<Page>()),
        }
    }

    /// Bytes in use, at most [`Settings::memcap`].
    pub fn memory(&self) -> usize {
        self.table.len() * size_of::<Tracker>()
            + self.assemblies.len() * size_of::<Assembly>()
            + self.pages.len() * size_of::<Page>()
    }

    /// Number of datagrams known, the closed ones included.
    pub fn datagrams(&self) -> usize {
        self.table.len()
    }

    /// Takes the packet with this `number`, received at `time`, which is a fragment.
    pub fn accept(&mut self, fragment: &Fragment<'_>, time: Timestamp, number: u64) -> Accepted {
        self.expire(time, EXPIRED_PER_FRAGMENT);
        let inline = self.enforcement == Enforcement::Drop;
        let key = Key::of(fragment);
        let mut found =
            self.table.find(&key).map(|(index, tracker)| (index, tracker.state, tracker.deadline));
        if let Some((index, state, deadline)) = found
            && deadline <= time
        {
            self.forget(index, state);
            found = None;
        }
        // Receivers older than RFC 6946 take an atomic fragment for one of the others: then it has to fit to them.
        if fragment.is_atomic() && (found.is_none() || !inline) {
            return Accepted { fate: Fate::Atomic, event: None };
        }
        let fragment = match self.sanitize(fragment) {
            Ok(fragment) => fragment,
            Err(event) => return Accepted { fate: Fate::Malformed, event: Some(event) },
        };
        let open = match found {
            None => None,
            Some((index, State::Open(assembly), _)) => Some((index, assembly)),
            Some((_, State::Condemned(reason), _)) => {
                return Accepted { fate: Fate::Condemned(reason), event: None };
            }
            Some((_, State::Complete(_) | State::Forwarded, _)) => {
                return Accepted { fate: Fate::Late, event: None };
            }
        };
        let ignored = Some(DefragEvent::Ignored);
        if self.settings.simulate_memcap_at == Some(number) {
            return Accepted { fate: Fate::NoMemory, event: ignored };
        }
        let fit = open
            .and_then(|(_, assembly)| self.assemblies.get(assembly))
            .map_or(Fit::New, |assembly| assembly.fit(&fragment, &self.pages));
        let event = match fit {
            Fit::New => None,
            Fit::Again | Fit::Differs | Fit::WrongEnd { overlaps: true } => Some(DefragEvent::Overlap),
            Fit::WrongEnd { overlaps: false } => ignored,
        };
        if matches!(fit, Fit::WrongEnd { .. }) || (fit == Fit::Differs && inline) {
            if let Some((index, assembly)) = open.filter(|_| inline) {
                self.condemn(index, assembly, DropReason::Defrag);
            }
            return Accepted { fate: Fate::Contradiction, event };
        }
        let deadline = after(time, self.timeouts(&fragment).assembly);
        let Some((index, assembly)) = self.make_room(open, key, &fragment, deadline) else {
            return Accepted { fate: Fate::NoMemory, event: ignored };
        };
        self.table.renew(index, deadline, assembly_queue(&fragment));
        let Some(whole) = self.assemblies.get_mut(assembly) else {
            return Accepted { fate: Fate::NoMemory, event: ignored };
        };
        whole.take(&fragment, &mut self.pages);
        if !whole.is_complete() {
            return Accepted { fate: Fate::Held, event };
        }
        if whole.is_too_large(fragment.is_v6()) {
            if inline {
                self.condemn(index, assembly, DropReason::Defrag);
            } else {
                self.forget(index, State::Open(assembly));
            }
            return Accepted { fate: Fate::Malformed, event: Some(DefragEvent::PacketTooLarge) };
        }
        self.table.set_state(index, State::Complete(assembly));
        Accepted { fate: Fate::Complete(self.table.ticket(index)), event }
    }

    /// Writes the complete datagram, from its IP header on, into `into`, in place of what is there; false when it is
    /// no longer known. Into a buffer of the caller, so that fragments inside of it can be accepted while it is read.
    pub fn assemble(&self, ticket: Ticket, into: &mut Vec<u8>) -> bool {
        let Some((_, tracker)) = self.table.redeem(ticket) else { return false };
        let State::Complete(assembly) = tracker.state else { return false };
        let Some(assembly) = self.assemblies.get(assembly) else { return false };
        assembly.write(&self.pages, tracker.key.is_v6(), into);
        true
    }

    /// Takes note of the verdict on a complete datagram.
    pub fn settle(&mut self, ticket: Ticket, verdict: Verdict) {
        let Some((index, tracker)) = self.table.redeem(ticket) else { return };
        let State::Complete(assembly) = tracker.state else { return };
        let (deadline, is_v6) = (tracker.deadline, tracker.key.is_v6());
        let (Timeouts { assembly: assembly_timeout, reuse }, queue) =
            if is_v6 { (self.settings.v6, Queue::ReuseV6) } else { (self.settings.v4, Queue::ReuseV4) };
        match verdict {
            Verdict::Drop(reason) => self.condemn(index, assembly, reason),
            // Nothing is dropped, so that closing it would only make us blind.
            _ if self.enforcement == Enforcement::Report || reuse.is_zero() => {
                self.forget(index, State::Complete(assembly));
            }
            Verdict::Forward | Verdict::Rewritten | Verdict::WouldDrop(_) => {
                self.release(assembly);
                self.table.set_state(index, State::Forwarded);
                // The deadline was set when the completing fragment came.
                let came = Timestamp(deadline.0.saturating_sub(nanoseconds(assembly_timeout)));
                self.table.renew(index, after(came, reuse), queue);
                self.give_up_closed(queue);
            }
        }
    }

    /// Lets go what has expired, as far as one call may.
    pub fn tick(&mut self, now: Timestamp) {
        self.expire(now, EXPIRED_PER_TICK);
    }

    /// The fragment as it is taken, or what is wrong with it.
    fn sanitize<'a>(&self, fragment: &Fragment<'a>) -> Result<Fragment<'a>, DefragEvent> {
        let mut fragment = Fragment { offset: fragment.offset & !7, ..*fragment };
        let inline = self.enforcement == Enforcement::Drop;
        let headers = fragment.header.len().saturating_sub(if fragment.is_v6() { IPV6_HEADER } else { 0 });
        if fragment.end() + headers > usize::from(u16::MAX) {
            return Err(DefragEvent::PacketTooLarge);
        }
        let excess = if fragment.more { fragment.payload.len() % 8 } else { 0 };
        if excess > 0 && (inline || fragment.is_v6()) {
            return Err(DefragEvent::InvalidLength);
        }
        if fragment.offset == 0 && !Assembly::can_keep(&fragment) {
            return Err(DefragEvent::Ignored);
        }
        fragment.payload = fragment.payload.get(..fragment.payload.len() - excess).unwrap_or_default();
        if fragment.payload.is_empty() && (inline || fragment.more) {
            return Err(DefragEvent::Ignored);
        }
        Ok(fragment)
    }

    /// The datagram's tracker and assembly, made if it is not `open` yet, with memory for all of `fragment`.
    fn make_room(
        &mut self,
        open: Option<(Index, Index)>,
        key: Key,
        fragment: &Fragment<'_>,
        deadline: Timestamp,
    ) -> Option<(Index, Index)> {
        let known = open.and_then(|(_, assembly)| self.assemblies.get(assembly)).unwrap_or(&Assembly::EMPTY);
        let mut needed = known.pages_missing(fragment) * size_of::<Page>();
        if open.is_none() {
            needed += size_of::<Tracker>() + size_of::<Assembly>();
        }
        if self.memory() + needed > self.settings.memcap || (open.is_none() && self.table.is_full()) {
            return None;
        }
        if open.is_some() {
            return open;
        }
        let assembly = self.assemblies.insert(Assembly::EMPTY)?;
        let index = self.table.insert(key, State::Open(assembly), deadline, assembly_queue(fragment))?;
        Some((index, assembly))
    }

    /// Drops what comes of this datagram, until its deadline.
    fn condemn(&mut self, index: Index, assembly: Index, reason: DropReason) {
        self.release(assembly);
        self.table.set_state(index, State::Condemned(reason));
    }

    fn forget(&mut self, index: Index, state: State) {
        if let State::Open(assembly) | State::Complete(assembly) = state {
            self.release(assembly);
        }
        self.table.remove(index);
    }

    /// Forgets what has been closed longest, as far as it is too many.
    fn give_up_closed(&mut self, queue: Queue) {
        while self.table.queued(queue) > self.settings.most_closed()
            && let Some((index, tracker)) = self.table.oldest(queue)
        {
            let state = tracker.state;
            self.forget(index, state);
        }
    }

    fn release(&mut self, assembly: Index) {
        if let Some(found) = self.assemblies.get_mut(assembly) {
            found.clear(&mut self.pages);
            self.assemblies.remove(assembly);
        }
    }

    fn expire(&mut self, now: Timestamp, most: usize) {
        for queue in Queue::ALL {
            for _ in 0..most {
                let Some((index, tracker)) = self.table.oldest(queue) else { break };
                if tracker.deadline > now {
                    break;
                }
                let state = tracker.state;
                self.forget(index, state);
            }
        }
    }

    fn timeouts(&self, fragment: &Fragment<'_>) -> Timeouts {
        if fragment.is_v6() { self.settings.v6 } else { self.settings.v4 }
    }
}

fn assembly_queue(fragment: &Fragment<'_>) -> Queue {
    if fragment.is_v6() { Queue::AssemblyV6 } else { Queue::AssemblyV4 }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn after(time: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(time.0.saturating_add(nanoseconds(duration)))
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
