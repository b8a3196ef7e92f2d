//! Ordinary traffic between the hosts: pings and UDP flows.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use crate::{LabError, Namespace};

/// Type of an ICMP echo request (RFC 792) and of an ICMPv6 one (RFC 4443, section 4.1).
const ECHO_REQUEST: (u8, u8) = (8, 128);

/// Pings `to` once; whether the answer came within `limit` with its payload intact.
///
/// # Errors
/// When the namespace cannot be entered.
pub fn ping(from: &Namespace, to: IpAddr, payload: &[u8], limit: Duration) -> Result<bool, LabError> {
    from.enter(|| ping_here(to, payload, limit).unwrap_or(false))
}

fn ping_here(to: IpAddr, payload: &[u8], limit: Duration) -> io::Result<bool> {
    let (family, protocol, kind) = match to {
        IpAddr::V4(_) => (AddressFamily::Inet, SockProtocol::Icmp, ECHO_REQUEST.0),
        IpAddr::V6(_) => (AddressFamily::Inet6, SockProtocol::IcmpV6, ECHO_REQUEST.1),
    };
    // A "ping socket": the kernel fills in identifier and checksum and hands over only our answers. It is
    // connected, written and read like a UDP socket.
    let fd = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, protocol)?;
    let socket = UdpSocket::from(fd);
    socket.connect(SocketAddr::new(to, 0))?;
    socket.set_read_timeout(Some(limit))?;
    let request = [&[kind, 0, 0, 0, 0, 0, 0, 1], payload].concat();
    socket.send(&request)?;
    let mut answer = vec![0; request.len() + 1];
    let length = socket.recv(&mut answer)?;
    Ok(answer.get(8..length) == Some(payload))
}

/// Sends every datagram back to where it came from. Ends on drop.
#[derive(Debug)]
pub struct UdpEcho {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UdpEcho {
    /// Answers on `address` of a namespace; port 0 takes any.
    ///
    /// # Errors
    /// When the address is not the namespace's or is taken.
    pub fn start(namespace: &Namespace, address: SocketAddr) -> Result<Self, LabError> {
        let doing = format!("binding UDP {address}");
        let socket = namespace.enter(|| UdpSocket::bind(address))?.map_err(LabError::io(&doing))?;
        socket.set_read_timeout(Some(Duration::from_millis(50))).map_err(LabError::io(&doing))?;
        let address = socket.local_addr().map_err(LabError::io(&doing))?;
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut buffer = vec![0; 65536];
                while !stop.load(Ordering::Relaxed) {
                    // A timeout, or an ICMP error caused by an earlier answer.
                    let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                    let _ = socket.send_to(&buffer[..length], from);
                }
            }
        });
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for UdpEcho {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends `payload` to an echo at `to` over `flows` flows (source ports of the kernel's choice), one after the
/// other; how many were answered with the same bytes within `limit` each.
///
/// # Errors
/// When the namespace cannot be entered.
pub fn udp_flows(
    from: &Namespace,
    to: SocketAddr,
    flows: usize,
    payload: &[u8],
    limit: Duration,
) -> Result<usize, LabError> {
    from.enter(|| (0..flows).filter(|_| udp_exchange(to, payload, limit).unwrap_or(false)).count())
}

fn udp_exchange(to: SocketAddr, payload: &[u8], limit: Duration) -> io::Result<bool> {
    let any: IpAddr = if to.is_ipv4() { [0, 0, 0, 0].into() } else { [0u16; 8].into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(limit))?;
    socket.send(payload)?;
    let mut answer = vec![0; payload.len() + 1];
    let length = socket.recv(&mut answer)?;
    Ok(answer.get(..length) == Some(payload))
}
