//! A rule's header: action, protocol, addresses, ports, direction.

use std::{collections::HashMap, sync::Arc};

use super::{
    Action, Recipients, Variables,
    address::AddressSet,
    fault::Fault,
    lexer::{RuleText, Token},
    port::PortSet,
};
use crate::engine::packet::{IpHeader, Network, Packet, Transport};
use etherparse::ip_number;

/// Which packets a rule is about.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) protocol: Protocol,
    source: Endpoint,
    destination: Endpoint,
    /// `<>`: source and destination may be swapped.
    both_ways: bool,
}

#[derive(Clone, Debug)]
struct Endpoint {
    addresses: Arc<AddressSet>,
    ports: Arc<PortSet>,
}

/// A rule's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// `ip`: every IP packet.
    Ip,
    /// `ipv4`, `ip4`.
    Ipv4,
    /// `ipv6`, `ip6`.
    Ipv6,
    /// `tcp`.
    Tcp,
    /// `tcp-pkt`: TCP, looking into packets only.
    TcpPacket,
    /// `tcp-stream`: TCP, looking into streams only.
    TcpStream,
    /// `udp`.
    Udp,
    /// `icmp`: ICMPv4 and ICMPv6.
    Icmp,
    /// `icmpv4`.
    Icmpv4,
    /// `icmpv6`.
    Icmpv6,
    /// `sctp`.
    Sctp,
    /// `pkthdr`: every packet, whatever it is.
    Any,
    /// The messages of an application protocol.
    Application(&'static str),
}

/// Application protocols of Suricata's rule headers.
const APPLICATION: &[&str] = &[
    "bittorrent-dht",
    "dcerpc",
    "dhcp",
    "dnp3",
    "dns",
    "doh2",
    "enip",
    "ftp",
    "ftp-data",
    "http",
    "http1",
    "http2",
    "ike",
    "imap",
    "irc",
    "jabber",
    "krb5",
    "ldap",
    "mdns",
    "modbus",
    "mqtt",
    "nfs",
    "ntp",
    "pgsql",
    "pop3",
    "quic",
    "rdp",
    "rfb",
    "sip",
    "smb",
    "smtp",
    "snmp",
    "ssh",
    "telnet",
    "template",
    "tftp",
    "tls",
    "ssl",
    "websocket",
];

/// Application protocols that one rule may be about together. The first of a line is the one whose keywords go with the others'.
const RELATED: &[&[&str]] = &[
    &["http", "http1"],
    &["http", "http2", "doh2"],
    &["dns", "doh2"],
    &["dns", "mdns"],
    &["dcerpc", "smb"],
    &["ftp", "ftp-data"],
    &["ssl", "tls"],
];

/// Reads headers; keeps the sets it has read, because most rules name the same few.
pub(super) struct HeaderParser<'v> {
    variables: &'v Variables,
    addresses: HashMap<String, Arc<AddressSet>>,
    ports: HashMap<String, Arc<PortSet>>,
}

impl<'v> HeaderParser<'v> {
    pub(super) fn new(variables: &'v Variables) -> Self {
        Self { variables, addresses: HashMap::new(), ports: HashMap::new() }
    }

    pub(super) fn parse(&mut self, rule: &RuleText<'_>) -> Result<(Action, Header), Fault> {
        let action = action(rule.action)?;
        let protocol = protocol(rule.protocol)?;
        let both_ways = both_ways(rule.direction)?;
        let source = self.endpoint(rule.source, rule.source_ports)?;
        let destination = self.endpoint(rule.destination, rule.destination_ports)?;
        Ok((action, Header { protocol, source, destination, both_ways }))
    }

    fn endpoint(&mut self, addresses: Token<'_>, ports: Token<'_>) -> Result<Endpoint, Fault> {
        let addresses = match self.addresses.get(addresses.text) {
            Some(set) => Arc::clone(set),
            None => {
                let set = Arc::new(AddressSet::parse(addresses, &self.variables.addresses)?);
                self.addresses.insert(addresses.text.to_string(), Arc::clone(&set));
                set
            }
        };
        let ports = match self.ports.get(ports.text) {
            Some(set) => Arc::clone(set),
            None => {
                let set = Arc::new(PortSet::parse(ports, &self.variables.ports)?);
                self.ports.insert(ports.text.to_string(), Arc::clone(&set));
                set
            }
        };
        Ok(Endpoint { addresses, ports })
    }
}

const ACTIONS: &str = "alert, drop, pass, reject, rejectsrc, rejectdst or rejectboth";

fn action(token: Token<'_>) -> Result<Action, Fault> {
    match token.text {
        "alert" => Ok(Action::Alert),
        "drop" => Ok(Action::Drop),
        "pass" => Ok(Action::Pass),
        "reject" | "rejectsrc" => Ok(Action::Reject(Recipients::Source)),
        "rejectdst" => Ok(Action::Reject(Recipients::Destination)),
        "rejectboth" => Ok(Action::Reject(Recipients::Both)),
        name @ ("config" | "accept") => {
            Err(token.fault(format!("the action `{name}` is not supported yet: use {ACTIONS}")))
        }
        name => Err(token.fault(format!("unknown action `{name}`: use {ACTIONS}"))),
    }
}

