//! What makes two packets belong to one flow (Suricata's flow-hash.c).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{IpNumber, ip_number};

use super::hash::{Endpoint, Hasher};

/// What a packet says of the flow it belongs to, as it stands in its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the same family.
    pub destination: IpAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// What tells flows of one protocol between the same two hosts apart, as source and destination have it: the ports of
    /// TCP, UDP and SCTP; see [`Self::icmp`] and [`Self::esp`]; zeros for other protocols.
    pub ports: (u16, u16),
    /// Code of an ICMP message, 0 of other packets. Not part of the key; a flow remembers that of its first packet.
    pub icmp_code: u8,
    /// VLAN ids from the outermost in.
    pub vlan: [Option<u16>; 3],
    /// How many tunnels deep the packet lies.
    pub recursion: u8,
}

impl Tuple {
    /// The ports of an ICMP message: its type, and the type of the message that answers it (0 where none does). A request
    /// and its reply so make one flow; the echo identifier is not part of it.
    ///
    /// An error message about another packet belongs to the flow of that packet: the key is then made of the quoted
    /// headers with source and destination exchanged, because the error goes the other way.
    pub fn icmp(protocol: u8, kind: u8) -> (u16, u16) {
        (u16::from(kind), u16::from(counterpart(protocol, kind).unwrap_or(0)))
    }

    /// The ports of an ESP packet (RFC 4303): the halves of its SPI, which is of one direction only.
    pub fn esp(spi: u32) -> (u16, u16) {
        ((spi >> 16) as u16, (spi & 0xffff) as u16)
    }

    /// The tuple of a packet that answers this one.
    #[must_use]
    pub fn reversed(self) -> Self {
        let (source, destination) = self.ports;
        Self { source: self.destination, destination: self.source, ports: (destination, source), ..self }
    }
}

/// The ICMP type that answers `kind`, or that `kind` answers (decode-icmpv4.c and decode-icmpv6.c have the same pairs).
fn counterpart(protocol: u8, kind: u8) -> Option<u8> {
    const V4: &[(u8, u8)] = &[(8, 0), (13, 14), (15, 16), (17, 18)];
    const V6: &[(u8, u8)] = &[(128, 129), (130, 131), (133, 134), (135, 136), (139, 140), (144, 145)];
    let pairs = match IpNumber(protocol) {
        ip_number::ICMP => V4,
        ip_number::IPV6_ICMP => V6,
        _ => return None,
    };
    pairs.iter().find_map(|&(request, reply)| match kind {
        _ if kind == request => Some(reply),
        _ if kind == reply => Some(request),
        _ => None,
    })
}

/// Whether the ICMP message is an error about another packet (RFC 792; RFC 4443, section 2.1). Such a message begins no flow.
pub fn is_icmp_error(protocol: u8, kind: u8) -> bool {
    match IpNumber(protocol) {
        ip_number::ICMP => matches!(kind, 3 | 4 | 5 | 11 | 12),
        ip_number::IPV6_ICMP => kind < 128,
        _ => false,
    }
}

/// Which parts of a [`Tuple`] are optional in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// VLAN ids (`vlan.use-for-tracking`, on by default).
    pub vlan: bool,
    /// The depth in tunnels (`decoder.recursion-level.use-for-tracking`, on by default).
    pub recursion: bool,
}

impl Tracking {
    /// The VLAN ids of a key. An absent tag is 0, as a priority tag is: Suricata takes both for the same.
    pub(super) fn vlan(self, ids: [Option<u16>; 3]) -> [u16; 3] {
        if self.vlan { ids.map(Option::unwrap_or_default) } else { [0; 3] }
    }
}

impl Default for Tracking {
    fn default() -> Self {
        Self { vlan: true, recursion: true }
    }
}

/// One end of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The lower address, or with equal addresses the lower port.
    #[default]
    Low,
    /// The other one.
    High,
}

impl Side {
    /// The other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

/// A flow's key, the same for both directions: the lower end stands first. 44 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// An IPv4 address is the first four bytes, with zeros behind.
    addresses: [[u8; 16]; 2],
    ports: [u16; 2],
    /// See [`Tracking::vlan`].
    vlan: [u16; 3],
    protocol: u8,
    /// Depth in tunnels, and [`IPV6`].
    layer: u8,
}

/// Bit of [`FlowKey::layer`]: the addresses are IPv6.
pub(super) const IPV6: u8 = 0x80;

const _: () = assert!(size_of::<FlowKey>() == 44);

impl FlowKey {
    /// The key of a packet's flow, and which end sent the packet.
    pub fn of(tuple: &Tuple, tracking: Tracking) -> (Self, Side) {
        let (source, family) = number(tuple.source);
        let (destination, _) = number(tuple.destination);
        let (source_port, destination_port) = tuple.ports;
        let (source, destination) = ((source, source_port), (destination, destination_port));
        let (low, high, sender) = if source <= destination {
            (source, destination, Side::Low)
        } else {
            (destination, source, Side::High)
        };
        let recursion = if tracking.recursion { tuple.recursion.min(IPV6 - 1) } else { 0 };
        let key = Self {
            addresses: [low.0.to_be_bytes(), high.0.to_be_bytes()],
            ports: [low.1, high.1],
            vlan: tracking.vlan(tuple.vlan),
            protocol: tuple.protocol,
            layer: recursion | family,
        };
        (key, sender)
    }

