//! Faults on purpose, for tests only (feature `fault-injection`): `FASTPATH_FAULT=panic:worker=1` makes worker
//! 1 panic after its first packet, `hang:…` makes it hang there, `open:…` panic already while it opens its sockets.

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// At the first packet.
    Panic,
    /// At the first packet, for ever.
    Hang,
    /// Before there are sockets.
    Open,
}

impl Fault {
    /// The fault that the environment asks of worker `index`.
    pub(super) fn from_environment(index: usize) -> Option<Self> {
        let wanted = std::env::var("FASTPATH_FAULT").ok()?;
        let (fault, worker) = wanted.split_once(":worker=")?;
        match fault {
            _ if worker != index.to_string() => None,
            "panic" => Some(Self::Panic),
            "hang" => Some(Self::Hang),
            "open" => Some(Self::Open),
            _ => None,
        }
    }

    #[allow(clippy::panic)] // the purpose
    pub(super) fn strike(self) {
        if self == Self::Hang {
            loop {
                std::thread::park();
            }
        }
        panic!("a fault was injected");
    }
}
