//! The correctness gates at start: what must hold before a frame may be taken off the wire.
//!
//! [`collect`] reads the facts, [`check`] is a pure function over them. All failures are reported together.

use std::{collections::BTreeMap, fmt, fs, io};

use fastpath_common::MAX_QUEUES;

use super::link::{self, Control, Link, LinkError};
use crate::config::{AttachMode, IndexList, RunConfig, Wire};

/// XDP_PACKET_HEADROOM (linux/bpf.h): bytes of every UMEM frame that the kernel keeps in front of the packet.
const HEADROOM: u32 = 256;
/// What the MTU does not count: an Ethernet header, two VLAN tags and the frame check sequence (ETH_PAD_LEN of
/// net/xdp/xsk_buff_pool.c, against which bind(2) holds a zero-copy socket since April 2026).
const BESIDE_MTU: u32 = 14 + 2 * 4 + 4;
/// Bytes at the end of a frame that the kernel keeps in zero-copy multi-buffer since then: struct skb_shared_info with
/// 17 fragments (CONFIG_MAX_SKB_FRAGS), in whole cache lines (xsk_pool_get_tailroom() in net/xdp_sock_drv.h).
const TAILROOM: u32 = 320;
/// A NIC is given room for a packet in steps of so many bytes (xsk_pool_get_rx_frame_size()).
const ROOM_STEP: u32 = 128;

/// What the gates look at.
#[derive(Debug)]
pub struct Facts {
    /// Every port of the configuration by name.
    pub links: BTreeMap<String, Result<Link, LinkError>>,
    /// What this process may do.
    pub capabilities: Capabilities,
    /// RLIMIT_MEMLOCK, bytes; `None` when unlimited.
    pub memlock: Option<u64>,
}

/// The gates have passed.
#[derive(Debug, PartialEq, Eq)]
pub struct Passed {
    /// Facts of every port by name.
    pub links: BTreeMap<String, Link>,
    /// Ports with queues that RSS can reach and nobody inspects, as `--allow-uncovered` permits; to warn of.
    pub uncovered: Vec<(String, Queues)>,
}

/// One reason not to start.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// Facts of a port cannot be had; first of all: there is no such port.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The engine reads Ethernet frames.
    #[error("{0}: its frames have no Ethernet header; choose an Ethernet interface")]
    NotEthernet(String),
    /// The port is administratively down.
    #[error("{0}: the interface is down; `ip link set dev {0} up`")]
    Down(String),
    /// Frames are merged before XDP could see them.
    #[error("{0}: large receive offload merges frames; `ethtool -K {0} lro off`")]
    Lro(String),
    /// The two ports of a bridge differ: a frame of one may not fit the other.
    #[error(
        "{interface} has MTU {interface_mtu} and {peer} has MTU {peer_mtu}, so frames of one would not fit the \
         other; `ip link set dev {smaller} mtu {larger_mtu}`",
        smaller = if interface_mtu < peer_mtu { interface } else { peer },
        larger_mtu = interface_mtu.max(peer_mtu)
    )]
    Mtu {
        /// One port.
        interface: String,
        /// Its MTU, bytes.
        interface_mtu: u32,
        /// The other port.
        peer: String,
        /// Its MTU, bytes.
        peer_mtu: u32,
    },
    /// Chosen queues that the port does not have.
    #[error(
        "{port}: there is no {direction} queue {missing}: it has {has} {direction} {}; choose among them with \
         --queues, or give it more (see `ethtool -l {port}` and `ethtool -L {port}`)",
        numbered(*has)
    )]
    NoSuchQueue {
        /// Interface name.
        port: String,
        /// `rx` or `tx`.
        direction: &'static str,
        /// The queues in `--queues` that do not exist.
        missing: Queues,
        /// How many there are.
        has: u32,
    },
    /// Chosen queues beyond what the XDP program can tell apart.
    #[error("queue {0} in --queues is too high: fastpath inspects queues 0-{max}", max = MAX_QUEUES - 1)]
    QueueTooHigh(Queues),
    /// RSS can put frames onto queues that nobody inspects.
    #[error(
        "{port}: RSS can put frames onto queue {uncovered}, which --queues {chosen} leaves out; the XDP program \
         passes those to the kernel (XDP_PASS), so they never reach the other port: a hole in the wire. {remedy}, \
         or accept it with --allow-uncovered",
        remedy = remedy(port, covering, chosen, *table)
    )]
    Uncovered {
        /// Interface name.
        port: String,
        /// Queues that RSS reaches and `--queues` leaves out.
        uncovered: Queues,
        /// `--queues`.
        chosen: IndexList,
        /// What `--queues` would have to be: those that RSS reaches and the chosen ones that exist.
        covering: Queues,
        /// The port has an RSS indirection table, so that can be narrowed.
        table: bool,
    },
    /// Capabilities the process lacks.
    #[error(
        "this process lacks {}; run it as root, or give the capabilities with \
         `setcap cap_net_admin,cap_net_raw,cap_bpf+ep` or AmbientCapabilities= in its systemd unit",
        .0.join(" and ")
    )]
    Capabilities(Vec<&'static str>),
    /// UMEM is locked memory, and more than may be locked.
    #[error(
        "the packet buffers take {need} bytes of locked memory and RLIMIT_MEMLOCK allows {limit}; raise it \
         (`ulimit -l {}` in the shell, LimitMEMLOCK=infinity in the systemd unit), grant CAP_IPC_LOCK, or use fewer \
         queues or smaller rings",
        need.div_ceil(1024)
    )]
    Memlock {
        /// Bytes of all UMEMs.
        need: u64,
        /// Bytes allowed.
        limit: u64,
    },
}

