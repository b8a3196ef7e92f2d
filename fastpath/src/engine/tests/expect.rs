//! Reading ahead: the hashes told from a packet's first bytes are those that its flow is looked up by, and nothing depends on it.

use super::*;
use crate::engine::flow::{FlowSettings, Hint, Tracking};

/// A packet that a hint is given for, unless an edit or too many tags spoil it.
fn packet(v6: bool, is_tcp: bool, ports: (u16, u16), tags: &[u16]) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2([1; 6], [2; 6]);
    let ip =
        if v6 { ethernet.ipv6([1; 16], [2; 16], 64) } else { ethernet.ipv4([10, 0, 0, 1], [8, 8, 8, 8], 64) };
    let mut bytes = Vec::new();
    if is_tcp {
        ip.tcp(ports.0, ports.1, 1, 1024).syn().write(&mut bytes, b"").unwrap();
    } else {
        ip.udp(ports.0, ports.1).write(&mut bytes, b"an evil word").unwrap();
    }
    for tag in tags {
        let [high, low] = tag.to_be_bytes();
        bytes.splice(12..12, [0x81, 0, high, low]);
    }
    bytes
}

fn tracking(vlan: bool, seed: u64, enforcement: Enforcement) -> Engine {
    let (rules, _) = load(THREE);
    let flow = FlowSettings {
        tracking: Tracking { vlan, ..Tracking::default() },
        seed,
        capacity: 256,
        ..FlowSettings::default()
    };
    Engine::new(Arc::new(rules), Settings { flow, ..Settings::new(enforcement) })
}

fn hint(engine: &Engine, packet: &[u8]) -> Option<Hint> {
    engine.steering().hint(packet, Meta::default().link)
}

#[test]
fn a_flow_is_found_ahead_when_it_is_there() {
    let mut engine = engine("", Enforcement::Drop);
    let packet = udp(b"payload");
    let hash = hint(&engine, &packet).unwrap().flow;
    assert_eq!(engine.expect(&[hash]), 0);
    inspect(&mut engine, packet.clone());
    assert_eq!(engine.expect(&[hash, hash ^ 1, hash]), 2);
    engine.finish(Timestamp(1), &mut Vec::new());
    assert_eq!(engine.expect(&[hash]), 0);
}

proptest! {
    /// One engine looks ahead, the other does not: what they say of each packet of a batch is the same.
    #[test]
    fn looking_ahead_changes_nothing(
        shapes in prop::collection::vec(
            (any::<(bool, bool)>(), (1000..1003_u16, 52..55_u16), prop::collection::vec(any::<u16>(), 0..5)), 1..12,
        ),
        edits in prop::collection::vec((0..12_usize, 0..70_usize, any::<u8>()), 0..3),
        vlan: bool, seed: u64, inline: bool,
    ) {
        let mut batch: Vec<_> =
            shapes.iter().map(|((v6, is_tcp), ports, tags)| packet(*v6, *is_tcp, *ports, tags)).collect();
        for (which, at, value) in edits {
            if let Some(byte) = batch.get_mut(which).and_then(|packet| packet.get_mut(at)) {
                *byte = value;
            }
        }
        let enforcement = if inline { Enforcement::Drop } else { Enforcement::Report };
        let (mut one, mut other) = (tracking(vlan, seed, enforcement), tracking(vlan, seed, enforcement));
        for _ in 0..2 {
            let expected: Vec<_> = batch.iter().filter_map(|packet| Some(hint(&one, packet)?.flow)).collect();
            one.expect(&expected);
            for packet in &batch {
                let before = one.counters().flow.active;
                let hash = hint(&one, packet).map(|hint| hint.flow);
                let known = hash.is_some_and(|hash| one.expect(&[hash]) == 1);
                prop_assert_eq!(inspect(&mut one, packet.clone()), inspect(&mut other, packet.clone()));
                let began = one.counters().flow.active > before;
                if let Some(hash) = hash {
                    prop_assert!(!(known && began), "its flow was there under another hash");
                    prop_assert!(!began || one.expect(&[hash]) == 1, "its flow began under another hash");
                }
            }
        }
        prop_assert_eq!(format!("{:?}", one.counters()), format!("{:?}", other.counters()));
    }
}
