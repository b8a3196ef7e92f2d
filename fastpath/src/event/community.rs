//! Community ID version 1: one name for a flow among many tools (<https://github.com/corelight/community-id-spec>).

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use etherparse::{IpNumber, ip_number};
use sha1::{Digest as _, Sha1};

use crate::engine::event::PacketFacts;

/// The id of the flow that a packet belongs to, the same for both directions; `None` for what is not IP.
pub(super) fn id(facts: &PacketFacts, seed: u16) -> Option<String> {
    let (source, destination) = facts.addresses?;
    let protocol = facts.protocol?;
    let ports = match IpNumber(protocol) {
        ip_number::TCP | ip_number::UDP | ip_number::SCTP => facts.ports,
        ip_number::ICMP | ip_number::IPV6_ICMP => facts.icmp.map(|icmp| types(protocol, icmp)),
        _ => None,
    };
    let (source_port, destination_port) = ports.unwrap_or_default();
    let mut ends = [(octets(source), source_port), (octets(destination), destination_port)];
    // A type without an answer makes a flow of one direction, which is not turned round.
    if ends[0] > ends[1] && !is_one_way(protocol, facts.icmp) {
        ends.reverse();
    }
    let [(low, low_port), (high, high_port)] = ends;
    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    hash.update(low);
    hash.update(high);
    hash.update([protocol, 0]);
    if ports.is_some() {
        hash.update(low_port.to_be_bytes());
        hash.update(high_port.to_be_bytes());
    }
    Some(format!("1:{}", STANDARD.encode(hash.finalize())))
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().into(),
        IpAddr::V6(address) => address.octets().into(),
    }
}

/// ICMP types that answer each other, as the specification pairs them.
const PAIRS_V4: &[(u8, u8)] = &[(8, 0), (10, 9), (13, 14), (15, 16), (17, 18)];
const PAIRS_V6: &[(u8, u8)] = &[(128, 129), (130, 131), (133, 134), (135, 136), (139, 140), (144, 145)];

fn answer(protocol: u8, kind: u8) -> Option<u8> {
    let pairs = if IpNumber(protocol) == ip_number::ICMP { PAIRS_V4 } else { PAIRS_V6 };
    pairs.iter().find_map(|&(a, b)| match kind {
        _ if kind == a => Some(b),
        _ if kind == b => Some(a),
        _ => None,
    })
}

/// What stands in for the ports: the type and the type that answers it, or type and code.
fn types(protocol: u8, (kind, code): (u8, u8)) -> (u16, u16) {
    (u16::from(kind), u16::from(answer(protocol, kind).unwrap_or(code)))
}

fn is_one_way(protocol: u8, icmp: Option<(u8, u8)>) -> bool {
    matches!(IpNumber(protocol), ip_number::ICMP | ip_number::IPV6_ICMP)
        && icmp.is_some_and(|(kind, _)| answer(protocol, kind).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(source: &str, destination: &str, protocol: u8) -> PacketFacts {
        PacketFacts {
            addresses: Some((source.parse().unwrap(), destination.parse().unwrap())),
            protocol: Some(protocol),
            ..PacketFacts::default()
        }
    }

    fn both_ways(facts: PacketFacts, seed: u16) -> String {
        let back = PacketFacts {
            addresses: facts.addresses.map(|(a, b)| (b, a)),
            ports: facts.ports.map(|(a, b)| (b, a)),
            ..facts
        };
        let there = id(&facts, seed).unwrap();
        assert_eq!(id(&back, seed).unwrap(), there);
        there
    }

    /// The flows of suricata-verify's community-id cases, whose seed is 7, and the specification's own example.
    #[test]
    fn gives_the_ids_that_others_give() {
        let cloud = "2600:1f13:f8:d400:3a6:303c:e011:18eb";
        for (source, destination, ports, seed, expected) in [
            ("172.26.0.39", "172.217.14.206", (35958, 443), 7, "1:IwiTNfuO7aCaamMijl+7/X9uLx0="),
            (cloud, "2607:f8b0:400a:800::200e", (60202, 443), 7, "1:ptJhMvufAbB5nLDNW77cB800wFM="),
            (cloud, "2001:4860:4860::8888", (33892, 443), 7, "1:PGf+a0eBbs1OhuPtJmsF0Sm51v4="),
            ("128.232.110.120", "66.35.250.204", (34855, 80), 0, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        ] {
            let facts = PacketFacts { ports: Some(ports), ..facts(source, destination, 6) };
            assert_eq!(both_ways(facts, seed), expected);
            assert_ne!(both_ways(facts, seed + 1), expected, "the seed counts");
        }
    }

    #[test]
    fn icmp_goes_by_its_types() {
        let ask = PacketFacts { icmp: Some((8, 0)), ..facts("192.168.0.89", "192.168.0.1", 1) };
        let reply = PacketFacts { icmp: Some((0, 0)), ..facts("192.168.0.1", "192.168.0.89", 1) };
        assert_eq!(id(&ask, 0), id(&reply, 0));
        assert_eq!(id(&ask, 0).unwrap(), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        let unreachable = |a, b| PacketFacts { icmp: Some((3, 1)), ..facts(a, b, 1) };
        let (there, back) = (unreachable("10.0.0.1", "10.0.0.2"), unreachable("10.0.0.2", "10.0.0.1"));
        assert_ne!(id(&there, 0), id(&back, 0), "of one direction only");
    }

    #[test]
    fn other_protocols_have_addresses_only() {
        assert_eq!(
            both_ways(facts("10.0.0.1", "10.0.0.2", 47), 0),
            both_ways(facts("10.0.0.2", "10.0.0.1", 47), 0)
        );
        assert_eq!(id(&PacketFacts::default(), 0), None);
    }
}