/// Every reason not to start; never empty.
#[derive(Debug, thiserror::Error)]
pub struct Refused(pub Vec<GateError>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "refused to start: {only}"),
            all => {
                write!(f, "refused to start, for {} reasons:", all.len())?;
                all.iter().try_for_each(|error| write!(f, "\n  - {error}"))
            }
        }
    }
}

/// Effective capabilities as the bit set of capabilities(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(pub u64);

impl Capabilities {
    const NET_ADMIN: u64 = 1 << 12;
    const NET_RAW: u64 = 1 << 13;
    const IPC_LOCK: u64 = 1 << 14;
    const SYS_ADMIN: u64 = 1 << 21;
    const BPF: u64 = 1 << 39;

    fn any(self, of: u64) -> bool {
        self.0 & of != 0
    }

    /// What attaching XDP (net_admin), sockets and promiscuity (net_raw), and maps and programs (bpf) lack.
    pub(super) fn missing(self) -> Vec<&'static str> {
        [
            (Self::NET_ADMIN, "CAP_NET_ADMIN"),
            (Self::NET_RAW, "CAP_NET_RAW"),
            // bpf_capable() in the kernel: either will do.
            (Self::BPF | Self::SYS_ADMIN, "CAP_BPF"),
        ]
        .into_iter()
        .filter(|(of, _)| !self.any(*of))
        .map(|(_, name)| name)
        .collect()
    }

    /// From the text of /proc/PID/status.
    fn parse(status: &str) -> Option<Self> {
        let digits = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(digits.trim(), 16).ok().map(Self)
    }
}

/// Queue numbers, ascending; shown as `4-7,9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queues(pub Vec<u32>);

impl fmt::Display for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, run) in self.0.chunk_by(|a, b| a + 1 == *b).enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match run {
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                _ => run.iter().try_for_each(|only| write!(f, "{comma}{only}"))?,
            }
        }
        Ok(())
    }
}

