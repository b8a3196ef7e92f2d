//! `ttl`, `tos`, `id`, `ip_proto`, `l3_proto`, `ipopts`, `sameip` (Suricata's "Header Keywords").

use super::Condition;
use crate::engine::{
    packet::{IpHeader, Ipv4Options as Options, Packet},
    rules::{draft::Draft, fault::Fault, lexer::Token, number::Comparison, number::number},
};

/// A field of the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Test {
    /// Time to live, hop limit of IPv6.
    Ttl(Comparison<u8>),
    /// Type of service of IPv4.
    Tos {
        value: u8,
        negated: bool,
    },
    /// Protocol number.
    Protocol(Comparison<u8>),
    /// Source and destination are the same.
    SameIp,
    /// Identification of IPv4.
    Id(u16),
    Version(Version),
    /// An option of IPv4, by its type; any when there is none.
    Option(Option<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Version {
    Any,
    V4,
    V6,
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
            (Self::Id(wanted), IpHeader::V4(ip)) => ip.identification() == wanted,
            (Self::Id(_), IpHeader::V6(_)) => false,
            (Self::Version(wanted), header) => match wanted {
                Version::Any => true,
                Version::V4 => matches!(header, IpHeader::V4(_)),
                Version::V6 => matches!(header, IpHeader::V6(_)),
            },
            (Self::Option(wanted), IpHeader::V4(ip)) => {
                let mut kinds = Options(ip.options()).map(|(kind, _)| kind);
                match wanted {
                    Some(wanted) => kinds.any(|kind| kind == wanted),
                    None => kinds.next().is_some(),
                }
            }
            (Self::Option(_), IpHeader::V6(_)) => false,
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
    let (negated, digits) = value.negation();
    let value = match digits.text.strip_prefix(['x', 'X']) {
        Some(hex) => {
            u8::from_str_radix(hex, 16).map_err(|_| digits.fault("a hex tos is `x` and two digits"))?
        }
        None => number(digits, 0..=u8::MAX)?,
    };
    add(draft, Test::Tos { value, negated });
    Ok(())
}

/// A number, or a name as IANA has it.
pub(in crate::engine::rules) fn ip_proto(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (sign, name) = match value.text.strip_prefix(['!', '<', '>']) {
        Some(rest) => (value.text.get(..1).unwrap_or_default(), Token::trimmed(rest, value.at + 1)),
        None => ("", value),
    };
    let protocol = match protocol(name.text) {
        Some(protocol) => protocol,
        None => number(name, 0..=u8::MAX).map_err(|_| {
            name.fault(format!("`{}` is no protocol: use a number from 0 to 255 or IANA's name", name.text))
        })?,
    };
    let text = format!("{sign}{protocol}");
    add(draft, Test::Protocol(Comparison::parse(Token { text: &text, at: value.at }, u8::MAX)?));
    Ok(())
}

/// The number of a protocol by IANA's keyword ("Assigned Internet Protocol Numbers"), or one of the other names that are common
/// (/etc/protocols).
fn protocol(name: &str) -> Option<u8> {
    const OTHERS: [(&str, u8); 12] = [
        ("IP", 0),
        ("IPENCAP", 4),
        ("IP-ENCAP", 4),
        ("IPSEC-ESP", 50),
        ("IPSEC-AH", 51),
        ("SWIPE", 53),
        ("ICMPv6", 58),
        ("RSPF", 73),
        ("OSPF", 89),
        ("MICP", 95),
        ("ISIS", 124),
        ("Mobility-Header", 135),
    ];
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    let assigned = (0..=145).find(|&number| etherparse::IpNumber(number).keyword_str().is_some_and(is));
    assigned.or_else(|| OTHERS.iter().find(|(known, _)| is(known)).map(|&(_, number)| number))
}

pub(in crate::engine::rules) fn id(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::Id(number(value.without_quotes()?, 0..=u16::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn l3_proto(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let version = match value.text.to_ascii_lowercase().as_str() {
        "ip" => Version::Any,
        "ip4" | "ipv4" => Version::V4,
        "ip6" | "ipv6" => Version::V6,
        _ => {
            return Err(value.fault(format!("`{}` is none of ip, ip4, ipv4, ip6 and ipv6", value.text)));
        }
    };
    add(draft, Test::Version(version));
    Ok(())
}

pub(in crate::engine::rules) fn ipopts(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let kind = match value.text.to_ascii_lowercase().as_str() {
        "any" => None,
        "eol" => Some(0),
        "nop" => Some(1),
        "rr" => Some(7),
        "qs" => Some(25),
        "ts" => Some(68),
        "sec" => Some(130),
        "lsrr" => Some(131),
        "esec" => Some(133),
        "cipso" => Some(134),
        "satid" => Some(136),
        "ssrr" => Some(137),
        "rtralt" => Some(148),
        _ => {
            return Err(value.fault(format!(
                "`{}` is no IP option: use rr, lsrr, ssrr, eol, nop, ts, sec, esec, satid, qs, cipso, rtralt or any",
                value.text
            )));
        }
    };
    add(draft, Test::Option(kind));
    Ok(())
}

pub(in crate::engine::rules) fn same_ip(draft: &mut Draft<'_>, _: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::SameIp);
    Ok(())
}
