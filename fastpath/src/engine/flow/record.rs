//! What is known of one flow.

use std::net::IpAddr;

use super::key::{FlowKey, Side};
use crate::engine::{
    meta::{Direction, Timestamp},
    policy::{ExceptionPolicy, Failure},
    verdict::DropReason,
};

/// How far a flow has come (Suricata's flow.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FlowState {
    /// Only one side was heard; of TCP: the handshake is not complete.
    #[default]
    New,
    /// Both were.
    Established,
    /// TCP: the session has ended.
    Closed,
    /// The engine no longer inspects it.
    LocalBypassed,
    /// The kernel passes it on by itself.
    CaptureBypassed,
}

impl FlowState {
    /// EVE's `flow.state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Established => "established",
            Self::Closed => "closed",
            Self::LocalBypassed | Self::CaptureBypassed => "bypassed",
        }
    }
}

/// What happens to all further packets of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlowAction {
    /// Each is judged by itself.
    #[default]
    None,
    /// They are dropped.
    Drop(DropReason),
    /// They go on without payload inspection.
    Pass,
    /// Nothing of them is looked at.
    Bypass,
}

/// Why a flow ended (EVE's `flow.reason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowEnd {
    /// It was idle for too long.
    Timeout,
    /// It was ended by force.
    Forced,
    /// The program ends.
    Shutdown,
    /// Another TCP session began with the same addresses and ports.
    TcpReuse,
}

impl FlowEnd {
    /// Suricata's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Forced => "forced",
            Self::Shutdown => "shutdown",
            Self::TcpReuse => "tcp_reuse",
        }
    }
}

/// A flow's number in events: from 1, below 2^51, so that every JSON reader keeps it exactly. Unique among all workers of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

const ID_BITS: u32 = 51;
const ID_MASK: u64 = (1 << ID_BITS) - 1;

impl FlowId {
    /// The id of the flow with this number, counted from 1 over all workers. Numbers that follow each other get ids that do
    /// not; different numbers below 2^51 get different ids, because each step can be undone. Equal seeds give equal ids.
    pub(super) fn new(number: u64, seed: u64) -> Self {
        let key = (seed ^ seed >> 32) & ID_MASK;
        let mut id = number & ID_MASK;
        // 0 stays 0 through all of this but the addition, so it is the one id to step over.
        for factor in [0x9e37_79b9_7f4a_7c15_u64, 0xbf58_476d_1ce4_e5b9] {
            id = id.wrapping_add(key).wrapping_mul(factor) & ID_MASK;
            id ^= id >> 26;
        }
        Self(if id == 0 { ID_MASK + 1 } else { id })
    }
}

/// The exception policies that were applied to a flow, each failure once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceptions([Option<(Failure, ExceptionPolicy)>; 4]);

impl Exceptions {
    /// Takes note of one.
    pub fn add(&mut self, failure: Failure, policy: ExceptionPolicy) {
        if self.iter().all(|(known, _)| known != failure)
            && let Some(place) = self.0.iter_mut().find(|place| place.is_none())
        {
            *place = Some((failure, policy));
        }
    }

    /// Those that were applied, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (Failure, ExceptionPolicy)> {
        self.0.into_iter().flatten()
    }
}

/// Smallest and largest TTL (hop limit) seen in one direction; (0, 0) before the first packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TtlRange {
    /// The smallest.
    pub min: u8,
    /// The largest.
    pub max: u8,
}

/// One flow, as far as it does not depend on what inspects it.
///
/// What every packet touches stands first, so that it lies in as few cache lines as can be: with a million flows each costs a
/// look into memory.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Flow {
    pub(super) key: FlowKey,
    pub(super) client: Side,
    pub(super) state: FlowState,
    /// What happens to its further packets.
    pub action: FlowAction,
    /// TTLs by direction ([`Direction`] as index).
    pub(super) ttl: [TtlRange; 2],
    /// Whether rules have seen a packet, by direction.
    pub(super) inspected: [bool; 2],
    pub(super) last: Timestamp,
    pub(super) packets: [u64; 2],
    pub(super) bytes: [u64; 2],
    /// Whether a rule has raised an alert in it.
    pub alerted: bool,
    pub(super) icmp_code: u8,
    /// What went wrong in it, and what was done about that.
    pub exceptions: Exceptions,
    pub(super) vlan: [Option<u16>; 3],
    pub(super) id: FlowId,
    pub(super) first: Timestamp,
}

