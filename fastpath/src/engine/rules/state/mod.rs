//! What rules remember beyond one packet: of its flow, and, for all workers together, of hosts and in sets.

/// What rules have set in one flow. Empty, as it is for most flows, it takes a pointer's room and no memory beside.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowVariables {}

/// What all workers share, and what outlives a rule set: the next one takes it over.
#[derive(Debug, Default)]
pub struct Shared {}

/// What the rules of one packet may look at and change.
#[derive(Debug)]
pub(super) struct State<'a> {
    /// Its flow's; none for a packet that belongs to none.
    pub(super) flow: Option<&'a mut FlowVariables>,
    /// Everybody's.
    pub(super) shared: &'a Shared,
}
