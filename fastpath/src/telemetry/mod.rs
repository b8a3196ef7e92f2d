//! Counters of the workers, the loss ledger and their renderings.

pub mod counter;
pub mod snapshot;
