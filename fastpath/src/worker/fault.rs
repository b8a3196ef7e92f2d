//! Faults on purpose, for tests only (feature `fault-injection`): `FASTPATH_FAULT=panic:worker=1` makes worker
//! 1 panic after its first packet.

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Panic,
}

impl Fault {
    /// The fault that the environment asks of worker `index`.
    pub(super) fn from_environment(index: usize) -> Option<Self> {
        let wanted = std::env::var("FASTPATH_FAULT").ok()?;
        (wanted == format!("panic:worker={index}")).then_some(Self::Panic)
    }

    pub(super) fn strike(self) {
        match self {
            #[allow(clippy::panic)] // the purpose
            Self::Panic => panic!("a fault was injected"),
        }
    }
}
