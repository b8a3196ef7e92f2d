//! Counters of the workers, the loss ledger and their renderings.
