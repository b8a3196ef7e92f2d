//! The workers: one pinned thread per queue, each running THE loop, and the supervisor over them.

#[cfg(feature = "nic")]
mod binding;
pub mod exchange;
#[cfg(all(feature = "fault-injection", feature = "nic"))]
mod fault;
mod handover;
mod inspector;
pub mod looping;
pub mod mesh;
#[cfg(feature = "nic")]
pub mod plan;
#[cfg(feature = "nic")]
pub mod reload;
#[cfg(feature = "nic")]
mod report;
#[cfg(feature = "nic")]
mod steering;
#[cfg(feature = "nic")]
pub mod supervisor;
#[cfg(feature = "nic")]
mod thread;

pub use inspector::Inspector;
