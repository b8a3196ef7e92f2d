//! Plain-old-data shared by the XDP program (`redirect-ebpf`) and the user side (`fastpath::nic`): map
//! names, keys, values and counter indices. No logic.
//!
//! The object is loaded once per port, so every map below belongs to one port.
#![no_std]

/// Name of the program in the object.
pub const PROGRAM: &str = "redirect";

/// Largest number of rx queues of a port the program can look at; queues above are always passed.
pub const MAX_QUEUES: u32 = 256;

/// Names of the maps.
pub mod map {
    /// `ARRAY[MAX_QUEUES]` of `u32`: 1 where the queue was chosen for inspection, 0 where it stays the kernel's.
    pub const QUEUES: &str = "QUEUES";
    /// `XSKMAP[MAX_QUEUES]`: the AF_XDP socket of each chosen queue.
    pub const SOCKETS: &str = "SOCKETS";
    /// `ARRAY[1]` of [`PortPolicy`](crate::PortPolicy).
    pub const PORT: &str = "PORT";
    /// `DEVMAP[1]`: the peer port, for [`Fallback::Forward`](crate::Fallback::Forward).
    pub const PEER: &str = "PEER";
    /// `PERCPU_ARRAY[MAX_QUEUES]` of [`QueueCounts`](crate::QueueCounts).
    pub const COUNTS: &str = "COUNTS";
}

/// What happens to a frame of a chosen queue that has no socket in the `SOCKETS` map.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fallback {
    /// Hand it to the kernel's own network stack (`XDP_PASS`).
    #[default]
    Pass = 0,
    /// Drop it (`XDP_DROP`): fail closed.
    Drop = 1,
    /// Send it uninspected out of the peer port: fail open.
    Forward = 2,
}

/// Value of the `PORT` map.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortPolicy {
    /// A [`Fallback`] as its number. Numbers that are none mean pass.
    pub fallback: u32,
}

/// Value of the `COUNTS` map: frames of one rx queue on one CPU, by what was done with them. Their sum is
/// every frame the queue received.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Redirected to the queue's AF_XDP socket.
    pub redirected: u64,
    /// Left to the kernel because the queue was not chosen.
    pub not_chosen: u64,
    /// Chosen queue without a socket: passed to the kernel.
    pub fallback_pass: u64,
    /// Chosen queue without a socket: dropped.
    pub fallback_drop: u64,
    /// Chosen queue without a socket: forwarded to the peer port.
    pub fallback_forward: u64,
}

// Both sides are compiled apart: a silent change of layout must not compile.
const _: () = assert!(size_of::<PortPolicy>() == 4 && align_of::<PortPolicy>() == 4);
const _: () = assert!(size_of::<QueueCounts>() == 40 && align_of::<QueueCounts>() == 8);
