//! Promiscuous mode held by a packet socket: a bridge port must receive frames for addresses not its own.
//!
//! The kernel counts the holders and undoes a membership when its socket closes, so it ends with the
//! process however that ends (packet(7), PACKET_ADD_MEMBERSHIP).

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use super::link::socket;

/// Promiscuous mode of one interface, for as long as the value lives.
#[derive(Debug)]
pub struct Promiscuous {
    _membership: OwnedFd,
}

/// Promiscuous mode was refused.
#[derive(Debug, thiserror::Error)]
#[error("interface {index}: cannot hold it in promiscuous mode: {source}; this takes CAP_NET_RAW (or root)")]
pub struct PromiscuousError {
    index: u32,
    source: io::Error,
}

impl Promiscuous {
    /// Puts the interface with this index, of the calling thread's namespace, into promiscuous mode.
    pub fn hold(index: u32) -> Result<Self, PromiscuousError> {
        Self::join(index).map_err(|source| PromiscuousError { index, source })
    }

    fn join(index: u32) -> io::Result<Self> {
        // Protocol 0: the socket itself receives nothing.
        let membership = socket(libc::AF_PACKET, libc::SOCK_RAW)?;
        let request = libc::packet_mreq {
            mr_ifindex: index.try_into().map_err(io::Error::other)?,
            mr_type: libc::PACKET_MR_PROMISC.try_into().map_err(io::Error::other)?,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        let size = size_of_val(&request).try_into().map_err(io::Error::other)?;
        // SAFETY: pointer and length are those of a live packet_mreq, which the option takes and only reads.
        let answer = unsafe {
            libc::setsockopt(
                membership.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_ADD_MEMBERSHIP,
                std::ptr::from_ref(&request).cast(),
                size,
            )
        };
        if answer == 0 { Ok(Self { _membership: membership }) } else { Err(io::Error::last_os_error()) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{
        super::{
            link::Control,
            namespace::{in_fresh_namespace, ip, veth},
        },
        *,
    };

    /// The number after `promiscuity` in `ip -d link`.
    fn promiscuity(port: &str) -> u32 {
        let shown = ip(&format!("-d link show {port}"));
        let mut words = shown.split_whitespace().skip_while(|word| *word != "promiscuity").skip(1);
        words.next().unwrap().parse().unwrap()
    }

    /// Soon, not at once: a process that another test has just forked holds all that was open until it executes its program.
    fn falls_to(port: &str, holders: u32) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while promiscuity(port) != holders {
            assert!(Instant::now() < deadline, "promiscuity is {}, not {holders}", promiscuity(port));
        }
    }

    #[test]
    fn ends_with_the_value_and_counts_its_holders() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            let index = Control::open().unwrap().index("left").unwrap();
            let first = Promiscuous::hold(index).unwrap();
            let second = Promiscuous::hold(index).unwrap();
            assert_eq!(promiscuity("left"), 2);
            drop(first);
            falls_to("left", 1);
            drop(second);
            falls_to("left", 0);
        });
    }

    #[test]
    fn ends_with_a_killed_process() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            let held = Promiscuous::hold(Control::open().unwrap().index("left").unwrap()).unwrap();
            // SAFETY: the child of this fork calls nothing but pause, which is async-signal-safe.
            let child = unsafe { libc::fork() };
            assert!(child >= 0);
            if child == 0 {
                loop {
                    // SAFETY: pause takes no arguments.
                    unsafe { libc::pause() };
                }
            }
            drop(held);
            let with_child = promiscuity("left");
            // SAFETY: the child is ours and not yet waited for, so the id is its own.
            assert_eq!(unsafe { libc::kill(child, libc::SIGKILL) }, 0);
            // SAFETY: a null status is allowed; the id is our child's.
            assert_eq!(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }, child);
            assert_eq!(with_child, 1, "the child still holds it");
            falls_to("left", 0);
        });
    }

    #[test]
    fn names_a_missing_interface() {
        in_fresh_namespace(|| {
            let error = Promiscuous::hold(9999).unwrap_err();
            assert_eq!(error.source.raw_os_error(), Some(libc::ENODEV));
            assert!(error.to_string().starts_with("interface 9999: "), "{error}");
        });
    }
}