/// Reads the facts of every port of `config` in the calling thread's network namespace, and of this process.
pub fn collect(config: &RunConfig) -> Result<Facts, LinkError> {
    let control = Control::open()?;
    let status = fs::read_to_string("/proc/thread-self/status").map_err(LinkError::Control)?;
    let capabilities = Capabilities::parse(&status)
        .ok_or_else(|| LinkError::Control(io::Error::other("/proc/thread-self/status shows no CapEff")))?;
    let links = config.wires.iter().flat_map(ports).map(|port| (port.to_owned(), link::read(&control, port)));
    Ok(Facts { links: links.collect(), capabilities, memlock: memlock().map_err(LinkError::Control)? })
}

/// Looks at every gate. `umem_bytes` is the size of all UMEMs together.
pub fn check(config: &RunConfig, facts: Facts, umem_bytes: u64) -> Result<Passed, Refused> {
    let mut failures = Vec::new();
    process(facts.capabilities, facts.memlock, umem_bytes, &mut failures);
    let too_high = filtered(config.queues.as_slice(), |queue| queue >= MAX_QUEUES);
    failures.extend(too_high.map(GateError::QueueTooHigh));

    let mut links = BTreeMap::new();
    for (name, link) in facts.links {
        match link {
            Ok(link) => drop(links.insert(name, link)),
            Err(error) => failures.push(error.into()),
        }
    }
    for link in links.values() {
        port(config, link, &mut failures);
    }
    let mut uncovered = Vec::new();
    for wire in &config.wires {
        // Where a side is missing, that has been said above.
        let Some(peer) = &wire.peer else { continue };
        let (Some(left), Some(right)) = (links.get(&wire.interface), links.get(peer)) else { continue };
        failures.extend(mtus(left, right));
        uncovered.extend([left, right].into_iter().filter_map(|link| coverage(&config.queues, link)));
    }
    if !config.allow_uncovered {
        failures.extend(uncovered.drain(..).map(|(port, uncovered)| {
            let link = links.get(&port);
            let existing = |queue: &u32| link.is_some_and(|link| *queue < link.rx_queues);
            let mut covering = uncovered.0.clone();
            covering.extend(config.queues.as_slice().iter().filter(|queue| existing(queue)));
            covering.sort_unstable();
            let table = link.is_some_and(|link| link.rss_queues.is_some());
            GateError::Uncovered {
                port,
                uncovered,
                chosen: config.queues.clone(),
                covering: Queues(covering),
                table,
            }
        }));
    }
    if !failures.is_empty() {
        return Err(Refused(failures));
    }
    Ok(Passed { links, uncovered })
}

impl Passed {
    /// True when a packet of `wire` may need more than one UMEM frame of `frame_size` bytes: bind with XDP_USE_SG.
    pub fn multi_buffer(&self, wire: &Wire, frame_size: u32) -> bool {
        let mut links = ports(wire).filter_map(|port| self.links.get(port));
        links.any(|link| needs_multi_buffer(link.mtu, frame_size))
    }
}

/// True when a packet of a port with this MTU may not fit one UMEM frame (bytes both).
pub fn needs_multi_buffer(mtu: u32, frame_size: u32) -> bool {
    mtu.saturating_add(BESIDE_MTU) > room(frame_size, 0)
}

/// Bytes of each UMEM frame that a packet of several can fill in zero-copy. Kernels before April 2026 kept no room
/// at the end, and there it is 320 more.
pub fn multi_buffer_room(frame_size: u32) -> u32 {
    room(frame_size, TAILROOM)
}

/// How many UMEM frames the longest packet of a port with this MTU takes in zero-copy (bytes both).
pub fn zero_copy_frames(mtu: u32, frame_size: u32) -> u32 {
    match needs_multi_buffer(mtu, frame_size) {
        true => mtu.saturating_add(BESIDE_MTU).div_ceil(multi_buffer_room(frame_size).max(1)),
        false => 1,
    }
}

fn room(frame_size: u32, tailroom: u32) -> u32 {
    let room = frame_size.saturating_sub(HEADROOM + tailroom);
    room - room % ROOM_STEP
}

