//! How long a flow may be idle (`flow-timeouts` of suricata.yaml).

use etherparse::{IpNumber, ip_number};

use super::record::FlowState;
use crate::engine::meta::Timestamp;

/// Seconds of idleness after which a flow of one protocol ends, by its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// Only one side was heard (of TCP: the handshake is not complete).
    pub new: u32,
    /// Both were.
    pub established: u32,
    /// TCP: the session has ended.
    pub closed: u32,
    /// It is no longer inspected.
    pub bypassed: u32,
}

/// The idle times of all protocols, ordinary ones and those of an emergency. The defaults are those of Suricata 8's
/// suricata.yaml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// `flow-timeouts.default`: other protocols.
    pub other: [Idle; 2],
    /// `flow-timeouts.tcp`.
    pub tcp: [Idle; 2],
    /// `flow-timeouts.udp`.
    pub udp: [Idle; 2],
    /// `flow-timeouts.icmp`: both ICMPs.
    pub icmp: [Idle; 2],
}

impl Default for Timeouts {
    fn default() -> Self {
        let idle = |new, established, closed, bypassed| Idle { new, established, closed, bypassed };
        let other = [idle(30, 300, 0, 100), idle(10, 100, 0, 50)];
        Self { other, tcp: [idle(60, 600, 60, 100), idle(5, 100, 10, 50)], udp: other, icmp: other }
    }
}

impl Timeouts {
    /// Nanoseconds that a flow of `protocol` may be idle in `state`.
    pub(super) fn of(&self, protocol: u8, state: FlowState, emergency: bool) -> u64 {
        let idle = match IpNumber(protocol) {
            ip_number::TCP => &self.tcp,
            ip_number::UDP => &self.udp,
            ip_number::ICMP | ip_number::IPV6_ICMP => &self.icmp,
            _ => &self.other,
        }[usize::from(emergency)];
        let seconds = match state {
            FlowState::New => idle.new,
            FlowState::Established => idle.established,
            FlowState::Closed => idle.closed,
            FlowState::LocalBypassed | FlowState::CaptureBypassed => idle.bypassed,
        };
        u64::from(seconds) * Timestamp::SECOND
    }
}
