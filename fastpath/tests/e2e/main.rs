//! End-to-end: the real binary between two hosts in network namespaces. See `tests/README.md`.

// clippy.toml exempts test functions only, and the helpers of a test crate fail a test by panicking too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod evasion;
mod faults;
mod frames;
mod handover;
mod modes;
mod refusals;
mod reload;
mod traffic;
mod verdicts;
mod wire;
