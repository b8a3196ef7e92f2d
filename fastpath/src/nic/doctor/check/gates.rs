//! What the gates of a start decide (`nic/gate.rs`), as checks: this is their words, not another judgement.

use super::{
    super::{Purpose, facts::Facts},
    Check, Topic,
};
use crate::nic::{
    gate::{GateError, Queues},
    link::LinkError,
};

const PORT: Topic = Topic::new("port", "only an Ethernet interface that is there and up can be inspected");
const QUEUES: Topic =
    Topic::new("queues", "each queue of --queues needs an rx and a tx queue of that number on every port");
const COVERAGE: Topic = Topic::new(
    "rss-coverage",
    "frames that RSS puts on a queue nobody inspects go to the kernel and not over the bridge",
);
const LRO: Topic =
    Topic::new("lro", "large receive offload merges frames before anyone can inspect or forward them");
const MTU: Topic = Topic::new("mtu", "a frame of the port with the larger MTU does not fit the other");
const CAPABILITIES: Topic =
    Topic::new("capabilities", "attaching XDP, raw sockets, maps and programs each take a capability");
const MEMLOCK: Topic =
    Topic::new("memlock", "packet buffers are locked memory, and the limit is set per process");

pub(super) fn checks(purpose: &Purpose<'_>, facts: &Facts) -> Vec<Check> {
    let mut all: Vec<Check> = facts.gates.iter().map(refused).collect();
    for check in passed(purpose, facts) {
        if !all.iter().any(|other| (other.name, &other.port) == (check.name, &check.port)) {
            all.push(check);
        }
    }
    all
}

/// A gate's refusal. Its own text has cause and fix in one sentence.
fn refused(error: &GateError) -> Check {
    let (topic, port, fix) = match error {
        GateError::Link(error) => {
            let port = match error {
                LinkError::Missing(port) | LinkError::Name(port) | LinkError::Queues(port) => Some(port),
                LinkError::Read { port, .. } => Some(port),
                LinkError::Control(_) => None,
            };
            (PORT, port, "ip -br link".into())
        }
        GateError::NotEthernet(port) => {
            (PORT, Some(port), "choose an Ethernet interface (ip -br link)".into())
        }
        GateError::Down(port) => (PORT, Some(port), format!("ip link set dev {port} up")),
        GateError::Lro(port) => (LRO, Some(port), format!("ethtool -K {port} lro off")),
        GateError::Mtu { interface, interface_mtu, peer, peer_mtu } => {
            let smaller = if interface_mtu < peer_mtu { interface } else { peer };
            (MTU, Some(interface), format!("ip link set dev {smaller} mtu {}", interface_mtu.max(peer_mtu)))
        }
        GateError::NoSuchQueue { port, missing, has, .. } => {
            let wanted = missing.0.last().map_or(*has, |last| last + 1);
            (
                QUEUES,
                Some(port),
                format!("ethtool -L {port} combined {wanted}, or choose fewer with --queues"),
            )
        }
        GateError::QueueTooHigh(_) => (QUEUES, None, "choose lower ones with --queues".into()),
        GateError::Uncovered { port, covering, .. } => (COVERAGE, Some(port), format!("--queues {covering}")),
        GateError::Capabilities(_) => (
            CAPABILITIES,
            None,
            "run as root, or setcap cap_net_admin,cap_net_raw,cap_bpf+ep the binary".into(),
        ),
        GateError::Memlock { need, .. } => (
            MEMLOCK,
            None,
            format!("ulimit -l {} (LimitMEMLOCK=infinity in the systemd unit)", need.div_ceil(1024)),
        ),
    };
    let check = topic.fail(error.to_string(), fix);
    match port {
        Some(port) => check.on(port),
        None => check,
    }
}

