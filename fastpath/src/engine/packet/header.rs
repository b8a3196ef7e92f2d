//! The bytes of each header, as rules look into them.

use super::{IpHeader, Packet, Transport};

impl<'a> Packet<'a> {
    /// The IPv4 header with its options.
    pub fn ipv4_header(&self) -> Option<&'a [u8]> {
        let network = self.network.as_ref()?;
        match &network.header {
            IpHeader::V4(header) => network.bytes.get(..header.slice().len()),
            IpHeader::V6(_) => None,
        }
    }

    /// The IPv6 header with the extension headers that could be read.
    pub fn ipv6_header(&self) -> Option<&'a [u8]> {
        let network = self.network.as_ref()?;
        match &network.header {
            IpHeader::V4(_) => None,
            IpHeader::V6(_) => network.bytes.get(..network.bytes.len().checked_sub(network.payload.len())?),
        }
    }

    /// The TCP header with its options.
    pub fn tcp_header(&self) -> Option<&'a [u8]> {
        match self.transport.as_ref()? {
            Transport::Tcp(tcp) => Some(tcp.header_slice()),
            _ => None,
        }
    }

    /// The UDP header.
    pub fn udp_header(&self) -> Option<&'a [u8]> {
        match self.transport.as_ref()? {
            Transport::Udp(udp) => Some(udp.header_slice()),
            _ => None,
        }
    }

    /// The first eight bytes of an ICMPv4 message: type, code, checksum, and four that the type gives a meaning.
    pub fn icmpv4_header(&self) -> Option<&'a [u8]> {
        match self.transport.as_ref()? {
            Transport::Icmpv4(icmp) => Some(icmp.header()),
            _ => None,
        }
    }

    /// The first eight bytes of an ICMPv6 message.
    pub fn icmpv6_header(&self) -> Option<&'a [u8]> {
        match self.transport.as_ref()? {
            Transport::Icmpv6(icmp) => Some(icmp.header()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use etherparse::{Icmpv4Type, Icmpv6Type, PacketBuilder, TcpOptionElement};

    use super::*;
    use crate::engine::meta::LinkType;

    #[test]
    fn each_header_is_the_bytes_that_it_stands_in() {
        let ethernet = || PacketBuilder::ethernet2([1; 6], [2; 6]);
        let mut bytes = Vec::new();
        let tcp = ethernet()
            .ipv4([1; 4], [2; 4], 9)
            .tcp(1, 2, 3, 4)
            .options(&[TcpOptionElement::MaximumSegmentSize(9)]);
        tcp.unwrap().write(&mut bytes, b"payload").unwrap();
        let packet = Packet::decode(&bytes, LinkType::Ethernet);
        assert_eq!(packet.ethernet.map(<[u8; 14]>::as_slice), bytes.get(..14));
        assert_eq!((packet.ipv4_header(), packet.tcp_header()), (bytes.get(14..34), bytes.get(34..58)));
        assert_eq!((packet.ipv6_header(), packet.udp_header(), packet.icmpv4_header()), (None, None, None));

        bytes.clear();
        ethernet().ipv6([1; 16], [2; 16], 9).udp(1, 2).write(&mut bytes, b"payload").unwrap();
        let packet = Packet::decode(&bytes, LinkType::Ethernet);
        assert_eq!((packet.ipv6_header(), packet.udp_header()), (bytes.get(14..54), bytes.get(54..62)));
        assert_eq!((packet.ipv4_header(), packet.tcp_header(), packet.icmpv6_header()), (None, None, None));

        bytes.clear();
        let echo = Icmpv4Type::Unknown { type_u8: 8, code_u8: 0, bytes5to8: [1; 4] };
        ethernet().ipv4([1; 4], [2; 4], 9).icmpv4(echo).write(&mut bytes, b"payload").unwrap();
        assert_eq!(Packet::decode(&bytes, LinkType::Ethernet).icmpv4_header(), bytes.get(34..42));

        bytes.clear();
        let echo = Icmpv6Type::Unknown { type_u8: 128, code_u8: 0, bytes5to8: [1; 4] };
        // An extension header belongs to the IPv6 header.
        ethernet().ipv6([1; 16], [2; 16], 9).icmpv6(echo).write(&mut bytes, b"payload").unwrap();
        bytes.splice(54..54, [58, 0, 1, 4, 0, 0, 0, 0]);
        bytes[20] = 60;
        bytes[19] += 8;
        let packet = Packet::decode(&bytes, LinkType::Ethernet);
        assert_eq!((packet.ipv6_header(), packet.icmpv6_header()), (bytes.get(14..62), bytes.get(62..70)));
    }
}
