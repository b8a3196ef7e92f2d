//! What the engine decides about a packet: the leaf of the tree that everyone may name.

/// The engine's decision about one packet. The worker alone carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it on.
    Forward,
    /// Never let it reach the receiver.
    Drop(DropReason),
    /// A [`Verdict::Drop`] that [`Enforcement::Report`] turned into a report: send it on, count it.
    WouldDrop(DropReason),
}

/// Why a packet is dropped; each reason has a counter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// A rule with the action `drop` matched.
    Rule,
}

/// Whether drop rules act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enforcement {
    /// A drop rule drops (inline).
    #[default]
    Drop,
    /// A drop rule only reports that it would drop (detect, tap, replay without `--simulate-ips`).
    Report,
}

impl Enforcement {
    /// The verdict on a packet that is to be dropped for `reason`.
    pub(super) fn of(self, reason: DropReason) -> Verdict {
        match self {
            Self::Drop => Verdict::Drop(reason),
            Self::Report => Verdict::WouldDrop(reason),
        }
    }
}
