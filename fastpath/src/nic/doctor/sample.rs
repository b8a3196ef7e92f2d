//! Tests only: a machine on which every check is ok, fake file trees, and words for how a check ended.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::{
    super::{
        ethtool::{Rss, tests::synthetic},
        gate::Capabilities,
        link::Link,
        program::XdpFeatures,
    },
    Check, Purpose, Status,
    facts::{Facts, HugePages, Machine, Pci, Port, Privilege, System},
    scratch::Scratch,
};
use crate::config::{
    ActionMode, AttachMode, BindMode, Named, OnWorkerLoss, RingConfig, RunConfig, Steering, Wire,
};

/// A file tree with these files. It goes when the directory is dropped.
pub(crate) fn tree(files: &[(&str, &str)]) -> (TempDir, System) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("proc")).unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let system = System::below(dir.path());
    (dir, system)
}

/// A bridge of ports a and b, queues 0-3.
pub(crate) fn config() -> RunConfig {
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

/// Workers on cores 4-7, UMEMs of 2 MiB.
pub(crate) fn purpose(config: &RunConfig) -> Purpose<'_> {
    Purpose { config, cores: vec![4, 5, 6, 7], umem_bytes: 8 << 20 }
}

/// Facts of a machine that is fit for [`config`].
pub(crate) fn healthy() -> Facts {
    Facts { machine: machine(), privilege: privilege(), ports: vec![port("a"), port("b")], gates: Vec::new() }
}

fn machine() -> Machine {
    Machine {
        release: Some("7.2.0-amd64".into()),
        config: Some("CONFIG_XDP_SOCKETS=y\nCONFIG_BPF_JIT=y\n".into()),
        jit: Some(1),
        clock: Some("tsc".into()),
        rss_key: None,
        available: (0..8).collect(),
        isolated: Some((4..8).collect()),
        nodes: vec![(0, (0..4).collect()), (1, (4..8).collect())],
        huge_pages: Some(HugePages { total: 8, free: 8, size: 2 << 20 }),
        interrupts: Some(Vec::new()),
    }
}

fn privilege() -> Privilege {
    Privilege {
        capabilities: Capabilities(u64::MAX),
        seccomp: Some(0),
        confined: None,
        selinux_enforcing: None,
        lockdown: Some("none".into()),
        modules: Some("lockdown,capability".into()),
        unprivileged_bpf: Some(2),
        xdp_socket: 0,
        bpf: 0,
    }
}

fn port(name: &str) -> Port {
    Port {
        link: Link {
            name: name.into(),
            index: 2,
            mtu: 1500,
            mac: [2, 0, 0, 0, 0, 1],
            ethernet: true,
            up: true,
            carrier: true,
            driver: Some("ice".into()),
            numa_node: Some(1),
            rx_queues: 4,
            tx_queues: 4,
            rss_queues: Some(vec![0, 1, 2, 3]),
            lro: false,
        },
        speed: Some(10_000),
        most_rx_queues: Some(8),
        features: Some(synthetic(&[])),
        rss: Some(Rss {
            function: 1,
            transform: 0,
            key: [0x6d, 0x5a].repeat(20),
            table: vec![0, 1, 2, 3],
            fields: Some(0xf0),
        }),
        xdp: Some(XdpFeatures { flags: 0x2b, zero_copy_fragments: 1 }),
        attached: Ok(None),
        pci: Some(Pci { width: Some(8), max_width: Some(8), rate: Some(80), ..Pci::default() }),
        scratch: Scratch::Bound { queue: 0, zero_copy: false },
    }
}

pub(crate) fn is_ok(check: &Check) {
    assert_eq!((check.status, &check.fix), (Status::Ok, &None), "{check:?}");
}

pub(crate) fn is_unknown(check: &Check) {
    assert_eq!(check.status, Status::Unknown, "{check:?}");
}

/// A warning whose fix has `fix`.
pub(crate) fn warns(check: &Check, fix: &str) {
    ended(check, Status::Warn, fix);
}

/// A failure whose fix has `fix`.
pub(crate) fn fails(check: &Check, fix: &str) {
    ended(check, Status::Fail, fix);
}

fn ended(check: &Check, status: Status, fix: &str) {
    assert_eq!(check.status, status, "{check:?}");
    assert!(check.fix.as_ref().is_some_and(|is| is.contains(fix)), "{fix} is not in {check:?}");
    assert!(!check.finding.is_empty() && !check.meaning.is_empty(), "{check:?}");
}
