//! What IP carries: a transport header, or a tunnel's packet.

use etherparse::{UdpSlice, ip_number};

use super::{DecodeEvent, IcmpSlice, IpHeader, Network, Packet, Settings, TcpSegment, icmp, tcp, tunnel};

const ICMP: u8 = ip_number::ICMP.0;
const IPV4: u8 = ip_number::IPV4.0;
const TCP: u8 = ip_number::TCP.0;
const UDP: u8 = ip_number::UDP.0;
const IPV6: u8 = ip_number::IPV6.0;
const GRE: u8 = ip_number::GRE.0;
const ESP: u8 = ip_number::ENCAP_SEC.0;
const ICMPV6: u8 = ip_number::IPV6_ICMP.0;
const NO_NEXT_HEADER: u8 = ip_number::IPV6_NO_NEXT_HEADER.0;
const SCTP: u8 = ip_number::SCTP.0;

/// A transport header, and the bytes behind it.
#[derive(Clone, Debug)]
pub enum Transport<'a> {
    /// RFC 9293.
    Tcp(TcpSegment<'a>),
    /// RFC 768.
    Udp(UdpSlice<'a>),
    /// RFC 9260.
    Sctp(SctpSlice<'a>),
    /// RFC 792.
    Icmpv4(IcmpSlice<'a>),
    /// RFC 4443.
    Icmpv6(IcmpSlice<'a>),
}

impl<'a> Transport<'a> {
    /// Everything behind the header.
    pub fn payload(&self) -> &'a [u8] {
        match self {
            Self::Tcp(tcp) => tcp.payload(),
            Self::Udp(udp) => udp.payload(),
            Self::Sctp(sctp) => sctp.payload(),
            Self::Icmpv4(icmp) | Self::Icmpv6(icmp) => icmp.payload(),
        }
    }
}

/// An SCTP packet: the common header (RFC 9260, section 3.1) and its chunks.
#[derive(Clone, Copy, Debug)]
pub struct SctpSlice<'a> {
    header: &'a [u8; 12],
    payload: &'a [u8],
}

impl<'a> SctpSlice<'a> {
    /// Source port.
    pub fn source_port(&self) -> u16 {
        u16::from_be_bytes([self.header[0], self.header[1]])
    }

    /// Destination port.
    pub fn destination_port(&self) -> u16 {
        u16::from_be_bytes([self.header[2], self.header[3]])
    }

    /// The chunks.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

/// Reads what `network` carries, and makes it the packet's.
pub(super) fn decode<'a>(network: Network<'a>, packet: &mut Packet<'a>, settings: &Settings) {
    let bytes = network.payload;
    packet.payload = bytes;
    if !network.is_fragment() {
        match (network.protocol, &network.header) {
            (TCP, _) => match tcp::decode(bytes, &mut packet.events) {
                Ok(tcp) => packet.carry(Transport::Tcp(tcp)),
                Err(event) => packet.events.raise_invalid(event),
            },
            (UDP, header) => udp(bytes, matches!(header, IpHeader::V6(_)), packet, settings),
            (ICMP, IpHeader::V4(_)) => match IcmpSlice::from_slice(bytes) {
                Some(message) => {
                    icmp::v4::validate(&message, &mut packet.events);
                    packet.carry(Transport::Icmpv4(message));
                }
                None => packet.events.raise_invalid(DecodeEvent::Icmpv4PktTooSmall),
            },
            (ICMPV6, IpHeader::V6(header)) => match IcmpSlice::from_slice(bytes) {
                Some(message) => {
                    icmp::v6::validate(&message, header.hop_limit(), &mut packet.events);
                    packet.carry(Transport::Icmpv6(message));
                }
                None => packet.events.raise_invalid(DecodeEvent::Icmpv6PktTooSmall),
            },
            (SCTP, _) => match bytes.split_first_chunk() {
                Some((header, payload)) => packet.carry(Transport::Sctp(SctpSlice { header, payload })),
                None => packet.events.raise_invalid(DecodeEvent::SctpPktTooSmall),
            },
            (_, header) => other(network.protocol, header, bytes, packet, settings),
        }
    }
    packet.network = Some(network);
}

/// Tunnels, and protocols that have no place where they are.
fn other<'a>(
    protocol: u8,
    header: &IpHeader<'a>,
    bytes: &'a [u8],
    packet: &mut Packet<'a>,
    settings: &Settings,
) {
    match (protocol, header) {
        (IPV4, header) => tunnel::ip::decode_v4(bytes, header, packet, settings),
        (IPV6, header) => tunnel::ip::decode_v6(bytes, header, packet, settings),
        (GRE, _) => tunnel::gre::decode(bytes, packet, settings),
        (ESP, _) => match bytes.get(8..) {
            Some(encrypted) => {
                packet.enter(settings);
                packet.payload = encrypted;
            }
            None => packet.events.raise_invalid(DecodeEvent::EspPktTooSmall),
        },
        (ICMPV6, IpHeader::V4(_)) => packet.events.raise_invalid(DecodeEvent::Ipv4Icmpv6),
        (ICMP, IpHeader::V6(_)) => packet.events.raise(DecodeEvent::Ipv6Icmpv4),
        // Also a chain of extension headers that is cut short, which has its event.
        (NO_NEXT_HEADER, IpHeader::V6(_)) => {}
        (_, IpHeader::V6(_)) if !packet.events.is_invalid() => {
            packet.events.raise(DecodeEvent::Ipv6UnknownNextHeader);
        }
        _ => {}
    }
}

fn udp<'a>(bytes: &'a [u8], over_ipv6: bool, packet: &mut Packet<'a>, settings: &Settings) {
    let Some(&[_, _, _, _, length_high, length_low, ..]) = bytes.first_chunk::<8>() else {
        packet.events.raise_invalid(DecodeEvent::UdpHlenTooSmall);
        return;
    };
    let length = u16::from_be_bytes([length_high, length_low]);
    if usize::from(length) > bytes.len() {
        packet.events.raise_invalid(DecodeEvent::UdpPktTooSmall);
        return;
    }
    if length < 8 {
        packet.events.raise_invalid(DecodeEvent::UdpLenInvalid);
        // Linux takes 0 over IPv6 for "to the end" (RFC 2675, section 4).
        if length != 0 || !over_ipv6 {
            return;
        }
    }
    if let Ok(udp) = UdpSlice::from_slice_lax(bytes) {
        tunnel::find_in_udp(&udp, packet, settings);
        packet.carry(Transport::Udp(udp));
    }
}

impl<'a> Packet<'a> {
    fn carry(&mut self, transport: Transport<'a>) {
        self.payload = transport.payload();
        self.transport = Some(transport);
    }
}
