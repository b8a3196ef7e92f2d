//! Packets: TCP segments, IP datagrams and their fragments, tunnels.

use std::{net::Ipv6Addr, ops::Range};

use etherparse::{IpNumber, Ipv4Header, Ipv6Header, TcpHeader, UdpHeader, ip_number};
use proptest::prelude::*;

/// A frame on the wire.
pub(crate) struct Frame {
    pub(crate) bytes: Vec<u8>,
    /// What it brings of the stream.
    pub(crate) part: Option<Part>,
}

/// What a frame brings of the stream.
pub(crate) struct Part {
    /// Number of the datagram that it is, or is a fragment of.
    pub(crate) datagram: usize,
    /// Which bytes of the datagram it has.
    pub(crate) bytes: Range<usize>,
    /// All bytes that the datagram has.
    pub(crate) length: usize,
    /// Which bytes of the stream are in the datagram.
    pub(crate) stream: Range<usize>,
}

/// Who talks to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    v6: bool,
    ports: (u16, u16),
}

pub(crate) fn ends() -> impl Strategy<Value = Ends> {
    (any::<bool>(), 1024..u16::MAX, 1..1024_u16)
        .prop_map(|(v6, client, server)| Ends { v6, ports: (client, server) })
}

const V4: [[u8; 4]; 2] = [[10, 0, 0, 1], [10, 0, 0, 2]];

fn v6(of_server: bool) -> [u8; 16] {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1 + u16::from(of_server)).octets()
}

impl Ends {
    /// The datagram in which an end sends a segment.
    pub(crate) fn datagram(self, from_server: bool, segment: &[u8]) -> Vec<u8> {
        ip(self.v6, from_server, ip_number::TCP, segment)
    }
}

/// An IP packet from one of the ends to the other.
fn ip(is_v6: bool, from_server: bool, protocol: IpNumber, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let (from, to) = (usize::from(from_server), usize::from(!from_server));
    if is_v6 {
        Ipv6Header {
            payload_length: payload.len().try_into().unwrap(),
            next_header: protocol,
            hop_limit: 64,
            source: v6(from_server),
            destination: v6(!from_server),
            ..Ipv6Header::default()
        }
        .write(&mut packet)
        .unwrap();
    } else {
        let length = payload.len().try_into().unwrap();
        let mut header = Ipv4Header::new(length, 64, protocol, V4[from], V4[to]).unwrap();
        header.dont_fragment = false;
        header.write(&mut packet).unwrap();
    }
    packet.extend_from_slice(payload);
    packet
}

/// A TCP segment with its checksum.
pub(crate) fn segment(ends: Ends, from_server: bool, seq: u32, ack: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let (client, server) = ends.ports;
    let (source, destination) = if from_server { (server, client) } else { (client, server) };
    let mut header = TcpHeader::new(source, destination, seq, u16::MAX);
    header.syn = flags & 2 != 0;
    header.ack = flags & 16 != 0;
    header.acknowledgment_number = if header.ack { ack } else { 0 };
    header.checksum = if ends.v6 {
        header.calc_checksum_ipv6_raw(v6(from_server), v6(!from_server), data).unwrap()
    } else {
        let (from, to) = (usize::from(from_server), usize::from(!from_server));
        header.calc_checksum_ipv4_raw(V4[from], V4[to], data).unwrap()
    };
    let mut segment = header.to_bytes().to_vec();
    segment.extend_from_slice(data);
    segment
}

/// Cuts an IP packet at these multiples of 8 bytes of its payload; each piece with the bytes of the payload that it has.
pub(crate) fn fragment(packet: &[u8], cuts: &[usize], id: u32) -> Vec<(Range<usize>, Vec<u8>)> {
    let is_v6 = packet[0] >> 4 == 6;
    let (header, payload) = packet.split_at(if is_v6 { 40 } else { 20 });
    if cuts.is_empty() {
        return vec![(0..payload.len(), packet.to_vec())];
    }
    let mut edges: Vec<usize> = cuts.iter().map(|cut| cut * 8).collect();
    edges.insert(0, 0);
    edges.push(payload.len());
    let piece = |edges: &[usize]| {
        let (bytes, more) = (edges[0]..edges[1], edges[1] < payload.len());
        let offset = u16::try_from(bytes.start / 8).unwrap();
        let data = &payload[bytes.clone()];
        let mut fragment = Vec::new();
        if is_v6 {
            let (mut ip, _) = Ipv6Header::from_slice(header).unwrap();
            let protocol = std::mem::replace(&mut ip.next_header, ip_number::IPV6_FRAG);
            ip.payload_length = (8 + data.len()).try_into().unwrap();
            ip.write(&mut fragment).unwrap();
            fragment.extend_from_slice(&[protocol.0, 0]);
            fragment.extend_from_slice(&(offset << 3 | u16::from(more)).to_be_bytes());
            fragment.extend_from_slice(&id.to_be_bytes());
        } else {
            let (mut ip, _) = Ipv4Header::from_slice(header).unwrap();
            ip.total_len = (20 + data.len()).try_into().unwrap();
            ip.identification = id.try_into().unwrap();
            ip.fragment_offset = offset.try_into().unwrap();
            ip.more_fragments = more;
            ip.write(&mut fragment).unwrap();
        }
        fragment.extend_from_slice(data);
        (bytes, fragment)
    };
    edges.windows(2).map(piece).collect()
}

