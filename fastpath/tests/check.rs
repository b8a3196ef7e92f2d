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
fn entries_of_a_threshold_file_are_checked_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("threshold.config");
    let text = "suppress gen_id 1, sig_id 1\nsuppress gen_id 1, sig_id 9\nsuppress gen_id 1, sig_id one\n";
    fs::write(&file, text).unwrap();
    let set = format!("threshold-file={}", file.display());
    let (status, out, _) = check(&[("good.rules", GOOD)], &["--json", "--set", &set]);
    assert_eq!(status, 1);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["loaded"], &report["thresholds"]), (&json!(1), &json!(3)));
    assert_eq!((&report["idle"][0]["line"], &report["idle"][0]["sid"]), (&json!(2), &json!(9)));
    assert_eq!((&report["failed"][0]["line"], &report["failed"][0]["column"]), (&json!(3), &json!(27)));
    assert_eq!(check(&[("good.rules", GOOD)], &["--set", "threshold-file=missing.config"]).0, 2);
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

#[test]
fn what_is_odd_about_good_rules_is_a_warning() {
    let rule = "alert udp any any -> any any (flowbits:isset,never; sid:1;)\n";
    let (status, out, _) = check(&[("a.rules", rule)], &[]);
    assert_eq!(status, 0);
    assert!(out.starts_with("warning: a.rules:1:57: sid 1: flow bit `never` is asked for"), "{out}");
}

#[test]
fn what_is_known_of_addresses_comes_from_files() {
    let rule = "alert ip any any -> any any (iprep:src,Bad,>,10; sid:1;)\n";
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.rules"), rule).unwrap();
    fs::write(dir.path().join("categories.txt"), "1,Bad,known for it\n").unwrap();
    fs::write(dir.path().join("good.list"), "10.0.0.0/8,1,20\n").unwrap();
    fs::write(dir.path().join("bad.list"), "10.0.0.0/8\n").unwrap();
    let run = |set: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fastpath"));
        command.args(["check", "-S", "a.rules"]).args(set.iter().flat_map(|set| ["--set", set]));
        let output = command.current_dir(&dir).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let categories = "reputation-categories-file=categories.txt";
    assert_eq!(run(&[categories, "reputation-files.0=good.list"]).0, Some(0));
    assert_eq!(run(&[categories, "default-reputation-path=.", "reputation-files=good.list"]).0, Some(0));
    let (status, said) = run(&[]);
    assert!(status == Some(1) && said.contains("no category is called `Bad`"), "{said}");
    let (status, said) = run(&[categories, "reputation-files=good.list,bad.list"]);
    assert!(status == Some(2) && said.contains("bad.list:1:"), "{said}");
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

/// Bytes without any order, the same in each run.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(bytes).collect()
}

/// A file that holds no rules costs an error, not the program: neither a crash nor memory without end.
#[test]
fn garbage_is_refused_in_little_memory() {
    const SIZE: usize = 4 << 20;
    let filled = |start: &str, pattern: &str| {
        let mut text = start.as_bytes().to_vec();
        text.extend(pattern.bytes().cycle().take(SIZE));
        text
    };
    let printable = noise(SIZE).into_iter().map(|byte| if byte < 8 { b'\n' } else { b' ' + byte % 95 });
    let files = [
        ("noise", noise(SIZE)),
        ("printable", printable.collect()),
        ("nul", vec![0; SIZE]),
        ("high", vec![0xff; SIZE]),
        ("one line", vec![b'a'; SIZE]),
        ("short lines", filled("", "x\n")),
        ("continued lines", filled("", "x\\\n")),
        ("options", filled("alert tcp any any -> any any (", "a;")),
        ("sids", filled("alert tcp any any -> any any (", "sid ;")),
        ("contents", filled("alert tcp any any -> any any (", "content:\"a\"; ")),
        ("brackets", filled("alert tcp ", "[")),
        ("addresses", filled("alert tcp [", "1.1.1.1,")),
        ("expressions", filled("alert tcp any any -> any any (", "pcre:\"/(a{1,900}){1,900}/\"; ")),
        ("rules with NUL", filled("", "alert tcp any any -> any any (content:\"\0\"; depth:\0; sid:1;)\n")),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join("garbage.rules"), &bytes).unwrap();
        let mut command = Command::new("sh");
        // Kibibytes of address space.
        let limited = "ulimit -v 262144 && exec \"$0\" check --json -S garbage.rules";
        command.args(["-c", limited, env!("CARGO_BIN_EXE_fastpath")]).current_dir(&dir);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let failed = report["failed"].as_array().unwrap().len();
        assert!(failed > 0 && failed <= 100_001, "{name}: {failed}");
        assert_eq!(report["loaded"], 0, "{name}");
    }
}

#[test]
fn keywords_are_listed() {
    let (status, out, _) = check(&[], &["--list-keywords", "--json"]);
    assert_eq!(status, 0);
    let all: Value = serde_json::from_str(&out).unwrap();
    let of = |name: &str| all.as_array().unwrap().iter().find(|keyword| keyword["name"] == name).unwrap();
    assert_eq!(of("content")["state"], "supported");
    assert_eq!(
        (&of("http.uri")["state"], &of("http.uri")["missing_parser"]),
        (&json!("needs-parser"), &json!("http"))
    );
    assert_eq!(of("lua")["state"], "unsupported");
    let (status, out, _) = check(&[], &["--list-keywords"]);
    assert_eq!((status, out.lines().count()), (0, all.as_array().unwrap().len()));
    assert!(out.contains("needs the parser of dns"), "{out}");
    assert_eq!(check(&[("good.rules", GOOD)], &["--list-keywords"]).0, 2);
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
