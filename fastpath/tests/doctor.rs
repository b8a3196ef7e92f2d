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
    for arguments in ["", "--interface fa --peer fa", "--interface fa --queues 3-1"] {
        let output = doctor("", arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
