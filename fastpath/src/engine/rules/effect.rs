//! What a rule does beside its action when it has matched: it sets a flow's bits, counts, adds to a set.
//!
//! Effects are done at once, in the order of evaluation, so that rules that come later see them for the same packet.

use super::{
    state::{
        State,
        bits::{Bit, Change},
    },
    subject::Subject,
};

/// One such keyword of a rule.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// A bit of a host or of a pair of them.
    Bit(Bit, Change),
}

impl Effect {
    /// Does it.
    pub(super) fn happen(&self, subject: &Subject<'_>, state: &mut State<'_>) {
        match *self {
            Self::Bit(bit, change) => bit.change(change, subject, state.shared),
        }
    }
}
