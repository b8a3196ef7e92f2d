//! What the decoder counts (`stats.decoder`).

use etherparse::ip_number;

use super::Visit;
use crate::engine::{
    meta::LinkType,
    packet::{DecodeEvent, DecodeEvents, Inner, IpHeader, Network, Packet, Transport, Tunnel},
};

counters! {
    /// Packets as they were decoded (`stats.decoder`).
    DecoderCounters {
        /// Packets.
        packets: "pkts",
        /// Their bytes, from the link layer on.
        bytes: "bytes",
        /// Packets with a malformed header.
        invalid: "invalid",
        /// IPv4 headers, also of inner packets; so for the others.
        ipv4: "ipv4",
        /// IPv6 headers.
        ipv6: "ipv6",
        /// Ethernet headers.
        ethernet: "ethernet",
        /// ARP packets.
        arp: "arp",
        /// Frames whose EtherType names nothing that is decoded.
        unknown_ethertype: "unknown_ethertype",
        /// Cisco HDLC headers.
        cisco_hdlc: "chdlc",
        /// Packets without a link header.
        raw: "raw",
        /// Headers of a loopback interface.
        null: "null",
        /// Linux's cooked headers.
        linux_sll: "sll",
        /// The second version of these.
        linux_sll2: "sll2",
        /// PPP headers.
        ppp: "ppp",
        /// PPPoE headers.
        pppoe: "pppoe",
        /// MPLS label stacks.
        mpls: "mpls",
        /// Packets in an 802.1Q tag.
        vlan: "vlan",
        /// Packets in two tags.
        vlan_qinq: "vlan_qinq",
        /// Packets in three tags.
        vlan_qinqinq: "vlan_qinqinq",
        /// TCP headers.
        tcp: "tcp",
        /// UDP headers.
        udp: "udp",
        /// SCTP headers.
        sctp: "sctp",
        /// ESP headers.
        esp: "esp",
        /// ICMPv4 headers.
        icmpv4: "icmpv4",
        /// ICMPv6 headers.
        icmpv6: "icmpv6",
        /// Packets in GRE.
        gre: "gre",
        /// Of these, packets in ERSPAN.
        erspan: "erspan",
        /// Packets in VXLAN.
        vxlan: "vxlan",
        /// Packets in Geneve.
        geneve: "geneve",
        /// Packets in Teredo.
        teredo: "teredo",
        /// IPv4 packets in IPv4.
        ipv4_in_ipv4: "ipv4_in_ipv4",
        /// IPv6 packets in IPv4.
        ipv6_in_ipv4: "ipv6_in_ipv4",
        /// IPv4 packets in IPv6.
        ipv4_in_ipv6: "ipv4_in_ipv6",
        /// IPv6 packets in IPv6.
        ipv6_in_ipv6: "ipv6_in_ipv6",
        /// Largest packet, in bytes.
        max_packet: "max_pkt_size",
    }
}

impl DecoderCounters {
    /// Counts a packet as it came.
    pub(in crate::engine) fn count_packet(&mut self, length: usize, link: LinkType) {
        self.packets += 1;
        self.bytes += length as u64;
        self.max_packet = self.max_packet.max(length as u64);
        self.count_link(link);
    }

    /// Counts one layer of a packet, without its link header.
    pub(in crate::engine) fn count_layer(&mut self, packet: &Packet<'_>) {
        self.count_oddities(packet.events);
        self.arp += u64::from(packet.arp.is_some());
        self.pppoe += u64::from(packet.shims.pppoe);
        self.mpls += u64::from(packet.shims.mpls);
        self.vlan += u64::from(packet.vlan[0].is_some());
        self.vlan_qinq += u64::from(packet.vlan[1].is_some());
        self.vlan_qinqinq += u64::from(packet.vlan[2].is_some());
        if let Some(Network { header, protocol, .. }) = &packet.network {
            match header {
                IpHeader::V4(_) => self.ipv4 += 1,
                IpHeader::V6(_) => self.ipv6 += 1,
            }
            self.esp += u64::from(*protocol == ip_number::ENCAPSULATING_SECURITY_PAYLOAD.0);
        }
        match &packet.transport {
            Some(Transport::Tcp(_)) => self.tcp += 1,
            Some(Transport::Udp(_)) => self.udp += 1,
            Some(Transport::Sctp(_)) => self.sctp += 1,
            Some(Transport::Icmpv4(_)) => self.icmpv4 += 1,
            Some(Transport::Icmpv6(_)) => self.icmpv6 += 1,
            None => {}
        }
        if let Some(inner) = &packet.inner {
            self.count_inner(inner, packet);
        }
    }

    fn count_oddities(&mut self, events: DecodeEvents) {
        if !events.is_empty() {
            self.invalid += u64::from(events.is_invalid());
            self.unknown_ethertype += u64::from(events.contains(DecodeEvent::EthernetUnknownEthertype));
        }
    }

    fn count_inner(&mut self, inner: &Inner<'_>, outer: &Packet<'_>) {
        // IP version 6 is all that an IP tunnel can carry beside version 4; its header is not read yet.
        let is_v6 = inner.bytes.first().is_some_and(|first| first >> 4 == 6);
        match inner.kind {
            Tunnel::Ipv4 if is_v6 => self.ipv6_in_ipv4 += 1,
            Tunnel::Ipv4 => self.ipv4_in_ipv4 += 1,
            Tunnel::Ipv6 if is_v6 => self.ipv6_in_ipv6 += 1,
            Tunnel::Ipv6 => self.ipv4_in_ipv6 += 1,
            Tunnel::Gre => self.gre += 1,
            Tunnel::Vxlan => self.vxlan += 1,
            Tunnel::Geneve => self.geneve += 1,
            Tunnel::Teredo => self.teredo += 1,
        }
        self.erspan += u64::from(outer.shims.erspan);
        self.count_link(inner.link);
    }

