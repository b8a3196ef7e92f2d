use std::{
    net::{Ipv4Addr, Ipv6Addr},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    LabError, MacAddr, Namespace,
    process::run,
    watchdog::{PREFIX, Watchdog, sweep},
};

/// The inspector's port towards the client.
pub const PORT_IN: &str = "in0";
/// The inspector's port towards the server.
pub const PORT_OUT: &str = "out0";
/// The client's address.
pub const CLIENT_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The server's address.
pub const SERVER_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// The client's IPv6 address.
pub const CLIENT_IP6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1);
/// The server's IPv6 address.
pub const SERVER_IP6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2);
/// The client's MAC address.
pub const CLIENT_MAC: MacAddr = [0x02, 0, 0, 0, 0, 0x01];
/// The server's MAC address.
pub const SERVER_MAC: MacAddr = [0x02, 0, 0, 0, 0, 0x02];
/// MAC address of the card that becomes [`PORT_IN`] of a lab over cards.
pub const PORT_IN_MAC: MacAddr = [0x02, 0, 0, 0, 0, 0xa0];
/// MAC address of the card that becomes [`PORT_OUT`] of a lab over cards.
pub const PORT_OUT_MAC: MacAddr = [0x02, 0, 0, 0, 0, 0xb0];

/// Partial checksums and super-frames must not reach an AF_XDP socket, and a VLAN tag must stay in the frame.
const OFFLOADS_OFF: &str = "tx off gro off gso off tso off rxvlan off txvlan off";

/// What a lab looks like.
#[derive(Clone, Copy, Debug)]
pub struct LabOptions {
    /// Queues of every port.
    pub queues: u32,
    /// MTU of every port.
    pub mtu: u32,
    /// Both hosts know each other's MAC address beforehand. Without, ARP and ND have to cross the wire first.
    pub known_neighbours: bool,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self { queues: 4, mtu: 1500, known_neighbours: true }
    }
}

/// One of the two hosts at the ends of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The one behind `in0`.
    Client,
    /// The one behind `out0`.
    Server,
}

/// Client, inspector and server. Removed on drop, or when the process dies.
#[derive(Debug)]
pub struct Lab {
    /// The client's namespace; its port is `eth0`.
    pub client: Namespace,
    /// The inspector's namespace with the ports [`PORT_IN`] and [`PORT_OUT`].
    pub inspector: Namespace,
    /// The server's namespace; its port is `eth0`.
    pub server: Namespace,
    options: LabOptions,
    _watchdog: Watchdog,
}

impl Lab {
    /// A lab with 4 queues and an MTU of 1500.
    ///
    /// # Errors
    /// When a namespace or veth cannot be made (not root, `ip` or `ethtool` missing).
    pub fn new() -> Result<Self, LabError> {
        Self::with(LabOptions::default())
    }

