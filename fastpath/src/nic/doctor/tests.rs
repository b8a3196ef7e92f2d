//! The whole of it: on a fit machine, and on a real veth.

use std::collections::BTreeSet;

use super::{
    super::{
        link,
        namespace::{in_fresh_namespace, ip, veth},
        pool::FramePool,
        program::{AttachMode, Program},
        socket::{BindOptions, QueueSocket},
    },
    sample::{config, healthy, is_ok, purpose},
    *,
};

fn of<'a>(checks: &'a [Check], name: &str, port: Option<&str>) -> &'a Check {
    let is = |check: &&Check| check.name == name && check.port.as_deref() == port;
    checks.iter().find(is).unwrap_or_else(|| panic!("no {name} of {port:?} in {checks:#?}"))
}

#[test]
fn a_fit_machine_passes_every_check() {
    let config = config();
    let checks = examine(&purpose(&config), &healthy());
    checks.iter().for_each(is_ok);
    assert!(check::most_valuable(checks.clone(), 3).is_empty());
    // Those of the machine first, then port by port.
    let ports: Vec<_> = checks.iter().map(|check| check.port.clone()).collect();
    let mut sorted = ports.clone();
    sorted.sort();
    assert_eq!(ports, sorted);
    let names: BTreeSet<_> = checks.iter().map(|check| (check.name, &check.port)).collect();
    assert_eq!(names.len(), checks.len(), "each check once");
}

#[test]
fn a_veth_is_diagnosed_and_left_as_it_was() {
    in_fresh_namespace(|| {
        veth("a", "b", 4);
        let before = ip("-d link show");
        let config = config();
        let checks = diagnose(&purpose(&config), true).unwrap();
        assert_eq!(of(&checks, "queues", Some("a")).status, Status::Ok);
        assert_eq!(of(&checks, "port", Some("b")).status, Status::Ok);
        assert_eq!(of(&checks, "driver", Some("a")).status, Status::Ok);
        assert_eq!(of(&checks, "xdp-program", Some("a")).status, Status::Ok);
        assert_eq!(of(&checks, "security", None).status, Status::Ok);
        assert_eq!(of(&checks, "xdp-sockets", None).status, Status::Ok);
        let offloads = of(&checks, "veth-offloads", Some("a"));
        assert_eq!(offloads.status, Status::Warn, "a new veth has them on: {offloads:?}");
        assert_eq!(of(&checks, "rss-symmetry", Some("a")).status, Status::Warn);
        // The probe asked for zero-copy, which a veth refuses.
        let mode = of(&checks, "af-xdp-mode", Some("a"));
        assert!(mode.status == Status::Warn && mode.finding.contains("zero-copy"), "{mode:?}");
        // Without it a copy-mode socket is bound.
        let checks = diagnose(&purpose(&config), false).unwrap();
        assert_eq!(of(&checks, "af-xdp-socket", Some("a")).status, Status::Ok);
        assert!(of(&checks, "af-xdp-mode", Some("a")).finding.contains("veth"));
        assert_eq!(ip("-d link show"), before);
    });
}

#[test]
fn what_is_wrong_with_a_real_port_is_found() {
    in_fresh_namespace(|| {
        veth("a", "b", 2);
        ip("link set dev b mtu 1400");
        let index = Control::open().unwrap().index("a").unwrap();
        let mut program = Program::load("a", &[0], fastpath_common::Fallback::Pass, None).unwrap();
        program.attach(AttachMode::Native).unwrap();
        let config = config();
        let checks = diagnose(&purpose(&config), false).unwrap();
        assert_eq!(of(&checks, "queues", Some("a")).status, Status::Fail);
        assert_eq!(of(&checks, "mtu", Some("a")).status, Status::Fail);
        let there = of(&checks, "xdp-program", Some("a"));
        assert!(there.status == Status::Fail && there.finding.contains("never replaced"), "{there:?}");
        // No socket is bound beside a program.
        assert_eq!(of(&checks, "af-xdp-socket", Some("a")).status, Status::Unknown);
        assert!(super::super::program::attached(index).unwrap().is_some(), "it is still there");
        drop(program);
        ip("link del dev a");
        let checks = diagnose(&purpose(&config), false).unwrap();
        assert_eq!(of(&checks, "port", Some("a")).status, Status::Fail);
    });
}

#[test]
fn a_queue_that_another_socket_holds_is_found() {
    in_fresh_namespace(|| {
        veth("a", "b", 4);
        let config = config();
        let pool = FramePool::new(64, 4096, 64, 64, false).unwrap();
        let options = BindOptions {
            zero_copy: false,
            multi_buffer: false,
            rx: 64,
            tx: 64,
            batch: 64,
            busy_poll: false,
        };
        let _holder = QueueSocket::bind(&pool, "a", 0, options).unwrap();
        let checks = diagnose(&purpose(&config), false).unwrap();
        let socket = of(&checks, "af-xdp-socket", Some("a"));
        assert!(
            socket.status == Status::Fail && socket.fix.as_ref().unwrap().contains("another"),
            "{socket:?}"
        );
        assert_eq!(of(&checks, "af-xdp-socket", Some("b")).status, Status::Ok);
    });
}

#[test]
fn a_start_is_told_once_why_auto_takes_copy_mode() {
    let config = config();
    let mut facts = healthy();
    facts.machine.release = Some("6.18.15-amd64".into());
    // Worth less than the defect, and three of them.
    facts.machine.clock = Some("hpet".into());
    facts.machine.jit = Some(0);
    facts.machine.huge_pages = None;
    for port in &mut facts.ports {
        port.link.driver = Some("igb".into());
        port.link.carrier = false;
    }
    let Advice { copy_only, warnings, .. } = advice(&purpose(&config), &facts, 3);
    assert_eq!(copy_only, ["a", "b"]);
    let told: Vec<String> =
        warnings.iter().map(Check::to_string).filter(|text| text.contains("igb")).collect();
    let [text] = told.as_slice() else { panic!("{warnings:#?}") };
    for word in ["igb of Linux 6.18", "wake-up", "--mode auto takes copy mode", "--mode zerocopy insists"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    facts.machine.release = Some("7.2.0-amd64".into());
    assert!(advice(&purpose(&config), &facts, 3).copy_only.is_empty());
}

#[test]
fn the_warnings_of_a_start_are_few() {
    in_fresh_namespace(|| {
        veth("a", "b", 4);
        let config = config();
        let control = Control::open().unwrap();
        let links = ["a", "b"].map(|name| (name.to_owned(), link::read(&control, name).unwrap()));
        let passed = Passed { links: links.into(), uncovered: Vec::new() };
        let found = advise(&purpose(&config), &passed, Capabilities(u64::MAX), 3).unwrap().warnings;
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found.iter().all(|check| check.status >= Status::Warn));
    });
}
