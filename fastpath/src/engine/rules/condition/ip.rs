//! `ttl`, `tos`, `ip_proto`, `sameip` (Suricata's "Header Keywords").

use super::Condition;
use crate::engine::{
    packet::{IpHeader, Packet},
    rules::{draft::Draft, fault::Fault, lexer::Token, number::Comparison, number::number},
};

/// A field of the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Test {
    /// Time to live, hop limit of IPv6.
    Ttl(Comparison<u8>),
    /// Type of service of IPv4.
    Tos { value: u8, negated: bool },
    /// Protocol number.
    Protocol(Comparison<u8>),
    /// Source and destination are the same.
    SameIp,
}

impl Test {
    pub(super) fn holds(self, packet: &Packet<'_>) -> bool {
        let Some(network) = &packet.network else { return false };
        match (self, &network.header) {
            (Self::Ttl(wanted), IpHeader::V4(ip)) => wanted.holds(ip.ttl()),
            (Self::Ttl(wanted), IpHeader::V6(ip)) => wanted.holds(ip.hop_limit()),
            (Self::Tos { value, negated }, IpHeader::V4(ip)) => {
                let tos = (ip.dcp().value() << 2) | ip.ecn().value();
                (tos == value) != negated
            }
            (Self::Tos { .. }, IpHeader::V6(_)) => false,
            (Self::Protocol(wanted), _) => wanted.holds(network.protocol),
            (Self::SameIp, _) => {
                let (source, destination) = network.addresses();
                source == destination
            }
        }
    }
}

fn add(draft: &mut Draft<'_>, test: Test) {
    draft.conditions.push(Condition::Ip(test));
}

pub(in crate::engine::rules) fn ttl(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::Ttl(Comparison::parse(value, u8::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn tos(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (negated, digits) = match value.strip_prefix("!") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let value = match digits.text.strip_prefix(['x', 'X']) {
        Some(hex) => {
            u8::from_str_radix(hex, 16).map_err(|_| digits.fault("a hex tos is `x` and two digits"))?
        }
        None => number(digits, 0..=u8::MAX)?,
    };
    add(draft, Test::Tos { value, negated });
    Ok(())
}

/// A number or one of the common names.
pub(in crate::engine::rules) fn ip_proto(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    const NAMES: [(&str, u8); 12] = [
        ("ICMP", 1),
        ("IGMP", 2),
        ("IPIP", 4),
        ("TCP", 6),
        ("UDP", 17),
        ("IPv6", 41),
        ("GRE", 47),
        ("ESP", 50),
        ("AH", 51),
        ("IPv6-ICMP", 58),
        ("ICMPv6", 58),
        ("SCTP", 132),
    ];
    let (sign, name) = match value.text.strip_prefix(['!', '<', '>']) {
        Some(rest) => (value.text.get(..1).unwrap_or_default(), Token::trimmed(rest, value.at + 1)),
        None => ("", value),
    };
    let named = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.text));
    let protocol = match named {
        Some(&(_, number)) => number,
        None => number(name, 0..=u8::MAX)?,
    };
    let text = format!("{sign}{protocol}");
    add(draft, Test::Protocol(Comparison::parse(Token { text: &text, at: value.at }, u8::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn same_ip(draft: &mut Draft<'_>, _: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::SameIp);
    Ok(())
}
