//! Which worker a packet belongs to, told from its bytes alone and the same for both directions of a flow.

mod quick;

use std::net::IpAddr;

use super::{
    hash::{Endpoint, Hasher},
    key::Tracking,
};
use crate::engine::{
    meta::LinkType,
    packet::{IpHeader, Layers, Packet, Quoted, Settings, TunnelPorts},
};

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
    pub fn owner(self, hash: u64) -> u16 {
        // Lemire's reduction: uniform, without a division. The result is below `of`, so it always fits.
        u16::try_from((u128::from(hash) * u128::from(self.of)) >> 64).unwrap_or_default()
    }

    /// Whether this worker is the owner.
    pub fn owns(self, hash: u64) -> bool {
        self.owner(hash) == self.worker
    }
}

/// [`Steering::steer`] with Suricata's default settings and no secret.
pub fn steer(bytes: &[u8], link: LinkType) -> u64 {
    Steering::default().steer(bytes, link)
}

/// Where an ordinary packet belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What [`Steering::steer`] gives.
    pub owner: u64,
    /// The hash of its flow in the owner's table ([`super::Table::expect`]).
    pub flow: u64,
}

/// How packets find their way; the same for all workers that share flows.
#[derive(Clone, Copy, Debug)]
pub struct Steering {
    hasher: Hasher,
    decoder: Settings,
    tracking: Tracking,
    /// The UDP ports of all tunnels, with zeros between; none when those of one are not listed.
    tunnels: Option<[[u16; 4]; 3]>,
}

impl Default for Steering {
    fn default() -> Self {
        Self::new(0, Settings::DEFAULT, Tracking::default())
    }
}

impl Steering {
    /// Packets are decoded with `decoder`; see [`super::FlowSettings`] for the rest.
    pub fn new(seed: u64, decoder: Settings, tracking: Tracking) -> Self {
        let list = |ports| match ports {
            TunnelPorts::Any => None,
            TunnelPorts::These(ports) => Some(ports.unwrap_or_default()),
        };
        let (vxlan, geneve) = (list(decoder.vxlan_ports), list(decoder.geneve_ports));
        let tunnels = vxlan.zip(geneve).zip(list(decoder.teredo_ports));
        Self {
            hasher: Hasher::new(seed),
            decoder,
            tracking,
            tunnels: tunnels.map(|((vxlan, geneve), teredo)| [vxlan, geneve, teredo]),
        }
    }

    /// A hash of what a packet's flow is known by: addresses, ports and protocol, with the two ends in either order. Of a
    /// tunnel it is the innermost packet's; of an ICMP error message that of the packet that it quotes. What is not IP has 0.
    ///
    /// Of a fragment it is what receivers find its datagram by, less the identification, because whoever puts it together
    /// has to get all of it: the addresses, and of IPv4 the protocol. (An IPv6 fragment's protocol is the first one's.) The
    /// whole datagram has the hash that it would have had in one piece, so that it comes to the rest of its flow.
    ///
    /// VLAN ids are part of a flow's key, but not of this: a datagram put together has no tags any more, and the two
    /// directions of a flow may have different ones.
    pub fn steer(&self, bytes: &[u8], link: LinkType) -> u64 {
        self.hint(bytes, link).map_or_else(|| self.steer_decoded(bytes, link), |hint| hint.owner)
    }

    /// [`Self::steer`] for any packet, by decoding all of it.
    pub fn steer_decoded(&self, bytes: &[u8], link: LinkType) -> u64 {
        // The innermost one that is IP, and the outermost if none is.
        let innermost = Layers::new(bytes, link, &self.decoder)
            .reduce(|outer, inner| if inner.network.is_some() { inner } else { outer });
        innermost.map_or(0, |packet| self.steer_layer(&packet))
    }

    /// What a decoded packet's own flow is known by, without looking into the packet it carries.
    fn steer_layer(&self, packet: &Packet<'_>) -> u64 {
        if let Some(Quoted { source, destination, protocol, ports, .. }) = packet.quoted() {
            return self.steer_between((source, destination), ports, protocol);
        }
        let Some(network) = &packet.network else {
            return 0;
        };
        let protocol = match network.header {
            IpHeader::V6(_) if network.is_fragment() => etherparse::ip_number::IPV6_FRAG.0,
            _ => network.protocol,
        };
        self.steer_between(network.addresses(), packet.ports(), protocol)
    }

    fn steer_between(&self, addresses: (IpAddr, IpAddr), ports: Option<(u16, u16)>, protocol: u8) -> u64 {
        let (source_port, destination_port) = ports.unwrap_or_default();
        let ends = (self.endpoint(addresses.0, source_port), self.endpoint(addresses.1, destination_port));
        self.hasher.between(ends.0, ends.1, protocol)
    }

    fn endpoint(&self, address: IpAddr, port: u16) -> Endpoint {
        match address {
            IpAddr::V4(address) => Hasher::v4(address.octets(), port),
            IpAddr::V6(address) => self.hasher.v6(address.octets(), port),
        }
    }
}

#[cfg(test)]
mod tests;
