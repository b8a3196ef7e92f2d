//! `fastpath replay` over captures made here: events as golden files, figures, settings, damage.
//!
//! The golden files are what the rules of `golden/mixed.rules` must give for the packets of [`mixed`]. After
//! an intended change: `BLESS=1 cargo test -p fastpath --test replay`, and read the difference.

#![allow(clippy::cast_possible_truncation)] // Packets made here are small.
#![allow(clippy::unwrap_used)] // A test may panic; clippy.toml knows only of #[test] functions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use etherparse::{PacketBuilder, VlanId};
use serde_json::Value;
use tempfile::TempDir;

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

/// Packets for the rules of `golden/mixed.rules`, one millisecond apart.
fn mixed() -> Vec<Vec<u8>> {
    let ethernet = || PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let ipv6 = || {
        let address = |last| [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
        ethernet().ipv6(address(1), address(2), 64)
    };
    let http = |payload: &[u8]| {
        let tcp = ethernet().ipv4(CLIENT, SERVER, 64).tcp(40000, 80, 1000, 64240).ack(1).psh();
        let mut packet = Vec::new();
        tcp.write(&mut packet, payload).unwrap();
        packet
    };
    macro_rules! write {
        ($builder:expr, $payload:expr) => {{
            let mut packet = Vec::new();
            $builder.write(&mut packet, $payload).unwrap();
            packet
        }};
    }
    let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";
    let vlan = |id| VlanId::try_new(id).unwrap();
    vec![
        http(b"GET /index.html HTTP/1.1\r\n\r\n"),
        http(b"get /index.html HTTP/1.1\r\n\r\n"),
        http(b"GET /../../etc/passwd HTTP/1.1\r\n\r\n"),
        write!(ethernet().ipv4([10, 0, 1, 1], SERVER, 64).tcp(40001, 80, 1, 64240), b"GET /etc/passwd"),
        write!(ethernet().ipv4(CLIENT, SERVER, 64).udp(5000, 53), query),
        write!(ipv6().udp(5000, 53), query),
        write!(ethernet().single_vlan(vlan(5)).ipv4(CLIENT, SERVER, 64).udp(5001, 53), query),
        write!(ethernet().double_vlan(vlan(7), vlan(9)).ipv4(CLIENT, SERVER, 64).udp(5002, 53), query),
        write!(ethernet().ipv4(CLIENT, SERVER, 64).icmpv4_echo_request(1, 2), b"a covert message"),
        write!(ipv6().icmpv6_echo_request(1, 2), b"a covert message"),
        write!(ethernet().ipv4(CLIENT, SERVER, 64).udp(5353, 5353), b"quiet and loud"),
        write!(ethernet().ipv4(CLIENT, SERVER, 64).udp(5353, 5353), b"loud"),
        // ARP: no rule's business.
        [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &[0; 20]].concat(),
    ]
}

/// A little-endian microsecond pcap of `packets`.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1]);
    for (milliseconds, packet) in (0..).zip(packets) {
        let length = packet.len() as u32;
        file.extend(words(&[1_700_000_000, milliseconds * 1000, length, length]));
        file.extend(packet);
    }
    file
}

/// A directory with `mixed.pcap`, which is removed at the end of the test.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mixed.pcap"), pcap(&mixed())).unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `fastpath replay -r CAPTURE -l out` with `extra`.
    fn run(&self, capture: &str, extra: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fastpath"));
        command.current_dir(&self.0).args(["replay", "-r", capture, "-l", "out"]).args(extra);
        command.output().unwrap()
    }

    /// The same with the golden rules and `--json`: the summary, and eve.json with the alerts. The packets are of sessions that
    /// nobody saw begin.
    fn replay(&self, extra: &[&str]) -> (Value, String) {
        let rules = golden("mixed.rules");
        let usual = [
            &["-S", rules.to_str().unwrap(), "--json"][..],
            &["--set", "outputs.eve-log.types=alert", "--set", "stream.midstream-policy=ignore"],
        ];
        let output = self.run("mixed.pcap", &[&usual.concat(), extra].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        (
            serde_json::from_slice(&output.stdout).unwrap(),
            fs::read_to_string(self.path("out/eve.json")).unwrap(),
        )
    }
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn assert_golden(name: &str, events: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(golden(name), events).unwrap();
    }
    let expected = fs::read_to_string(golden(name)).unwrap();
    for (line, (got, want)) in (1..).zip(events.lines().zip(expected.lines())) {
        assert_eq!(got, want, "line {line} of {name}");
    }
    assert_eq!(events.lines().count(), expected.lines().count(), "number of events of {name}");
}

