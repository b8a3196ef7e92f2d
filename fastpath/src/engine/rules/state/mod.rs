//! What rules remember beyond one packet: of its flow, and, for all workers together, of hosts and in sets.

mod dataset;
mod datasets;
mod flow;
mod names;

pub use dataset::{Dataset, Kind as DatasetKind};
pub(super) use {
    dataset::Definition,
    datasets::Datasets,
    flow::{FlowVariables, Number, Operand},
    names::Names,
};

/// What all workers share, and what outlives a rule set: the next one takes it over.
#[derive(Debug, Default)]
pub struct Shared {
    /// Names of `flowbits`.
    pub(super) flowbits: Names,
    /// Names of `flowint`.
    pub(super) flowints: Names,
    /// Sets, by their names.
    pub(super) datasets: Datasets,
}

/// What the rules of one packet may look at and change.
#[derive(Debug)]
pub(super) struct State<'a> {
    /// Its flow's; none for a packet that belongs to none.
    pub(super) flow: Option<&'a mut FlowVariables>,
    /// Everybody's.
    pub(super) shared: &'a Shared,
}
