//! What a dropped packet's headers say (EVE `drop`).

use crate::engine::packet::{IpHeader, Packet, Transport};

/// A packet's headers, as far as it has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderFacts {
    /// The IP header.
    pub network: Option<NetworkFacts>,
    /// What is behind it; none for a fragment.
    pub transport: Option<TransportFacts>,
}

/// What an IP header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFacts {
    /// RFC 791.
    V4 {
        /// Total length in bytes.
        length: u16,
        /// Type of service: DSCP and ECN.
        tos: u8,
        /// Time to live.
        ttl: u8,
        /// Identification.
        id: u16,
    },
    /// RFC 8200.
    V6 {
        /// Length of the payload in bytes.
        length: u16,
        /// Traffic class.
        class: u8,
        /// Hop limit.
        hop_limit: u8,
        /// Flow label.
        flow_label: u32,
    },
}

/// What a transport header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportFacts {
    /// RFC 9293.
    Tcp {
        /// Sequence number.
        seq: u32,
        /// Acknowledgement number, also where the ACK flag is not set.
        ack: u32,
        /// Window, unscaled.
        window: u16,
        /// All flags (RFC 9293, section 3.1; RFC 3168), FIN the lowest.
        flags: u8,
        /// The four reserved bits.
        reserved: u8,
        /// Urgent pointer.
        urgent: u16,
    },
    /// RFC 768.
    Udp {
        /// Length in bytes, header included.
        length: u16,
    },
    /// A question or an answer of ICMP or ICMPv6 (RFC 792, RFC 4443).
    Echo {
        /// Identifier.
        id: u16,
        /// Sequence number.
        seq: u16,
    },
}

impl HeaderFacts {
    /// What the headers of `packet` say.
    pub fn of(packet: &Packet<'_>) -> Self {
        Self {
            network: packet.network.as_ref().map(|network| NetworkFacts::of(&network.header)),
            transport: packet.transport.as_ref().and_then(TransportFacts::of),
        }
    }
}

impl NetworkFacts {
    fn of(header: &IpHeader<'_>) -> Self {
        match header {
            IpHeader::V4(ip) => Self::V4 {
                length: ip.total_len(),
                tos: ip.dcp().value() << 2 | ip.ecn().value(),
                ttl: ip.ttl(),
                id: ip.identification(),
            },
            IpHeader::V6(ip) => Self::V6 {
                length: ip.payload_length(),
                class: ip.traffic_class(),
                hop_limit: ip.hop_limit(),
                flow_label: ip.flow_label().value(),
            },
        }
    }
}

impl TransportFacts {
    fn of(transport: &Transport<'_>) -> Option<Self> {
        match transport {
            Transport::Tcp(tcp) => {
                let [offset, flags] = tcp.slice().get(12..14)?.try_into().ok()?;
                Some(Self::Tcp {
                    seq: tcp.sequence_number(),
                    ack: tcp.acknowledgment_number(),
                    window: tcp.window_size(),
                    flags,
                    reserved: offset & 0x0f,
                    urgent: tcp.urgent_pointer(),
                })
            }
            Transport::Udp(udp) => Some(Self::Udp { length: udp.length() }),
            Transport::Icmpv4(icmp) => {
                // Echo, timestamp, information and address mask, and the answers to them.
                matches!(icmp.type_and_code().0, 0 | 8 | 13..=18).then(|| Self::echo(icmp.header()))
            }
            Transport::Icmpv6(icmp) => {
                matches!(icmp.type_and_code().0, 128 | 129).then(|| Self::echo(icmp.header()))
            }
            Transport::Sctp(_) => None,
        }
    }

    fn echo(&[_, _, _, _, id_0, id_1, seq_0, seq_1]: &[u8; 8]) -> Self {
        Self::Echo { id: u16::from_be_bytes([id_0, id_1]), seq: u16::from_be_bytes([seq_0, seq_1]) }
    }
}

#[cfg(test)]
mod tests {
    use etherparse::{Ipv4Header, PacketBuilder, ip_number};

    use super::*;
    use crate::engine::meta::LinkType;

    fn facts(bytes: &[u8]) -> HeaderFacts {
        HeaderFacts::of(&Packet::decode(bytes, LinkType::Ethernet))
    }

    #[test]
    fn tcp_over_ipv4() {
        let ip = Ipv4Header {
            identification: 77,
            ..Ipv4Header::new(0, 9, ip_number::TCP, [10, 0, 0, 1], [10, 0, 0, 2]).unwrap()
        };
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6])
            .ip(etherparse::IpHeaders::Ipv4(ip, etherparse::Ipv4Extensions::default()));
        builder.tcp(1, 2, 3, 4).ack(5).psh().urg(6).write(&mut bytes, b"abc").unwrap();
        // The type of service, and reserved bits.
        bytes[15] = 0x2b;
        bytes[46] |= 0x05;
        let HeaderFacts { network, transport } = facts(&bytes);
        assert_eq!(network, Some(NetworkFacts::V4 { length: 43, tos: 0x2b, ttl: 9, id: 77 }));
        let tcp = TransportFacts::Tcp { seq: 3, ack: 5, window: 4, flags: 0x38, reserved: 5, urgent: 6 };
        assert_eq!(transport, Some(tcp));
    }

    #[test]
    fn others_over_ipv6() {
        let builder = || PacketBuilder::ethernet2([1; 6], [2; 6]).ipv6([1; 16], [2; 16], 7);
        let (mut udp, mut echo, mut unreachable) = (Vec::new(), Vec::new(), Vec::new());
        builder().udp(1, 2).write(&mut udp, b"abc").unwrap();
        builder().icmpv6_echo_request(8, 9).write(&mut echo, b"").unwrap();
        builder().icmpv6_raw(1, 0, [1, 2, 3, 4]).write(&mut unreachable, b"").unwrap();
        // Traffic class and flow label.
        udp[14..18].copy_from_slice(&[0x6a, 0xb1, 0x23, 0x45]);
        let network = NetworkFacts::V6 { length: 11, class: 0xab, hop_limit: 7, flow_label: 0x1_2345 };
        assert_eq!(facts(&udp).network, Some(network));
        assert_eq!(facts(&udp).transport, Some(TransportFacts::Udp { length: 11 }));
        assert_eq!(facts(&echo).transport, Some(TransportFacts::Echo { id: 8, seq: 9 }));
        assert_eq!(facts(&unreachable).transport, None);
        assert_eq!(facts(b"no frame"), HeaderFacts::default());
    }
}