    fn count_link(&mut self, link: LinkType) {
        match link {
            LinkType::Ethernet => self.ethernet += 1,
            LinkType::Null => self.null += 1,
            LinkType::RawIp => self.raw += 1,
            LinkType::LinuxSll => self.linux_sll += 1,
            LinkType::LinuxSll2 => self.linux_sll2 += 1,
            LinkType::Ppp => self.ppp += 1,
            LinkType::CiscoHdlc => self.cisco_hdlc += 1,
            LinkType::EtherType(_) | LinkType::Other(_) => {}
        }
    }
}

/// How often each [`DecodeEvent`] was raised (`stats.decoder.event`), in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeEventCounters([u64; DecodeEvent::ALL.len()]);

impl Default for DecodeEventCounters {
    fn default() -> Self {
        Self([0; DecodeEvent::ALL.len()])
    }
}

impl DecodeEventCounters {
    /// Counts the events of one layer of a packet.
    pub(in crate::engine) fn count(&mut self, events: DecodeEvents) {
        for event in events.iter() {
            self.0[event as usize] += 1;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own = own.saturating_add(more);
        }
    }

    pub(super) fn each(&self, visit: &mut dyn Visit) {
        for (event, count) in DecodeEvent::ALL.iter().zip(self.0) {
            visit.counter(&["decoder.event", event.name()], count);
        }
    }
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    fn count(bytes: &[u8], link: LinkType) -> DecoderCounters {
        let mut counters = DecoderCounters::default();
        let packet = Packet::decode(bytes, link);
        counters.count_packet(bytes.len(), link);
        counters.count_layer(&packet);
        if let Some(inner) = &packet.inner {
            counters.count_layer(&Packet::decode_inner(inner, &Default::default()));
        }
        counters
    }

    fn udp() -> Vec<u8> {
        let mut bytes = Vec::new();
        PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(1, 2).write(&mut bytes, b"abc").unwrap();
        bytes
    }

    /// Each counter that the packet raises is expected, and no other.
    #[test]
    fn each_layer_is_counted_once() {
        let ip = udp();
        let frame = |ether_type: &[u8]| [&[1; 12], ether_type, &ip].concat();
        let whole = |length: usize| DecoderCounters {
            packets: 1,
            bytes: length as u64,
            max_packet: length as u64,
            ..DecoderCounters::default()
        };
        let in_ethernet = |length| DecoderCounters { ethernet: 1, ipv4: 1, udp: 1, ..whole(length) };
        let plain = frame(&[8, 0]);
        assert_eq!(count(&plain, LinkType::Ethernet), in_ethernet(plain.len()));
        assert_eq!(
            count(&ip, LinkType::RawIp),
            DecoderCounters { raw: 1, ipv4: 1, udp: 1, ..whole(ip.len()) }
        );
        let tagged = frame(&[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0]);
        let expected = DecoderCounters { vlan: 1, vlan_qinq: 1, ..in_ethernet(tagged.len()) };
        assert_eq!(count(&tagged, LinkType::Ethernet), expected);
        let mpls = frame(&[0x88, 0x47, 0, 1, 1, 64]);
        assert_eq!(count(&mpls, LinkType::Ethernet), DecoderCounters { mpls: 1, ..in_ethernet(mpls.len()) });
        let pppoe = frame(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 33, 0, 0x21]);
        assert_eq!(
            count(&pppoe, LinkType::Ethernet),
            DecoderCounters { pppoe: 1, ..in_ethernet(pppoe.len()) }
        );
        let other = frame(&[0x12, 0x34]);
        let expected = DecoderCounters { ethernet: 1, unknown_ethertype: 1, ..whole(other.len()) };
        assert_eq!(count(&other, LinkType::Ethernet), expected);
        let cut = &plain[..20];
        assert_eq!(count(cut, LinkType::Ethernet), DecoderCounters { ethernet: 1, invalid: 1, ..whole(20) });
    }

    #[test]
    fn tunnels_are_counted_with_what_they_carry() {
        let carry = |protocol: u8, between: &[u8]| {
            let payload = [between, &udp()].concat();
            let mut bytes = Vec::new();
            PacketBuilder::ipv4([10, 0, 0, 3], [10, 0, 0, 4], 64)
                .write(&mut bytes, protocol.into(), &payload)
                .unwrap();
            count(&bytes, LinkType::RawIp)
        };
        let in_ip = carry(4, &[]);
        assert_eq!((in_ip.ipv4_in_ipv4, in_ip.ipv4, in_ip.udp, in_ip.raw), (1, 2, 1, 1));
        // ERSPAN type II: GRE with a sequence number, 8 bytes, an Ethernet frame.
        let erspan = [&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0][..], &[1; 12], &[8, 0]];
        let erspan = carry(47, &erspan.concat());
        assert_eq!((erspan.gre, erspan.erspan, erspan.ethernet, erspan.ipv4), (1, 1, 1, 2));
        let gre = carry(47, &[0, 0, 8, 0]);
        assert_eq!((gre.gre, gre.erspan, gre.ethernet, gre.ipv4), (1, 0, 0, 2));
    }
}