fn ports(wire: &Wire) -> impl Iterator<Item = &str> {
    [Some(&wire.interface), wire.peer.as_ref()].into_iter().flatten().map(String::as_str)
}

/// What the process itself may do.
fn process(capabilities: Capabilities, memlock: Option<u64>, need: u64, failures: &mut Vec<GateError>) {
    let missing = capabilities.missing();
    if !missing.is_empty() {
        failures.push(GateError::Capabilities(missing));
    }
    // xdp_umem_account_pages() in the kernel: CAP_IPC_LOCK lifts the limit.
    if let Some(limit) = memlock
        && limit < need
        && !capabilities.any(Capabilities::IPC_LOCK)
    {
        failures.push(GateError::Memlock { need, limit });
    }
}

/// What every port must be, whatever stands beside it.
fn port(config: &RunConfig, link: &Link, failures: &mut Vec<GateError>) {
    let name = || link.name.clone();
    if !link.ethernet {
        failures.push(GateError::NotEthernet(name()));
    }
    if !link.up {
        failures.push(GateError::Down(name()));
    }
    // The generic hook turns LRO off by itself.
    if link.lro && config.attach == AttachMode::Native {
        failures.push(GateError::Lro(name()));
    }
    let directions = [("rx", link.rx_queues), ("tx", link.tx_queues)];
    // Mostly they come in pairs, and one message says it.
    let apart = if link.rx_queues == link.tx_queues { 1 } else { 2 };
    for (direction, has) in directions.into_iter().take(apart) {
        if let Some(missing) = filtered(config.queues.as_slice(), |queue| queue >= has) {
            failures.push(GateError::NoSuchQueue { port: name(), direction, missing, has });
        }
    }
}

fn mtus(left: &Link, right: &Link) -> Option<GateError> {
    (left.mtu != right.mtu).then(|| GateError::Mtu {
        interface: left.name.clone(),
        interface_mtu: left.mtu,
        peer: right.name.clone(),
        peer_mtu: right.mtu,
    })
}

/// The queues that RSS can reach, or all where nothing is known of RSS, less the chosen ones.
fn coverage(chosen: &IndexList, link: &Link) -> Option<(String, Queues)> {
    let every: Vec<u32>;
    let reachable = match &link.rss_queues {
        Some(queues) => queues,
        None => {
            every = (0..link.rx_queues).collect();
            &every
        }
    };
    filtered(reachable, |queue| !chosen.contains(queue)).map(|queues| (link.name.clone(), queues))
}

/// The queues that `which` picks; `None` when there are none.
fn filtered(queues: &[u32], which: impl Fn(u32) -> bool) -> Option<Queues> {
    let picked: Vec<u32> = queues.iter().copied().filter(|queue| which(*queue)).collect();
    (!picked.is_empty()).then_some(Queues(picked))
}

fn numbered(queues: u32) -> String {
    match queues {
        0 => "queues".into(),
        1 => "queue, number 0".into(),
        more => format!("queues, numbers 0-{}", more - 1),
    }
}

/// How to cover a port. Narrowing RSS helps only when the chosen queues are the first ones.
fn remedy(port: &str, covering: &Queues, chosen: &IndexList, table: bool) -> String {
    let mut remedy = format!("Inspect them too (--queues {covering})");
    let count = chosen.as_slice().len();
    if chosen.as_slice().iter().copied().eq((0..).take(count)) {
        if table {
            remedy += &format!(", steer around them (`ethtool -X {port} equal {count}`)");
        }
        remedy += &format!(", have only as many (`ethtool -L {port} combined {count}`, or `rx {count}`)");
    }
    remedy
}

/// RLIMIT_MEMLOCK of this process, bytes.
fn memlock() -> io::Result<Option<u64>> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live rlimit, which getrlimit fills.
    match unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) } {
        0 => Ok((limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests;
