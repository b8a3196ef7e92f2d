//! Which worker a packet belongs to, told from its bytes alone and the same for both directions of a flow.

use std::hash::{Hash, Hasher};

use crate::engine::{meta::LinkType, packet::Packet};

/// A worker's share of all flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Number of the worker from 0.
    pub worker: u16,
    /// Number of workers among which flows are shared, at least 1.
    pub of: u16,
}

impl Share {
    /// All flows.
    pub const ALL: Self = Self { worker: 0, of: 1 };

    /// The worker that owns what [`steer`] gave this hash.
    pub fn owner(self, hash: u32) -> u16 {
        // Lemire's reduction: uniform, without a division. The result is below `of`, so it always fits.
        u16::try_from((u64::from(hash) * u64::from(self.of)) >> 32).unwrap_or_default()
    }

    /// Whether this worker is the owner.
    pub fn owns(self, hash: u32) -> bool {
        self.owner(hash) == self.worker
    }
}

/// A hash of what a packet's flow is known by: addresses, ports and protocol in either order, with VLAN ids; of a fragment
/// the addresses and protocol only, because the others have no ports; of a tunnel the inner packet's.
pub fn steer(bytes: &[u8], link: LinkType) -> u32 {
    let packet = Packet::decode(bytes, link);
    let mut hasher = std::hash::DefaultHasher::new();
    if let Some(network) = &packet.network {
        let (source, destination) = network.addresses();
        let (source_port, destination_port) = packet.ports().unwrap_or_default();
        let (a, b) = ((source, source_port), (destination, destination_port));
        (a.min(b), a.max(b), network.protocol).hash(&mut hasher);
    }
    packet.vlan.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}
