//! Counters of the workers, the loss ledger and their renderings.

pub mod counter;
mod drops;
pub mod rules;
pub mod snapshot;
