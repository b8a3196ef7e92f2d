//! What tells the ends that their flow is over: TCP resets (RFC 9293, section 3.10.7) and ICMP messages that the destination is
//! administratively prohibited (RFC 1812, section 5.2.7.1; RFC 4443, section 3.1).

use std::net::IpAddr;

use etherparse::{
    Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header,
    TcpHeader, TcpSlice, icmpv4, icmpv6, ip_number,
};

use super::packet::{IpHeader, Network, Packet, Transport, offset_in};

/// One of a packet's two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// Its sender; reached by the port that the packet came in on.
    Source,
    /// Its receiver; reached by the other port.
    Destination,
}

/// A frame for one of the ends of a packet that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// Who is to receive it.
    pub to: End,
    /// The frame, from the link layer on.
    pub frame: Vec<u8>,
}

/// Most of the rejected packet that an ICMP message quotes, so that nobody is flooded with what it did not send.
const QUOTED: usize = 128;
/// TTL and hop limit of what is made here.
const HOPS: u8 = 64;

/// The frame that tells the end `to` of `packet`, which lies in `frame`, that it was rejected. None where nothing may be
/// answered: to an RST, to an ICMP error, to a packet that is not addressed from one host to one host.
pub(super) fn reject(frame: &[u8], packet: &Packet<'_>, to: End) -> Option<Injection> {
    let network = packet.network.as_ref()?;
    let datagram = ip_bytes(frame, network)?;
    let (source, destination) = network.addresses();
    if !is_one_host(source) || !is_one_host(destination) {
        return None;
    }
    // As if it came from the other end.
    let (from, at) = match to {
        End::Source => (destination, source),
        End::Destination => (source, destination),
    };
    let link = frame.len() - datagram.len();
    let mut out = link_header(frame, link, to)?;
    match &packet.transport {
        Some(Transport::Tcp(tcp)) => write_reset(&mut out, tcp, from, at, to)?,
        Some(Transport::Icmpv4(icmp)) if !is_request_v4(icmp.type_and_code().0) => return None,
        Some(Transport::Icmpv6(icmp)) if icmp.type_and_code().0 < 128 => return None,
        _ => write_unreachable(&mut out, datagram, network, from, at, to)?,
    }
    if packet.shims.pppoe {
        set_pppoe_length(&mut out, link, network.bytes.len())?;
    }
    Some(Injection { to, frame: out })
}

/// The frame from its IP header on.
fn ip_bytes<'f>(frame: &'f [u8], network: &Network<'_>) -> Option<&'f [u8]> {
    let header = match &network.header {
        IpHeader::V4(ip) => ip.slice(),
        IpHeader::V6(ip) => ip.slice(),
    };
    frame.get(offset_in(frame, header)?..)
}

fn is_one_host(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !address.is_multicast() && !address.is_unspecified() && !broadcast
}

/// Echo, timestamp, information and address mask requests (RFC 792, RFC 950).
fn is_request_v4(kind: u8) -> bool {
    matches!(kind, 8 | 13 | 15 | 17)
}

/// The link header of `frame`, `length` bytes, as it goes to the end: towards the source the two MAC addresses are swapped.
fn link_header(frame: &[u8], length: usize, to: End) -> Option<Vec<u8>> {
    let mut header = frame.get(..length)?.to_vec();
    if to == End::Source
        && let Some(addresses) = header.first_chunk_mut::<12>()
    {
        let (a, b) = addresses.split_at_mut(6);
        a.swap_with_slice(b);
    }
    Some(header)
}

/// The length in a PPPoE header (RFC 2516, section 4) that was about `before` bytes of IP. None where it was not: something else lies
/// between.
fn set_pppoe_length(out: &mut [u8], link: usize, before: usize) -> Option<()> {
    /// Bytes of PPP's protocol field.
    const PROTOCOL: usize = 2;
    let length = u16::try_from(out.len() - link + PROTOCOL).ok()?;
    let field = out.get_mut(..link - PROTOCOL)?.last_chunk_mut::<2>()?;
    if usize::from(u16::from_be_bytes(*field)) != before + PROTOCOL {
        return None;
    }
    *field = length.to_be_bytes();
    Some(())
}