/// Packet number and sid of each alert.
fn alerts(events: &str) -> Vec<(u64, u64)> {
    let pair = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        (event["pcap_cnt"].as_u64().unwrap(), event["alert"]["signature_id"].as_u64().unwrap())
    };
    events.lines().map(pair).collect()
}

const EXPECTED: &[(u64, u64)] =
    &[(1, 1), (2, 1), (2, 2), (3, 3), (5, 4), (6, 4), (7, 4), (8, 4), (9, 6), (10, 6), (12, 8)];

#[test]
fn reports_what_the_rules_say() {
    let bench = Bench::new();
    let (summary, events) = bench.replay(&[]);
    assert_eq!(alerts(&events), EXPECTED);
    assert_golden("mixed.detect.json", &events);
    let bytes: usize = mixed().iter().map(Vec::len).sum();
    assert_eq!(summary["packets"], 13);
    assert_eq!(summary["bytes"], bytes);
    assert_eq!(summary["alerts"], 11);
    assert_eq!(summary["drops"], 3);
    assert_eq!(
        summary["verdicts"],
        serde_json::json!({"forward": 10, "rewritten": 0, "drop": 0, "would_drop": 3})
    );
    assert_eq!((&summary["rules"], &summary["rules_failed"]), (&8.into(), &0.into()));
    for key in ["load_seconds", "read_seconds", "engine_seconds", "packets_per_second"] {
        assert!(summary[key].as_f64().unwrap() > 0.0, "{key}");
    }
}

#[test]
fn alerts_show_what_is_asked_for() {
    let bench = Bench::new();
    let set = |name: &str| ["--set".to_string(), format!("outputs.eve-log.{name}=yes")];
    let names = [
        "ethernet",
        "pcap-file",
        "types.alert.metadata.rule.raw",
        "types.alert.payload",
        "types.alert.payload-printable",
        "types.alert.packet",
    ];
    let extra: Vec<_> = names.iter().flat_map(|name| set(name)).collect();
    let (_, events) = bench.replay(&extra.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(alerts(&events), EXPECTED);
    let packets = mixed();
    for line in events.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let packet = &packets[event["pcap_cnt"].as_u64().unwrap() as usize - 1];
        assert_eq!(STANDARD.decode(event["packet"].as_str().unwrap()).unwrap(), *packet, "{event}");
        let payload = STANDARD.decode(event["payload"].as_str().unwrap()).unwrap();
        assert!(packet.ends_with(&payload), "{event}");
        assert_eq!(event["payload_printable"].as_str().unwrap().len(), payload.len(), "{event}");
        assert_eq!(event["stream"], 0, "{event}");
        assert_eq!(event["packet_info"]["linktype"], 1, "{event}");
        assert_eq!(
            (&event["ether"]["src_mac"], &event["pcap_filename"]),
            (&"02:00:00:00:00:01".into(), &"mixed.pcap".into())
        );
        let sid = format!("sid:{};", event["alert"]["signature_id"]);
        assert!(event["alert"]["rule"].as_str().unwrap().contains(&sid), "{event}");
    }
}

#[test]
fn drops_when_told_to() {
    let bench = Bench::new();
    let (summary, events) = bench.replay(&["--simulate-ips"]);
    assert_golden("mixed.inline.json", &events);
    assert_eq!(summary["drops"], 3);
    assert_eq!(
        summary["verdicts"],
        serde_json::json!({"forward": 10, "rewritten": 0, "drop": 3, "would_drop": 0})
    );
}

#[test]
fn the_same_capture_gives_the_same_file_again_and_again() {
    let bench = Bench::new();
    let (_, first) = bench.replay(&["-k", "none"]);
    let (_, second) = bench.replay(&["-k", "none"]);
    assert_eq!(first, second);
    assert!(!first.is_empty());
}

