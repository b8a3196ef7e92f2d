//! What decides the order of evaluation between a rule's action and its priority: who sets something comes before who asks for it.

/// How a rule uses one kind of what rules remember; the first comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// It sets.
    Writes,
    /// It asks, and sets.
    Both,
    /// It asks.
    Reads,
    /// Neither.
    #[default]
    None,
}

impl Use {
    /// Takes note that the rule asks.
    pub(super) fn read(&mut self) {
        *self = match self {
            Self::Writes | Self::Both => Self::Both,
            Self::Reads | Self::None => Self::Reads,
        };
    }

    /// Takes note that it sets.
    pub(super) fn write(&mut self) {
        *self = match self {
            Self::Reads | Self::Both => Self::Both,
            Self::Writes | Self::None => Self::Writes,
        };
    }
}

/// A rule's place among those with the same action: one kind after the other, in Suricata's order (detect-engine-sigorder.c).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ordering {
    /// `flowbits`.
    pub(super) flowbits: Use,
    /// `flowint`.
    pub(super) flowints: Use,
    /// `flowvar`, and expressions that capture of a flow.
    pub(super) flowvars: Use,
    /// `pktvar`, and expressions that capture of a packet.
    pub(super) pktvars: Use,
    /// `hostbits`.
    pub(super) hostbits: Use,
    /// `xbits`.
    pub(super) xbits: Use,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sets_comes_first_and_earlier_kinds_decide() {
        let mut both = Use::default();
        both.read();
        both.write();
        let mut reads = Use::default();
        reads.read();
        reads.read();
        let mut writes = Use::default();
        writes.write();
        assert!(writes < both && both < reads && reads < Use::None);
        let first = Ordering { flowbits: writes, flowints: reads, ..Ordering::default() };
        let second = Ordering { flowbits: writes, ..Ordering::default() };
        let third = Ordering { flowbits: both, flowints: writes, ..Ordering::default() };
        assert!(first < second && second < third && third < Ordering::default());
    }
}
