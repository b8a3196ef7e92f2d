//! What can go wrong with the XDP program: each message says the cause and the fix.

use std::{error::Error, io};

use aya::{
    EbpfError,
    maps::{MapError, xdp::XdpMapError},
    programs::XdpError,
    util::KernelVersion,
};
use fastpath_common::MAX_QUEUES;

use super::{AttachMode, AttachedProgram};

/// Why the XDP program could not be loaded, attached, detached or used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each variant's message is its documentation, the fields are its parts
pub enum ProgramError {
    #[error("interface {interface} does not exist: `ip link` lists them")]
    UnknownInterface { interface: String },
    #[error("{interface}: queue {queue} is out of range: the XDP program looks at queues 0 to {}", MAX_QUEUES - 1)]
    QueueOutOfRange { interface: String, queue: u32 },
    #[error("{interface}: queue {queue} was not chosen, so a socket there would never see a frame")]
    QueueNotChosen { interface: String, queue: u32 },
    #[error(
        "{interface}: frames without a socket are to be forwarded, but there is no peer port: name one, or choose pass or drop"
    )]
    ForwardWithoutPeer { interface: String },
    #[error(
        "{interface}: an XDP program is already there and is never replaced: {program}{}",
        take_off(interface, program)
    )]
    AlreadyAttached { interface: String, program: AttachedProgram },
    #[error(
        "{interface}: no permission to {action} an XDP program: run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW"
    )]
    NoPermission {
        interface: String,
        action: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "{interface}: this kernel refuses multi-buffer XDP, which came with Linux 5.18: a newer kernel is needed"
    )]
    KernelTooOld {
        interface: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "{interface}: the driver has no native XDP: try `--xdp generic` (works with every driver, slower)"
    )]
    NoNativeXdp {
        interface: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "{interface}: the MTU is too large for native XDP in this driver: lower it (`ip link set dev {interface} \
         mtu 1500`), or try `--xdp generic`"
    )]
    MtuTooLarge {
        interface: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "{interface}: the driver has too few queues left for XDP: use fewer with `ethtool -L {interface}` (on a veth: \
         as many rx queues as the other end has tx queues)"
    )]
    TooFewQueues {
        interface: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{interface}: the kernel cannot load the XDP program")]
    Load {
        interface: String,
        #[source]
        source: Box<EbpfError>,
    },
    #[error(
        "{interface}: the XDP program cannot be attached; `dmesg` may have the driver's reason, `--xdp generic` may work"
    )]
    Attach {
        interface: String,
        #[source]
        source: Box<aya::programs::ProgramError>,
    },
    #[error("{interface}: the XDP program cannot be detached: `ip link set dev {interface} xdp off`")]
    Detach {
        interface: String,
        #[source]
        source: aya::programs::ProgramError,
    },
    #[error("{interface}: the XDP program that is there cannot be asked for")]
    Query {
        interface: String,
        #[source]
        source: io::Error,
    },
    #[error("{interface}: the peer port cannot be a target of XDP_REDIRECT")]
    Peer {
        interface: String,
        #[source]
        source: XdpMapError,
    },
    #[error("{interface}: the socket of queue {queue} cannot be put into or taken out of the XSKMAP")]
    Socket {
        interface: String,
        queue: u32,
        #[source]
        source: MapError,
    },
    #[error("{interface}: the XDP program's counters cannot be read")]
    Counts {
        interface: String,
        #[source]
        source: MapError,
    },
    #[error("{interface}: the kernel cannot run the XDP program on a test frame")]
    TestRun {
        interface: String,
        #[source]
        source: io::Error,
    },
}

impl ProgramError {
    pub(super) fn from_load(interface: &str, source: EbpfError) -> Self {
        let interface = interface.to_owned();
        match os_error(&source) {
            Some(libc::EPERM | libc::EACCES) if !is_verifier_refusal(&source) => {
                Self::NoPermission { interface, action: "load", source: source.into() }
            }
            Some(libc::EINVAL | libc::ENOSYS | libc::E2BIG) if before_frags() => {
                Self::KernelTooOld { interface, source: source.into() }
            }
            _ => Self::Load { interface, source: source.into() },
        }
    }

    pub(super) fn from_attach(
        interface: &str,
        mode: AttachMode,
        source: aya::programs::ProgramError,
    ) -> Self {
        let interface = interface.to_owned();
        // The driver's own words, where the attachment went over netlink.
        let says_mtu = chain(&source).any(|e| speaks_of_mtu(&e.to_string()));
        match attach_os_error(&source) {
            Some(libc::EPERM | libc::EACCES) => {
                Self::NoPermission { interface, action: "attach", source: source.into() }
            }
            Some(libc::EOPNOTSUPP) if mode == AttachMode::Native => {
                Self::NoNativeXdp { interface, source: source.into() }
            }
            Some(libc::ERANGE) => Self::MtuTooLarge { interface, source: source.into() },
            _ if says_mtu => Self::MtuTooLarge { interface, source: source.into() },
            Some(libc::ENOSPC) => Self::TooFewQueues { interface, source: source.into() },
            _ => Self::Attach { interface, source: source.into() },
        }
    }
}

/// The command that takes a program off its interface, where stopping its holder does not.
fn take_off(interface: &str, program: &AttachedProgram) -> String {
    if program.by_link { String::new() } else { format!(" with `ip link set dev {interface} xdp off`") }
}

/// "MTU too large" in the words of the drivers; igb says that its buffer is too small for the frame size.
fn speaks_of_mtu(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    words.contains("mtu") || words.contains("frame size")
}

fn before_frags() -> bool {
    KernelVersion::current().is_ok_and(|version| version < KernelVersion::new(5, 18, 0))
}

/// EACCES is also how the verifier says no, but then it says why.
fn is_verifier_refusal(error: &EbpfError) -> bool {
    matches!(error, EbpfError::ProgramError(aya::programs::ProgramError::LoadError { io_error, .. })
        if io_error.raw_os_error() == Some(libc::EACCES))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The first system error in the chain of causes.
fn os_error(error: &(dyn Error + 'static)) -> Option<i32> {
    chain(error).find_map(|e| e.downcast_ref::<io::Error>()?.raw_os_error())
}

fn attach_os_error(error: &aya::programs::ProgramError) -> Option<i32> {
    match error {
        // A transparent error hides its own io::Error from the chain.
        aya::programs::ProgramError::XdpError(XdpError::NetlinkError(e)) => e.raw_os_error(),
        e => os_error(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_speak_of_the_mtu_in_their_own_words() {
        // The first is igb's.
        assert!(speaks_of_mtu("igb: The RX buffer size is too small for the frame size"));
        assert!(speaks_of_mtu("max MTU for XDP on this device is 3046"));
        assert!(!speaks_of_mtu("Could not setup all Tx resources for XDP"));
    }
}
