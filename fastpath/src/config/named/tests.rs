use super::*;
use crate::{
    engine::{event::Excerpts, rules::Kept},
    event::AlertOptions,
};

fn apply(texts: &[&str]) -> (Named, Vec<String>) {
    let all = texts.iter().map(|text| Given::flag("--set", text.parse().unwrap()));
    let mut set = Named::default();
    let refused = set.apply(all);
    (set, refused.iter().map(ConfigError::to_string).collect())
}

/// Written out, or as it stands there below what is said to be before it.
#[test]
fn every_key_is_documented() {
    let text = include_str!("../../../../docs/configuration.md");
    for (key, _) in KEYS {
        let key = key.trim_end_matches('.');
        let short = key.strip_prefix("outputs.eve-log.").unwrap_or(key);
        let ends = short.match_indices('.').flat_map(|(at, _)| [&short[at..], &short[at + 1..]]);
        assert!(
            [key, short]
                .into_iter()
                .chain(ends)
                .any(|name| text.contains(&format!("`{name}`")) || text.contains(&format!("`{name}."))),
            "{key} is missing in docs/configuration.md"
        );
    }
}

#[test]
fn known_keys_are_set_and_the_last_one_wins() {
    let (set, refused) = apply(&[
        "vars.address-groups.HOME_NET=[10.0.0.0/8]",
        "vars.port-groups.HTTP_PORTS = 80",
        "vars.port-groups.HTTP_PORTS=[80,81]",
        "outputs.eve-log.types=alert, stats",
        "outputs.eve-log.community-id=yes",
        "outputs.eve-log.community-id-seed=7",
        "outputs.eve-log.types.stats.null-values=no",
        "reputation-categories-file=/a/categories.txt",
        "default-reputation-path=/a",
        "reputation-files=x.list, y.list",
        "reputation-files.1=/b/z.list",
        "default-data-dir=/c",
        "flow.capacity=1000",
        "flow-timeouts.tcp.new=1",
        "flow-timeouts.default.emergency-bypassed=2",
        "vlan.use-for-tracking=false",
        "decoder.recursion-level.use-for-tracking=no",
        "exception-policy=ignore",
        "stream.midstream-policy=drop-flow",
        "stats.interval=1",
        "outputs.eve-log.types.drop.flows=start",
        "outputs.eve-log.types.anomaly.types.decode=yes",
        "stream.reassembly.depth=2mb",
        "stream.reassembly.urgent.policy=gap",
        "stream.midstream=yes",
        "decoder.vxlan.ports=[1, 2]",
        "decoder.teredo.enabled=no",
        "defrag.memcap=64kb",
        "classification-file=/c.config",
        "reference-config-file=r.config",
        "outputs.eve-log.types.alert.metadata=no",
        "outputs.eve-log.types.alert.metadata.rule.metadata=yes",
        "outputs.eve-log.types.alert.metadata.rule.raw=yes",
        "outputs.eve-log.types.alert.metadata.rule.reference=yes",
        "outputs.eve-log.types.alert.payload-printable=yes",
        "outputs.eve-log.types.alert.payload-buffer-size=2 KiB",
        "outputs.eve-log.types.alert.packet=yes",
        "outputs.eve-log.types.alert.verdict=no",
        "outputs.eve-log.ethernet=yes",
        "outputs.eve-log.pcap-file=yes",
    ]);
    assert_eq!(refused, [""; 0]);
    assert_eq!(set.addresses["HOME_NET"], "[10.0.0.0/8]");
    assert_eq!(set.ports["HTTP_PORTS"], "[80,81]");
    assert!(set.eve.types.contains(EventType::Stats) && !set.eve.types.contains(EventType::Flow));
    assert!(set.eve.community_id && !set.eve.null_values);
    assert_eq!((set.eve.community_id_seed, set.eve.drops), (7, Drops::Start));
    assert_eq!(set.data.classification.as_deref(), Some("/c.config".as_ref()));
    assert_eq!(set.data.references.as_deref(), Some("r.config".as_ref()));
    let alert = AlertOptions {
        flow: false,
        rule_text: true,
        references: true,
        payload_printable: true,
        payload_buffer_size: 2048,
        packet: true,
        verdict: false,
        ..AlertOptions::default()
    };
    assert_eq!((set.eve.alert, set.eve.ethernet, set.eve.pcap_file), (alert, true, true));
    let excerpts = Excerpts { packet: true, payload: true, stream_limit: 2048 };
    assert_eq!(set.eve.wanted().excerpts, excerpts);
    assert_eq!(set.eve.kept(), Kept { metadata: true, references: true, text: true });
    assert!(set.eve.anomalies.decode && !set.eve.anomalies.stream);
    assert_eq!((set.engine.flow.capacity, set.engine.flow.timeouts.tcp[0].new), (1000, 1));
    assert_eq!(set.engine.flow.timeouts.other[1].bypassed, 2);
    assert!(!set.engine.flow.tracking.vlan && !set.engine.flow.tracking.recursion);
    let resolve = |failure| set.engine.policies.resolve(failure, Enforcement::Drop);
    assert_eq!(resolve(Failure::Midstream), ExceptionPolicy::DropFlow);
    let engine = &set.engine;
    assert_eq!((engine.stream.depth, engine.stream.urgent), (2 << 20, UrgentPolicy::Gap));
    assert!(engine.stream.midstream && engine.decoder.vxlan_ports.contains(2));
    assert_eq!((engine.decoder.teredo_ports, engine.defrag.memcap), (TunnelPorts::OFF, 64 << 10));
    assert_eq!(resolve(Failure::FlowMemcap), ExceptionPolicy::Ignore);
    assert_eq!(set.data.reputation_categories, Some("/a/categories.txt".into()));
    let files: Vec<_> = set.data.reputation_files().collect();
    assert_eq!(files, [PathBuf::from("/a/x.list"), "/b/z.list".into()]);
    assert_eq!(set.data.directory, Some("/c".into()));
}

#[test]
fn what_is_not_honoured_is_named_and_the_rest_is_set() {
    let (set, refused) = apply(&[
        "vars.address-groups.=x",
        "a.b=c=d",
        "outputs.eve-log.types=alert, http",
        "vars.port-groups.P=1",
        "flow.capacity=0",
        "flow-timeouts.gre.new=1",
        "stream.memcap-policy=drop",
        "vlan.use-for-tracking=maybe",
        "stream.memcap=64xb",
        "decoder.geneve.ports=1,2,3,4,5",
        "outputs.eve-log.types.alert.payload-buffer-size=0",
    ]);
    assert_eq!(refused.len(), 10, "{refused:?}");
    assert!(refused[0].contains("vars.address-groups.=x"), "{}", refused[0]);
    assert!(refused[1].contains("a.b=c=d") && refused[1].contains("unknown key"), "{}", refused[1]);
    assert!(refused[2].contains("`http`") && refused[2].contains("alert, http"), "{}", refused[2]);
    assert!(refused[3].contains("1 to 268435456"), "{}", refused[3]);
    assert!(refused[4].contains("flow-timeouts.NAME"), "{}", refused[4]);
    assert!(refused[5].contains("drop-flow, drop-packet"), "{}", refused[5]);
    assert!(refused[6].contains("yes or no"), "{}", refused[6]);
    assert!(refused[7].contains("64mb") && refused[8].contains("up to four"), "{refused:?}");
    assert_eq!(set.ports["P"], "1");
    assert!(set.eve.types.contains(EventType::Alert) && !set.eve.types.contains(EventType::Flow));
    assert!("no value".parse::<Override>().is_err() && "=v".parse::<Override>().is_err());
}
