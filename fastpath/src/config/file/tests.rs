use proptest::prelude::*;

use super::*;
use crate::{
    engine::{
        policy::{ExceptionPolicy, Failure},
        verdict::Enforcement,
    },
    event::EventType,
};

const WHOLE: &str = r#"
queues = "0-3"
cores = "1"
action = "detect"
mode = "zerocopy"
xdp = "native"
steering = "off"
busy-poll = true
allow-uncovered = true
swap-mac = false
on-worker-loss = "forward"
rules = ["rules/*.rules", "/abs.rules"]
classification-file = "classification.config"
reference-config-file = "/reference.config"
log-dir = "log"
stats-json = "-"
threshold-file = "threshold.config"

[rings]
frame-size = 2048
rx = 512
tx = 1024
batch = 32
huge-pages = false

[bad-rules]
start = "skip"
reload = "refuse"

[vars.address-groups]
HOME_NET = "[10.0.0.0/8]"

[vars.port-groups]
HTTP_PORTS = 8080
SSH_PORTS = "[22,2222]"

[flow]
capacity = 5000

[flow-timeouts.udp]
new = 7
emergency-new = 3

[host]
memcap = "1mb"

[vlan]
use-for-tracking = false

[outputs.eve-log]
types = ["alert", "netflow"]
"types.alert.payload" = true
community-id = true

[stream]
midstream-policy = "pass-flow"

[[wire]]
interface = "eth1"
peer = "eth2"

[[wire]]
interface = "eth3"
peer = "eth4"
"#;

fn path() -> &'static Path {
    Path::new("/etc/fastpath/fastpath.toml")
}

#[test]
fn every_key_reaches_the_configuration() {
    use super::super::{BadRules, RingConfig, Wire};

    let config = parse(path(), WHOLE).unwrap().validate().unwrap();
    let wire = |a: &str, b: &str| Wire { interface: a.into(), peer: Some(b.into()) };
    assert_eq!(config.wires, [wire("eth1", "eth2"), wire("eth3", "eth4")]);
    assert_eq!(config.queues.to_string(), "0-3");
    assert_eq!(config.cores.unwrap().to_string(), "1");
    assert_eq!(config.action, ActionMode::Detect);
    assert_eq!((config.bind, config.attach), (BindMode::ZeroCopy, AttachMode::Native));
    assert_eq!(config.steering, Steering::Off);
    assert_eq!((config.busy_poll, config.allow_uncovered, config.swap_mac), (true, true, false));
    assert_eq!(config.on_worker_loss, OnWorkerLoss::Forward);
    let rings = RingConfig { frame_size: 2048, rx: 512, tx: 1024, batch: 32, huge_pages: false };
    assert_eq!(config.rings, rings);
    assert_eq!(config.rules, [Path::new("/etc/fastpath/rules/*.rules"), Path::new("/abs.rules")]);
    let beside = (config.rule_data.classification.as_deref(), config.rule_data.references.as_deref());
    let expected = ["/etc/fastpath/classification.config", "/reference.config"].map(Path::new).map(Some);
    assert_eq!([beside.0, beside.1], expected);
    assert_eq!(config.bad_rules, BadRules { start: OnBadRule::Skip, reload: OnBadRule::Refuse });
    assert_eq!(config.log_dir, Path::new("/etc/fastpath/log"));
    assert_eq!(config.stats_json, Some(StatsTarget::Stdout));
    assert_eq!(config.rule_data.thresholds.unwrap(), Path::new("/etc/fastpath/threshold.config"));
    assert_eq!(config.hosts.memory, 1 << 20);
    assert_eq!(config.variables.addresses["HOME_NET"], "[10.0.0.0/8]");
    assert_eq!(config.variables.ports["HTTP_PORTS"], "8080");
    assert_eq!(config.variables.ports["SSH_PORTS"], "[22,2222]");
    let udp = config.engine.flow.timeouts.udp;
    assert_eq!((config.engine.flow.capacity, udp[0].new, udp[1].new), (5000, 7, 3));
    assert!(!config.engine.flow.tracking.vlan && config.engine.flow.tracking.recursion);
    assert!(config.eve.community_id && config.eve.types.contains(EventType::Netflow));
    assert!(!config.eve.types.contains(EventType::Flow) && config.eve.alert.payload);
    let midstream = config.engine.policies.resolve(Failure::Midstream, Enforcement::Drop);
    assert_eq!(midstream, ExceptionPolicy::PassFlow);
}

