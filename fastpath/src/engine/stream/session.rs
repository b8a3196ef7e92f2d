//! What is known of a TCP session.

use super::buffer::Buffer;

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

/// A TCP session: part of its flow, [`Session::SIZE`] bytes without what [`super::Streams`] remembers of its data. Give it back with
/// [`super::Streams::release`]: what is dropped without that stays taken.
#[derive(Debug, Default)]
pub struct Session {
    pub(super) state: State,
    /// What else is known of it.
    pub(super) flags: u8,
    /// What the client sends.
    pub(super) client: Half,
    /// What the server sends.
    pub(super) server: Half,
}

/// One direction of a session. Offsets count from the byte after the SYN.
#[derive(Debug, Default)]
pub(super) struct Half {
    pub(super) buffer: Buffer,
}

impl Session {
    /// Bytes of a session.
    pub const SIZE: usize = size_of::<Self>();

    /// Where it is in its life.
    pub fn state(&self) -> State {
        self.state
    }
}
