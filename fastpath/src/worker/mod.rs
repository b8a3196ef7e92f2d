//! The workers: one pinned thread per queue, each running THE loop, and the supervisor over them.

mod binding;
#[cfg(feature = "fault-injection")]
mod fault;
pub mod looping;
pub mod plan;
mod report;
pub mod supervisor;
mod thread;
