//! fastpath: an AF_XDP userspace fast-path inspector.
//!
//! One frame's way: [`nic`] rx ring -> [`io`] packet -> [`engine`] verdict -> [`worker`], which alone has
//! effects: the peer's tx ring, or back to the fill ring. See `ARCHITECTURE.md`.

pub mod cli;
pub mod config;
pub mod engine;
pub mod event;
pub mod io;
pub mod telemetry;
pub mod worker;

// The room that may say `unsafe`: every block there names the invariant that makes it sound.
#[cfg(feature = "nic")]
#[allow(unsafe_code)]
pub mod nic;
