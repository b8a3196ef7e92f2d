use std::path::PathBuf;

use super::{
    super::namespace::{in_fresh_namespace, ip, veth},
    *,
};
use crate::config::{ActionMode, BindMode, Named, OnWorkerLoss, RingConfig, Steering};

const ROOT: Capabilities = Capabilities(u64::MAX);

fn bridge() -> RunConfig {
    RunConfig {
        wires: vec![Wire { interface: "a".into(), peer: Some("b".into()) }],
        queues: "0-3".parse().unwrap(),
        cores: None,
        action: ActionMode::default(),
        bind: BindMode::default(),
        attach: AttachMode::default(),
        steering: Steering::default(),
        busy_poll: false,
        allow_uncovered: false,
        swap_mac: false,
        on_worker_loss: OnWorkerLoss::default(),
        rings: RingConfig::default(),
        rules: Vec::new(),
        bad_rules: Default::default(),
        log_dir: PathBuf::new(),
        stats_json: None,
        variables: Default::default(),
        rule_data: Default::default(),
        hosts: Default::default(),
        eve: Default::default(),
        stats_interval: Default::default(),
        engine: Named::default().engine,
    }
}

fn link(name: &str) -> Link {
    Link {
        name: name.into(),
        index: 2,
        mtu: 1500,
        mac: [2, 0, 0, 0, 0, 1],
        ethernet: true,
        up: true,
        carrier: true,
        driver: Some("ice".into()),
        numa_node: Some(0),
        rx_queues: 4,
        tx_queues: 4,
        rss_queues: None,
        lro: false,
    }
}

fn facts(links: impl IntoIterator<Item = Link>) -> Facts {
    let links = links.into_iter().map(|link| (link.name.clone(), Ok(link))).collect();
    Facts { links, capabilities: ROOT, memlock: None }
}

/// Port `a` as `change` makes it, port `b` as it should be.
fn with(change: impl FnOnce(&mut Link)) -> Facts {
    let mut a = link("a");
    change(&mut a);
    facts([a, link("b")])
}

/// The one failure there must be, as its message.
fn failure(config: &RunConfig, facts: Facts) -> String {
    let Refused(failures) = check(config, facts, 0).unwrap_err();
    assert_eq!(failures.len(), 1, "{failures:?}");
    failures[0].to_string()
}

