//! The rings between the workers of one wire.
//!
//! From each worker to each other one there is a link: a ring of requests, and a ring back with the replies. A worker
//! has at most as many requests out to another one as either ring has places, so that a reply always finds room:
//! nobody ever waits for room, and two workers cannot wait for each other.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crossbeam::queue::ArrayQueue;

use crate::{
    engine::{
        Settings,
        flow::Share,
        meta::{Meta, Timestamp},
        policy::{ExceptionPolicy, Failure},
        referral::Referral,
        verdict::{DropReason, Enforcement, Verdict},
    },
    io::Handle,
    telemetry::counter::HandoverCounts,
};

/// A packet on its way between workers.
pub(super) struct Parcel<L> {
    /// The packet, in the memory of its receiver.
    pub(super) loan: L,
    /// Side of the wire that it came in on.
    pub(super) side: usize,
    /// Its circumstances.
    pub(super) meta: Meta,
    /// The worker that received it, and sends or releases it in the end.
    pub(super) receiver: u16,
    /// The hash of its flow, where the receiver could tell ([`crate::engine::flow::Hint`]).
    pub(super) flow: Option<u64>,
    /// Datagrams, one in another, that were referred to a worker and wait for what that one has referred to the next.
    pub(super) waits: Vec<Wait>,
}

/// A datagram that a worker has been asked about, and has to ask another one for.
pub(super) struct Wait {
    /// Who asked.
    pub(super) asker: u16,
    pub(super) referral: Box<Referral>,
}

/// What one worker asks of another.
pub(super) enum Request<L> {
    /// A packet of a flow that the other one owns.
    Packet(Parcel<L>),
    /// A datagram of a flow that the other one owns, and the packet that completed it.
    Datagram(Box<Referral>, Parcel<L>),
}

/// The answer.
pub(super) enum Reply<L> {
    /// To a packet.
    Packet(Parcel<L>, Verdict),
    /// To a datagram.
    Datagram(Box<Referral>, Parcel<L>, Verdict),
}

/// From one worker to another one, and back.
struct Link<L> {
    requests: ArrayQueue<Request<L>>,
    replies: ArrayQueue<Reply<L>>,
}

/// One worker's ends of the rings of its wire.
pub struct Ends<L> {
    share: Share,
    /// By the worker at the other end, as are all lists here; the one to itself is never used.
    outgoing: Vec<Arc<Link<L>>>,
    incoming: Vec<Arc<Link<L>>>,
    /// How many workers expect to ask nothing any more.
    done: Arc<AtomicUsize>,
}

/// Rings between `workers` workers, with `capacity` places each: the ends of each worker.
pub fn mesh<L>(workers: u16, capacity: usize) -> Vec<Ends<L>> {
    let n = usize::from(workers);
    let link = |from: usize, to: usize| {
        let capacity = if from == to { 1 } else { capacity.max(1) };
        Arc::new(Link { requests: ArrayQueue::new(capacity), replies: ArrayQueue::new(capacity) })
    };
    let links: Vec<Vec<_>> = (0..n).map(|from| (0..n).map(|to| link(from, to)).collect()).collect();
    let done = Arc::new(AtomicUsize::new(0));
    (0..workers)
        .map(|worker| Ends {
            share: Share { worker, of: workers },
            outgoing: links[usize::from(worker)].clone(),
            incoming: links.iter().map(|row| Arc::clone(&row[usize::from(worker)])).collect(),
            done: Arc::clone(&done),
        })
        .collect()
}

/// Nanoseconds that a worker may be behind before the others go on without it: longer than a core is given to somebody else, and
/// short beside the room of an rx ring.
const PATIENCE: u64 = 5_000_000;

/// A worker among the others of its wire.
pub struct Mesh<H: Handle> {
    ends: Ends<H::Loan>,
    handles: Vec<H>,
    /// Requests that have no reply yet.
    outstanding: Vec<usize>,
    /// Who was given something since the last [`Self::call`].
    given: Vec<bool>,
    /// Packets that are away, by the side they came in on.
    lent: [u64; 2],
    overflow: Verdict,
    /// Since when there has been too little room with one of the others.
    crowded_since: Option<Timestamp>,
    done: bool,
    pub(super) counts: HandoverCounts,
}

impl<H: Handle> Mesh<H> {
    /// A worker that owns all flows.
    pub fn alone() -> Self {
        let ends = Ends {
            share: Share::ALL,
            outgoing: Vec::new(),
            incoming: Vec::new(),
            done: Arc::new(AtomicUsize::new(0)),
        };
        Self::among(ends, Vec::new(), Verdict::Forward)
    }

    /// A worker with these ends, which holds the `handles` of all workers of the wire. What another one takes no more of
    /// gets the verdict `overflow`.
    pub fn among(ends: Ends<H::Loan>, handles: Vec<H>, overflow: Verdict) -> Self {
        let n = ends.outgoing.len();
        Self {
            ends,
            handles,
            outstanding: vec![0; n],
            given: vec![false; n],
            lent: [0; 2],
            overflow,
            crowded_since: None,
            done: false,
            counts: HandoverCounts::default(),
        }
    }

    /// The verdict that the exception policy has for [`Failure::Handover`]. The receiver of a packet knows no flows, so what
    /// would befall a flow befalls the packet.
    pub fn overflow(settings: &Settings) -> Verdict {
        match (settings.policies.resolve(Failure::Handover, settings.enforcement), settings.enforcement) {
            (
                ExceptionPolicy::DropFlow | ExceptionPolicy::DropPacket | ExceptionPolicy::Reject,
                Enforcement::Drop,
            ) => Verdict::Drop(DropReason::Handover),
            (ExceptionPolicy::DropFlow | ExceptionPolicy::DropPacket | ExceptionPolicy::Reject, _) => {
                Verdict::WouldDrop(DropReason::Handover)
            }
            _ => Verdict::Forward,
        }
    }

