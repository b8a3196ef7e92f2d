//! `fastpath check`: its object and its exit status.

#![allow(clippy::unwrap_used)] // A test may panic; clippy.toml knows only of #[test] functions.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

const GOOD: &str = "# a comment\n\nalert udp any any -> any 53 (msg:\"a\"; content:\"x\"; sid:1; rev:1;)\n";
const BAD: &str = "alert udp any any -> any any (msg:\"b\"; sid:2;)\n\
                   alert udp any any -> any any (msg:\"c\"; no_such_keyword:1; sid:3;)\n\
                   alert nonsense\n";

fn check(rules: &[(&str, &str)], extra: &[&str]) -> (i32, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fastpath"));
    command.arg("check").args(extra).current_dir(&dir);
    for (name, text) in rules {
        fs::write(dir.path().join(name), text).unwrap();
        command.args(["-S", name]);
    }
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn good_rules_give_status_0() {
    let (status, out, _) = check(&[("good.rules", GOOD)], &["--json"]);
    assert_eq!(status, 0);
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap(),
        json!({"rules": 1, "loaded": 1, "failed": [], "skipped": [], "warnings": [], "failed_lines": []})
    );
}

#[test]
fn a_failed_rule_gives_status_1_and_its_place_and_reason() {
    let (status, out, _) = check(&[("good.rules", GOOD), ("bad.rules", BAD)], &["--json"]);
    assert_eq!(status, 1);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["rules"], &report["loaded"]), (&json!(4), &json!(2)));
    let failed = report["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 2);
    assert_eq!(
        (&failed[0]["sid"], &failed[0]["file"], &failed[0]["line"]),
        (&json!(3), &json!("bad.rules"), &json!(2))
    );
    assert!(failed[0]["reason"].as_str().unwrap().contains("no_such_keyword"));
    assert!(failed[0]["column"].as_u64().unwrap() >= 1);
    assert_eq!((&failed[1]["sid"], &failed[1]["line"]), (&Value::Null, &json!(3)));
}

#[test]
fn the_summary_for_people_says_the_same() {
    let (status, out, _) = check(&[("bad.rules", BAD)], &[]);
    assert_eq!(status, 1);
    assert!(out.contains("bad.rules:2:") && out.contains("sid 3"), "{out}");
    assert!(out.ends_with("3 rules read, 1 loaded, 2 failed\n"), "{out}");
}

#[test]
fn files_beside_the_rules_are_read_and_their_bad_lines_reported() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    file(
        "a.rules",
        "alert udp any any -> any any (classtype:ours; reference:wiki,1; sid:1;)\n\
                     alert udp any any -> any any (requires:version >= 99; no.such; sid:2;)\n",
    );
    file("c.config", "config classification: ours,Our own,2\n");
    file("bad.config", "config reference: wiki https://wiki.example/\nconfig reference: nothing\n");
    let run = |extra: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fastpath"));
        let output = command
            .args(["check", "-S", "a.rules", "--json"])
            .args(extra)
            .current_dir(&dir)
            .output()
            .unwrap();
        let report = serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), report, String::from_utf8(output.stderr).unwrap())
    };
    let (status, report, _) = run(&[]);
    assert_eq!((status, &report["loaded"], &report["failed"]), (0, &json!(1), &json!([])));
    assert_eq!(report["warnings"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!((&report["skipped"][0]["sid"], &report["skipped"][0]["line"]), (&json!(2), &json!(2)));

    let (status, report, _) =
        run(&["--set", "classification-file=c.config", "--set", "reference-config-file=bad.config"]);
    assert_eq!((status, &report["warnings"]), (1, &json!([])));
    let line = &report["failed_lines"][0];
    assert_eq!(
        (&line["file"], &line["line"], &line["column"]),
        (&json!("bad.config"), &json!(2), &json!(19))
    );

    let (status, _, error) = run(&["--set", "classification-file=missing.config"]);
    assert_eq!(status, 2);
    assert!(error.contains("missing.config"), "{error}");
}

#[test]
fn what_cannot_be_read_gives_status_2() {
    assert_eq!(check(&[], &["-S", "missing.rules"]).0, 2);
    assert_eq!(check(&[], &[]).0, 2);
    let (status, _, error) = check(&[("good.rules", GOOD)], &["--set", "no.such.key=1"]);
    assert_eq!(status, 2);
    assert!(error.contains("no.such.key"), "{error}");
}

/// Old rule files hold Latin-1, most of it in comments.
#[test]
fn bytes_that_are_no_text_fail_their_own_rule_only() {
    let dir = tempfile::tempdir().unwrap();
    let rule = |sid| format!("alert udp any any -> any any (msg:\"\u{e9}\"; sid:{sid};)\n").into_bytes();
    let latin = |text: Vec<u8>| text.into_iter().filter(|byte| *byte != 0xc3).collect::<Vec<u8>>();
    let text = [&rule(1)[..], b"# ", &latin(rule(2)), &latin(rule(3))].concat();
    fs::write(dir.path().join("old.rules"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fastpath"));
    let output = command.args(["check", "--json", "-S", "old.rules"]).current_dir(&dir).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["rules"], &report["loaded"]), (&json!(2), &json!(1)), "{report}");
    let failed = &report["failed"][0];
    assert_eq!((&failed["sid"], &failed["line"]), (&json!(3), &json!(3)), "{report}");
    assert!(failed["reason"].as_str().unwrap().contains("UTF-8"), "{report}");
}

#[test]
fn patterns_and_variables_are_known() {
    let rule = "alert tcp $LAB_NET any -> any $LAB_PORTS (msg:\"v\"; sid:9;)\n";
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.rules"), rule).unwrap();
    fs::write(dir.path().join("b.rules"), GOOD).unwrap();
    let run = |extra: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fastpath"));
        command.args(["check", "--json", "-S", "*.rules"]).args(extra).current_dir(&dir);
        serde_json::from_slice::<Value>(&command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(run(&[])["loaded"], 1);
    let set = [
        "--set",
        "vars.address-groups.LAB_NET=[10.0.0.0/8,!10.1.0.0/16]",
        "--set",
        "vars.port-groups.LAB_PORTS=[80,8080]",
    ];
    let report = run(&set);
    assert_eq!((&report["rules"], &report["loaded"]), (&json!(2), &json!(2)), "{report}");
}

/// Runs `command` with a pipe that nobody reads as its standard output or error; its status.
fn closed(command: &mut Command, stderr: bool) -> i32 {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (out, error) = (Stdio::null(), Stdio::null());
    let command =
        if stderr { command.stdout(out).stderr(writer) } else { command.stdout(writer).stderr(error) };
    command.status().unwrap().code().unwrap()
}

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("good.rules"), GOOD).unwrap();
    fs::write(dir.path().join("bad.rules"), BAD).unwrap();
    let run = |words: &str, stderr| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fastpath"));
        closed(command.args(words.split(' ')).current_dir(&dir), stderr)
    };
    assert_eq!(run("check -S good.rules", false), 0);
    assert_eq!(run("check -S good.rules --json", false), 0);
    assert_eq!(run("check -S bad.rules", false), 1);
    assert_eq!(run("check -S missing.rules", true), 2);
    assert_eq!(run("replay -r missing.pcap -l out -S bad.rules --set no.such=1", true), 1);
}
