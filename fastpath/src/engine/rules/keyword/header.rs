//! Fields of packet headers.

use super::{Entry, Reader};
use crate::engine::rules::{buffer, condition};

pub(super) const KEYWORDS: &[Entry] = &[
    ("ack", "header-keywords", Reader::Value(condition::ack)),
    ("flags", "header-keywords", Reader::Value(condition::flags)),
    ("fragbits", "header-keywords", Reader::Value(condition::fragbits)),
    ("fragoffset", "header-keywords", Reader::Value(condition::fragoffset)),
    ("icmp_id", "header-keywords", Reader::Value(condition::icmp_id)),
    ("icmp_seq", "header-keywords", Reader::Value(condition::icmp_seq)),
    ("icmpv6.mtu", "header-keywords", Reader::Value(condition::icmpv6_mtu)),
    ("icode", "header-keywords", Reader::Value(condition::icode)),
    ("id", "header-keywords", Reader::Value(condition::id)),
    ("ip_proto", "header-keywords", Reader::Value(condition::ip_proto)),
    ("ipopts", "header-keywords", Reader::Value(condition::ipopts)),
    ("itype", "header-keywords", Reader::Value(condition::itype)),
    ("l3_proto", "header-keywords", Reader::Value(condition::l3_proto)),
    ("sameip", "header-keywords", Reader::Bare(condition::same_ip)),
    ("seq", "header-keywords", Reader::Value(condition::seq)),
    ("tcp.flags", "header-keywords", Reader::Value(condition::flags)),
    ("tcp.mss", "header-keywords", Reader::Value(condition::mss)),
    ("tcp.wscale", "header-keywords", Reader::Value(condition::window_scale)),
    ("tos", "header-keywords", Reader::Value(condition::tos)),
    ("ttl", "header-keywords", Reader::Value(condition::ttl)),
    ("vlan.id", "vlan-id", Reader::Value(condition::vlan_id)),
    ("vlan.layers", "vlan-id", Reader::Value(condition::vlan_layers)),
    ("window", "header-keywords", Reader::Value(condition::window)),
    ("ether.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("icmpv4.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("icmpv6.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("ip.dst", "ipaddr", Reader::Bare(buffer::header)),
    ("ip.src", "ipaddr", Reader::Bare(buffer::header)),
    ("ipv4.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("ipv6.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("tcp.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("udp.hdr", "header-keywords", Reader::Bare(buffer::header)),
];