fn write_reset(out: &mut Vec<u8>, tcp: &TcpSlice<'_>, from: IpAddr, at: IpAddr, to: End) -> Option<()> {
    if tcp.rst() {
        return None;
    }
    let length = tcp.payload().len() + usize::from(tcp.syn()) + usize::from(tcp.fin());
    let next = tcp.sequence_number().wrapping_add(u32::try_from(length).ok()?);
    let mut reset = match to {
        // To the sender: what it expects next is what it has acknowledged.
        End::Source => {
            let sequence = if tcp.ack() { tcp.acknowledgment_number() } else { 0 };
            let mut reset = TcpHeader::new(tcp.destination_port(), tcp.source_port(), sequence, 0);
            reset.ack = true;
            reset.acknowledgment_number = next;
            reset
        }
        // To the receiver, which has not got the packet: it expects its first byte.
        End::Destination => {
            let mut reset =
                TcpHeader::new(tcp.source_port(), tcp.destination_port(), tcp.sequence_number(), 0);
            reset.ack = tcp.ack();
            reset.acknowledgment_number = tcp.acknowledgment_number();
            reset
        }
    };
    reset.rst = true;
    let length = reset.header_len();
    match (from, at) {
        (IpAddr::V4(from), IpAddr::V4(at)) => {
            let ip = ipv4(from.octets(), at.octets(), length, ip_number::TCP)?;
            reset.checksum = reset.calc_checksum_ipv4(&ip, &[]).ok()?;
            ip.write(out).ok()?;
        }
        (IpAddr::V6(from), IpAddr::V6(at)) => {
            let ip = ipv6(from.octets(), at.octets(), length, ip_number::TCP)?;
            reset.checksum = reset.calc_checksum_ipv6(&ip, &[]).ok()?;
            ip.write(out).ok()?;
        }
        _ => return None,
    }
    reset.write(out).ok()
}

fn write_unreachable(
    out: &mut Vec<u8>,
    datagram: &[u8],
    network: &Network<'_>,
    from: IpAddr,
    at: IpAddr,
    to: End,
) -> Option<()> {
    let mut quoted = datagram.get(..datagram.len().min(QUOTED))?.to_vec();
    if to == End::Destination {
        // It must look like something that this end has sent.
        turn_round(&mut quoted, network)?;
    }
    match (from, at) {
        (IpAddr::V4(from), IpAddr::V4(at)) => {
            let kind = Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::FilterProhibited);
            let header = Icmpv4Header::with_checksum(kind, &quoted);
            ipv4(from.octets(), at.octets(), header.header_len() + quoted.len(), ip_number::ICMP)?
                .write(out)
                .ok()?;
            header.write(out).ok()?;
        }
        (IpAddr::V6(from), IpAddr::V6(at)) => {
            let kind = Icmpv6Type::DestinationUnreachable(icmpv6::DestUnreachableCode::Prohibited);
            let (from, at) = (from.octets(), at.octets());
            let header = Icmpv6Header::with_checksum(kind, from, at, &quoted).ok()?;
            ipv6(from, at, header.header_len() + quoted.len(), ip_number::IPV6_ICMP)?.write(out).ok()?;
            header.write(out).ok()?;
        }
        _ => return None,
    }
    out.extend_from_slice(&quoted);
    Some(())
}

/// Exchanges addresses and ports of the datagram that starts in `quoted`; sums over both stay right.
fn turn_round(quoted: &mut [u8], network: &Network<'_>) -> Option<()> {
    let (addresses, header) = match &network.header {
        IpHeader::V4(ip) => (quoted.get_mut(12..20)?, ip.slice().len()),
        IpHeader::V6(ip) => (quoted.get_mut(8..40)?, ip.slice().len()),
    };
    let (source, destination) = addresses.split_at_mut(addresses.len() / 2);
    source.swap_with_slice(destination);
    if matches!(IpNumber(network.protocol), ip_number::UDP | ip_number::SCTP)
        && let Some(ports) = quoted.get_mut(header..header + 4)
    {
        let (source, destination) = ports.split_at_mut(2);
        source.swap_with_slice(destination);
    }
    Some(())
}

fn ipv4(from: [u8; 4], at: [u8; 4], payload: usize, protocol: IpNumber) -> Option<Ipv4Header> {
    Ipv4Header::new(u16::try_from(payload).ok()?, HOPS, protocol, from, at).ok()
}

fn ipv6(from: [u8; 16], at: [u8; 16], payload: usize, protocol: IpNumber) -> Option<Ipv6Header> {
    Some(Ipv6Header {
        traffic_class: 0,
        flow_label: Ipv6FlowLabel::ZERO,
        payload_length: u16::try_from(payload).ok()?,
        next_header: protocol,
        hop_limit: HOPS,
        source: from,
        destination: at,
    })
}

#[cfg(test)]
mod tests {
    use etherparse::{PacketBuilder, SlicedPacket};

    use super::*;
    use crate::engine::meta::LinkType;

    fn answer(frame: &[u8], to: End) -> Option<Vec<u8>> {
        let packet = Packet::decode(frame, LinkType::Ethernet);
        reject(frame, &packet, to).map(|injection| injection.frame)
    }

    fn tcp_frame(flags: impl FnOnce(&mut TcpHeader), payload: &[u8]) -> Vec<u8> {
        let mut header = TcpHeader::new(1000, 80, 5000, 512);
        flags(&mut header);
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .single_vlan(7.try_into().unwrap())
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp_header(header)
            .write(&mut frame, payload)
            .unwrap();
        frame
    }

