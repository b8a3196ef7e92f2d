//! The `drop` and `verdict` objects of EVE (Suricata's output-json-drop.c and output-json-alert.c).

use etherparse::{IpNumber, ip_number};
use serde::Serialize;

use crate::engine::{
    event::{Decided, HeaderFacts, NetworkFacts, TransportFacts},
    rules::Recipients,
    verdict::{self, DropReason},
};

/// The `drop` object.
#[derive(Serialize)]
pub(super) struct DropObject {
    #[serde(flatten)]
    network: Option<Network>,
    #[serde(flatten)]
    transport: Option<Transport>,
    reason: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Network {
    V4 { len: u16, tos: u8, ttl: u8, ipid: u16 },
    V6 { len: u16, tc: u8, hoplimit: u8, flowlbl: u32 },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Transport {
    Tcp(Tcp),
    Udp { udplen: u16 },
    Icmp { icmp_id: u16, icmp_seq: u16 },
}

#[derive(Serialize)]
struct Tcp {
    tcpseq: u32,
    tcpack: u32,
    tcpwin: u16,
    syn: bool,
    ack: bool,
    psh: bool,
    rst: bool,
    urg: bool,
    fin: bool,
    tcpres: u8,
    tcpurgp: u16,
}

impl DropObject {
    pub(super) fn new(reason: DropReason, headers: &HeaderFacts) -> Self {
        Self {
            network: headers.network.map(Network::new),
            transport: headers.transport.map(Transport::new),
            reason: reason.name(),
        }
    }
}

impl Network {
    fn new(facts: NetworkFacts) -> Self {
        match facts {
            NetworkFacts::V4 { length, tos, ttl, id } => Self::V4 { len: length, tos, ttl, ipid: id },
            NetworkFacts::V6 { length, class, hop_limit, flow_label } => {
                Self::V6 { len: length, tc: class, hoplimit: hop_limit, flowlbl: flow_label }
            }
        }
    }
}

impl Transport {
    fn new(facts: TransportFacts) -> Self {
        match facts {
            TransportFacts::Tcp { seq, ack, window, flags, reserved, urgent } => Self::Tcp(Tcp {
                tcpseq: seq,
                tcpack: ack,
                tcpwin: window,
                syn: flags & 0x02 != 0,
                ack: flags & 0x10 != 0,
                psh: flags & 0x08 != 0,
                rst: flags & 0x04 != 0,
                urg: flags & 0x20 != 0,
                fin: flags & 0x01 != 0,
                tcpres: reserved,
                tcpurgp: urgent,
            }),
            TransportFacts::Udp { length } => Self::Udp { udplen: length },
            TransportFacts::Echo { id, seq } => Self::Icmp { icmp_id: id, icmp_seq: seq },
        }
    }
}

/// The `verdict` object: what was done with the packet.
#[derive(Serialize)]
pub(super) struct Verdict {
    action: &'static str,
    #[serde(rename = "reject-target", skip_serializing_if = "Option::is_none")]
    reject_target: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reject: Option<[&'static str; 1]>,
}

impl Verdict {
    /// What a packet of this IP protocol has come to. One that would have been dropped inline has `would-drop`, which is ours.
    pub(super) fn new(decided: Decided, protocol: Option<u8>) -> Self {
        let action = match decided.verdict {
            verdict::Verdict::Forward | verdict::Verdict::Rewritten => "alert",
            verdict::Verdict::WouldDrop(_) => "would-drop",
            verdict::Verdict::Drop(_) => "drop",
        };
        // Nobody is told where nothing is dropped.
        let rejected = decided.rejected.filter(|_| matches!(decided.verdict, verdict::Verdict::Drop(_)));
        Self {
            action,
            reject_target: rejected.map(|recipients| match recipients {
                Recipients::Source => "to_client",
                Recipients::Destination => "to_server",
                Recipients::Both => "both",
            }),
            reject: rejected.and_then(|_| match protocol.map(IpNumber) {
                Some(ip_number::TCP) => Some(["tcp-reset"]),
                Some(ip_number::UDP | ip_number::ICMP | ip_number::IPV6_ICMP) => Some(["icmp-prohib"]),
                _ => None,
            }),
        }
    }
}
