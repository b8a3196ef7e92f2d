//! Keywords that look at a packet's headers and its flow: what they ask, and whether it holds.

mod bits;
mod event;
mod flow;
mod icmp;
mod ip;
mod payload;
mod tcp;

use super::{state::State, subject::Subject};

pub(super) use bits::{hostbits, xbits};
pub(super) use event::{decode_event, stream_event};
pub(super) use flow::flow;
pub(super) use icmp::{icmp_id, icmp_seq, icode, itype};
pub(super) use ip::{ip_proto, same_ip, tos, ttl};
pub(super) use payload::dsize;
pub(super) use tcp::{ack, flags, seq, window};

/// One such keyword of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Payload(payload::Test),
    Icmp(icmp::Test),
    Ip(ip::Test),
    Tcp(tcp::Test),
    Flow(flow::Test),
    Event(event::Test),
    Bits(bits::Test),
}

impl Condition {
    pub(super) fn holds(&self, subject: &Subject<'_>, state: &State<'_>) -> bool {
        match self {
            Self::Payload(test) => test.holds(subject.packet),
            Self::Icmp(test) => test.holds(subject.packet),
            Self::Ip(test) => test.holds(subject.packet),
            Self::Tcp(test) => test.holds(subject.packet),
            Self::Flow(test) => test.holds(subject),
            Self::Event(test) => test.holds(subject),
            Self::Bits(test) => test.holds(subject, state),
        }
    }

    /// The largest payload that it allows, if it limits it.
    pub(super) fn largest_payload(&self) -> Option<usize> {
        match self {
            Self::Payload(test) => test.largest(),
            _ => None,
        }
    }

    /// Whether it is about the single packet, so that contents beside it are looked for in that packet alone
    /// (Suricata's SIG_FLAG_REQUIRE_PACKET).
    pub(super) fn is_about_the_packet(&self) -> bool {
        match self {
            Self::Payload(_) | Self::Icmp(_) | Self::Ip(_) | Self::Tcp(_) => true,
            Self::Flow(_) | Self::Event(_) => false,
            Self::Bits(_) => false,
        }
    }

    /// Whether a rule with it may be one about addresses only (Suricata's SIGMATCH_IPONLY_COMPAT).
    pub(super) fn is_about_addresses(&self) -> bool {
        matches!(self, Self::Bits(_))
    }

    /// Whether it asks for what other rules have set: such rules come after others of their action.
    pub(super) fn is_about_bits(&self) -> bool {
        matches!(self, Self::Bits(_))
    }

    /// Whether it asks for an event.
    pub(super) fn is_about_events(&self) -> bool {
        matches!(self, Self::Event(_))
    }
}
