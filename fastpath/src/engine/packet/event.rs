//! What is odd about a packet, under the names that Suricata has for it (decode-events.c of Suricata 8).

macro_rules! decode_events {
    ($($event:ident = $name:literal,)*) => {
        /// Something odd about a packet's headers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum DecodeEvent {
            $(#[doc = concat!("`", $name, "`.")] $event,)*
        }

        impl DecodeEvent {
            /// All of them, in the order of their counters.
            pub const ALL: &'static [Self] = &[$(Self::$event,)*];

            /// Its name as the rule keyword `decode-event` takes it; counters and EVE records put `decoder.` before it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$event => $name,)* }
            }
        }
    };
}

decode_events! {
    AfpacketTruncPkt = "afpacket.trunc_pkt",
    Ipv4PktTooSmall = "ipv4.pkt_too_small",
    Ipv4HlenTooSmall = "ipv4.hlen_too_small",
    Ipv4IplenSmallerThanHlen = "ipv4.iplen_smaller_than_hlen",
    Ipv4TruncPkt = "ipv4.trunc_pkt",
    Ipv4OptInvalid = "ipv4.opt_invalid",
    Ipv4OptInvalidLen = "ipv4.opt_invalid_len",
    Ipv4OptMalformed = "ipv4.opt_malformed",
    Ipv4OptPadRequired = "ipv4.opt_pad_required",
    Ipv4OptEolRequired = "ipv4.opt_eol_required",
    Ipv4OptDuplicate = "ipv4.opt_duplicate",
    Ipv4OptUnknown = "ipv4.opt_unknown",
    Ipv4WrongIpVersion = "ipv4.wrong_ip_version",
    Ipv4Icmpv6 = "ipv4.icmpv6",
    Icmpv4PktTooSmall = "icmpv4.pkt_too_small",
    Icmpv4UnknownType = "icmpv4.unknown_type",
    Icmpv4UnknownCode = "icmpv4.unknown_code",
    Icmpv4Ipv4TruncPkt = "icmpv4.ipv4_trunc_pkt",
    Icmpv4Ipv4UnknownVer = "icmpv4.ipv4_unknown_ver",
    Icmpv6UnknownType = "icmpv6.unknown_type",
    Icmpv6UnknownCode = "icmpv6.unknown_code",
    Icmpv6PktTooSmall = "icmpv6.pkt_too_small",
    Icmpv6Ipv6UnknownVersion = "icmpv6.ipv6_unknown_version",
    Icmpv6Ipv6TruncPkt = "icmpv6.ipv6_trunc_pkt",
    Icmpv6MldMessageWithInvalidHl = "icmpv6.mld_message_with_invalid_hl",
    Icmpv6UnassignedType = "icmpv6.unassigned_type",
    Icmpv6ExperimentationType = "icmpv6.experimentation_type",
    Ipv6PktTooSmall = "ipv6.pkt_too_small",
    Ipv6TruncPkt = "ipv6.trunc_pkt",
    Ipv6TruncExthdr = "ipv6.trunc_exthdr",
    Ipv6ExthdrDuplFh = "ipv6.exthdr_dupl_fh",
    Ipv6ExthdrUselessFh = "ipv6.exthdr_useless_fh",
    Ipv6ExthdrDuplRh = "ipv6.exthdr_dupl_rh",
    Ipv6ExthdrDuplHh = "ipv6.exthdr_dupl_hh",
    Ipv6ExthdrDuplDh = "ipv6.exthdr_dupl_dh",
    Ipv6ExthdrDuplAh = "ipv6.exthdr_dupl_ah",
    Ipv6ExthdrDuplEh = "ipv6.exthdr_dupl_eh",
    Ipv6ExthdrInvalidOptlen = "ipv6.exthdr_invalid_optlen",
    Ipv6WrongIpVersion = "ipv6.wrong_ip_version",
    Ipv6ExthdrAhResNotNull = "ipv6.exthdr_ah_res_not_null",
    Ipv6HopoptsUnknownOpt = "ipv6.hopopts_unknown_opt",
    Ipv6HopoptsOnlyPadding = "ipv6.hopopts_only_padding",
    Ipv6DstoptsUnknownOpt = "ipv6.dstopts_unknown_opt",
    Ipv6DstoptsOnlyPadding = "ipv6.dstopts_only_padding",
    Ipv6RhType0 = "ipv6.rh_type_0",
    Ipv6ZeroLenPadn = "ipv6.zero_len_padn",
    Ipv6FhNonZeroReservedField = "ipv6.fh_non_zero_reserved_field",
    Ipv6DataAfterNoneHeader = "ipv6.data_after_none_header",
    Ipv6UnknownNextHeader = "ipv6.unknown_next_header",
    Ipv6Icmpv4 = "ipv6.icmpv4",
    TcpPktTooSmall = "tcp.pkt_too_small",
    TcpHlenTooSmall = "tcp.hlen_too_small",
    TcpInvalidOptlen = "tcp.invalid_optlen",
    TcpOptInvalidLen = "tcp.opt_invalid_len",
    TcpOptDuplicate = "tcp.opt_duplicate",
    UdpPktTooSmall = "udp.pkt_too_small",
    UdpHlenTooSmall = "udp.hlen_too_small",
    UdpHlenInvalid = "udp.hlen_invalid",
    UdpLenInvalid = "udp.len_invalid",
    SllPktTooSmall = "sll.pkt_too_small",
    Sll2PktTooSmall = "sll2.pkt_too_small",
    EthernetPktTooSmall = "ethernet.pkt_too_small",
    EthernetUnknownEthertype = "ethernet.unknown_ethertype",
    PppPktTooSmall = "ppp.pkt_too_small",
    PppVjuPktTooSmall = "ppp.vju_pkt_too_small",
    PppIp4PktTooSmall = "ppp.ip4_pkt_too_small",
    PppIp6PktTooSmall = "ppp.ip6_pkt_too_small",
    PppWrongType = "ppp.wrong_type",
    PppUnsupProto = "ppp.unsup_proto",
    PppoePktTooSmall = "pppoe.pkt_too_small",
    PppoeWrongCode = "pppoe.wrong_code",
    PppoeMalformedTags = "pppoe.malformed_tags",
    GrePktTooSmall = "gre.pkt_too_small",
    GreWrongVersion = "gre.wrong_version",
    GreVersion0Recur = "gre.version0_recur",
    GreVersion0Flags = "gre.version0_flags",
    GreVersion0HdrTooBig = "gre.version0_hdr_too_big",
    GreVersion0MalformedSreHdr = "gre.version0_malformed_sre_hdr",
    GreVersion1Chksum = "gre.version1_chksum",
    GreVersion1Route = "gre.version1_route",
    GreVersion1Ssr = "gre.version1_ssr",
    GreVersion1Recur = "gre.version1_recur",
    GreVersion1Flags = "gre.version1_flags",
    GreVersion1NoKey = "gre.version1_no_key",
    GreVersion1WrongProtocol = "gre.version1_wrong_protocol",
    GreVersion1MalformedSreHdr = "gre.version1_malformed_sre_hdr",
    GreVersion1HdrTooBig = "gre.version1_hdr_too_big",
    VlanHeaderTooSmall = "vlan.header_too_small",
    VlanUnknownType = "vlan.unknown_type",
    VlanTooManyLayers = "vlan.too_many_layers",
    Ieee8021ahHeaderTooSmall = "ieee8021ah.header_too_small",
    VntagHeaderTooSmall = "vntag.header_too_small",
    VntagUnknownType = "vntag.unknown_type",
    IprawInvalidIpVersion = "ipraw.invalid_ip_version",
    LtnullPktTooSmall = "ltnull.pkt_too_small",
    LtnullUnsupportedType = "ltnull.unsupported_type",
    SctpPktTooSmall = "sctp.pkt_too_small",
    EspPktTooSmall = "esp.pkt_too_small",
    Ipv4FragPktTooLarge = "ipv4.frag_pkt_too_large",
    Ipv6FragPktTooLarge = "ipv6.frag_pkt_too_large",
    Ipv4FragOverlap = "ipv4.frag_overlap",
    Ipv6FragOverlap = "ipv6.frag_overlap",
    Ipv6FragInvalidLength = "ipv6.frag_invalid_length",
    Ipv4FragIgnored = "ipv4.frag_ignored",
    Ipv6FragIgnored = "ipv6.frag_ignored",
    Ipv6Ipv4InIpv6TooSmall = "ipv6.ipv4_in_ipv6_too_small",
    Ipv6Ipv4InIpv6WrongVersion = "ipv6.ipv4_in_ipv6_wrong_version",
    Ipv6Ipv6InIpv6TooSmall = "ipv6.ipv6_in_ipv6_too_small",
    Ipv6Ipv6InIpv6WrongVersion = "ipv6.ipv6_in_ipv6_wrong_version",
    MplsHeaderTooSmall = "mpls.header_too_small",
    MplsPktTooSmall = "mpls.pkt_too_small",
    MplsBadLabelRouterAlert = "mpls.bad_label_router_alert",
    MplsBadLabelImplicitNull = "mpls.bad_label_implicit_null",
    MplsBadLabelReserved = "mpls.bad_label_reserved",
    MplsUnknownPayloadType = "mpls.unknown_payload_type",
    VxlanUnknownPayloadType = "vxlan.unknown_payload_type",
    GeneveUnknownPayloadType = "geneve.unknown_payload_type",
    ErspanHeaderTooSmall = "erspan.header_too_small",
    ErspanUnsupportedVersion = "erspan.unsupported_version",
    ErspanTooManyVlanLayers = "erspan.too_many_vlan_layers",
    DcePktTooSmall = "dce.pkt_too_small",
    ChdlcPktTooSmall = "chdlc.pkt_too_small",
    NshHeaderTooSmall = "nsh.header_too_small",
    NshUnsupportedVersion = "nsh.unsupported_version",
    NshBadHeaderLength = "nsh.bad_header_length",
    NshReservedType = "nsh.reserved_type",
    NshUnsupportedType = "nsh.unsupported_type",
    NshUnknownPayload = "nsh.unknown_payload",
    TooManyLayers = "too_many_layers",
    ArpPktTooSmall = "arp.pkt_too_small",
    ArpUnsupportedHardware = "arp.unsupported_hardware",
    ArpUnsupportedProtocol = "arp.unsupported_protocol",
    ArpInvalidPkt = "arp.invalid_pkt",
    ArpInvalidHardwareSize = "arp.invalid_hardware_size",
    ArpInvalidProtocolSize = "arp.invalid_protocol_size",
    ArpUnsupportedOpcode = "arp.unsupported_opcode",
}

