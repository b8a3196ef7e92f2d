//! The XDP program in the kernel: its verdicts by `BPF_PROG_TEST_RUN`, what attaching refuses, and that other
//! loaders take the object too. Needs root; every network and mount namespace ends with its thread.
#![cfg(feature = "nic")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // test helpers

use std::{
    fs,
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use fastpath::nic::program::{Action, AttachMode, Program, ProgramError, attached};
use fastpath_common::{Fallback, MAX_QUEUES, QueueCounts};
use nix::sched::{CloneFlags, unshare};

const OBJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../redirect-ebpf/redirect.o");
const PIN: &str = "/sys/fs/bpf/redirect";
const MAP_PINS: &str = "/sys/fs/bpf/maps";
const FRAME: [u8; 64] = [0xff; 64];

/// One test at a time: a child that another test forks holds all our descriptors until it executes, so a program
/// dropped in that moment would stay attached.
static ONE: Mutex<()> = Mutex::new(());

/// Runs `test` on a thread in network and mount namespaces of its own. They end with it, whatever happens.
fn in_namespace(test: impl FnOnce() + Send) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        let outcome = scope
            .spawn(|| {
                unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)
                    .expect("these tests load and attach XDP programs in namespaces: run them as root");
                run("mount", "--make-rprivate /");
                // Neighbour discovery would put frames of its own into the counts.
                fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").unwrap();
                test();
            })
            .join();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Runs `program` with `arguments` (split at spaces) and returns what it printed.
