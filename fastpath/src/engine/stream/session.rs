//! What is known of a TCP session.

use super::half::{HEARD, Half};
use crate::engine::meta::Direction;

/// Where a session is in its life, as the server sees it; Suricata's names (`tcp.state` of EVE).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// There is none.
    #[default]
    None,
    /// A SYN, and no answer.
    SynSent,
    /// A SYN/ACK.
    SynReceived,
    /// Data may flow.
    Established,
    /// The server sent its FIN first.
    FinWait1,
    /// The client acknowledged that.
    FinWait2,
    /// Both sent a FIN, the server first, and its FIN is not acknowledged.
    Closing,
    /// The client sent its FIN first.
    CloseWait,
    /// Then the server did.
    LastAck,
    /// Both sent a FIN, the server first.
    TimeWait,
    /// Over.
    Closed,
}

/// The state as far as a flow's timeout depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The handshake is not complete.
    New,
    /// Data may flow.
    Established,
    /// It is over, or as good as.
    Closed,
}

impl State {
    /// All of them, in their order.
    pub const ALL: [Self; 11] = [
        Self::None,
        Self::SynSent,
        Self::SynReceived,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::Closing,
        Self::CloseWait,
        Self::LastAck,
        Self::TimeWait,
        Self::Closed,
    ];

    /// Suricata's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SynSent => "syn_sent",
            Self::SynReceived => "syn_recv",
            Self::Established => "established",
            Self::FinWait1 => "fin_wait1",
            Self::FinWait2 => "fin_wait2",
            Self::Closing => "closing",
            Self::CloseWait => "close_wait",
            Self::LastAck => "last_ack",
            Self::TimeWait => "time_wait",
            Self::Closed => "closed",
        }
    }

    /// What a flow's timeout depends on.
    pub fn phase(self) -> Phase {
        match self {
            Self::None | Self::SynSent | Self::SynReceived => Phase::New,
            Self::LastAck | Self::TimeWait | Self::Closed => Phase::Closed,
            _ => Phase::Established,
        }
    }
}

/// A TCP session: part of its flow, [`Session::SIZE`] bytes beside what [`super::Streams`] remembers of its data. Give it back
/// with [`super::Streams::release`]: what is dropped without that stays taken.
#[derive(Debug, Default)]
pub struct Session {
    pub(super) state: State,
    pub(super) flags: u16,
    /// Sequence number of a SYN that went on beside the one that counts ([`RIVAL`], [`ALTERNATIVE`]).
    pub(super) rival: u32,
    /// What the client sends.
    pub(super) client: Half,
    /// What the server sends.
    pub(super) server: Half,
}

/// Picked up without a handshake.
pub(super) const MIDSTREAM: u16 = 1;
/// One direction is seen.
pub(super) const ASYNC: u16 = 1 << 1;
/// Both ends sent a SYN.
pub(super) const SIMULTANEOUS: u16 = 1 << 2;
/// Both ends send timestamps.
pub(super) const TIMESTAMPS: u16 = 1 << 3;
/// Closed by a RST of the client, or the server.
pub(super) const RESET_BY_CLIENT: u16 = 1 << 4;
pub(super) const RESET_BY_SERVER: u16 = 1 << 5;
/// There was data that no memory was left for: it may have gone on, and be acknowledged.
pub(super) const LOSSY: u16 = 1 << 6;
/// The client sent another SYN although the server had answered.
pub(super) const RIVAL: u16 = 1 << 7;
/// The server sent another SYN/ACK, with another sequence number, before the client acknowledged one.
pub(super) const ALTERNATIVE: u16 = 1 << 8;
/// Closed before the SYN was answered: nothing is known of the server's data.
pub(super) const UNANSWERED: u16 = 1 << 9;

impl Session {
    /// Bytes of a session.
    pub const SIZE: usize = size_of::<Self>();

    /// Where it is in its life.
    pub fn state(&self) -> State {
        self.state
    }

    /// Sequence numbers that one direction has used, those of its SYN and FIN included (Suricata's `next_seq - isn`, which cannot count
    /// beyond 2^32); 0 while it is silent.
    pub fn sequence_numbers(&self, direction: Direction) -> u64 {
        let half = self.half(direction);
        if half.is(HEARD) { half.acknowledgeable().saturating_add(1) } else { 0 }
    }

    /// The direction itself, and the other one.
    pub(super) fn halves(&mut self, direction: Direction) -> (&mut Half, &mut Half) {
        match direction {
            Direction::ToServer => (&mut self.client, &mut self.server),
            Direction::ToClient => (&mut self.server, &mut self.client),
        }
    }

    pub(super) fn half(&self, direction: Direction) -> &Half {
        match direction {
            Direction::ToServer => &self.client,
            Direction::ToClient => &self.server,
        }
    }

    pub(super) fn is(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}