impl DecodeEvent {
    /// The event called `name` (without `decoder.`).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.name() == name)
    }
}

const WORDS: usize = DecodeEvent::ALL.len().div_ceil(64);

/// The events of one packet: a set, so that an option repeated forty times is one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeEvents {
    bits: [u64; WORDS],
    invalid: bool,
}

impl DecodeEvents {
    /// Takes note of an anomaly: the packet can still be read.
    pub fn raise(&mut self, event: DecodeEvent) {
        let index = usize::from(event as u8);
        self.bits[index / 64] |= 1 << (index % 64);
    }

    /// Takes note of an error: nobody can rely on what the packet says, as with Suricata's `ENGINE_SET_INVALID_EVENT`.
    #[cold]
    pub fn raise_invalid(&mut self, event: DecodeEvent) {
        self.raise(event);
        self.invalid = true;
    }

    /// Whether one of the events makes the packet malformed, so that the exception policy for decoding decides about it.
    pub fn is_invalid(&self) -> bool {
        self.invalid
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bits == [0; WORDS]
    }

    /// Whether `event` is among them.
    pub fn contains(&self, event: DecodeEvent) -> bool {
        let index = usize::from(event as u8);
        self.bits[index / 64] & 1 << (index % 64) != 0
    }

    /// Adds the events of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (word, more) in self.bits.iter_mut().zip(other.bits) {
            *word |= more;
        }
        self.invalid |= other.invalid;
    }

    /// The events, in the order of [`DecodeEvent::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = DecodeEvent> + use<> {
        let set = *self;
        // Most packets have none.
        let all = if set.is_empty() { &[] } else { DecodeEvent::ALL };
        all.iter().copied().filter(move |&event| set.contains(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_go_both_ways() {
        for (index, &event) in DecodeEvent::ALL.iter().enumerate() {
            assert_eq!(
                (usize::from(event as u8), DecodeEvent::from_name(event.name())),
                (index, Some(event))
            );
        }
        assert_eq!(DecodeEvent::from_name("decoder.ipv4.trunc_pkt"), None);
    }

    #[test]
    fn a_set_holds_what_was_raised() {
        let mut events = DecodeEvents::default();
        assert!(events.is_empty() && events.iter().next().is_none());
        let raised =
            [DecodeEvent::AfpacketTruncPkt, DecodeEvent::TcpOptDuplicate, DecodeEvent::ArpUnsupportedOpcode];
        for event in raised.into_iter().chain(raised) {
            events.raise(event);
        }
        assert!(
            events.iter().eq(raised) && !events.is_invalid() && !events.contains(DecodeEvent::Ipv4TruncPkt)
        );
        let mut others = DecodeEvents::default();
        others.raise_invalid(DecodeEvent::Ipv4TruncPkt);
        events.merge(&others);
        assert!(
            events.is_invalid() && events.contains(DecodeEvent::Ipv4TruncPkt) && events.iter().count() == 4
        );
    }
}