fn run(program: &str, arguments: &str) -> String {
    let output = Command::new(program)
        .args(arguments.split(' '))
        .output()
        .unwrap_or_else(|e| panic!("{program} cannot be run ({e}): install it"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A veth pair, up, with `queues` rx and tx queues on both ends.
fn veth(name: &str, other: &str, queues: u32) {
    let queues = format!("numrxqueues {queues} numtxqueues {queues}");
    run("ip", &format!("link add {name} {queues} type veth peer name {other} {queues}"));
    run("ip", &format!("link set {name} up"));
    run("ip", &format!("link set {other} up"));
}

/// The program with queues 1 and 2 of 4 chosen, attached: only then has a veth rx queues to test on.
fn attached_program(fallback: Fallback, peer: Option<&str>) -> Program {
    let mut program = Program::load("in0", &[1, 2], fallback, peer).unwrap();
    program.attach(AttachMode::Native).unwrap();
    program
}

#[test]
fn frames_of_queues_that_were_not_chosen_are_the_kernels() {
    in_namespace(|| {
        veth("in0", "out0", 4);
        let mut program = attached_program(Fallback::Drop, None);
        for (queue, frames) in [(0, 2), (3, 5)] {
            for _ in 0..frames {
                assert_eq!(program.test_run(queue, &FRAME).unwrap(), Action::Pass);
            }
        }
        let passed = |frames| QueueCounts { not_chosen: frames, ..Default::default() };
        assert_eq!(program.counts(4).unwrap(), [passed(2), passed(0), passed(0), passed(5)]);
    });
}

#[test]
fn a_chosen_queue_without_a_socket_meets_the_fallback() {
    in_namespace(|| {
        veth("in0", "out0", 4);
        veth("in1", "out1", 4);
        for (fallback, action, counts) in [
            (Fallback::Pass, Action::Pass, QueueCounts { fallback_pass: 1, ..Default::default() }),
            (Fallback::Drop, Action::Drop, QueueCounts { fallback_drop: 1, ..Default::default() }),
            (Fallback::Forward, Action::Redirect, QueueCounts { fallback_forward: 1, ..Default::default() }),
        ] {
            let mut program = attached_program(fallback, Some("in1"));
            assert_eq!(program.test_run(1, &FRAME).unwrap(), action, "{fallback:?}");
            assert_eq!(program.counts(2).unwrap(), [QueueCounts::default(), counts], "{fallback:?}");
        }
    });
}

#[test]
fn forwarding_to_a_peer_that_is_gone_drops() {
    in_namespace(|| {
        veth("in0", "out0", 4);
        veth("in1", "out1", 4);
        let mut program = attached_program(Fallback::Forward, Some("in1"));
        assert_eq!(program.test_run(2, &FRAME).unwrap(), Action::Redirect);
        run("ip", "link del in1");
        assert_eq!(program.test_run(2, &FRAME).unwrap(), Action::Drop);
        let counts = program.counts(3).unwrap();
        assert_eq!(counts[2], QueueCounts { fallback_forward: 1, fallback_drop: 1, ..Default::default() });
    });
}

#[test]
fn a_queue_beyond_the_maps_is_the_kernels() {
    in_namespace(|| {
        veth("in0", "out0", MAX_QUEUES + 1);
        let all: Vec<u32> = (0..MAX_QUEUES).collect();
        let mut program = Program::load("in0", &all, Fallback::Drop, None).unwrap();
        program.attach(AttachMode::Native).unwrap();
        assert_eq!(program.test_run(MAX_QUEUES - 1, &FRAME).unwrap(), Action::Drop);
        assert_eq!(program.test_run(MAX_QUEUES, &FRAME).unwrap(), Action::Pass);
        let counts = program.counts(MAX_QUEUES).unwrap();
        let counted: Vec<_> = (0..).zip(&counts).filter(|(_, c)| **c != QueueCounts::default()).collect();
        assert_eq!(counted, [(MAX_QUEUES - 1, &QueueCounts { fallback_drop: 1, ..Default::default() })]);
    });
}

#[test]
fn multi_buffer_frames_get_the_same_verdicts() {
    in_namespace(|| {
        veth("in0", "out0", 4);
        let mut program = attached_program(Fallback::Drop, None);
        // Three pages: a linear part and fragments.
        let jumbo = vec![0xff; 9000];
        assert_eq!(program.test_run(0, &jumbo).unwrap(), Action::Pass);
        assert_eq!(program.test_run(1, &jumbo).unwrap(), Action::Drop);
        assert_eq!(program.counts(2).unwrap()[1].fallback_drop, 1);
    });
}

#[test]
fn a_program_that_is_there_is_named_and_never_replaced() {
    in_namespace(|| {
        veth("in0", "out0", 4);
        let first = attached_program(Fallback::Pass, None);
        for mode in [AttachMode::Native, AttachMode::Generic] {
            let mut second = Program::load("in0", &[0], Fallback::Pass, None).unwrap();
            let error = second.attach(mode).unwrap_err();
            let ProgramError::AlreadyAttached { program, .. } = &error else { panic!("{error:?}") };
            assert_eq!((program.id, program.name.as_str(), program.by_link), (first.id(), "redirect", true));
            let own = std::process::id();
            assert_eq!(program.holders.iter().map(|holder| holder.pid).collect::<Vec<_>>(), [own]);
            let message = error.to_string();
            assert!(message.contains(&format!("program id {} (`redirect`)", first.id())), "{message}");
            assert!(message.contains(&format!("(pid {own}): stop that process")), "{message}");
        }
        let index = interface_index("in0");
        assert_eq!(attached(index).unwrap().map(|program| program.id), Some(first.id()));
        drop(first);
        assert_eq!(attached(index).unwrap(), None);
    });
}

#[test]
fn a_program_attached_without_a_link_is_named_with_its_remedy() {
    in_namespace(|| {
        veth("in0", "out0", 4);
        load_with_bpftool();
        run("bpftool", &format!("net attach xdp pinned {PIN} dev in0"));
        let mut program = Program::load("in0", &[0], Fallback::Pass, None).unwrap();
        let error = program.attach(AttachMode::Native).unwrap_err();
        let ProgramError::AlreadyAttached { program: other, .. } = &error else { panic!("{error:?}") };
        assert_ne!(other.id, program.id());
        assert!(!other.by_link && other.holders.is_empty(), "{other:?}");
        assert!(error.to_string().contains("`ip link set dev in0 xdp off`"), "{error}");
        run("ip", "link set dev in0 xdp off");
        program.attach(AttachMode::Native).unwrap();
    });
}

#[test]
fn attaching_says_what_the_driver_cannot() {
    in_namespace(|| {
        // The loopback has no native XDP, but like every interface the generic one.
        let mut program = Program::load("lo", &[0], Fallback::Pass, None).unwrap();
        let error = program.attach(AttachMode::Native).unwrap_err();
        assert!(matches!(error, ProgramError::NoNativeXdp { .. }), "{error:?}");
        assert!(error.to_string().contains("--xdp generic"), "{error}");
        program.attach(AttachMode::Generic).unwrap();
        program.detach().unwrap();
        assert_eq!(attached(interface_index("lo")).unwrap(), None);

        run("ip", "link add few numrxqueues 1 type veth peer name many numtxqueues 4");
        run("ethtool", "-L many tx 4");
        let mut program = Program::load("few", &[0], Fallback::Pass, None).unwrap();
        let error = program.attach(AttachMode::Native).unwrap_err();
        assert!(matches!(error, ProgramError::TooFewQueues { .. }), "{error:?}");
    });
}

#[test]
fn loading_refuses_what_cannot_work() {
    in_namespace(|| {
        let load = |interface, chosen: &[u32], fallback| {
            Program::load(interface, chosen, fallback, None).unwrap_err()
        };
        let error = load("absent0", &[0], Fallback::Pass);
        assert!(matches!(error, ProgramError::UnknownInterface { .. }), "{error:?}");
        let error = load("lo", &[0, MAX_QUEUES], Fallback::Pass);
        assert!(matches!(error, ProgramError::QueueOutOfRange { queue: MAX_QUEUES, .. }), "{error:?}");
        let error = load("lo", &[0], Fallback::Forward);
        assert!(matches!(error, ProgramError::ForwardWithoutPeer { .. }), "{error:?}");
    });
}

#[test]
fn libbpf_loads_the_object_and_its_maps() {
    let mut id = None;
    in_namespace(|| {
        load_with_bpftool();
        let shown = json(&format!("prog show pinned {PIN}"));
        assert_eq!((&shown["type"], &shown["name"]), (&"xdp".into(), &"redirect".into()));
        id = shown["id"].as_u64();

        let (number, queues) = (4, u64::from(MAX_QUEUES));
        let counts = size_of::<QueueCounts>() as u64;
        for (name, kind, value, entries) in [
            ("QUEUES", "array", number, queues),
            ("SOCKETS", "xskmap", number, queues),
            ("PORT", "array", number, 1),
            ("PEER", "devmap", 8, 1),
            ("COUNTS", "percpu_array", counts, queues),
        ] {
            let map = json(&format!("map show pinned {MAP_PINS}/{name}"));
            let numbers = ["bytes_key", "bytes_value", "max_entries"].map(|key| map[key].as_u64().unwrap());
            assert_eq!((map["type"].as_str().unwrap(), numbers), (kind, [number, value, entries]), "{name}");
        }
    });
    // With the mount namespace went the pins, and with them the program; the kernel frees it a little later.
    let id = id.unwrap();
    let end = Instant::now() + Duration::from_secs(5);
    while json("prog show").as_array().unwrap().iter().any(|program| program["id"] == id) {
        assert!(Instant::now() < end, "program {id} is still loaded");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Loads the object with bpftool (libbpf) into a bpffs that only this test's mount namespace sees.
fn load_with_bpftool() {
    run("mount", "-t bpf bpf /sys/fs/bpf");
    run("bpftool", &format!("prog load {OBJECT} {PIN} pinmaps {MAP_PINS}"));
}

fn json(query: &str) -> serde_json::Value {
    serde_json::from_str(&run("bpftool", &format!("-j {query}"))).unwrap()
}

fn interface_index(name: &str) -> u32 {
    nix::net::if_::if_nametoindex(name).unwrap()
}
