//! Hand-over: a packet goes to the worker that owns its flow, and the verdict comes back.
//!
//! The receiver lends the packet, the owner inspects it where it lies, and the receiver sends or releases it, because the
//! rings and the free frames of a socket have one user. A fragment goes to the worker that puts its datagram together;
//! when it completes one, that worker may have to refer the datagram to a third one, which owns the flow; that one, where
//! a tunnel in it completes another datagram, to a fourth. The verdict takes the same way back.

use super::{
    Inspector,
    looping::Worker,
    mesh::{Parcel, Reply, Request, Wait},
};
use crate::{
    engine::{
        event::EventSink,
        flow::Hint,
        meta::Meta,
        policy::Failure,
        referral::{Judgement, Referral},
        verdict::Verdict,
    },
    io::{Handle, PacketIo},
    telemetry::counter::Counter,
};

pub(super) type Loan<I> = <<I as PacketIo>::Handle as Handle>::Loan;

impl<I: PacketIo, S: EventSink, E: Inspector> Worker<I, S, E> {
    /// Takes the answers of the other workers, then inspects for them, at most a batch each. How many it was.
    pub(super) fn serve(&mut self) -> usize {
        let mut served = 0;
        for peer in self.mesh.peers() {
            // No limit: there are never more than were asked for.
            while let Some(reply) = self.mesh.next_reply(peer) {
                served += 1;
                match reply {
                    Reply::Packet(parcel, verdict) => self.finish(parcel, verdict),
                    Reply::Datagram(referral, parcel, verdict) => self.settle(*referral, parcel, verdict),
                }
            }
        }
        for peer in self.mesh.peers() {
            served += self.serve_requests(peer);
        }
        served
    }

    /// Inspects for another worker, at most a batch. How many it was.
    fn serve_requests(&mut self, peer: usize) -> usize {
        let mut requests = std::mem::take(&mut self.requests);
        requests.extend(std::iter::from_fn(|| self.mesh.next_request(peer)).take(self.batch));
        let served = requests.len();
        self.expected.clear();
        self.expected.extend(requests.iter().filter_map(|request| match request {
            Request::Packet(parcel) => parcel.flow,
            Request::Datagram(..) => None,
        }));
        self.engine.expect(&self.expected);
        for request in requests.drain(..) {
            match request {
                Request::Packet(parcel) => self.inspect_for(parcel),
                Request::Datagram(referral, parcel) => {
                    if let Ok(asker) = u16::try_from(peer) {
                        self.inspect_datagram_for(asker, referral, parcel);
                    }
                }
            }
        }
        self.requests = requests;
        served
    }

    /// Has a packet inspected by `owner`.
    pub(super) fn hand_over(
        &mut self,
        owner: u16,
        side: usize,
        packet: I::Packet,
        meta: Meta,
        hint: Option<Hint>,
    ) {
        match self.lend(owner, side, packet, meta) {
            Ok(mut parcel) => {
                parcel.flow = hint.map(|hint| hint.flow);
                let asked = self.mesh.ask(owner, Request::Packet(parcel));
                debug_assert!(asked.is_ok(), "there was room");
            }
            Err(packet) => {
                let verdict = self.overflowed();
                self.carry_out(side, packet, verdict);
            }
        }
    }

    /// Has a datagram inspected that a packet received here has completed.
    pub(super) fn refer_own(&mut self, referral: Box<Referral>, side: usize, packet: I::Packet, meta: Meta) {
        match self.lend(referral.owner, side, packet, meta) {
            Ok(parcel) => self.refer(referral, parcel),
            Err(packet) => {
                let verdict = self.overflowed();
                let verdict = self.engine.settle(*referral, verdict);
                self.carry_out(side, packet, verdict);
            }
        }
    }

    /// The verdict on a packet for which another worker cannot be asked.
    fn overflowed(&mut self) -> Verdict {
        self.engine.count_failure(Failure::Handover);
        self.mesh.overflowed()
    }