#[test]
fn variables_choose() {
    let bench = Bench::new();
    let rule = "alert tcp $HOME_NET any -> any any (msg:\"home\"; content:\"GET\"; sid:1;)\n";
    fs::write(bench.path("home.rules"), rule).unwrap();
    let count = |set: &str| {
        let output = bench.run("mixed.pcap", &["-S", "home.rules", "--json", "--set", set]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["alerts"].as_u64().unwrap()
    };
    assert_eq!(count("vars.address-groups.HOME_NET=[10.0.0.0/24]"), 2);
    assert_eq!(count("vars.address-groups.HOME_NET=[10.0.1.0/24]"), 1);
    assert_eq!(count("vars.address-groups.HOME_NET=192.168.0.0/16"), 0);
}

#[test]
fn an_unknown_setting_is_a_warning_that_names_it() {
    let bench = Bench::new();
    let output =
        bench.run("mixed.pcap", &["--set", "stream.midstraem=true", "--set", "outputs.eve-log.types=http3"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    assert!(error.contains("stream.midstraem") && error.contains("`http3`"), "{error}");
}

#[test]
fn event_types_that_are_not_asked_for_are_not_written() {
    let bench = Bench::new();
    let (summary, events) = bench.replay(&["--set", "outputs.eve-log.types=drop"]);
    assert_eq!(alerts(&events), []);
    assert_eq!(summary["alerts"], 11, "they are counted all the same");
}

#[test]
fn a_bad_rule_is_reported_and_the_others_are_used() {
    let bench = Bench::new();
    let rules = "alert tcp any any -> any 80 (msg:\"x\"; nonsense; sid:77;)\n\
                 alert tcp any any -> any 80 (msg:\"y\"; content:\"GET\"; sid:78;)\n";
    fs::write(bench.path("some.rules"), rules).unwrap();
    let output = bench.run("mixed.pcap", &["-S", "some.rules", "--json"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    for word in ["some.rules:1:", "sid 77", "nonsense"] {
        assert!(error.contains(word), "{error}");
    }
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&summary["rules"], &summary["rules_failed"], &summary["alerts"]),
        (&1.into(), &1.into(), &3.into())
    );
}

#[test]
fn a_threshold_file_holds_alerts_back() {
    let bench = Bench::new();
    let entries = "threshold gen_id 1, sig_id 4, type limit, track by_rule, count 3, seconds 1000\n\
                   suppress gen_id 1, sig_id 1\nsuppress gen_id 7, sig_id 1\n";
    fs::write(bench.path("threshold.config"), entries).unwrap();
    let (summary, events) = bench.replay(&["--set", "threshold-file=threshold.config"]);
    let expected = EXPECTED.iter().filter(|alert| alert.1 != 1 && **alert != (8, 4));
    assert_eq!(alerts(&events), expected.copied().collect::<Vec<_>>());
    assert_eq!((&summary["alerts"], &summary["drops"]), (&8.into(), &3.into()));
}

#[test]
fn a_cut_off_capture_is_used_as_far_as_it_goes() {
    let bench = Bench::new();
    let mut bytes = pcap(&mixed());
    bytes.truncate(bytes.len() - 1);
    fs::write(bench.path("cut.pcap"), &bytes).unwrap();
    let output = bench.run("cut.pcap", &["--json"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && error.contains("cut.pcap: record 13 at byte"), "{error}");
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["packets"], 12);
}

#[test]
fn a_link_type_that_is_not_decoded_is_told() {
    let bench = Bench::new();
    let mut bytes = pcap(&mixed());
    bytes[20] = 105;
    fs::write(bench.path("wifi.pcap"), &bytes).unwrap();
    let output = bench.run("wifi.pcap", &["--json"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && error.contains("13 packets have link type 105"), "{error}");
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["packets"], 13);
}

#[test]
fn what_is_no_capture_is_an_error() {
    let bench = Bench::new();
    fs::write(bench.path("text.pcap"), "this is not a capture").unwrap();
    for (name, word) in [("text.pcap", "not a capture"), ("missing.pcap", "cannot read")] {
        let output = bench.run(name, &[]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{name}");
        assert!(error.contains(name) && error.contains(word), "{error}");
    }
}

#[test]
fn the_summary_for_people_has_the_figures() {
    let bench = Bench::new();
    let rules = golden("mixed.rules");
    let midstream = "stream.midstream-policy=ignore";
    let output =
        bench.run("mixed.pcap", &["-S", rules.to_str().unwrap(), "--simulate-ips", "--set", midstream]);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "packets    13 (",
        "verdicts   10 forward, 0 rewritten, 3 drop, 0 would drop",
        "alerts     11",
        "rules      8 loaded, 0 left out",
    ] {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
}
