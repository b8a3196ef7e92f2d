//! The command line's names are a contract, and every refused setting says where, what and what is allowed.
//!
//! No case here gets as far as a NIC: each is refused, or stops at a port that does not exist.

#![allow(clippy::unwrap_used)] // A test may panic; clippy.toml knows only of #[test] functions.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

/// Exit status and standard error.
fn fastpath(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_fastpath")).args(arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Refused by `run` with an error that has all of `words`.
fn refused(arguments: &[&str], words: &[&str]) {
    for with_name in [false, true] {
        let arguments: Vec<_> =
            with_name.then_some("run").into_iter().chain(arguments.iter().copied()).collect();
        let (status, error) = fastpath(&arguments);
        assert_ne!(status, 0, "{arguments:?} was accepted");
        for word in words {
            assert!(error.contains(word), "{arguments:?} does not say {word:?}: {error}");
        }
    }
}

fn config(text: &str) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fastpath.toml");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_string();
    (dir, path)
}

/// The whole file is refused with an error that names the line (from 1) and has all of `words`.
fn file_refused(text: &str, line: usize, words: &[&str]) {
    let (_dir, path) = config(text);
    let place = format!("fastpath.toml:{line}:");
    refused(&["-c", &path], &[words, &[&place]].concat());
}

/// Complete but for what a case adds.
const PORT: &str = "[[wire]]\ninterface = \"fp-none0\"\n";

#[test]
fn run_knows_its_options() {
    let (status, _) = fastpath(&["run", "--help"]);
    assert_eq!(status, 0);
    let help = Command::new(env!("CARGO_BIN_EXE_fastpath")).arg("--help").output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    for name in [
        "-i, --interface",
        "--peer",
        "--queues",
        "--cores",
        "--mode",
        "--action",
        "--xdp",
        "--steering",
        "--busy-poll",
        "--allow-uncovered",
        "--swap-mac",
        "--on-worker-loss",
        "--frame-size",
        "--rx-ring",
        "--tx-ring",
        "--batch",
        "--no-huge-pages",
        "-S, --rules",
        "-l, --log-dir",
        "-c, --config",
        "--stats-json",
        "--set",
        "-v, --verbose",
    ] {
        assert!(help.contains(name), "{name} is gone");
    }
}

#[test]
fn a_good_command_line_gets_as_far_as_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let log_dir = dir.path().to_str().unwrap();
    let line = "--interface fp-none0 --peer fp-none1 --queues 0-3,6 --cores 0 --mode copy --action detect \
                --xdp generic --steering on --busy-poll --allow-uncovered --on-worker-loss forward --frame-size 2048 \
                --rx-ring 512 --tx-ring 512 --batch 32 --no-huge-pages --stats-json - \
                --set vars.address-groups.HOME_NET=10.0.0.0/8";
    let arguments: Vec<_> = line.split_whitespace().chain(["-l", log_dir]).collect();
    let (status, error) = fastpath(&arguments);
    assert_ne!(status, 0);
    let wire = if cfg!(feature = "nic") { "fp-none0" } else { "no wire support" };
    assert!(error.contains(wire), "{error}");
}

#[test]
fn a_configuration_file_replaces_the_options() {
    let (_dir, path) = config(&format!("log-dir = \"log\"\n{PORT}"));
    let (status, error) = fastpath(&["-c", &path, "--queues", "0-3"]);
    assert_ne!(status, 0);
    let wire = if cfg!(feature = "nic") { "fp-none0" } else { "no wire support" };
    assert!(error.contains(wire), "{error}");
    if !cfg!(feature = "nic") {
        assert_eq!(status, 2);
    }
}

#[test]
fn what_is_missing_is_named() {
    refused(&["--queues", "0"], &["--interface", "[[wire]]"]);
    refused(&["--interface", "fp-none0"], &["--queues"]);
    refused(&["--peer", "fp-none1", "--queues", "0"], &["--interface"]);
    refused(
        &["-c", "/nonexistent/fastpath.toml", "--queues", "0"],
        &["/nonexistent/fastpath.toml", "cannot read"],
    );
    refused(
        &["-i", "fp-none0", "--queues", "0", "-S", "/nonexistent.rules"],
        &["/nonexistent.rules", "cannot read"],
    );
    refused(
        &["-i", "fp-none0", "--queues", "0", "-S", "/nonexistent*.rules"],
        &["/nonexistent*.rules", "no rule file"],
    );
}

