//! Facts of a network interface, read through ioctls on one socket.
//!
//! A socket stays in the network namespace it was made in, so the answers are right also where `/sys` still
//! shows another namespace (after setns without a remount).

use std::{
    fs, io,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
};

use super::ethtool;

/// Why a fact of an interface cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No such interface.
    #[error("{0}: no such interface in this network namespace; `ip -br link` lists those there are")]
    Missing(String),
    /// A text the kernel takes for no interface name.
    #[error("`{0}` is no interface name: names have 1 to 15 bytes, without `/` or spaces")]
    Name(String),
    /// The kernel refused an answer.
    #[error("{port}: cannot read its {what}: {source}")]
    Read {
        /// Interface name.
        port: String,
        /// The fact asked for.
        what: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The driver does not say how many queues there are, and /sys shows another namespace.
    #[error(
        "{0}: its driver does not tell how many queues it has, and /sys belongs to another network namespace; \
         start under `ip netns exec`, which mounts /sys anew"
    )]
    Queues(String),
    /// No control socket.
    #[error("cannot open a control socket: {0}")]
    Control(io::Error),
}

/// What is known of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Name.
    pub name: String,
    /// Interface index.
    pub index: u32,
    /// Largest payload of a frame, bytes (without the Ethernet header).
    pub mtu: u32,
    /// Hardware address; meaningful when `ethernet`.
    pub mac: [u8; 6],
    /// Frames start with an Ethernet header.
    pub ethernet: bool,
    /// Administratively up (IFF_UP).
    pub up: bool,
    /// The far side is there (ETHTOOL_GLINK); false too while the port is down.
    pub carrier: bool,
    /// Driver name; `None` where the device has no driver information.
    pub driver: Option<String>,
    /// NUMA node of the PCI device; `None` on one-node machines and for virtual devices.
    pub numa_node: Option<u32>,
    /// Rx queues in use, numbered from 0.
    pub rx_queues: u32,
    /// Tx queues in use, numbered from 0.
    pub tx_queues: u32,
    /// Queues the RSS indirection table names, ascending; `None` when there is no table.
    pub rss_queues: Option<Vec<u32>>,
    /// Large receive offload is on: frames are merged before anyone sees them.
    pub lro: bool,
}

/// Reads what is known of `port` in the namespace of `control`.
pub fn read(control: &Control, port: &str) -> Result<Link, LinkError> {
    let fact = |what| move |source| LinkError::Read { port: port.into(), what, source };
    let index = control.index(port)?;
    let (mac, ethernet) = control.mac(port).map_err(fact("hardware address"))?;
    let driver = ethtool::driver(control, port).map_err(fact("driver"))?;
    let (rx_queues, tx_queues) = match ethtool::channels(control, port).map_err(fact("queue counts"))? {
        Some(channels) => (channels.rx, channels.tx),
        None => sysfs_queues(port, index, mac).ok_or_else(|| LinkError::Queues(port.into()))?,
    };
    Ok(Link {
        name: port.into(),
        index,
        mtu: control.mtu(port).map_err(fact("MTU"))?,
        mac,
        ethernet,
        up: control.up(port).map_err(fact("flags"))?,
        carrier: ethtool::carrier(control, port).map_err(fact("carrier"))?,
        numa_node: driver.as_ref().and_then(|driver| numa_node(&driver.bus)),
        driver: driver.map(|driver| driver.name),
        rx_queues,
        tx_queues,
        rss_queues: ethtool::rss_queues(control, port).map_err(fact("RSS indirection table"))?,
        lro: ethtool::features(control, port).map_err(fact("features"))?.active(LRO),
    })
}

const LRO: &str = "rx-lro";

/// Buses are not part of a network namespace: /sys/bus is the same in all.
fn numa_node(bus_address: &str) -> Option<u32> {
    let node =
        fs::read_to_string(Path::new("/sys/bus/pci/devices").join(bus_address).join("numa_node")).ok()?;
    // -1: no node.
    node.trim().parse().ok()
}

