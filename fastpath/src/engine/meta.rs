//! What the engine is told about a packet beside its bytes.

/// Nanoseconds since the Unix epoch, as given by the packet source. Never read from a clock by the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Nanoseconds in a second.
    pub const SECOND: u64 = 1_000_000_000;

    /// Whole seconds since the epoch.
    pub fn seconds(self) -> u64 {
        self.0 / Self::SECOND
    }
}

/// Index of a port in the configuration's list of ports (not the kernel's ifindex).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PortId(pub u16);

/// First header of the packet's bytes (the capture's link type; always Ethernet on a NIC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkType {
    /// LINKTYPE_ETHERNET (1).
    #[default]
    Ethernet,
    /// LINKTYPE_NULL (0): four bytes of address family in the capturing host's byte order.
    Null,
    /// LINKTYPE_RAW (101, also 12, 14): starts with the IP header.
    RawIp,
    /// LINKTYPE_LINUX_SLL (113), 16-byte header.
    LinuxSll,
    /// LINKTYPE_LINUX_SLL2 (276), 20-byte header.
    LinuxSll2,
    /// LINKTYPE_PPP (9), with or without the address and control bytes of HDLC framing.
    Ppp,
    /// LINKTYPE_C_HDLC (104): Cisco HDLC, 4-byte header.
    CiscoHdlc,
    /// What this EtherType names, without a link header: how tunnels carry packets. Of captures it is LINKTYPE_IPV4 (228)
    /// and LINKTYPE_IPV6 (229).
    EtherType(u16),
    /// Any other link type, by its number: never decoded, so that no rule matches.
    Other(u16),
}

impl LinkType {
    /// IPv4 without a link header (LINKTYPE_IPV4).
    pub const IPV4: Self = Self::EtherType(0x0800);
    /// IPv6 without a link header (LINKTYPE_IPV6).
    pub const IPV6: Self = Self::EtherType(0x86dd);

    /// Its number in captures and Suricata's name for it, when it has one (<https://www.tcpdump.org/linktypes.html>; Suricata:
    /// util-datalink.c).
    pub fn number_and_name(self) -> Option<(u16, &'static str)> {
        Some(match self {
            Self::Ethernet => (1, "EN10MB"),
            Self::Null => (0, "NULL"),
            Self::RawIp => (101, "RAW"),
            Self::LinuxSll => (113, "LINUX_SLL"),
            Self::LinuxSll2 => (276, "LINUX_SLL2"),
            Self::Ppp => (9, "PPP"),
            Self::CiscoHdlc => (104, "C_HDLC"),
            Self::IPV4 => (228, "IPv4"),
            Self::IPV6 => (229, "IPv6"),
            Self::EtherType(_) => return None,
            Self::Other(number) => (number, "n/a"),
        })
    }
}

/// What the source knows about the packet's checksums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChecksumState {
    /// Nothing: verify where it matters.
    #[default]
    Unverified,
    /// The hardware verified them, or the user asked not to (`-k none`).
    Trusted,
}

/// Which way a packet of a flow goes. The server is the end that was spoken to first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    #[default]
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// The other way.
    pub fn reverse(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// One packet's circumstances.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meta {
    /// When it was received (one reading per batch on a live wire).
    pub time: Timestamp,
    /// Port it came in on.
    pub port: PortId,
    /// First header of its bytes.
    pub link: LinkType,
    /// What is known about its checksums.
    pub checksums: ChecksumState,
    /// Position in the capture from 1 (EVE `pcap_cnt`), 0 on a live wire.
    pub number: u64,
}
