//! The bytes that contents and what is beside them look at: the payload, a header, decoded data, or (once its parser is there)
//! a part of an application's message.

use super::{draft::Draft, fault::Fault, lexer::Token};
use crate::engine::packet::{IpHeader, Packet, Transport};

/// What a sticky buffer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Buffer {
    /// The packet's payload or the stream: what rules look at that name no buffer, and `pkt_data`.
    Payload,
    /// `base64_data`: what `base64_decode` made.
    Base64,
    /// A header of the packet.
    Header(Header),
    /// A part of an application's message, by its keyword.
    Application(&'static str),
}

/// A header, or a part of one, as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Ethernet,
    Ipv4,
    Ipv6,
    Tcp,
    Udp,
    Icmpv4,
    Icmpv6,
    Source,
    Destination,
}

const HEADERS: [(&str, Header); 9] = [
    ("ether.hdr", Header::Ethernet),
    ("icmpv4.hdr", Header::Icmpv4),
    ("icmpv6.hdr", Header::Icmpv6),
    ("ip.dst", Header::Destination),
    ("ip.src", Header::Source),
    ("ipv4.hdr", Header::Ipv4),
    ("ipv6.hdr", Header::Ipv6),
    ("tcp.hdr", Header::Tcp),
    ("udp.hdr", Header::Udp),
];

/// `ipv4.hdr;` and its like.
pub(super) fn header(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    let known = HEADERS.iter().find(|(known, _)| *known == name.text);
    let Some(&(_, header)) = known else {
        return Err(name.fault(format!("unknown buffer `{}`", name.text)));
    };
    draft.enter(Buffer::Header(header), name)
}

/// `base64_data;`
pub(super) fn base64_data(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    draft.enter(Buffer::Base64, name)
}

/// `pkt_data;`
pub(super) fn pkt_data(draft: &mut Draft<'_>, name: Token<'_>) -> Result<(), Fault> {
    draft.enter(Buffer::Payload, name)
}

impl Buffer {
    /// Its bytes, if it is one that each packet has by itself.
    pub(super) fn bytes<'a>(self, packet: &Packet<'a>) -> Option<&'a [u8]> {
        match self {
            Self::Header(header) => header.bytes(packet),
            Self::Payload | Self::Base64 | Self::Application(_) => None,
        }
    }
}

impl Header {
    /// Its bytes, if the packet has it.
    pub(super) fn bytes<'a>(self, packet: &Packet<'a>) -> Option<&'a [u8]> {
        if self == Self::Ethernet {
            return packet.ethernet.map(|header| &header[..]);
        }
        let network = packet.network.as_ref()?;
        match (self, &network.header, packet.transport.as_ref()) {
            (Self::Ipv4, IpHeader::V4(_), _) | (Self::Ipv6, IpHeader::V6(_), _) => {
                before(network.bytes, network.payload)
            }
            (Self::Source, IpHeader::V4(ip), _) => ip.slice().get(12..16),
            (Self::Destination, IpHeader::V4(ip), _) => ip.slice().get(16..20),
            (Self::Source, IpHeader::V6(ip), _) => ip.slice().get(8..24),
            (Self::Destination, IpHeader::V6(ip), _) => ip.slice().get(24..40),
            (Self::Tcp, _, Some(Transport::Tcp(tcp))) => before(network.payload, tcp.payload()),
            (Self::Udp, _, Some(Transport::Udp(_))) => network.payload.get(..8),
            (Self::Icmpv4, _, Some(Transport::Icmpv4(_))) => icmpv4(network.payload),
            (Self::Icmpv6, _, Some(Transport::Icmpv6(_))) => network.payload.get(..8),
            _ => None,
        }
    }
}

/// The header of an ICMP message (RFC 792, RFC 950, RFC 1256): with what some types have behind the first eight bytes.
fn icmpv4(message: &[u8]) -> Option<&[u8]> {
    let more = match *message.get(..8)? {
        // Router advertisement: so many entries of so many words.
        [9, _, _, _, entries, words, ..] => usize::from(entries) * usize::from(words) * 4,
        // Times.
        [13 | 14, ..] => 12,
        // Address mask.
        [17 | 18, ..] => 4,
        _ => 0,
    };
    message.get(..8 + more).or_else(|| message.get(..8))
}

/// `bytes` without `rest`, with which they end.
fn before<'a>(bytes: &'a [u8], rest: &[u8]) -> Option<&'a [u8]> {
    bytes.get(..bytes.len().checked_sub(rest.len())?)
}
