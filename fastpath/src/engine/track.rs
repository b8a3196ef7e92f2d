//! What the engine hangs on a flow.

use super::{
    meta::Direction,
    policy::{ExceptionPolicy, Failure},
    rules::Memory,
    stream::Session,
};

/// Everything that is remembered of a flow beside its record.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// Its TCP session.
    pub(super) session: Session,
    /// What rules saw of its streams.
    pub(super) memory: Memory,
    /// Exception policies that were applied to it (EVE `flow.exception_policy`).
    pub(super) exceptions: Exceptions,
    /// Whether rules about addresses have seen a packet, per direction.
    seen: [bool; 2],
    /// Whether a dropped packet was reported, per direction.
    reported: [bool; 2],
}

impl Track {
    /// Whether this is the first packet of its direction.
    pub(super) fn is_first(&mut self, direction: Direction) -> bool {
        !std::mem::replace(&mut self.seen[direction as usize], true)
    }

    /// Whether this is the first dropped packet of its direction.
    pub(super) fn is_first_drop(&mut self, direction: Direction) -> bool {
        !std::mem::replace(&mut self.reported[direction as usize], true)
    }

    /// Client and server have changed places.
    pub(super) fn swap(&mut self) {
        self.seen.reverse();
        self.reported.reverse();
    }
}

/// The exception policies that were applied to a flow, per kind of failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceptions([Option<ExceptionPolicy>; Failure::ALL.len()]);

impl Exceptions {
    pub(super) fn add(&mut self, failure: Failure, policy: ExceptionPolicy) {
        self.0[failure as usize] = Some(policy);
    }

    /// Failures and the policies that were applied because of them.
    pub fn iter(&self) -> impl Iterator<Item = (Failure, ExceptionPolicy)> + '_ {
        Failure::ALL.into_iter().zip(self.0).filter_map(|(failure, policy)| Some((failure, policy?)))
    }
}
