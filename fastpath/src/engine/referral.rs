//! When one packet needs the engines of several workers.
//!
//! A fragment belongs to the worker that puts its datagram together, and the whole datagram to the worker that owns its flow.
//! Where these are two, the engine of the first answers with a [`Referral`], its worker takes that to the owner's
//! [`super::Engine::inspect_datagram`] and the verdict back to [`super::Engine::settle`].
//!
//! A datagram may carry, in a tunnel, the last fragment of another one, which belongs to a third worker: then the second answers with a
//! referral of its own, and the first waits for that too. What one packet completes lies in each other, so there is always one
//! innermost datagram that is judged first, and its verdict goes back the way that it came.

use super::{event::PacketFacts, meta::Meta, verdict::Verdict};

/// What the engine says to a packet.
#[derive(Debug)]
pub enum Judgement {
    /// What to do with it.
    Verdict(Verdict),
    /// It completes a datagram that another worker has to judge; the packet (or the datagram that carries it) waits for that.
    Refer(Box<Referral>),
}

/// A whole datagram on its way to the worker that owns its flow, and back with the verdict.
#[derive(Debug)]
pub struct Referral {
    /// Number of that worker ([`super::flow::Share`]).
    pub owner: u16,
    /// Which datagram of the referring engine this is.
    pub ticket: Ticket,
    /// Datagrams of the referring engine that it lies in, from the inside out: what is said of it is said of them.
    pub around: Vec<Ticket>,
    /// What the referring engine says of all that lies around it: nothing is dropped yet, or a drop is reported.
    pub so_far: Verdict,
    /// A packet completed it, and not a datagram that had been referred itself.
    pub by_packet: bool,
    /// Its bytes, from the IP header on.
    pub bytes: Vec<u8>,
    /// VLAN ids of its fragments.
    pub vlan: [Option<u16>; 3],
    /// The circumstances of the packet that completed it, with the link type of `bytes`.
    pub meta: Meta,
    /// Where it lies in that packet.
    pub nesting: Nesting,
}

/// What lies around a datagram.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nesting {
    /// The outermost packet, where there are tunnels.
    pub root: Option<PacketFacts>,
    /// Tunnels.
    pub tunnels: u8,
    /// Tunnels and datagrams, itself included.
    pub depth: u8,
}

/// Names a datagram within the engine that referred it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);
