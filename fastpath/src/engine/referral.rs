//! When one packet needs the engines of several workers.
//!
//! A fragment belongs to the worker that puts its datagram together, and the whole datagram to the worker that owns its flow.
//! Where these are two, the engine of the first answers with a [`Referral`], its worker takes that to the owner's
//! [`super::Engine::inspect_datagram`] and the verdict back to [`super::Engine::settle`].

use super::{meta::Meta, verdict::Verdict};

/// What the engine says to a packet.
#[derive(Debug)]
pub enum Judgement {
    /// What to do with it.
    Verdict(Verdict),
    /// It completes a datagram that another worker has to judge; the packet waits for that.
    Refer(Box<Referral>),
}

/// A whole datagram on its way to the worker that owns its flow.
#[derive(Debug)]
pub struct Referral {
    /// Number of that worker ([`super::flow::Share`]).
    pub owner: u16,
    /// Which datagram of the referring engine this is.
    pub ticket: Ticket,
    /// Its bytes, from the IP header on.
    pub bytes: Vec<u8>,
    /// VLAN ids of its fragments.
    pub vlan: [Option<u16>; 3],
    /// The circumstances of the packet that completed it, with the link type of `bytes`.
    pub meta: Meta,
}

/// Names a datagram within the engine that referred it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);