#[test]
fn options_are_checked() {
    let with = |extra: &[&'static str], words: &[&str]| {
        refused(&[&["--interface", "fp-none0", "--queues", "0"][..], extra].concat(), words);
    };
    refused(&["--interface", "fp-none0", "--queues", "3-1"], &["--queues", "3-1", "backwards"]);
    with(&["--cores", "a"], &["--cores", "`a`", "0-3,6"]);
    with(&["--mode", "fast"], &["--mode", "fast", "auto", "zerocopy", "copy"]);
    with(&["--action", "block"], &["--action", "block", "inline", "detect", "tap"]);
    with(&["--xdp", "hw"], &["--xdp", "hw", "native", "generic"]);
    with(&["--steering", "x"], &["--steering", "x", "auto", "on", "off"]);
    with(&["--on-worker-loss", "x"], &["--on-worker-loss", "x", "pass", "drop", "forward"]);
    with(&["--peer", "fp-none0"], &["--peer fp-none0", "already taken", "--interface"]);
    with(&["--peer", "a-name-that-is-too-long"], &["--peer a-name-that-is-too-long", "15 bytes"]);
    with(&["--peer", "fp-none1", "--swap-mac"], &["--swap-mac", "--peer"]);
    with(&["--on-worker-loss", "forward"], &["--on-worker-loss forward", "fp-none0", "no peer"]);
    with(&["--frame-size", "1024"], &["--frame-size 1024", "2048", "4096"]);
    with(&["--rx-ring", "1000"], &["--rx-ring 1000", "power of two", "32768"]);
    with(&["--tx-ring", "32"], &["--tx-ring 32", "power of two", "64"]);
    with(&["--batch", "0"], &["--batch 0", "1 to 2048"]);
    with(&["--batch", "129", "--tx-ring", "128"], &["--batch 129", "1 to 128"]);
    with(&["--xdp", "generic", "--mode", "zerocopy"], &["--xdp generic", "zero-copy", "native"]);
    with(
        &["--set", "stream.midstraem=true"],
        &["stream.midstraem", "true", "unknown key", "vars.address-groups"],
    );
    with(&["--set", "outputs.eve-log.types=alert,http3"], &["outputs.eve-log.types", "`http3`", "alert"]);
    with(&["--set", "flow.capacity=0"], &["--set flow.capacity=0", "1 to"]);
    with(&["--set", "novalue"], &["--set", "novalue", "key=value"]);
}

#[test]
fn the_file_is_checked_with_line_key_value_and_what_is_allowed() {
    file_refused("queues = \"0\"\nmoed = \"auto\"\n", 2, &["moed", "mode", "action"]);
    file_refused("queues = \"0\"\nmode = \"fast\"\n", 2, &["mode", "fast", "auto", "zerocopy", "copy"]);
    file_refused("\n\nbusy-poll = \"yes\"\n", 3, &["busy-poll", "yes", "boolean"]);
    file_refused("queues = 3\n", 1, &["queues", "3", "string"]);
    file_refused("queues = \"0-\"\n", 1, &["queues", "`0-`", "0-3,6"]);
    file_refused("queues = \n", 1, &["queues"]);
    file_refused("[[wire]]\npeer = \"fp-none1\"\n", 1, &["interface", "missing"]);
    file_refused("[vars.port-groups]\nHTTP_PORTS = 70000\n", 2, &["HTTP_PORTS", "70000", "port number"]);
    file_refused(
        "queues = \"0\"\n[[wire]]\ninterface = \"a\"\npeer = \"b\"\n[[wire]]\ninterface = \"b\"\n",
        6,
        &["wire.interface = b", "already taken", "fastpath.toml:4", "wire.peer"],
    );
    let with = |extra: &str, line, words: &[&str]| {
        file_refused(&format!("queues = \"0\"\n{extra}{PORT}"), line, words)
    };
    with("[flow]\ncapacity = 0\n", 3, &["flow.capacity = 0", "1 to"]);
    with("[flow]\ncapacitee = 1\n", 3, &["flow.capacitee = 1", "unknown key", "flow.capacity"]);
    with("[rings]\nframe-size = 9000\n", 3, &["rings.frame-size = 9000", "2048", "4096"]);
    with("[rings]\nrx = 1000\n", 3, &["rings.rx = 1000", "power of two"]);
    with("[rings]\nbatch = 4096\n", 3, &["rings.batch = 4096", "1 to 2048"]);
    with("on-worker-loss = \"forward\"\n", 2, &["on-worker-loss = forward", "fp-none0"]);
    let bridge = "queues = \"0\"\nswap-mac = true\n[[wire]]\ninterface = \"a\"\npeer = \"b\"\n";
    file_refused(bridge, 2, &["swap-mac = true", "hairpin"]);
}

#[test]
fn the_command_line_goes_before_the_file() {
    let (_dir, path) = config(&format!("queues = \"0\"\n[rings]\nrx = 1000\n{PORT}"));
    refused(&["-c", &path, "--rx-ring", "1001"], &["--rx-ring 1001"]);
    let (_, error) = fastpath(&[
        "-c",
        &path,
        "--rx-ring",
        "1024",
        "-l",
        Path::new(&path).parent().unwrap().to_str().unwrap(),
    ]);
    assert!(!error.contains("rings.rx"), "{error}");
}

#[test]
fn a_rule_that_cannot_be_used_stops_run_before_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("bad.rules");
    fs::write(&rules, "alert tcp any any -> any any (msg:\"x\"; no_such_keyword; sid:42; rev:1;)\n").unwrap();
    let words = ["bad.rules:1:", "sid 42", "no_such_keyword", "nothing was started"];
    refused(&["-i", "fp-none0", "--queues", "0", "-S", rules.to_str().unwrap()], &words);
}
