//! Keywords that look at a packet's headers, at its flow, and at what is remembered: what they ask, and whether it holds.

mod amount;
mod bits;
mod checksum;
mod dsize;
mod event;
mod flow;
mod flowbits;
mod flowint;
mod fragment;
mod icmp;
mod ip;
mod reputation;
mod rpc;
mod tcp;
mod texts;
mod vlan;

use super::{chain::Variable, state::State, subject::Subject};

pub(super) use amount::{
    age, bytes, bytes_to_client, bytes_to_server, packets, packets_to_client, packets_to_server, stream_size,
};
pub(super) use bits::{hostbits, xbits};
pub(super) use checksum::checksum;
pub(super) use dsize::dsize;
pub(super) use event::{decode_event, engine_event, stream_event};
pub(super) use flow::flow;
pub(super) use flowbits::flowbits;
pub(super) use flowint::flowint;
pub(super) use fragment::{fragbits, fragoffset};
pub(super) use icmp::{icmp_id, icmp_seq, icmpv6_mtu, icode, itype};
pub(super) use ip::{id, ip_proto, ipopts, l3_proto, same_ip, tos, ttl};
pub(super) use reputation::iprep;
pub(super) use rpc::rpc;
pub(super) use tcp::{ack, flags, mss, seq, window, window_scale};
pub(super) use texts::{flowvar, pktvar};
pub(super) use vlan::{vlan_id, vlan_layers};

/// One such keyword of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    PayloadSize(dsize::Test),
    Icmp(icmp::Test),
    Ip(ip::Test),
    Tcp(tcp::Test),
    Fragment(fragment::Test),
    Vlan(vlan::Test),
    Reputation(reputation::Test),
    Flow(flow::Test),
    Amount(amount::Test),
    FlowBits(flowbits::Test),
    FlowInt(flowint::Test),
    Event(event::Test),
    Bits(bits::Test),
    Checksum(checksum::Test),
    Rpc(rpc::Test),
    Texts(texts::Test),
}

impl Condition {
    pub(super) fn holds(&self, subject: &Subject<'_>, state: &State<'_>) -> bool {
        match self {
            Self::PayloadSize(test) => test.holds(subject.packet),
            Self::Icmp(test) => test.holds(subject.packet),
            Self::Ip(test) => test.holds(subject.packet),
            Self::Tcp(test) => test.holds(subject.packet),
            Self::Fragment(test) => test.holds(subject.packet),
            Self::Vlan(test) => test.holds(subject.packet),
            Self::Reputation(test) => test.holds(subject.packet),
            Self::Flow(test) => test.holds(subject),
            Self::Amount(test) => test.holds(subject),
            Self::FlowBits(test) => test.holds(state.flow.as_deref()),
            Self::FlowInt(test) => test.holds(state.flow.as_deref()),
            Self::Event(test) => test.holds(subject),
            Self::Bits(test) => test.holds(subject, state),
            Self::Checksum(test) => test.holds(subject),
            Self::Rpc(test) => test.holds(subject.packet),
            Self::Texts(test) => test.holds(state),
        }
    }

    /// The largest payload that it allows, if it limits it.
    pub(super) fn largest_payload(&self) -> Option<usize> {
        match self {
            Self::PayloadSize(test) => test.largest(),
            _ => None,
        }
    }

    /// Whether it is about the single packet, so that contents beside it are looked for in that packet alone
    /// (Suricata's SIG_FLAG_REQUIRE_PACKET).
    pub(super) fn is_about_the_packet(&self) -> bool {
        match self {
            Self::PayloadSize(_) | Self::Icmp(_) | Self::Ip(_) | Self::Tcp(_) => true,
            Self::Fragment(_) | Self::Vlan(_) | Self::Checksum(_) | Self::Rpc(_) => true,
            Self::Amount(test) => test.is_about_the_packet(),
            Self::Flow(_) | Self::Reputation(_) | Self::FlowBits(_) | Self::FlowInt(_) | Self::Event(_) => {
                false
            }
            Self::Bits(_) | Self::Texts(_) => false,
        }
    }

    /// What other rules must have set so that it holds; of several flow bits one.
    pub(super) fn wants(&self) -> Vec<Variable> {
        match self {
            Self::FlowBits(test) => test.wanted().iter().copied().map(Variable::FlowBit).collect(),
            Self::FlowInt(test) => test.wanted().map(Variable::FlowInt).collect(),
            Self::Bits(test) => test.wanted().map(Variable::HostBit).into_iter().collect(),
            Self::Texts(test) => vec![test.wanted()],
            _ => Vec::new(),
        }
    }

    /// Whether a rule with it may be one about addresses only (Suricata's SIGMATCH_IPONLY_COMPAT).
    pub(super) fn is_about_addresses(&self) -> bool {
        matches!(self, Self::Reputation(_) | Self::Bits(_))
    }

    /// Whether it may come to hold for data that has been there before: it asks for what other rules or later packets change.
    pub(super) fn may_come_to_hold(&self) -> bool {
        match self {
            Self::FlowBits(_) | Self::FlowInt(_) | Self::Bits(_) | Self::Amount(_) => true,
            Self::Texts(test) => test.is_about_the_flow(),
            _ => false,
        }
    }

    /// Whether it asks for an event.
    pub(super) fn is_about_events(&self) -> bool {
        matches!(self, Self::Event(_))
    }
}
