//! Any packets at any times through the whole engine: what it says and sends depends on them alone, it changes none of which
//! it does not say so, reports where it is told to report, and gives back all memory when its flows have ended.
//!
//! The input: a byte of switches, then packets, each behind its length (two bytes, little-endian) and the time since the one
//! before it (a byte, in units that grow).
#![no_main]

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use fastpath::engine::{
    Engine, Settings,
    event::{Event, EventKind},
    flow::FlowSettings,
    meta::{ChecksumState, LinkType, Meta, Timestamp},
    packet::defrag,
    rules::{Environment, HostSettings, RuleSet, Variables},
    verdict::{Enforcement, Verdict},
};
use libfuzzer_sys::fuzz_target;

const RULES: &str = r#"
alert tcp any any -> any any (content:"GET"; startswith; content:"host"; nocase; distance:0; within:40; sid:1;)
reject tcp any any -> any any (flow:established,to_server; content:"evil"; content:"word"; distance:0; sid:7;)
alert tcp any any -> any any (stream-event:reassembly_overlap_different_data; sid:8;)
drop pkthdr any any -> any any (decode-event:ipv4.trunc_pkt; sid:9;)
alert tcp-stream any any -> any any (flags:+PA; content:"a"; offset:3; depth:9; sid:10;)
drop udp any any <> any [53,5353] (content:"|01 00|"; offset:2; depth:2; content:!"|ff|"; within:4; sid:2;)
pass ip [10.0.0.0/8,!10.1.0.0/16] any -> any any (dsize:<4; sid:3;)
alert icmp any any -> any any (itype:8; icode:<3; content:"a"; content:"a"; distance:-1; content:"b"; endswith; sid:4;)
alert ip6 any any -> any any (content:"aa"; content:"aa"; distance:-1; within:3; content:!"b"; distance:0; sid:5;)
alert ip any any -> any any (content:"evil"; nocase; fast_pattern:1,2; content:"word"; within:9; sid:6;)
alert ip any any -> any any (content:"h"; nocase; replace:"H"; content:"o"; distance:0; replace:"0"; sid:11;)
alert udp any any -> any any (byte_extract:1,0,n,relative; content:"|00|"; offset:n; byte_jump:1,0,relative,post_offset -2; isdataat:!4,relative; sid:12;)
drop tcp any any -> any any (flowbits:isset,seen; byte_test:2,>,0x4000,0,relative; base64_decode:bytes 20,offset 2; base64_data; content:"a"; sid:14;)
alert ip any any -> any any (entropy:value > 4; byte_math:bytes 1, offset 1, oper *, rvalue 3, result m; content:"a"; depth:m; flowint:hits,+,1; sid:17;)
"#;

/// Rules that remember more than flows.
const MEMORY: &str = r#"
alert tcp any any -> any any (pcre:"/[a-z]{3,}\s*[:=]\s*\d+/i"; content:"|0d|"; distance:0; flowbits:set,seen; xbits:set,seen,track ip_src,expire 5; sid:13;)
alert ip any any -> any any (xbits:isset,seen,track ip_src; threshold:type both, track by_src, count 2, seconds 9; tag:session,4,packets; sid:15;)
alert ip any any -> any any (tcp.hdr; compress_whitespace; content:!"|ff|"; ip.src; dataset:set,fuzz,type ip; detection_filter:track by_dst, count 3, seconds 5; sid:16;)
"#;

static SET: LazyLock<Arc<RuleSet>> = LazyLock::new(|| load(RULES));

fn load(text: &str) -> Arc<RuleSet> {
    let environment = Environment {
        variables: Variables::suricata_defaults(),
        // Made anew for many runs, and small enough to overflow.
        hosts: HostSettings { memory: 1 << 12, ..HostSettings::default() },
        ..Environment::default()
    };
    let (rules, report) = RuleSet::load([(Path::new("fuzz.rules"), text)], &environment, None);
    assert_eq!(report.failed, []);
    Arc::new(rules)
}

/// What its rules remember outlives an engine, so each run that needs them has its own.
fn rules(switches: u8) -> Arc<RuleSet> {
    if switches & 128 == 0 { Arc::clone(&SET) } else { load(&[RULES, MEMORY].concat()) }
}

fn engine(switches: u8) -> Engine {
    let enforcement = if switches & 1 == 0 { Enforcement::Drop } else { Enforcement::Report };
    let mut settings = Settings::new(enforcement);
    settings.flow = FlowSettings { capacity: if switches & 2 == 0 { 64 } else { 3 }, ..settings.flow };
    settings.defrag = defrag::Settings { trackers: 64, memcap: 1 << 18, ..settings.defrag };
    settings.stream.midstream = switches & 4 != 0;
    settings.stream.async_oneside = switches & 8 != 0;
    settings.stream.reassembly_memcap = if switches & 16 == 0 { 1 << 20 } else { 1 << 12 };
    Engine::new(rules(switches), settings)
}

/// What an engine says to all packets, and in what order.
fn run(switches: u8, mut data: &[u8]) -> (Vec<Verdict>, Vec<Vec<u8>>, Vec<String>) {
    let mut engine = engine(switches);
    let (mut verdicts, mut sent, mut events) = (Vec::new(), Vec::new(), Vec::<Event>::new());
    let mut time = Timestamp(1_700_000_000_000_000_000);
    for number in 1.. {
        let [low, high, later, rest @ ..] = data else { break };
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (packet, behind) = rest.split_at(length);
        data = behind;
        time.0 += 1 << (later % 40);
        let meta = Meta {
            time,
            number,
            link: if switches & 32 == 0 { LinkType::Ethernet } else { LinkType::RawIp },
            checksums: if switches & 64 == 0 { ChecksumState::Trusted } else { ChecksumState::Unverified },
            ..Meta::default()
        };
        let mut bytes = packet.to_vec();
        let verdict = engine.inspect(&mut bytes, &meta, &mut events);
        verdicts.push(verdict);
        assert_eq!(bytes.len(), packet.len());
        if verdict != Verdict::Rewritten {
            assert_eq!(bytes, packet, "the engine changed a packet and does not say so");
        }
        sent.push(bytes);
        if later & 0x80 != 0 {
            engine.tick(time, &mut events);
        }
    }
    let injected = engine.injections().count();
    engine.finish(time, &mut events);
    let counters = engine.counters();
    assert_eq!((counters.flow.active, counters.tcp.active_sessions), (0, 0));
    assert_eq!(counters.tcp.reassembly_memory, 0, "memory of streams is lost");
    let dropped = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Drop(_))).count() as u64;
    let ips = counters.ips;
    assert_eq!(ips.accepted + ips.replaced + ips.blocked + ips.rejected, verdicts.len() as u64);
    assert_eq!(ips.blocked + ips.rejected, dropped);
    if switches & 1 != 0 {
        assert_eq!(ips.replaced, 0, "changed where only reports are wanted");
        assert_eq!((dropped, injected), (0, 0), "dropped where only reports are wanted");
        assert!(!events.iter().any(|event| matches!(event.kind, EventKind::Drop { .. })));
    }
    (verdicts, sent, events.iter().map(|event| format!("{event:?}")).collect())
}

fuzz_target!(|data: &[u8]| {
    if let Some((&switches, packets)) = data.split_first() {
        assert_eq!(run(switches, packets), run(switches, packets), "the same packets, another answer");
    }
});
