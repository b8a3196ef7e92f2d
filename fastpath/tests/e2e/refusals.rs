//! Starts that must not succeed: one clear message with the cause and the fix, nothing left behind.

use std::{path::Path, process::Command};

use fastpath_lab::{FastpathCommand, Lab, LabOptions, PORT_IN, PORT_OUT, Process};

use crate::wire::{SOON, assert_nothing_left, bridge, fastpath, promiscuity, xdp_program};

/// Asserts that a start fails in order and says all of `words`.
fn assert_refused(lab: &Lab, command: &FastpathCommand, words: &[&str]) {
    let stderr = refuse(command);
    assert_eq!(errors(&stderr), 1, "not one message: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is not in the message: {stderr}");
    }
    assert_nothing_left(lab);
}

/// What a start that fails in order says.
fn refuse(command: &FastpathCommand) -> String {
    let ended = command.spawn().unwrap().wait(SOON).unwrap();
    let code = ended.status.code();
    assert!(code.is_some_and(|code| code != 0), "{}: {}{}", ended.status, ended.stdout, ended.stderr);
    assert_ne!(code, Some(101), "it panicked: {}", ended.stderr);
    assert!(!ended.stderr.lines().any(|line| line.starts_with("ready")), "{}", ended.stderr);
    ended.stderr
}

fn errors(stderr: &str) -> usize {
    stderr.lines().filter(|line| line.starts_with("error: ")).count()
}

#[test]
fn a_missing_interface() {
    let lab = Lab::new().unwrap();
    let command = fastpath(&lab).args(["--interface", PORT_IN, "--peer", "absent0", "--queues", "0-3"]);
    assert_refused(&lab, &command, &["absent0"]);
}

#[test]
fn a_port_as_its_own_peer() {
    let lab = Lab::new().unwrap();
    let command = fastpath(&lab).args(["--interface", PORT_IN, "--peer", PORT_IN, "--queues", "0-3"]);
    assert_refused(&lab, &command, &[PORT_IN]);
}

#[test]
fn a_queue_out_of_range() {
    let lab = Lab::new().unwrap();
    let command = fastpath(&lab).args(["--interface", PORT_IN, "--peer", PORT_OUT, "--queues", "0-4"]);
    assert_refused(&lab, &command, &[PORT_IN, "4"]);
}

#[test]
fn a_queue_that_rss_reaches_and_nobody_inspects() {
    let lab = Lab::new().unwrap();
    let command = fastpath(&lab).args(["--interface", PORT_IN, "--peer", PORT_OUT, "--queues", "0-2"]);
    assert_refused(&lab, &command, &["3", "--allow-uncovered"]);
}

#[test]
fn no_permission() {
    let lab = Lab::new().unwrap();
    let command = bridge(&lab).by(&["setpriv", "--bounding-set=-all"]);
    assert_refused(&lab, &command, &["CAP_"]);
}

#[test]
fn too_little_memlock() {
    let lab = Lab::new().unwrap();
    let limited = ["prlimit", "--memlock=65536:65536", "setpriv", "--bounding-set=-ipc_lock,-sys_resource"];
    assert_refused(&lab, &bridge(&lab).by(&limited), &["memory", "ulimit -l"]);
}

#[test]
fn zero_copy_where_the_driver_has_none() {
    let lab = Lab::new().unwrap();
    assert_refused(&lab, &bridge(&lab).args(["--mode", "zerocopy"]), &["zero-copy", "--mode"]);
}

#[test]
fn ports_of_different_mtu() {
    let lab = Lab::new().unwrap();
    lab.inspector.ip(&format!("link set {PORT_OUT} mtu 1400")).unwrap();
    assert_refused(&lab, &bridge(&lab), &["MTU", "1500", "1400"]);
}

#[test]
fn a_port_that_is_down() {
    let lab = Lab::new().unwrap();
    lab.inspector.ip(&format!("link set {PORT_OUT} down")).unwrap();
    assert_refused(&lab, &bridge(&lab), &[PORT_OUT, "up"]);
}

#[test]
fn rules_that_do_not_load() {
    let lab = Lab::new().unwrap();
    let command = bridge(&lab).rules(
        r#"alert ip any any -> any any (msg:"good"; content:"x"; sid:4710; rev:1;)
           alert ip any any -> any any (msg:"bad"; nonsense:1; sid:4711; rev:1;)"#,
    );
    assert_refused(&lab, &command, &["test.rules:2", "sid 4711", "`nonsense`", "1 of 2"]);
}

#[test]
fn ports_with_fewer_queues() {
    let lab = Lab::with(LabOptions { queues: 2, ..LabOptions::default() }).unwrap();
    assert_refused(&lab, &bridge(&lab), &["2"]);
}

#[test]
fn an_xdp_program_that_is_already_there() {
    let lab = Lab::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let object = pass_program(folder.path());
    lab.inspector.ip(&format!("link set {PORT_OUT} xdp obj {} sec xdp", object.display())).unwrap();
    let id = xdp_program(&lab.inspector, PORT_OUT).expect("the program is attached");
    let stderr = refuse(&bridge(&lab));
    assert!(
        stderr.contains(PORT_OUT) && stderr.contains(&id.to_string()),
        "program {id} is not named: {stderr}"
    );
    assert_eq!(xdp_program(&lab.inspector, PORT_OUT), Some(id), "it was replaced");
    assert_eq!(xdp_program(&lab.inspector, PORT_IN), None);
    assert_eq!((promiscuity(&lab.inspector, PORT_IN), promiscuity(&lab.inspector, PORT_OUT)), (0, 0));
}

/// Somebody else's XDP program, which passes everything.
fn pass_program(folder: &Path) -> std::path::PathBuf {
    let (source, object) = (folder.join("pass.c"), folder.join("pass.o"));
    let text = r#"
        __attribute__((section("xdp"), used)) int pass(void *context) { return 2; /* XDP_PASS */ }
        __attribute__((section("license"), used)) char text[] = "GPL";
    "#;
    std::fs::write(&source, text).unwrap();
    let mut clang = Process::spawn(
        Command::new("clang").args(["-O2", "-g", "-target", "bpf", "-c", "-o"]).arg(&object).arg(&source),
    )
    .unwrap();
    let status = clang.wait(SOON).unwrap();
    assert!(status.success(), "{}", clang.stderr());
    object
}