impl Flow {
    /// Its number in events.
    pub fn id(&self) -> FlowId {
        self.id
    }

    /// Its key.
    pub fn key(&self) -> &FlowKey {
        &self.key
    }

    /// How far it has come; [`super::Table::set_state`] changes it.
    pub fn state(&self) -> FlowState {
        self.state
    }

    /// Whether the packet that rules are about to see is the first one of this direction.
    pub fn is_first_inspected(&mut self, direction: Direction) -> bool {
        !std::mem::replace(&mut self.inspected[direction as usize], true)
    }

    /// That packet was let go before all rules had seen it: the next one is the first.
    pub fn is_first_again(&mut self, direction: Direction) {
        self.inspected[direction as usize] = false;
    }

    /// Time of its first packet.
    pub fn first(&self) -> Timestamp {
        self.first
    }

    /// Time of its latest packet.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// Packets in one direction.
    pub fn packets(&self, direction: Direction) -> u64 {
        self.packets[direction as usize]
    }

    /// Bytes in one direction, whole packets from the link layer on.
    pub fn bytes(&self, direction: Direction) -> u64 {
        self.bytes[direction as usize]
    }

    /// TTLs in one direction.
    pub fn ttl(&self, direction: Direction) -> TtlRange {
        self.ttl[direction as usize]
    }

    /// VLAN ids of its first packet, also where they are not part of the key.
    pub fn vlan(&self) -> [Option<u16>; 3] {
        self.vlan
    }

    /// ICMP code of its first packet.
    pub fn icmp_code(&self) -> u8 {
        self.icmp_code
    }

    /// Addresses of client and server.
    pub fn addresses(&self) -> (IpAddr, IpAddr) {
        (self.key.address(self.client), self.key.address(self.client.other()))
    }

    /// Ports of client and server, as in [`super::Tuple::ports`].
    pub fn ports(&self) -> (u16, u16) {
        (self.key.port(self.client), self.key.port(self.client.other()))
    }

    /// The direction of a packet that `sender` sent.
    pub(super) fn direction(&self, sender: Side) -> Direction {
        if sender == self.client { Direction::ToServer } else { Direction::ToClient }
    }

    /// The server turns out to have sent the first packet (a SYN/ACK): client and server change places, with all that was
    /// counted.
    pub fn swap_direction(&mut self) {
        self.client = self.client.other();
        self.packets.reverse();
        self.bytes.reverse();
        self.ttl.reverse();
        self.inspected.reverse();
    }

    /// Reads from the last cache line that every packet touches. The result means nothing.
    pub(super) fn warm(&self) -> u64 {
        self.bytes[1]
    }

    pub(super) fn count(&mut self, direction: Direction, bytes: u64, ttl: u8) {
        let at = direction as usize;
        let range = &mut self.ttl[at];
        *range = if self.packets[at] == 0 {
            TtlRange { min: ttl, max: ttl }
        } else {
            TtlRange { min: range.min.min(ttl), max: range.max.max(ttl) }
        };
        self.packets[at] = self.packets[at].saturating_add(1);
        self.bytes[at] = self.bytes[at].saturating_add(bytes);
    }
}

/// A flow that has ended, taken out of the table.
#[derive(Clone, Debug)]
pub struct Ended<T> {
    /// What was known of it.
    pub flow: Flow,
    /// Why it ended.
    pub reason: FlowEnd,
    /// Whether the table was in an emergency.
    pub emergency: bool,
    /// What the engine had hung on it.
    pub state: T,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_safe_and_the_same_each_time() {
        for seed in [0, 7, u64::MAX] {
            let mut ids: Vec<_> = (1..100_000).map(|number| FlowId::new(number, seed).0).collect();
            assert!(ids.iter().all(|&id| (1..1 << 53).contains(&id)));
            assert_eq!(ids[41], FlowId::new(42, seed).0);
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), 99_999);
        }
    }
}