    /// Makes a packet ready for `owner`; the packet itself when that one takes no more, or there is no buffer for it.
    fn lend(
        &mut self,
        owner: u16,
        side: usize,
        packet: I::Packet,
        meta: Meta,
    ) -> Result<Parcel<Loan<I>>, I::Packet> {
        if !self.mesh.has_room(owner) {
            return Err(packet);
        }
        let loan = self.io.lend(packet)?;
        self.mesh.gone(side);
        Ok(Parcel { loan, side, meta, receiver: self.mesh.share().worker, flow: None, waits: Vec::new() })
    }

    /// Inspects a packet that another worker has received.
    fn inspect_for(&mut self, mut parcel: Parcel<Loan<I>>) {
        self.mesh.counts.served += 1;
        let judgement = self.mesh.with_bytes(parcel.receiver, &mut parcel.loan, |bytes| {
            self.engine.inspect_shared(bytes, &parcel.meta, &mut self.sink)
        });
        self.send_injections(parcel.side);
        match judgement {
            Some(Judgement::Verdict(verdict)) => self.finish(parcel, verdict),
            Some(Judgement::Refer(referral)) => self.refer(referral, parcel),
            // A loan of nobody's: it cannot be looked at.
            None => {
                let verdict = self.overflowed();
                self.finish(parcel, verdict);
            }
        }
    }

    /// Gives a datagram to the worker that owns its flow.
    fn refer(&mut self, referral: Box<Referral>, parcel: Parcel<Loan<I>>) {
        match self.mesh.ask(referral.owner, Request::Datagram(referral, parcel)) {
            Err(Request::Datagram(referral, parcel)) => {
                let verdict = self.overflowed();
                self.settle(*referral, parcel, verdict);
            }
            Err(Request::Packet(parcel)) => {
                let verdict = self.overflowed();
                self.finish(parcel, verdict);
            }
            Ok(()) => self.mesh.counts.referred += 1,
        }
    }

    /// Inspects a datagram for another worker. It may in turn be one of several that lie in each other, and have to wait for the next.
    fn inspect_datagram_for(&mut self, asker: u16, referral: Box<Referral>, mut parcel: Parcel<Loan<I>>) {
        match self.engine.inspect_datagram(&referral, &mut self.sink) {
            Judgement::Verdict(verdict) => {
                self.mesh.answer(asker, Reply::Datagram(referral, parcel, verdict));
            }
            Judgement::Refer(further) => {
                parcel.waits.push(Wait { asker, referral });
                self.refer(further, parcel);
            }
        }
    }

    /// The verdict on a datagram that this worker has referred to another one.
    fn settle(&mut self, referral: Referral, mut parcel: Parcel<Loan<I>>, verdict: Verdict) {
        let verdict = self.engine.settle(referral, verdict);
        match parcel.waits.pop() {
            Some(Wait { asker, referral }) => {
                self.mesh.answer(asker, Reply::Datagram(referral, parcel, verdict));
            }
            None => self.finish(parcel, verdict),
        }
    }

    /// Brings a verdict to the packet's receiver, which may be this worker.
    fn finish(&mut self, parcel: Parcel<Loan<I>>, verdict: Verdict) {
        let receiver = parcel.receiver;
        if receiver != self.mesh.share().worker {
            self.mesh.answer(receiver, Reply::Packet(parcel, verdict));
            return;
        }
        let side = parcel.side;
        if let Some(packet) = self.io.take_back(parcel.loan) {
            self.mesh.back(side);
            self.carry_out(side, packet, verdict);
        }
    }

    /// Counts the packets for which no verdict has come as dropped. The other workers may still look at them, so their
    /// frames stay where they are.
    pub(super) fn give_up(&mut self) {
        for (side, packets) in self.mesh.give_up().into_iter().enumerate() {
            let reason = crate::engine::verdict::DropReason::Handover;
            self.figures.sides[side].add(Counter::Drop(reason), packets);
        }
    }
}