    /// IP protocol number.
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Address at one end.
    pub fn address(&self, side: Side) -> IpAddr {
        let bytes = self.addresses[side as usize];
        if self.layer & IPV6 != 0 {
            return Ipv6Addr::from(bytes).into();
        }
        let [a, b, c, d, ..] = bytes;
        Ipv4Addr::new(a, b, c, d).into()
    }

    /// Port at one end; of ICMP a type ([`Tuple::icmp`]), of ESP half an SPI.
    pub fn port(&self, side: Side) -> u16 {
        self.ports[side as usize]
    }

    /// Its ends, for the hash.
    pub(super) fn ends(&self, hasher: &Hasher) -> [Endpoint; 2] {
        [Side::Low, Side::High].map(|side| {
            let address = self.addresses[side as usize];
            let [a, b, c, d, ..] = address;
            match self.layer & IPV6 {
                0 => Hasher::v4([a, b, c, d], self.port(side)),
                _ => hasher.v6(address, self.port(side)),
            }
        })
    }

    pub(super) fn vlan(&self) -> [u16; 3] {
        self.vlan
    }

    pub(super) fn layer(&self) -> u8 {
        self.layer
    }
}

/// An address of either family in network order, and the bit that tells them apart (an IPv6 packet may carry any sixteen bytes).
fn number(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 0),
        IpAddr::V6(address) => (address.to_bits(), IPV6),
    }
}

/// A key ready to be looked up, with its hash: made once per packet by [`super::Table::probe`].
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    pub(super) key: FlowKey,
    pub(super) sender: Side,
    pub(super) vlan: [Option<u16>; 3],
    pub(super) icmp_code: u8,
    pub(super) hash: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(source: &str, destination: &str, protocol: u8, ports: (u16, u16)) -> Tuple {
        Tuple {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            protocol,
            ports,
            icmp_code: 0,
            vlan: [None; 3],
            recursion: 0,
        }
    }

    fn key(tuple: Tuple) -> FlowKey {
        FlowKey::of(&tuple, Tracking::default()).0
    }

    #[test]
    fn both_directions_have_one_key_and_two_senders() {
        for there in [
            tuple("10.0.0.1", "10.0.0.2", 6, (1000, 80)),
            tuple("10.0.0.1", "10.0.0.1", 17, (1000, 80)),
            tuple("2001:db8::1", "2001:db8::2", 6, (1000, 80)),
        ] {
            let ((a, from), (b, back)) = (
                FlowKey::of(&there, Tracking::default()),
                FlowKey::of(&there.reversed(), Tracking::default()),
            );
            assert_eq!(a, b);
            assert_eq!(from, back.other());
            assert_eq!((a.address(from), a.port(from)), (there.source, 1000));
            assert_eq!((a.address(back), a.port(back)), (there.destination, 80));
        }
    }

    #[test]
    fn what_suricata_tells_apart_is_told_apart() {
        let base = tuple("1.2.3.4", "5.6.7.8", 6, (1000, 80));
        let mut keys = vec![key(base)];
        let mut other = |change: &dyn Fn(&mut Tuple)| {
            let mut tuple = base;
            change(&mut tuple);
            keys.push(key(tuple));
        };
        other(&|t| t.ports.0 = 1001);
        other(&|t| t.ports = (80, 1000));
        other(&|t| t.protocol = 132);
        other(&|t| t.vlan[0] = Some(7));
        other(&|t| t.vlan[1] = Some(7));
        other(&|t| t.vlan[2] = Some(7));
        other(&|t| t.recursion = 1);
        // The same sixteen bytes as the IPv4 addresses.
        other(&|t| {
            (t.source, t.destination) = ("102:304::".parse().unwrap(), "506:708::".parse().unwrap());
        });
        for (n, a) in keys.iter().enumerate() {
            assert!(keys[..n].iter().all(|b| a != b), "{a:?}");
        }
    }

    #[test]
    fn vlan_and_depth_are_left_out_when_asked() {
        let base = tuple("1.2.3.4", "5.6.7.8", 6, (1000, 80));
        let deep = Tuple { vlan: [Some(1), None, None], recursion: 3, ..base };
        let without = Tracking { vlan: false, recursion: false };
        assert_eq!(FlowKey::of(&base, without), FlowKey::of(&deep, without));
    }

    #[test]
    fn an_icmp_request_and_its_reply_make_one_flow() {
        let icmp = |protocol, kind| {
            let (a, b) = if protocol == 1 { ("1.1.1.1", "2.2.2.2") } else { ("::1", "::2") };
            tuple(a, b, protocol, Tuple::icmp(protocol, kind))
        };
        let reply = |protocol, kind| {
            let (a, b) = if protocol == 1 { ("2.2.2.2", "1.1.1.1") } else { ("::2", "::1") };
            tuple(a, b, protocol, Tuple::icmp(protocol, kind))
        };
        for (protocol, ask, answer) in [(1, 8, 0), (1, 13, 14), (58, 128, 129), (58, 135, 136)] {
            assert_eq!(key(icmp(protocol, ask)), key(reply(protocol, answer)), "{protocol} {ask}");
            assert_ne!(key(icmp(protocol, ask)), key(reply(protocol, ask)), "two that ask are two flows");
        }
        assert!(
            is_icmp_error(1, 3) && is_icmp_error(58, 1) && !is_icmp_error(1, 8) && !is_icmp_error(58, 128)
        );
    }
}
