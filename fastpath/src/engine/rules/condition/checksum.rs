//! `ipv4-csum`, `tcpv4-csum` and their like: whether a packet's checksum is right (Suricata: detect-csum.c).

use super::Condition;
use crate::engine::{
    meta::ChecksumState,
    packet::{IpHeader, Packet, Transport},
    rules::{draft::Draft, fault::Fault, lexer::Token, subject::Subject},
};

/// A checksum that must be right, or wrong. Of a packet that has none, neither holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test {
    of: Header,
    right: bool,
}

/// The header that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Ipv4,
    TcpOverIpv4,
    TcpOverIpv6,
    UdpOverIpv4,
    UdpOverIpv6,
    Icmpv4,
    Icmpv6,
}

const HEADERS: [(&str, Header); 7] = [
    ("icmpv4-csum", Header::Icmpv4),
    ("icmpv6-csum", Header::Icmpv6),
    ("ipv4-csum", Header::Ipv4),
    ("tcpv4-csum", Header::TcpOverIpv4),
    ("tcpv6-csum", Header::TcpOverIpv6),
    ("udpv4-csum", Header::UdpOverIpv4),
    ("udpv6-csum", Header::UdpOverIpv6),
];

impl Test {
    pub(super) fn holds(self, subject: &Subject<'_>) -> bool {
        self.of.is_in(subject.packet)
            && self.right == (subject.checksums == ChecksumState::Trusted || self.of.is_right(subject.packet))
    }
}

impl Header {
    /// Whether the packet has a checksum there.
    fn is_in(self, packet: &Packet<'_>) -> bool {
        let Some(network) = &packet.network else { return false };
        match (self, &network.header, &packet.transport) {
            (Self::Ipv4, IpHeader::V4(_), _) => true,
            (Self::TcpOverIpv4, IpHeader::V4(_), Some(Transport::Tcp(_))) => true,
            (Self::TcpOverIpv6, IpHeader::V6(_), Some(Transport::Tcp(_))) => true,
            // 0: the sender has made none (RFC 768). Over IPv6 it is just wrong (RFC 8200, section 8.1).
            (Self::UdpOverIpv4, IpHeader::V4(_), Some(Transport::Udp(udp))) => udp.checksum() != 0,
            (Self::UdpOverIpv6, IpHeader::V6(_), Some(Transport::Udp(_))) => true,
            (Self::Icmpv4, IpHeader::V4(_), Some(Transport::Icmpv4(_))) => true,
            (Self::Icmpv6, IpHeader::V6(_), Some(Transport::Icmpv6(_))) => true,
            _ => false,
        }
    }

    fn is_right(self, packet: &Packet<'_>) -> bool {
        match self {
            Self::Ipv4 => packet.ip_checksum_ok(),
            _ => packet.transport_checksum_ok(),
        }
    }
}

/// `NAME-csum:valid`, `NAME-csum:invalid`
pub(in crate::engine::rules) fn checksum(
    draft: &mut Draft<'_>,
    name: Token<'_>,
    value: Option<Token<'_>>,
) -> Result<(), Fault> {
    let form = |at: Token<'_>| at.fault(format!("`{}` is `valid` or `invalid`", name.text));
    let word = value.ok_or_else(|| form(name))?.without_quotes()?;
    let right = match word.text.to_ascii_lowercase().as_str() {
        "valid" => true,
        "invalid" => false,
        _ => return Err(form(word)),
    };
    let known = HEADERS.iter().find(|(known, _)| *known == name.text);
    let &(_, of) = known.ok_or_else(|| name.fault(format!("`{}` is no checksum", name.text)))?;
    draft.conditions.push(Condition::Checksum(Test { of, right }));
    Ok(())
}