    fn tcp(frame: &[u8]) -> (Vec<u8>, TcpHeader) {
        let sliced = SlicedPacket::from_ethernet(frame).unwrap();
        let Some(etherparse::TransportSlice::Tcp(tcp)) = &sliced.transport else { panic!("no TCP") };
        let ip = Ipv4HeaderView::of(frame);
        assert_eq!(tcp.calc_checksum_ipv4(ip.source, ip.destination).unwrap(), tcp.checksum());
        (frame[..12].to_vec(), tcp.to_header())
    }

    struct Ipv4HeaderView;

    impl Ipv4HeaderView {
        fn of(frame: &[u8]) -> Ipv4Header {
            Ipv4Header::from_slice(&frame[18..]).unwrap().0
        }
    }

    #[test]
    fn both_ends_of_a_session_accept_their_reset() {
        let ack = |header: &mut TcpHeader| {
            header.ack = true;
            header.acknowledgment_number = 9000;
        };
        let frame = tcp_frame(ack, b"evil");
        let (macs, reset) = tcp(&answer(&frame, End::Source).unwrap());
        assert_eq!(macs, [[1; 6], [2; 6]].concat());
        assert!(reset.rst && reset.ack);
        assert_eq!((reset.sequence_number, reset.acknowledgment_number), (9000, 5004));
        assert_eq!((reset.source_port, reset.destination_port), (80, 1000));
        let (macs, reset) = tcp(&answer(&frame, End::Destination).unwrap());
        assert_eq!(macs, [[2; 6], [1; 6]].concat());
        assert!(reset.rst && reset.ack);
        assert_eq!((reset.sequence_number, reset.source_port), (5000, 1000));
    }

    #[test]
    fn the_length_of_pppoe_is_that_of_the_answer() {
        let plain = tcp_frame(|_| {}, b"evil");
        let datagram = &plain[18..];
        let session = |length: usize| {
            let length = u16::try_from(length).unwrap().to_be_bytes();
            let header = [&[1; 6][..], &[2; 6], &[0x88, 0x64, 0x11, 0, 0, 7], &length, &[0, 0x21]].concat();
            [&header, datagram].concat()
        };
        let message = answer(&session(datagram.len() + 2), End::Source).unwrap();
        assert_eq!(message[18..20], u16::try_from(message.len() - 20).unwrap().to_be_bytes());
        let message = Packet::decode(&message, LinkType::Ethernet);
        assert!(
            message.checksums_ok() && matches!(message.transport, Some(Transport::Tcp(tcp)) if tcp.rst())
        );
        assert_eq!(answer(&session(datagram.len() + 9), End::Source), None);
    }

    #[test]
    fn a_syn_is_acknowledged_and_a_reset_is_not_answered() {
        let frame = tcp_frame(|header| header.syn = true, b"");
        let (_, reset) = tcp(&answer(&frame, End::Source).unwrap());
        assert_eq!((reset.sequence_number, reset.acknowledgment_number), (0, 5001));
        assert_eq!(answer(&tcp_frame(|header| header.rst = true, b""), End::Source), None);
    }

    #[test]
    fn udp_gets_an_unreachable_that_quotes_it() {
        for v6 in [false, true] {
            let builder = PacketBuilder::ethernet2([1; 6], [2; 6]);
            let builder = match v6 {
                false => builder.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64),
                true => builder.ipv6([1; 16], [2; 16], 64),
            };
            let mut frame = Vec::new();
            builder.udp(1000, 53).write(&mut frame, &[7; 300]).unwrap();
            for (to, ports) in [(End::Source, (1000, 53)), (End::Destination, (53, 1000))] {
                let message = answer(&frame, to).unwrap();
                // The decoder checks the checksums.
                let message = Packet::decode(&message, LinkType::Ethernet);
                assert!(message.checksums_ok() && !message.events.is_invalid());
                // Administratively prohibited (RFC 1812, section 5.2.7.1; RFC 4443, section 3.1).
                assert_eq!(message.icmp(), Some(if v6 { (1, 1) } else { (3, 13) }));
                assert_eq!(message.quoted().unwrap().ports, Some(ports));
            }
        }
    }

    #[test]
    fn groups_and_errors_are_not_answered() {
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .ipv4([10, 0, 0, 1], [224, 0, 0, 1], 64)
            .udp(1, 2)
            .write(&mut frame, b"x")
            .unwrap();
        assert_eq!(answer(&frame, End::Source), None);
        let mut frame = Vec::new();
        let unreachable = Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::Host);
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .icmpv4(unreachable)
            .write(&mut frame, b"x")
            .unwrap();
        assert_eq!(answer(&frame, End::Source), None);
    }
}