/// Rx and tx queues by /sys, if it shows the very interface that is meant.
fn sysfs_queues(port: &str, index: u32, mac: [u8; 6]) -> Option<(u32, u32)> {
    let device = Path::new("/sys/class/net").join(port);
    let says =
        |file: &str, text: String| fs::read_to_string(device.join(file)).is_ok_and(|is| is.trim() == text);
    let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
    if !says("ifindex", index.to_string()) || !says("address", mac) {
        return None;
    }
    let (mut rx, mut tx) = (0, 0);
    for queue in fs::read_dir(device.join("queues")).ok()?.flatten() {
        match queue.file_name().as_encoded_bytes() {
            [b'r', ..] => rx += 1,
            _ => tx += 1,
        }
    }
    Some((rx, tx))
}

/// A socket to ask the kernel about the interfaces of one network namespace: the one of the thread that
/// opened it, for good.
#[derive(Debug)]
pub struct Control {
    socket: OwnedFd,
    namespace: u64,
}

/// `struct ifreq` (linux/if.h): an interface name and a union of 24 bytes.
#[repr(C, align(8))]
pub(super) struct Request {
    name: [u8; libc::IFNAMSIZ],
    pub(super) value: [u8; 24],
}

const _: () = assert!(size_of::<Request>() == size_of::<libc::ifreq>());

impl Control {
    /// A control socket in the calling thread's network namespace.
    pub fn open() -> Result<Self, LinkError> {
        let namespace = fs::metadata("/proc/thread-self/ns/net").map_err(LinkError::Control)?.ino();
        let socket = socket(libc::AF_INET, libc::SOCK_DGRAM).map_err(LinkError::Control)?;
        Ok(Self { socket, namespace })
    }

    /// The inode of the network namespace, as `readlink /proc/self/ns/net` shows it.
    pub fn namespace(&self) -> u64 {
        self.namespace
    }

    /// Index of the interface named `port`.
    pub fn index(&self, port: &str) -> Result<u32, LinkError> {
        let bytes = port.as_bytes();
        let odd = |byte: &u8| matches!(byte, 0 | b'/' | b':') || byte.is_ascii_whitespace();
        if bytes.is_empty() || bytes.len() >= libc::IFNAMSIZ || bytes.iter().any(odd) {
            return Err(LinkError::Name(port.into()));
        }
        match self.ask(port, libc::SIOCGIFINDEX as libc::Ioctl) {
            Ok(value) => Ok(number(&value)),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Err(LinkError::Missing(port.into())),
            Err(source) => Err(LinkError::Read { port: port.into(), what: "index", source }),
        }
    }

    /// The present name of the interface with this index: it may have been renamed.
    pub fn name(&self, index: u32) -> io::Result<String> {
        let mut request = Request::of("");
        request.value[..4].copy_from_slice(&index.to_ne_bytes());
        // SAFETY: SIOCGIFNAME reads and writes nothing but the ifreq.
        unsafe { self.ioctl(libc::SIOCGIFNAME as libc::Ioctl, &mut request) }?;
        Ok(text(&request.name))
    }

    fn mtu(&self, port: &str) -> io::Result<u32> {
        Ok(number(&self.ask(port, libc::SIOCGIFMTU as libc::Ioctl)?))
    }

    fn up(&self, port: &str) -> io::Result<bool> {
        let value = self.ask(port, libc::SIOCGIFFLAGS as libc::Ioctl)?;
        Ok(i32::from(u16::from_ne_bytes([value[0], value[1]])) & libc::IFF_UP != 0)
    }

    /// The address, and whether frames start with an Ethernet header. Union: `struct sockaddr`.
    pub(super) fn mac(&self, port: &str) -> io::Result<([u8; 6], bool)> {
        let [kind_low, kind_high, a, b, c, d, e, f, ..] =
            self.ask(port, libc::SIOCGIFHWADDR as libc::Ioctl)?;
        let kind = u16::from_ne_bytes([kind_low, kind_high]);
        Ok(([a, b, c, d, e, f], matches!(kind, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK)))
    }