    /// Its share of the flows.
    pub(super) fn share(&self) -> Share {
        self.ends.share
    }

    /// The other worker that owns the packet's flow, of which `hash` tells the steering hash; `None` when this one does.
    pub(super) fn other_owner(&self, hash: impl FnOnce() -> u64) -> Option<u16> {
        let share = self.ends.share;
        if share.of == 1 {
            return None;
        }
        Some(share.owner(hash())).filter(|owner| *owner != share.worker)
    }

    /// The other workers.
    pub(super) fn peers(&self) -> impl Iterator<Item = usize> + use<H> {
        let own = usize::from(self.ends.share.worker);
        (0..self.handles.len()).filter(move |peer| *peer != own)
    }

    /// What is done with what an owner takes no more of.
    pub(super) fn overflowed(&mut self) -> Verdict {
        self.counts.full += 1;
        self.overflow
    }

    /// Shows the bytes of a packet that `receiver` has lent.
    pub(super) fn with_bytes<R>(
        &self,
        receiver: u16,
        loan: &mut H::Loan,
        look: impl FnOnce(&mut [u8]) -> R,
    ) -> Option<R> {
        self.handles.get(usize::from(receiver))?.with_bytes(loan, look)
    }

    /// Whether `owner` can be asked: fewer requests are out to it than a ring has places.
    pub(super) fn has_room(&self, owner: u16) -> bool {
        let to = usize::from(owner);
        let places = self.ends.outgoing.get(to).map_or(0, |link| link.replies.capacity());
        self.outstanding.get(to).is_some_and(|outstanding| *outstanding < places)
    }

    /// Whether there may be no room for all of the next `packets` packets with one of the others.
    fn is_crowded(&self, packets: usize) -> bool {
        self.ends.outgoing.iter().zip(&self.outstanding).any(|(link, outstanding)| {
            let places = link.replies.capacity();
            // A ring smaller than a turn is never counted as crowded while it is empty.
            *outstanding > 0 && outstanding + packets > places
        })
    }

    /// Whether to leave what has come in the rx rings for now: another worker is behind by a ring, and up to `packets` more
    /// might find no room there. The rx rings are longer, and what overflows there overflows before it is received. Not for
    /// long: who has not caught up after [`PATIENCE`] hangs, and must not hold up the others' flows.
    pub(super) fn holds_back(&mut self, packets: usize, now: Timestamp) -> bool {
        if !self.is_crowded(packets) {
            self.crowded_since = None;
            return false;
        }
        now.0.abs_diff(self.crowded_since.get_or_insert(now).0) < PATIENCE
    }

    /// Asks `owner`; the request itself when there is no room ([`Self::has_room`]).
    pub(super) fn ask(&mut self, owner: u16, request: Request<H::Loan>) -> Result<(), Request<H::Loan>> {
        if !self.has_room(owner) {
            return Err(request);
        }
        let to = usize::from(owner);
        self.ends.outgoing[to].requests.push(request)?;
        self.outstanding[to] += 1;
        self.given[to] = true;
        Ok(())
    }

    /// The next request of another worker.
    pub(super) fn next_request(&self, peer: usize) -> Option<Request<H::Loan>> {
        self.ends.incoming.get(peer)?.requests.pop()
    }

    /// Answers `to`. There is room: it has asked no more than there are places.
    pub(super) fn answer(&mut self, to: u16, reply: Reply<H::Loan>) {
        let to = usize::from(to);
        if let (Some(link), Some(given)) = (self.ends.incoming.get(to), self.given.get_mut(to)) {
            let answered = link.replies.push(reply);
            debug_assert!(answered.is_ok(), "more replies than requests");
            *given = true;
        }
    }

    /// The next answer of another worker.
    pub(super) fn next_reply(&mut self, peer: usize) -> Option<Reply<H::Loan>> {
        let reply = self.ends.outgoing.get(peer)?.replies.pop()?;
        self.outstanding[peer] -= 1;
        Some(reply)
    }

    /// Wakes those that were given something.
    pub(super) fn call(&mut self) {
        for (handle, given) in self.handles.iter().zip(&mut self.given) {
            if std::mem::take(given) {
                handle.wake();
            }
        }
    }

    /// Whether nobody has asked or answered anything.
    pub(super) fn is_idle(&self) -> bool {
        self.peers().all(|peer| {
            self.ends.incoming[peer].requests.is_empty() && self.ends.outgoing[peer].replies.is_empty()
        })
    }

    /// Notes that a packet of `side` is away.
    pub(super) fn gone(&mut self, side: usize) {
        self.lent[side] += 1;
        self.counts.handed_over += 1;
    }

    /// Notes that it is back.
    pub(super) fn back(&mut self, side: usize) {
        self.lent[side] -= 1;
        self.counts.returned += 1;
    }

    /// Gives up on the packets that are away; how many of each side. They stay lent for ever.
    pub(super) fn give_up(&mut self) -> [u64; 2] {
        let given_up = std::mem::take(&mut self.lent);
        self.counts.given_up += given_up.iter().sum::<u64>();
        given_up
    }

    /// Says that this worker expects to ask nothing any more; whether that is so of all.
    pub(super) fn all_done(&mut self) -> bool {
        if !std::mem::replace(&mut self.done, true) {
            self.ends.done.fetch_add(1, Ordering::Relaxed);
        }
        self.ends.done.load(Ordering::Relaxed) >= usize::from(self.ends.share.of)
    }
}

impl<H: Handle> Drop for Mesh<H> {
    /// A worker that has ended, however, asks nothing any more: the others need not wait for it.
    fn drop(&mut self) {
        self.all_done();
    }
}
