use std::{
    io::IoSlice,
    os::fd::{AsRawFd, OwnedFd},
};

use nix::{
    ifaddrs::getifaddrs,
    sys::socket::{
        AddressFamily, LinkAddr, MsgFlags, MultiHeaders, SockFlag, SockProtocol, SockType, bind, send,
        sendmmsg, socket, sockopt,
    },
};

use crate::{LabError, Namespace};

/// Sends frames made by hand out of a port (AF_PACKET, SOCK_RAW).
#[derive(Debug)]
pub struct PacketSocket {
    fd: OwnedFd,
}

impl PacketSocket {
    /// A socket on `port` of a namespace.
    ///
    /// # Errors
    /// When there is no such port, or the process may not.
    pub fn open(namespace: &Namespace, port: &str) -> Result<Self, LabError> {
        namespace
            .enter(|| Self::open_here(port))?
            .map_err(LabError::errno(format!("opening a packet socket on {port}")))
    }

    fn open_here(port: &str) -> nix::Result<Self> {
        // getifaddrs hands out a ready link-layer address of each port, with its interface index.
        let address = getifaddrs()?
            .filter(|interface| interface.interface_name == port)
            .find_map(|interface| interface.address?.as_link_addr().copied())
            .ok_or(nix::Error::ENODEV)?;
        // Protocol 0: it never receives, so nothing piles up.
        let protocol: Option<SockProtocol> = None;
        let fd = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
        bind(fd.as_raw_fd(), &address)?;
        nix::sys::socket::setsockopt(&fd, sockopt::SndBuf, &(4 << 20))?;
        Ok(Self { fd })
    }

    /// Sends one frame, from its Ethernet header on.
    ///
    /// # Errors
    /// When the port is down or the frame longer than its MTU allows.
    pub fn send(&self, frame: &[u8]) -> Result<(), LabError> {
        send(self.fd.as_raw_fd(), frame, MsgFlags::empty())
            .map(drop)
            .map_err(LabError::errno("sending a frame"))
    }

    /// Sends all frames with few system calls; how many the kernel took.
    ///
    /// # Errors
    /// When it took none.
    pub fn send_all(&self, frames: &[Vec<u8>], burst: &mut Burst) -> Result<usize, LabError> {
        let slices: Vec<[IoSlice<'_>; 1]> = frames.iter().map(|frame| [IoSlice::new(frame)]).collect();
        let addresses = vec![None; frames.len()];
        sendmmsg(self.fd.as_raw_fd(), &mut burst.headers, &slices, &addresses, [], MsgFlags::empty())
            .map(Iterator::count)
            .map_err(LabError::errno("sending a burst of frames"))
    }
}

/// Room for the headers of a burst, made once and used again.
pub struct Burst {
    headers: MultiHeaders<LinkAddr>,
}

impl Burst {
    /// Room for `frames` frames.
    pub fn new(frames: usize) -> Self {
        Self { headers: MultiHeaders::preallocate(frames, None) }
    }
}