fn protocol(token: Token<'_>) -> Result<Protocol, Fault> {
    match token.text.to_ascii_lowercase().as_str() {
        "ip" => Ok(Protocol::Ip),
        "ipv4" | "ip4" => Ok(Protocol::Ipv4),
        "ipv6" | "ip6" => Ok(Protocol::Ipv6),
        "tcp" => Ok(Protocol::Tcp),
        "tcp-pkt" => Ok(Protocol::TcpPacket),
        "tcp-stream" => Ok(Protocol::TcpStream),
        "sctp" => Ok(Protocol::Sctp),
        "pkthdr" => Ok(Protocol::Any),
        "udp" => Ok(Protocol::Udp),
        "icmp" => Ok(Protocol::Icmp),
        "icmpv4" => Ok(Protocol::Icmpv4),
        "icmpv6" => Ok(Protocol::Icmpv6),
        name @ ("ether" | "arp") => Err(token.fault(format!("the protocol `{name}` is not supported yet"))),
        name => match application(name) {
            Some(known) => Ok(Protocol::Application(known)),
            None => Err(token.fault(format!("unknown protocol `{name}`"))),
        },
    }
}

/// The application protocol of this name.
pub(super) fn application(name: &str) -> Option<&'static str> {
    APPLICATION.iter().copied().find(|known| *known == name)
}

/// Whether a rule may be about both: one is a version of the other or carries it, or both carry the same.
pub(super) fn belong_together(one: &str, other: &str) -> bool {
    one == other || RELATED.iter().any(|group| group.contains(&one) && group.contains(&other))
}

fn both_ways(token: Token<'_>) -> Result<bool, Fault> {
    match token.text {
        "->" => Ok(false),
        "<>" => Ok(true),
        "=>" => Err(token.fault("the direction `=>` (transactions) is not supported yet")),
        other => Err(token.fault(format!("unknown direction `{other}`: use `->` or `<>`"))),
    }
}

impl Header {
    /// Whether `packet` is one that the rule is about.
    pub(super) fn matches(&self, packet: &Packet<'_>) -> bool {
        let Some(network) = &packet.network else {
            return self.protocol == Protocol::Any && self.is_about_any_endpoint();
        };
        if !self.protocol.matches(network, packet.transport.as_ref()) {
            return false;
        }
        let (source, destination) = network.addresses();
        let (source_port, destination_port) = packet.ports().unzip();
        let one_way = |from: &Endpoint, to: &Endpoint| {
            from.ports.contains(source_port)
                && to.ports.contains(destination_port)
                && from.addresses.contains(source)
                && to.addresses.contains(destination)
        };
        one_way(&self.source, &self.destination)
            || (self.both_ways && one_way(&self.destination, &self.source))
    }

    /// Whether any address and port will do.
    fn is_about_any_endpoint(&self) -> bool {
        [&self.source, &self.destination].iter().all(|end| end.addresses.is_any() && end.ports.is_any())
    }

    /// Whether it says nothing of ports, and is not about single packets.
    pub(super) fn is_about_addresses_only(&self) -> bool {
        let packets = [Protocol::Any, Protocol::TcpPacket, Protocol::TcpStream];
        self.source.ports.is_any() && self.destination.ports.is_any() && !packets.contains(&self.protocol)
    }
}

impl Protocol {
    /// Whether TCP packets are among those it stands for.
    pub(super) fn includes_tcp(self) -> bool {
        match self {
            Self::Ip | Self::Ipv4 | Self::Ipv6 | Self::Any => true,
            Self::Tcp | Self::TcpPacket | Self::TcpStream => true,
            Self::Udp | Self::Icmp | Self::Icmpv4 | Self::Icmpv6 | Self::Sctp | Self::Application(_) => false,
        }
    }

    fn matches(self, network: &Network<'_>, transport: Option<&Transport<'_>>) -> bool {
        match self {
            Self::Ip | Self::Any => true,
            Self::Application(_) => false,
            Self::Ipv4 => matches!(network.header, IpHeader::V4(_)),
            Self::Ipv6 => matches!(network.header, IpHeader::V6(_)),
            Self::Sctp => network.protocol == ip_number::SCTP.0,
            Self::Tcp | Self::TcpPacket | Self::TcpStream => matches!(transport, Some(Transport::Tcp(_))),
            Self::Udp => matches!(transport, Some(Transport::Udp(_))),
            Self::Icmp => matches!(transport, Some(Transport::Icmpv4(_) | Transport::Icmpv6(_))),
            Self::Icmpv4 => matches!(transport, Some(Transport::Icmpv4(_))),
            Self::Icmpv6 => matches!(transport, Some(Transport::Icmpv6(_))),
        }
    }
}
