//! The kernel side: UMEM frames, AF_XDP sockets, the XDP program, interface facts. One of the two rooms that
//! may say `unsafe`.

pub mod frame;
mod options;
pub mod poll;
pub mod pool;
pub mod socket;