#[test]
fn a_sound_bridge_passes() {
    let passed = check(&bridge(), facts([link("a"), link("b")]), 0).unwrap();
    assert_eq!(passed.links.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert!(!passed.multi_buffer(&bridge().wires[0], 4096) && passed.uncovered.is_empty());
}

#[test]
fn a_missing_port_is_named() {
    let mut facts = facts([link("a")]);
    facts.links.insert("b".into(), Err(LinkError::Missing("b".into())));
    let message = failure(&bridge(), facts);
    assert!(message.starts_with("b: no such interface"), "{message}");
}

#[test]
fn a_port_must_be_up_ethernet_and_without_lro() {
    assert_eq!(
        failure(&bridge(), with(|a| a.up = false)),
        "a: the interface is down; `ip link set dev a up`"
    );
    assert!(failure(&bridge(), with(|a| a.ethernet = false)).contains("no Ethernet header"));
    assert!(failure(&bridge(), with(|a| a.lro = true)).contains("`ethtool -K a lro off`"));
    let generic = RunConfig { attach: AttachMode::Generic, ..bridge() };
    assert!(check(&generic, with(|a| a.lro = true), 0).is_ok());
    assert!(check(&bridge(), with(|a| a.carrier = false), 0).is_ok(), "a cable may come later");
}

#[test]
fn both_mtus_must_be_equal() {
    let message = failure(&bridge(), with(|a| a.mtu = 9000));
    assert!(message.contains("a has MTU 9000 and b has MTU 1500"), "{message}");
    assert!(message.contains("`ip link set dev b mtu 9000`"), "{message}");
    let two_hairpins = RunConfig {
        wires: ["a", "b"].map(|port| Wire { interface: port.into(), peer: None }).into(),
        ..bridge()
    };
    assert!(check(&two_hairpins, with(|a| a.mtu = 1400), 0).is_ok(), "apart, they may differ");
}

#[test]
fn multi_buffer_is_needed_where_a_frame_may_not_fit() {
    // 2048 - 256 in front = 1792 = 14 * 128 = 1766 + 14 + 8 + 4.
    assert!(!needs_multi_buffer(1766, 2048));
    assert!(needs_multi_buffer(1767, 2048));
    // 4096 - 256 = 3840 = 30 * 128 = 3814 + 26.
    assert!(!needs_multi_buffer(3814, 4096));
    assert!(needs_multi_buffer(3815, 4096));
    assert!(needs_multi_buffer(u32::MAX, 4096));
    let jumbo = ["a", "b"].map(|name| Link { mtu: 9000, ..link(name) });
    let passed = check(&bridge(), facts(jumbo), 0).unwrap();
    assert!(passed.multi_buffer(&bridge().wires[0], 4096));
}

#[test]
fn one_wire_s_jumbo_frames_are_not_another_s() {
    let wires = ["a", "b"].map(|port| Wire { interface: port.into(), peer: None });
    let config = RunConfig { wires: wires.into(), ..bridge() };
    let passed = check(&config, with(|a| a.mtu = 9000), 0).unwrap();
    let needs: Vec<bool> = config.wires.iter().map(|wire| passed.multi_buffer(wire, 4096)).collect();
    assert_eq!(needs, [true, false]);
}

#[test]
fn several_frames_have_less_room_each() {
    // 4096 - 256 - 320 = 3520, of which whole steps of 128; 2048 - 576 = 1472.
    assert_eq!((multi_buffer_room(4096), multi_buffer_room(2048)), (3456, 1408));
    assert_eq!(zero_copy_frames(1500, 4096), 1);
    assert_eq!(zero_copy_frames(3814, 4096), 1);
    // Without the room that is kept, one frame more than fits would do: 2 * 3840 holds 6911 + 26, and 2 * 3456 does not.
    assert_eq!((zero_copy_frames(6886, 4096), zero_copy_frames(6887, 4096)), (2, 3));
    assert_eq!((zero_copy_frames(9000, 4096), zero_copy_frames(9000, 2048)), (3, 7));
}

#[test]
fn every_chosen_queue_must_exist() {
    let wide = RunConfig { queues: "0-1,3-5".parse().unwrap(), allow_uncovered: true, ..bridge() };
    let message = failure(&wide, with(|a| (a.rx_queues, a.tx_queues) = (4, 8)).b_with(8));
    assert!(
        message.starts_with("a: there is no rx queue 4-5: it has 4 rx queues, numbers 0-3;"),
        "{message}"
    );
    assert!(message.contains("`ethtool -L a`"), "{message}");
    let message = failure(&wide, with(|a| (a.rx_queues, a.tx_queues) = (8, 1)).b_with(8));
    assert!(message.contains("no tx queue 1,3-5: it has 1 tx queue, number 0;"), "{message}");
}

#[test]
fn queues_end_where_the_program_s_maps_end() {
    let far = RunConfig { queues: "255-256".parse().unwrap(), allow_uncovered: true, ..bridge() };
    let message = failure(&far, with(|a| (a.rx_queues, a.tx_queues) = (512, 512)).b_with(512));
    assert!(message.starts_with("queue 256 in --queues is too high"), "{message}");
}

#[test]
fn every_queue_that_rss_reaches_must_be_inspected() {
    // No table: every rx queue can be reached.
    let message = failure(&bridge(), with(|a| a.rx_queues = 8));
    assert!(message.contains("queue 4-7, which --queues 0-3 leaves out"), "{message}");
    assert!(message.contains("XDP_PASS"), "{message}");
    assert!(message.contains("--queues 0-7"), "{message}");
    assert!(message.contains("`ethtool -L a combined 4`"), "{message}");
    assert!(message.contains("--allow-uncovered"), "{message}");
    assert!(!message.contains("ethtool -X"), "there is no table to change: {message}");
    // The advice names no queue that is not there.
    let wide = RunConfig { queues: "0-1,9".parse().unwrap(), ..bridge() };
    let Refused(failures) = check(&wide, facts([link("a"), link("b")]), 0).unwrap_err();
    assert_eq!(failures.len(), 4, "{failures:?}");
    let advice = failures.iter().filter(|failure| failure.to_string().contains("(--queues 0-3), or accept"));
    assert_eq!(advice.count(), 2, "{failures:?}");
    // A table that names queues beyond.
    let table = |queues: &[u32]| {
        let queues = queues.to_vec();
        with(|a| (a.rx_queues, a.rss_queues) = (8, Some(queues)))
    };
    assert!(failure(&bridge(), table(&[0, 1, 6])).contains("`ethtool -X a equal 4`"));
    // A table that does not.
    assert!(check(&bridge(), table(&[0, 1, 2, 3]), 0).is_ok());
    // RSS can only be narrowed to the first queues.
    let middle = RunConfig { queues: "1-3".parse().unwrap(), ..bridge() };
    let Refused(both) = check(&middle, facts([link("a"), link("b")]), 0).unwrap_err();
    assert_eq!(both.len(), 2, "both ports");
    assert!(both[0].to_string().contains("onto queue 0, which --queues 1-3"), "{}", both[0]);
    assert!(both[0].to_string().contains("(--queues 0-3), or accept"), "{}", both[0]);
}

#[test]
fn uncovered_queues_are_allowed_on_request_and_in_hairpin_mode() {
    let allowed = RunConfig { allow_uncovered: true, ..bridge() };
    let passed = check(&allowed, with(|a| a.rx_queues = 6), 0).unwrap();
    assert_eq!(passed.uncovered, [("a".into(), Queues(vec![4, 5]))]);
    let hairpin = RunConfig { wires: vec![Wire { interface: "a".into(), peer: None }], ..bridge() };
    let passed = check(&hairpin, with(|a| a.rx_queues = 6), 0).unwrap();
    assert!(passed.uncovered.is_empty(), "the rest is the kernel's by design");
}

#[test]
fn missing_capabilities_are_named() {
    let lacking = |bits: u64| Facts { capabilities: Capabilities(bits), ..facts([link("a"), link("b")]) };
    let message = failure(&bridge(), lacking(Capabilities::NET_ADMIN));
    assert!(message.starts_with("this process lacks CAP_NET_RAW and CAP_BPF;"), "{message}");
    let enough = Capabilities::NET_ADMIN | Capabilities::NET_RAW;
    assert!(check(&bridge(), lacking(enough | Capabilities::BPF), 0).is_ok());
    assert!(check(&bridge(), lacking(enough | Capabilities::SYS_ADMIN), 0).is_ok());
    assert!(failure(&bridge(), lacking(!Capabilities::NET_ADMIN)).contains("CAP_NET_ADMIN;"));
}

#[test]
fn locked_memory_must_suffice_unless_the_limit_does_not_hold() {
    let lock = |capabilities, memlock| Facts { capabilities, memlock, ..facts([link("a"), link("b")]) };
    let user = Capabilities(!Capabilities::IPC_LOCK);
    let need = 64 << 20;
    let Refused(failures) = check(&bridge(), lock(user, Some(8 << 20)), need).unwrap_err();
    let message = failures[0].to_string();
    assert!(
        message.contains("take 67108864 bytes of locked memory and RLIMIT_MEMLOCK allows 8388608"),
        "{message}"
    );
    assert!(message.contains("`ulimit -l 65536`"), "{message}");
    assert!(check(&bridge(), lock(user, Some(need)), need).is_ok());
    assert!(check(&bridge(), lock(user, None), need).is_ok());
    assert!(check(&bridge(), lock(ROOT, Some(0)), need).is_ok());
}

#[test]
fn all_failures_are_reported_together() {
    let facts = with(|a| {
        a.up = false;
        a.mtu = 9000;
        (a.rx_queues, a.tx_queues) = (2, 2);
    });
    let refused = check(&bridge(), facts, 0).unwrap_err();
    let text = refused.to_string();
    assert!(text.starts_with("refused to start, for 3 reasons:\n  - "), "{text}");
    for part in ["is down", "MTU 9000", "no rx queue 2-3"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn reads_effective_capabilities() {
    assert_eq!(Capabilities::parse("Name:\tx\nCapEff:\t000000000000f000\n"), Some(Capabilities(0xf000)));
    assert_eq!(Capabilities::parse("Name:\tx\n"), None);
    assert_eq!(Capabilities::parse("CapEff:\tno\n"), None);
}

#[test]
fn collects_the_facts_of_real_ports() {
    in_fresh_namespace(|| {
        veth("a", "b", 4);
        ip("link set dev b mtu 1400");
        let facts = collect(&bridge()).unwrap();
        assert!(facts.capabilities.missing().is_empty(), "these tests need root");
        let message = failure(&bridge(), facts);
        assert!(message.contains("a has MTU 1500 and b has MTU 1400"), "{message}");
        ip("link del dev a");
        let Refused(failures) = check(&bridge(), collect(&bridge()).unwrap(), 0).unwrap_err();
        assert!(matches!(failures[..], [GateError::Link(LinkError::Missing(_)), GateError::Link(_)]));
    });
}

impl Facts {
    /// The same with `queues` queues on port `b`.
    fn b_with(mut self, queues: u32) -> Self {
        self.links.insert("b".into(), Ok(Link { rx_queues: queues, tx_queues: queues, ..link("b") }));
        self
    }
}