#[test]
fn what_is_about_one_failure_goes_before_what_is_about_all() {
    let text = format!(
        "{WHOLE}\n[decoder]\nerror-policy = \"drop-packet\"\n[app-layer]\nerror-policy = \"reject\"\n[detect]\nlimit-policy = \"pass-flow\""
    );
    let text = format!("exception-policy = \"ignore\"\n{text}");
    let config = parse(path(), &text).unwrap().validate().unwrap();
    let policy = |failure| config.engine.policies.resolve(failure, Enforcement::Drop);
    assert_eq!(policy(Failure::Decode), ExceptionPolicy::DropPacket);
    assert_eq!(policy(Failure::AppLayer), ExceptionPolicy::Reject);
    assert_eq!(policy(Failure::Detection), ExceptionPolicy::PassFlow);
    assert_eq!(policy(Failure::Midstream), ExceptionPolicy::PassFlow);
    assert_eq!(policy(Failure::FlowMemcap), ExceptionPolicy::Ignore);
}

#[test]
fn paths_are_beside_the_file() {
    let data = |text: &str| parse(path(), &format!("{text}\n{WHOLE}")).unwrap().validate().unwrap().rule_data;
    let both = "default-data-dir = \"sets\"\nreputation-categories-file = \"c.txt\"\nreputation-files = [\"a.list\", \"/b.list\"]";
    let found = data(both);
    assert_eq!(found.directory.as_deref(), Some(Path::new("/etc/fastpath/sets")));
    assert_eq!(found.reputation_categories.as_deref(), Some(Path::new("/etc/fastpath/c.txt")));
    assert!(found.reputation_files().eq(["/etc/fastpath/a.list", "/b.list"].map(PathBuf::from)));
    let found = data(&format!("default-reputation-path = \"lists\"\n{both}"));
    assert!(found.reputation_files().eq(["/etc/fastpath/lists/a.list", "/b.list"].map(PathBuf::from)));
}

#[test]
fn an_unknown_key_is_told_all_that_are_known() {
    let reason = |text: &str| parse(path(), text).unwrap_err().to_string();
    let top = reason("quues = \"0\"");
    assert!(
        top.contains("`queues`") && top.contains("`stream`") && top.contains("`exception-policy`"),
        "{top}"
    );
    let inner = reason("[rings]\nrxx = 3");
    assert!(inner.contains("`rx`") && !inner.contains("`stream`"), "{inner}");
}

#[test]
fn the_stronger_side_wins_and_variables_are_merged_by_name() {
    let weak = parse(path(), WHOLE).unwrap();
    let mut strong = parse(path(), "queues = \"7\"\nrules = [\"own\"]\n").unwrap();
    strong.ports.insert("HTTP_PORTS".into(), "81".into());
    strong.named.push(Given::flag("--set", "classification-file=own.config".parse().unwrap()));
    strong.named.push(Given::flag("--set", "flow.capacity=6000".parse().unwrap()));
    let config = strong.or(weak).validate().unwrap();
    assert_eq!(config.queues.to_string(), "7");
    assert_eq!(config.rules, [Path::new("/etc/fastpath/own")]);
    assert_eq!(config.rule_data.classification.as_deref(), Some(Path::new("own.config")));
    assert_eq!((config.wires.len(), config.rings.rx), (2, 512));
    assert_eq!((config.engine.flow.capacity, config.engine.flow.timeouts.udp[0].new), (6000, 7));
    assert_eq!(config.variables.ports["HTTP_PORTS"], "81");
    assert_eq!(config.variables.ports["SSH_PORTS"], "[22,2222]");
}

#[test]
fn an_absent_file_is_fine_only_where_it_is_optional() {
    let absent = Path::new("/nonexistent/fastpath.toml");
    assert!(read(absent, true).unwrap().wires.is_empty());
    assert!(matches!(read(absent, false), Err(ConfigError::Read { .. })));
    // A directory is there, but no file.
    assert!(matches!(read(Path::new("/"), true), Err(ConfigError::Read { .. })));
}

proptest! {
    #[test]
    fn any_text_is_survived(text: String) {
        let _ = parse(path(), &text);
    }

    #[test]
    fn any_change_is_survived_and_blamed_on_a_line_of_the_file(at in 0..WHOLE.len(), change in "\\PC{0,3}|\n") {
        let text = [&WHOLE[..at], &change, &WHOLE[at + 1..]].concat();
        match parse(path(), &text).and_then(Settings::validate) {
            Err(ConfigError::Shape { line, .. }) => prop_assert!((1..=text.lines().count() + 1).contains(&line)),
            Err(ConfigError::Value { place: Place::File { line, .. }, .. }) => {
                prop_assert!((1..=text.lines().count()).contains(&line));
            }
            _ => {}
        }
    }
}
