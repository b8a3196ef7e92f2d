//! The kernel side: UMEM frames, AF_XDP sockets, the XDP program, interface facts.

pub mod program;
