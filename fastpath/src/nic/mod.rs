//! The kernel side: UMEM frames, AF_XDP sockets, the XDP program, interface facts.

pub mod ethtool;
pub mod gate;
pub mod link;
#[cfg(test)]
mod namespace;
pub mod promiscuous;
pub mod vlan_strip;
