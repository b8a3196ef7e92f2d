//! `fastpath doctor` as a user runs it: exit status, table and JSON, on a veth in a namespace of its own.
#![allow(clippy::unwrap_used)] // A test may panic; clippy.toml knows only of #[test] functions.

use std::process::{Command, Output};

/// Runs `fastpath doctor` with `arguments` behind `setup` in a fresh network namespace, which ends with it.
fn doctor(setup: &str, arguments: &str) -> Output {
    let script = format!("set -e; {setup}\nexec {} doctor {arguments}", env!("CARGO_BIN_EXE_fastpath"));
    Command::new("unshare").args(["--net", "sh", "-c", &script]).output().unwrap()
}

const VETH: &str = "ip link add fa numrxqueues 4 numtxqueues 4 type veth peer name fb numrxqueues 4 numtxqueues 4; \
                    ip link set fa up; ip link set fb up";

#[test]
fn a_bridge_of_veths_does_not_fail_in_its_ports() {
    let output = doctor(VETH, "--interface fa --peer fb --json");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = json["checks"].as_array().unwrap();
    for check in checks {
        assert!(check["port"].is_null() || check["status"] != "fail", "{check}");
        for key in ["name", "status", "finding", "meaning"] {
            assert!(check[key].is_string(), "{key} of {check}");
        }
        let mended = check["fix"].is_string();
        assert!(
            mended || !matches!(check["status"].as_str(), Some("warn" | "fail")),
            "nothing mends {check}"
        );
    }
    let total: u64 = json["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(total, checks.len() as u64);
    let failed = json["counts"]["fail"].as_u64().unwrap() > 0;
    assert_eq!(output.status.code(), Some(i32::from(failed)));
}

#[test]
fn what_fails_is_exit_status_1() {
    let output = doctor(VETH, "--interface fa --queues 0-7");
    assert_eq!(output.status.code(), Some(1));
    let table = String::from_utf8(output.stdout).unwrap();
    let line = table.lines().find(|line| line.contains("FAIL") && line.contains("queues")).unwrap();
    assert!(line.contains("4-7"), "{line}");
    assert!(table.contains("fix: ethtool -L fa combined 8"), "{table}");
    let missing = doctor("", "--interface nothere");
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8(missing.stdout).unwrap().contains("no such interface"));
}

#[test]
fn wrong_arguments_are_exit_status_2() {
    for arguments in [
        "",
        "--peer fb",
        "--interface fa --peer fa",
        "--interface fa --queues 3-1",
        "-c /nonexistent.toml --interface fa",
    ] {
        let output = doctor("", arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Doctor's JSON object for a veth and a configuration file, or the file that `run` reads without `-c`.
fn with_file(text: &str, arguments: &str) -> (Output, serde_json::Value) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fastpath.toml");
    std::fs::write(&path, text).unwrap();
    let output = doctor(VETH, &format!("-c {} {arguments} --json", path.display()));
    let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, json)
}

const FILE: &str = "queues = \"0-1\"\ncores = \"0\"\nsteering = \"off\"\n[rings]\nrx = 512\ntx = 512\n\
                    [[wire]]\ninterface = \"fa\"\npeer = \"fb\"\n";

/// The finding of a check of a port, or of the machine.
fn finding(json: &serde_json::Value, port: Option<&str>, name: &str) -> String {
    let checks = json["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name && check["port"].as_str() == port);
    check.unwrap()["finding"].as_str().unwrap().into()
}

#[test]
fn the_configuration_file_says_what_to_look_at() {
    let (_, json) = with_file(FILE, "");
    // (2 x 512 + 512 + 5 x 64) x 2 + 32 frames of 4 KiB are 8 huge pages for each of 2 workers.
    assert_eq!(json["packet_memory"]["bytes"], 2 * 8 * (2 << 20));
    assert_eq!(json["packet_memory"]["workers"], 2);
    let ports: Vec<_> = json["checks"].as_array().unwrap().iter().map(|check| &check["port"]).collect();
    assert!(ports.contains(&&"fa".into()) && ports.contains(&&"fb".into()), "{ports:?}");
    assert!(finding(&json, Some("fa"), "queues").starts_with("0-1 of 4"));
    assert_eq!(finding(&json, None, "cores"), "2 workers share core 0");
}

#[test]
fn options_go_before_the_file() {
    let (_, json) = with_file(FILE, "--interface fb --queues 0-3");
    // One port: half the frames, on whole huge pages. The rings are the file's.
    assert_eq!(json["packet_memory"]["bytes"], 4 * 4 * (2 << 20));
    let checks = json["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["port"] != "fa"), "the wire of the file is looked at, too");
    let without_huge_pages = FILE.replace("[rings]", "[rings]\nhuge-pages = false");
    let (_, json) = with_file(&without_huge_pages, "--queues 0");
    assert_eq!(json["packet_memory"]["huge_pages"], false);
    assert_eq!(json["packet_memory"]["bytes"], 3744 * 4096);
}

#[test]
fn a_wrong_file_is_told_with_its_place() {
    let (output, _) = with_file("queues = \"0\"\n[rings]\nrx = 1000\n[[wire]]\ninterface = \"fa\"\n", "");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    for words in ["fastpath.toml:3: rings.rx = 1000", "power of two"] {
        assert!(error.contains(words), "no {words:?} in {error}");
    }
}