    /// One of the SIOCGIF* questions that are answered in the union itself.
    fn ask(&self, port: &str, code: libc::Ioctl) -> io::Result<[u8; 24]> {
        let mut request = Request::of(port);
        // SAFETY: every code passed here (SIOCGIFINDEX, MTU, FLAGS, HWADDR) touches only the ifreq.
        unsafe { self.ioctl(code, &mut request) }?;
        Ok(request.value)
    }

    /// Sends `request`; the kernel's non-negative answer.
    ///
    /// # Safety
    /// If `code` makes the kernel follow a pointer in the union, what it points to must be valid for all
    /// that the kernel reads and writes there.
    pub(super) unsafe fn ioctl(&self, code: libc::Ioctl, request: &mut Request) -> io::Result<u32> {
        // SAFETY: `request` has the size and layout of the ifreq all these ioctls take; pointers inside are
        // the caller's promise.
        let answer = unsafe { libc::ioctl(self.socket.as_raw_fd(), code, std::ptr::from_mut(request)) };
        u32::try_from(answer).map_err(|_| io::Error::last_os_error())
    }
}

impl Request {
    /// A request about `port`; a longer name than the kernel takes is cut (and then is no interface).
    pub(super) fn of(port: &str) -> Self {
        let mut name = [0; libc::IFNAMSIZ];
        for (to, from) in name.iter_mut().take(libc::IFNAMSIZ - 1).zip(port.bytes()) {
            *to = from;
        }
        Self { name, value: [0; 24] }
    }
}

/// A socket that is not inherited by programs this process starts.
pub(super) fn socket(family: libc::c_int, kind: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: socket takes no pointers.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The text before the first NUL.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

fn number(value: &[u8; 24]) -> u32 {
    u32::from_ne_bytes([value[0], value[1], value[2], value[3]])
}

#[cfg(test)]
mod tests {
    use super::{
        super::namespace::{in_fresh_namespace, ip, veth},
        *,
    };

    #[test]
    fn reads_a_veth_of_this_thread_s_namespace() {
        in_fresh_namespace(|| {
            veth("left", "right", 4);
            ip("link set left mtu 1400 address 02:00:00:00:00:07");
            let control = Control::open().unwrap();
            let link = read(&control, "left").unwrap();
            assert_eq!(
                link,
                Link {
                    name: "left".into(),
                    index: link.index,
                    mtu: 1400,
                    mac: [2, 0, 0, 0, 0, 7],
                    ethernet: true,
                    up: true,
                    carrier: true,
                    driver: Some("veth".into()),
                    numa_node: None,
                    rx_queues: 4,
                    tx_queues: 4,
                    rss_queues: None,
                    lro: false,
                }
            );
            assert!(ip("-o link show left").starts_with(&format!("{}: left@", link.index)));
            ip("link set right down");
            assert!(!read(&control, "left").unwrap().carrier);
            ip("link set left down");
            assert!(!read(&control, "left").unwrap().up);
        });
    }

    #[test]
    fn follows_a_renamed_interface_by_its_index() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            let control = Control::open().unwrap();
            let index = control.index("left").unwrap();
            ip("link set left down");
            ip("link set left name moved");
            assert_eq!(control.name(index).unwrap(), "moved");
            assert!(control.name(9999).is_err());
        });
    }

    #[test]
    fn names_what_is_no_interface() {
        in_fresh_namespace(|| {
            let control = Control::open().unwrap();
            assert!(matches!(control.index("nothere"), Err(LinkError::Missing(name)) if name == "nothere"));
            for odd in ["", "sixteen-letters-", "a/b", "a b", "a\0b"] {
                assert!(matches!(control.index(odd), Err(LinkError::Name(_))), "{odd:?}");
            }
        });
    }

    #[test]
    fn trusts_sysfs_only_for_the_interface_that_is_meant() {
        // /sys shows the namespace the test runs in, in which every machine has a loopback with one queue.
        let control = Control::open().unwrap();
        let index = control.index("lo").unwrap();
        assert_eq!(sysfs_queues("lo", index, [0; 6]), Some((1, 1)));
        assert_eq!(sysfs_queues("lo", index + 1, [0; 6]), None);
        assert_eq!(sysfs_queues("lo", index, [1; 6]), None);
    }
}