    /// A lab as told by `options`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with(options: LabOptions) -> Result<Self, LabError> {
        Self::wired(options, Self::connect)
    }

    /// A lab over network cards that are there already, instead of veths: each of the four is known by its MAC
    /// address ([`CLIENT_MAC`], [`SERVER_MAC`], [`PORT_IN_MAC`], [`PORT_OUT_MAC`]), and what joins a host's card to
    /// the inspector's is none of the lab's business. They go into the namespaces under the names of any lab,
    /// with `options` as to MTU and queues, and offloads as the driver has them.
    ///
    /// # Errors
    /// When a card is missing, or its driver refuses the number of queues.
    pub fn over_cards(options: LabOptions) -> Result<Self, LabError> {
        Self::wired(options, Self::adopt)
    }

    fn wired(
        options: LabOptions,
        connect: fn(&Self, Host, &str) -> Result<(), LabError>,
    ) -> Result<Self, LabError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        sweep()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let names = ["client", "inspector", "server"]
            .map(|role| format!("{PREFIX}{}-{number}-{role}", std::process::id()));
        let watchdog = Watchdog::start(&names)?;
        let [client, inspector, server] = names;
        let lab = Self {
            client: Namespace::create(client)?,
            inspector: Namespace::create(inspector)?,
            server: Namespace::create(server)?,
            options,
            _watchdog: watchdog,
        };
        lab.silence()?;
        connect(&lab, Host::Client, PORT_IN)?;
        connect(&lab, Host::Server, PORT_OUT)?;
        if options.known_neighbours {
            lab.introduce(Host::Client, Host::Server)?;
            lab.introduce(Host::Server, Host::Client)?;
        }
        Ok(lab)
    }

    /// A host's namespace.
    pub fn host(&self, host: Host) -> &Namespace {
        match host {
            Host::Client => &self.client,
            Host::Server => &self.server,
        }
    }

    /// Makes everything a host sends from now on leave by tx queue `queue`, and so arrive at the inspector on
    /// rx queue `queue`. Without it the queue follows from the flow.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn steer(&self, host: Host, queue: u32) -> Result<(), LabError> {
        // Transmit packet steering: the one queue that every CPU may use.
        let script = format!(
            "cd /sys/class/net/eth0/queues
             all=$(cat /sys/devices/system/cpu/possible | sed 's/.*-//')
             mask=$(printf %x $(( (1 << (all + 1)) - 1 )))
             for q in tx-*; do echo 0 > $q/xps_cpus; done
             echo $mask > tx-{queue}/xps_cpus"
        );
        self.host(host).shell(&script).map(drop)
    }

    /// Joins both ports of the inspector by a bridge of the kernel: what fastpath is compared with.
    ///
    /// # Errors
    /// When the kernel has no bridge, or there is one already.
    pub fn linux_bridge(&self) -> Result<(), LabError> {
        let inspector = &self.inspector;
        inspector.ip("link add br0 type bridge stp_state 0 mcast_snooping 0")?;
        for port in [PORT_IN, PORT_OUT] {
            inspector.ip(&format!("link set {port} master br0"))?;
        }
        inspector.ip("link set br0 up")?;
        Ok(())
    }

    /// Takes the kernel's bridge away again.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove_linux_bridge(&self) -> Result<(), LabError> {
        self.inspector.ip("link del br0").map(drop)
    }

    /// Frames that a port of a namespace has received, as its driver counts them.
    ///
    /// # Errors
    /// When there is no such port.
    pub fn received(&self, namespace: &Namespace, port: &str) -> Result<u64, LabError> {
        let text = namespace.shell(&format!("cat /sys/class/net/{port}/statistics/rx_packets"))?;
        text.trim().parse().map_err(|_| LabError::Malformed {
            what: format!("rx_packets of {port}"),
            reason: format!("not a number: {text}"),
        })
    }

    /// No IPv6 chatter: router solicitations, autoconfiguration, duplicate address detection. Multicast listener
    /// reports cannot be turned off, but made to come at once, before anything is started.
    fn silence(&self) -> Result<(), LabError> {
        let quiet = "for k in all default; do
            echo 0 > /proc/sys/net/ipv6/conf/$k/accept_ra
            echo 0 > /proc/sys/net/ipv6/conf/$k/accept_dad
            echo 0 > /proc/sys/net/ipv6/conf/$k/router_solicitations
            echo 1 > /proc/sys/net/ipv6/conf/$k/addr_gen_mode
            echo 1 > /proc/sys/net/ipv6/conf/$k/mldv1_unsolicited_report_interval
            echo 1 > /proc/sys/net/ipv6/conf/$k/mldv2_unsolicited_report_interval
        done
        echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range";
        self.client.shell(quiet)?;
        self.server.shell(quiet)?;
        self.inspector
            .shell("for k in all default; do echo 1 > /proc/sys/net/ipv6/conf/$k/disable_ipv6; done")?;
        Ok(())
    }

    /// A host's card as its `eth0`, and the inspector's card before it as `port`.
    fn adopt(&self, host: Host, port: &str) -> Result<(), LabError> {
        let LabOptions { queues, mtu, .. } = self.options;
        let (namespace, inspector) = (self.host(host), &self.inspector);
        let (mac, ip, ip6) = address(host);
        let port_mac = if host == Host::Client { PORT_IN_MAC } else { PORT_OUT_MAC };
        for (mac, namespace, name) in [(mac, namespace, "eth0"), (port_mac, inspector, port)] {
            run(Command::new("ip").args([
                "link",
                "set",
                &card(mac)?,
                "netns",
                namespace.name(),
                "name",
                name,
            ]))?;
            namespace.ip(&format!("link set {name} mtu {mtu}"))?;
        }
        namespace.shell(&format!(
            "ip addr add {ip}/24 dev eth0
             ip addr add {ip6}/64 dev eth0 nodad
             ip link set eth0 up"
        ))?;
        // It may be what the card has, which ethtool calls a failure.
        inspector.shell(&format!(
            "ethtool -l {port} | sed 1,/Current/d | grep -q '^Combined:.*\\b{queues}$' || ethtool -L {port} combined {queues}
             ip link set {port} up"
        ))?;
        Ok(())
    }

    /// A veth between a host's `eth0` and the inspector's `port`.
    fn connect(&self, host: Host, port: &str) -> Result<(), LabError> {
        let LabOptions { queues, mtu, .. } = self.options;
        let (namespace, inspector) = (self.host(host), &self.inspector);
        let (mac, ip, ip6) = address(host);
        let mac = mac_text(mac);
        let count = format!("numtxqueues {queues} numrxqueues {queues}");
        namespace.ip(&format!(
            "link add eth0 mtu {mtu} address {mac} {count} type veth \
             peer name {port} mtu {mtu} {count} netns {}",
            inspector.name()
        ))?;
        namespace.shell(&format!(
            "ethtool -K eth0 {OFFLOADS_OFF} >/dev/null
             ip addr add {ip}/24 dev eth0
             ip addr add {ip6}/64 dev eth0 nodad
             ip link set eth0 up"
        ))?;
        inspector.shell(&format!("ethtool -K {port} {OFFLOADS_OFF} >/dev/null; ip link set {port} up"))?;
        Ok(())
    }

    /// Tells `host` the MAC address of `other`.
    fn introduce(&self, host: Host, other: Host) -> Result<(), LabError> {
        let (mac, ip, ip6) = address(other);
        let mac = mac_text(mac);
        for address in [ip.to_string(), ip6.to_string()] {
            self.host(host).ip(&format!("neigh replace {address} lladdr {mac} dev eth0 nud permanent"))?;
        }
        Ok(())
    }
}

fn address(host: Host) -> (MacAddr, Ipv4Addr, Ipv6Addr) {
    match host {
        Host::Client => (CLIENT_MAC, CLIENT_IP, CLIENT_IP6),
        Host::Server => (SERVER_MAC, SERVER_IP, SERVER_IP6),
    }
}

/// Name of the network card with the address `mac`.
fn card(mac: MacAddr) -> Result<String, LabError> {
    let doing = "looking at the network cards";
    let mac = mac_text(mac);
    for entry in std::fs::read_dir("/sys/class/net").map_err(LabError::io(doing))? {
        let entry = entry.map_err(LabError::io(doing))?;
        if std::fs::read_to_string(entry.path().join("address")).is_ok_and(|address| address.trim() == mac) {
            return Ok(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Err(LabError::Malformed {
        what: "/sys/class/net".to_owned(),
        reason: format!("no card has the address {mac}"),
    })
}

fn mac_text(mac: MacAddr) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