/// What there is to say where nothing was refused.
fn passed(purpose: &Purpose<'_>, facts: &Facts) -> Vec<Check> {
    let mut all = vec![
        CAPABILITIES.ok("all that is needed"),
        MEMLOCK.ok(format!("{} MiB for packets may be locked", purpose.umem_bytes.div_ceil(1 << 20))),
    ];
    let queues = &purpose.config.queues;
    for port in &facts.ports {
        let link = &port.link;
        let name = &link.name;
        all.push(PORT.ok("there, up, Ethernet").on(name));
        all.push(
            QUEUES.ok(format!("{queues} of {} rx and {} tx queues", link.rx_queues, link.tx_queues)).on(name),
        );
        all.push(LRO.ok("off").on(name));
        all.push(MTU.ok(link.mtu.to_string()).on(name));
        if purpose
            .config
            .wires
            .iter()
            .any(|wire| wire.peer.is_some() && wire.ports().any(|port| port == name))
        {
            let reach = match &link.rss_queues {
                Some(reached) => format!("RSS reaches queue {}", Queues(reached.clone())),
                None => format!("no RSS table: frames may come on any of {}", link.rx_queues),
            };
            all.push(COVERAGE.ok(reach).on(name));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            super::sample::{config, fails, healthy, is_ok, purpose},
            Status,
        },
        *,
    };
    use crate::nic::{
        gate::{self, Capabilities},
        link::Link,
    };

    /// The check of that name once the gates have judged port `a` as `change` makes it.
    fn judged(name: &str, change: impl FnOnce(&mut gate::Facts)) -> Check {
        let mut facts = healthy();
        let links = facts.ports.iter().map(|port| (port.link.name.clone(), Ok(port.link.clone())));
        let mut of_gates =
            gate::Facts { links: links.collect(), capabilities: Capabilities(u64::MAX), memlock: None };
        change(&mut of_gates);
        if let Err(refused) = gate::check(&config(), of_gates, 8 << 20) {
            facts.gates = refused.0;
        }
        let config = config();
        checks(&purpose(&config), &facts).into_iter().find(|check| check.name == name).unwrap()
    }

    fn with_link(name: &str, change: impl FnOnce(&mut Link)) -> Check {
        judged(name, |facts| change(facts.links.get_mut("a").unwrap().as_mut().unwrap()))
    }

    #[test]
    fn a_sound_machine_passes_every_gate() {
        let config = config();
        for check in checks(&purpose(&config), &healthy()) {
            is_ok(&check);
        }
    }

    #[test]
    fn every_gate_is_a_check() {
        let missing = |facts: &mut gate::Facts| {
            facts.links.insert("a".into(), Err(LinkError::Missing("a".into())));
        };
        fails(&judged("port", missing), "ip -br link");
        fails(&with_link("port", |a| a.up = false), "ip link set dev a up");
        fails(&with_link("port", |a| a.ethernet = false), "ip -br link");
        fails(&with_link("lro", |a| a.lro = true), "ethtool -K a lro off");
        fails(&with_link("mtu", |a| a.mtu = 9000), "ip link set dev b mtu 9000");
        fails(&with_link("queues", |a| a.rx_queues = 2), "ethtool -L a combined 4");
        fails(&with_link("rss-coverage", |a| a.rss_queues = Some((0..8).collect())), "--queues 0-7");
        fails(&judged("capabilities", |facts| facts.capabilities = Capabilities(0)), "setcap");
        let small = |facts: &mut gate::Facts| {
            facts.capabilities = Capabilities(!(1 << 14));
            facts.memlock = Some(65536);
        };
        fails(&judged("memlock", small), "ulimit -l 8192");
    }

    #[test]
    fn a_refused_port_has_no_second_verdict() {
        let mut facts = healthy();
        facts.gates.push(GateError::Down("a".into()));
        let config = config();
        let ports: Vec<Status> = checks(&purpose(&config), &facts)
            .iter()
            .filter(|check| check.name == "port" && check.port.as_deref() == Some("a"))
            .map(|check| check.status)
            .collect();
        assert_eq!(ports, [Status::Fail]);
    }
}
