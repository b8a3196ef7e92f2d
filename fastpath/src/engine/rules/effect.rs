//! What a rule does beside its action when it has matched: it sets a flow's bits, counts, adds to a set.
//!
//! Effects are done at once, in the order of evaluation, so that rules that come later see them for the same packet.

use super::{state::State, subject::Subject};

/// One such keyword of a rule.
#[derive(Clone, Debug)]
pub(super) enum Effect {}

impl Effect {
    /// Does it.
    pub(super) fn happen(&self, _subject: &Subject<'_>, _state: &mut State<'_>) {
        match *self {}
    }
}
