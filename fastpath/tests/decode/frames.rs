//! One frame of each kind that etherparse can read, alone and in the tunnels that ours looks into.

use etherparse::{
    IpFragOffset, IpNumber, Ipv4Header, Ipv6FragmentHeader, Ipv6Header, PacketBuilder, TcpOptionElement::*,
    VlanId, ip_number,
};

const PAYLOAD: &[u8] = b"a payload that is no tunnel's";

macro_rules! frame {
    ($builder:expr) => {{
        let mut bytes = Vec::new();
        $builder.write(&mut bytes, PAYLOAD).unwrap();
        bytes
    }};
}

/// Name, bytes, and how many of its layers etherparse takes.
pub(crate) type Case = (&'static str, Vec<u8>, usize);

/// All kinds.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = plain();
    cases.extend(tunnels());
    cases
}

fn ethernet() -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
}

fn v4() -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
}

fn v6() -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    ethernet().ipv6([0xfd; 16], [0xfe; 16], 64)
}

fn plain() -> Vec<Case> {
    let syn =
        [MaximumSegmentSize(1460), SelectiveAcknowledgementPermitted, Timestamp(7, 0), Noop, WindowScale(15)];
    let ack = [Noop, Noop, SelectiveAcknowledgement((100, 200), [Some((300, 400)), None, None])];
    let vlan = |id| VlanId::try_new(id).unwrap();
    let tagged = ethernet().double_vlan(vlan(7), vlan(9)).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
    let mut thrice = frame!(ethernet().single_vlan(vlan(3)).ipv6([1; 16], [2; 16], 64).udp(1, 2));
    thrice.splice(12..12, [0x88, 0xa8, 0, 1, 0x91, 0x00, 0, 2]);
    let arp = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &[9; 20]].concat();
    vec![
        ("SYN", frame!(v4().tcp(40_000, 80, 1, 64_240).syn().options(&syn).unwrap()), 1),
        ("SACK", frame!(v6().tcp(40_000, 80, 1, 64_240).ack(9).options(&ack).unwrap()), 1),
        ("UDP", frame!(v4().udp(40_000, 53)), 1),
        ("UDP over IPv6", frame!(v6().udp(40_000, 53)), 1),
        ("ICMPv4", frame!(v4().icmpv4_echo_request(1, 2)), 1),
        ("ICMPv6", frame!(v6().icmpv6_echo_request(1, 2)), 1),
        ("two tags", frame!(tagged.udp(1, 2)), 1),
        ("three tags", thrice, 1),
        ("ARP", arp, 1),
        ("IPv4 options", with_options(), 1),
        ("IPv4 fragment", fragment4(5, true), 1),
        ("last IPv4 fragment", fragment4(6, false), 1),
        ("IPv4 authentication", framed(0x0800, &datagram4(ip_number::AUTH, &authentication())), 1),
        ("atomic IPv6 fragment", framed(0x86dd, &extended6(0, false)), 1),
        ("IPv6 fragment", framed(0x86dd, &extended6(0, true)), 1),
        ("last IPv6 fragment", framed(0x86dd, &extended6(9, false)), 1),
        ("IGMP", framed(0x0800, &datagram4(ip_number::IGMP, &[0x16, 0, 0, 0, 224, 0, 0, 9])), 1),
    ]
}

