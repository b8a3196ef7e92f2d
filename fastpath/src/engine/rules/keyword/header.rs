//! Fields of packet headers.

use super::{Entry, Reader};
use crate::engine::rules::{buffer, condition};

pub(super) const KEYWORDS: &[Entry] = &[
    ("ack", "header-keywords", Reader::Value(condition::ack)),
    ("flags", "header-keywords", Reader::Value(condition::flags)),
    ("icmp_id", "header-keywords", Reader::Value(condition::icmp_id)),
    ("icmp_seq", "header-keywords", Reader::Value(condition::icmp_seq)),
    ("icode", "header-keywords", Reader::Value(condition::icode)),
    ("ip_proto", "header-keywords", Reader::Value(condition::ip_proto)),
    ("itype", "header-keywords", Reader::Value(condition::itype)),
    ("sameip", "header-keywords", Reader::Bare(condition::same_ip)),
    ("seq", "header-keywords", Reader::Value(condition::seq)),
    ("tcp.flags", "header-keywords", Reader::Value(condition::flags)),
    ("tos", "header-keywords", Reader::Value(condition::tos)),
    ("ttl", "header-keywords", Reader::Value(condition::ttl)),
    ("window", "header-keywords", Reader::Value(condition::window)),
    ("icmpv4.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("icmpv6.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("ip.dst", "ipaddr", Reader::Bare(buffer::header)),
    ("ip.src", "ipaddr", Reader::Bare(buffer::header)),
    ("ipv4.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("ipv6.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("tcp.hdr", "header-keywords", Reader::Bare(buffer::header)),
    ("udp.hdr", "header-keywords", Reader::Bare(buffer::header)),
];
