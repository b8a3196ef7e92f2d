//! Which worker a packet belongs to, told from its bytes alone and the same for both directions of a flow.

mod hash;
mod quick;

use std::net::IpAddr;

use hash::Endpoint;

use crate::engine::{
    meta::LinkType,
    packet::{IpHeader, Layers, Packet, Quoted, Settings},
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
    pub fn owner(self, hash: u32) -> u16 {
        // Lemire's reduction: uniform, without a division. The result is below `of`, so it always fits.
        u16::try_from((u64::from(hash) * u64::from(self.of)) >> 32).unwrap_or_default()
    }

    /// Whether this worker is the owner.
    pub fn owns(self, hash: u32) -> bool {
        self.owner(hash) == self.worker
    }
}

/// [`steer_with`] with Suricata's default settings.
pub fn steer(bytes: &[u8], link: LinkType) -> u32 {
    steer_with(bytes, link, &Settings::DEFAULT)
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
///
/// No secret goes into it: who can choose ports can choose the worker. What that can do is bounded by how much one
/// worker takes.
pub fn steer_with(bytes: &[u8], link: LinkType, settings: &Settings) -> u32 {
    quick::steer(bytes, link, settings).unwrap_or_else(|| steer_decoded(bytes, link, settings))
}

/// The same for any packet, by decoding all of it.
fn steer_decoded(bytes: &[u8], link: LinkType, settings: &Settings) -> u32 {
    // The innermost one that is IP, and the outermost if none is.
    let innermost = Layers::new(bytes, link, settings)
        .reduce(|outer, inner| if inner.network.is_some() { inner } else { outer });
    innermost.map_or(0, |packet| steer_layer(&packet))
}

/// What a decoded packet's own flow is known by, without looking into the packet it carries.
fn steer_layer(packet: &Packet<'_>) -> u32 {
    if let Some(Quoted { source, destination, protocol, ports, .. }) = packet.quoted() {
        return steer_between((source, destination), ports, protocol);
    }
    let Some(network) = &packet.network else {
        return 0;
    };
    let protocol = match network.header {
        IpHeader::V6(_) if network.is_fragment() => etherparse::ip_number::IPV6_FRAG.0,
        _ => network.protocol,
    };
    steer_between(network.addresses(), packet.ports(), protocol)
}

fn steer_between(addresses: (IpAddr, IpAddr), ports: Option<(u16, u16)>, protocol: u8) -> u32 {
    let (source_port, destination_port) = ports.unwrap_or_default();
    hash::pair(endpoint(addresses.0, source_port), endpoint(addresses.1, destination_port), protocol)
}

fn endpoint(address: IpAddr, port: u16) -> Endpoint {
    match address {
        IpAddr::V4(address) => Endpoint::v4(address.octets(), port),
        IpAddr::V6(address) => Endpoint::v6(address.octets(), port),
    }
}

#[cfg(test)]
mod tests;