fn tunnels() -> Vec<Case> {
    let inner = frame!(v4().tcp(40_000, 80, 1, 64_240));
    let inner6 = framed(0x86dd, &extended6(0, false));
    let (ip, ip6) = (&inner[14..], &inner6[14..]);
    let over = |number, body: &[u8]| framed(0x0800, &datagram4(number, body));
    let udp = |port: u16, body: &[&[u8]]| {
        let mut bytes = Vec::new();
        v4().udp(50_000, port).write(&mut bytes, &body.concat()).unwrap();
        bytes
    };
    let over6 = |number, body: &[u8]| framed(0x86dd, &datagram6(number, body));
    vec![
        ("IPv4 in IPv4", over(ip_number::IPV4, ip), 2),
        ("IPv6 in IPv4", over(ip_number::IPV6, ip6), 2),
        ("IPv4 in IPv6", over6(ip_number::IPV4, ip), 2),
        ("IPv6 in IPv6", over6(ip_number::IPV6, ip6), 2),
        ("GRE", over(ip_number::GRE, &[&[0x30, 0, 8, 0, 0, 0, 0, 7, 0, 0, 0, 1], ip].concat()), 2),
        (
            "ERSPAN",
            over(
                ip_number::GRE,
                &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5][..], &[0; 6], &inner6].concat(),
            ),
            2,
        ),
        ("VXLAN", udp(4789, &[&[8, 0, 0, 0, 0, 0, 9, 0], &inner]), 2),
        ("Geneve", udp(6081, &[&[0, 0, 0x65, 0x58, 0, 0, 9, 0], &inner6]), 2),
        ("Teredo", udp(3544, &[ip6]), 2),
        (
            "GRE in VXLAN",
            {
                let gre = over(ip_number::GRE, &[&[0, 0, 0x86, 0xdd], ip6].concat());
                udp(4789, &[&[8, 0, 0, 0, 0, 0, 9, 0], &gre])
            },
            3,
        ),
    ]
}

fn framed(ether_type: u16, body: &[u8]) -> Vec<u8> {
    [&[2; 12][..], &ether_type.to_be_bytes(), body].concat()
}

fn datagram4(protocol: IpNumber, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let header = Ipv4Header::new(length, 64, protocol, [10, 0, 0, 1], [10, 0, 0, 2]).unwrap();
    [&header.to_bytes()[..], body].concat()
}

fn datagram6(next_header: IpNumber, body: &[u8]) -> Vec<u8> {
    let payload_length = u16::try_from(body.len()).unwrap();
    let header =
        Ipv6Header { payload_length, next_header, source: [1; 16], hop_limit: 64, ..Ipv6Header::default() };
    [&header.to_bytes()[..], body].concat()
}

/// An IPv4 packet with a router alert (RFC 2113).
fn with_options() -> Vec<u8> {
    let mut header = Ipv4Header::new(24, 1, ip_number::IGMP, [10, 0, 0, 1], [224, 0, 0, 22]).unwrap();
    header.options = [0x94, 4, 0, 0].into();
    framed(
        0x0800,
        &[&header.to_bytes()[..], &[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 224, 0, 0, 9], &[0; 8]].concat(),
    )
}

fn fragment4(offset: u16, more_fragments: bool) -> Vec<u8> {
    let mut header = Ipv4Header::new(24, 64, ip_number::UDP, [10, 0, 0, 1], [10, 0, 0, 2]).unwrap();
    header.fragment_offset = IpFragOffset::try_new(offset).unwrap();
    header.more_fragments = more_fragments;
    header.identification = 77;
    framed(0x0800, &[&header.to_bytes()[..], &[7; 24]].concat())
}

/// An authentication header (RFC 4302) in front of UDP.
fn authentication() -> Vec<u8> {
    [&[17, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2], &[0xaa; 12][..], &udp()].concat()
}

fn udp() -> Vec<u8> {
    let header = etherparse::UdpHeader::without_ipv4_checksum(40_000, 53, PAYLOAD.len()).unwrap();
    [&header.to_bytes()[..], PAYLOAD].concat()
}

/// IPv6 with hop-by-hop, routing and destination options, then a fragment's header, then UDP.
fn extended6(offset: u16, more: bool) -> Vec<u8> {
    let fragment = Ipv6FragmentHeader::new(ip_number::UDP, IpFragOffset::try_new(offset).unwrap(), more, 9);
    let chain = [
        [43, 0, 5, 2, 0, 0, 1, 0],
        [60, 0, 4, 0, 0, 0, 0, 0],
        [44, 0, 1, 4, 0, 0, 0, 0],
        fragment.to_bytes(),
    ];
    datagram6(ip_number::IPV6_HOP_BY_HOP, &[chain.as_flattened(), &udp()].concat())
}
