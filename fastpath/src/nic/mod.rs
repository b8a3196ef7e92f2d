//! The kernel side: UMEM frames, AF_XDP sockets, the XDP program, interface facts. One of the two rooms that
//! may say `unsafe`.

pub mod cores;
pub mod doctor;
pub mod ethtool;
pub mod frame;
pub mod gate;
pub mod link;
pub mod loan;
#[cfg(test)]
mod namespace;
mod options;
pub mod poll;
pub mod pool;
pub mod port;
pub mod program;
pub mod promiscuous;
pub mod socket;
pub mod vlan_strip;
