//! What the engine hangs on a flow.

use super::{
    event::TcpRecord,
    meta::Direction,
    rules::Memory,
    stream::{Session, State},
};

/// Everything that is remembered of a flow beside its record.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// Its TCP session.
    pub(super) session: Session,
    /// What rules saw of its streams.
    pub(super) memory: Memory,
    /// TCP flags seen, per direction.
    flags: [u8; 2],
    /// Whether rules about addresses have seen a packet, per direction.
    seen: [bool; 2],
    /// Whether a dropped packet was reported, per direction.
    reported: [bool; 2],
}

impl Track {
    /// Whether this is the first packet of its direction.
    pub(super) fn is_first(&mut self, direction: Direction) -> bool {
        !std::mem::replace(&mut self.seen[direction as usize], true)
    }

    /// The packet was let go before those rules have seen it: the next one is the first.
    pub(super) fn is_first_again(&mut self, direction: Direction) {
        self.seen[direction as usize] = false;
    }

    /// Whether this is the first dropped packet of its direction.
    pub(super) fn is_first_drop(&mut self, direction: Direction) -> bool {
        !std::mem::replace(&mut self.reported[direction as usize], true)
    }

    /// Takes note of a segment's flags.
    pub(super) fn see_flags(&mut self, direction: Direction, flags: u8) {
        self.flags[direction as usize] |= flags;
    }

    /// What a flow's record says of its session; none when there was none.
    pub(super) fn tcp_record(&self) -> Option<TcpRecord> {
        let state = self.session.state();
        (state != State::None || self.flags != [0; 2]).then(|| TcpRecord {
            flags: self.flags,
            state: state.name(),
            ..TcpRecord::default()
        })
    }

    /// Client and server have changed places.
    pub(super) fn swap(&mut self) {
        self.flags.reverse();
        self.seen.reverse();
        self.reported.reverse();
    }
}