/// What carries the stream's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tunnel {
    None,
    Vlan,
    QinQinQ,
    Mpls,
    Pppoe,
    InIpv4,
    InIpv6,
    Gre,
    Erspan,
    Vxlan,
    Geneve,
}

pub(crate) fn tunnels() -> impl Strategy<Value = Tunnel> {
    use Tunnel::*;
    prop::sample::select(vec![
        None, None, None, Vlan, QinQinQ, Mpls, Pppoe, InIpv4, InIpv6, Gre, Erspan, Vxlan, Geneve,
    ])
}

fn ether_type(packet: &[u8]) -> u16 {
    if packet[0] >> 4 == 6 { 0x86dd } else { 0x0800 }
}

/// An Ethernet frame, with these headers between its own and the packet.
fn ethernet(kind: u16, between: &[u8], packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend_from_slice(&kind.to_be_bytes());
    frame.extend_from_slice(between);
    frame.extend_from_slice(packet);
    frame
}

impl Tunnel {
    /// Whether it carries packets in IP packets.
    pub(crate) fn is_ip(self) -> bool {
        use Tunnel::*;
        matches!(self, InIpv4 | InIpv6 | Gre | Erspan | Vxlan | Geneve)
    }

    /// The frame for a packet.
    pub(crate) fn wrap(self, packet: &[u8]) -> Vec<u8> {
        if self.is_ip() { self.link(&self.packet(packet)) } else { self.link(packet) }
    }

    /// The IP packet that carries a packet.
    pub(crate) fn packet(self, packet: &[u8]) -> Vec<u8> {
        let kind = ether_type(packet);
        let protocol = if kind == 0x0800 { ip_number::IPV4 } else { ip_number::IPV6 };
        let inner_frame = || ethernet(kind, &[], packet);
        let (outer_v6, protocol, payload) = match self {
            Self::InIpv4 => (false, protocol, packet.to_vec()),
            Self::InIpv6 => (true, protocol, packet.to_vec()),
            Self::Gre => {
                let mut gre = vec![0, 0];
                gre.extend_from_slice(&kind.to_be_bytes());
                (false, ip_number::GRE, [gre, packet.to_vec()].concat())
            }
            Self::Erspan => {
                // GRE with a sequence number, ERSPAN type II.
                let headers = vec![0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0];
                (false, ip_number::GRE, [headers, inner_frame()].concat())
            }
            Self::Vxlan => {
                let carried = [vec![8, 0, 0, 0, 0, 0, 7, 0], inner_frame()].concat();
                (false, ip_number::UDP, udp(4789, &carried))
            }
            Self::Geneve => {
                let carried = [vec![0, 0, 0x65, 0x58, 0, 0, 7, 0], inner_frame()].concat();
                (false, ip_number::UDP, udp(6081, &carried))
            }
            _ => unreachable!("{self:?} is no IP tunnel"),
        };
        ip(outer_v6, false, protocol, &payload)
    }

    /// The frame for a packet that is carried no further.
    pub(crate) fn link(self, packet: &[u8]) -> Vec<u8> {
        let kind = ether_type(packet);
        let [high, low] = kind.to_be_bytes();
        match self {
            Self::Vlan => ethernet(0x8100, &[0, 7, high, low], packet),
            Self::QinQinQ => ethernet(0x88a8, &[0, 7, 0x81, 0, 0, 8, 0x81, 0, 0, 9, high, low], packet),
            // Two labels, the second at the bottom of the stack.
            Self::Mpls => ethernet(0x8847, &[0, 1, 0, 64, 0, 2, 1, 64], packet),
            Self::Pppoe => {
                let length = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
                let protocol = if kind == 0x0800 { 0x21 } else { 0x57 };
                ethernet(0x8864, &[0x11, 0, 0, 5, length[0], length[1], 0, protocol], packet)
            }
            _ => ethernet(kind, &[], packet),
        }
    }
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let header = UdpHeader {
        source_port: 50_000,
        destination_port: port,
        length: (8 + payload.len()).try_into().unwrap(),
        // None (RFC 768), which IPv4 allows.
        checksum: 0,
    };
    [header.to_bytes().to_vec(), payload.to_vec()].concat()
}
