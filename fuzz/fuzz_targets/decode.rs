//! Any bytes under any link type decode: every layer lies inside the one around it and is what etherparse reads, and a
//! packet and its answer have one owner.
#![no_main]

use fastpath::engine::{
    flow,
    meta::LinkType,
    packet::{IpHeader, Layers, Settings, Transport, TunnelPorts},
};
use libfuzzer_sys::fuzz_target;

#[path = "../../fastpath/tests/decode/oracle.rs"]
mod oracle;

/// Whether `part` is in `whole`, or empty.
fn lies_in(part: &[u8], whole: &[u8]) -> bool {
    let (outer, inner) = (whole.as_ptr_range(), part.as_ptr_range());
    part.is_empty() || (outer.start <= inner.start && inner.end <= outer.end)
}

/// The place of `part` in `whole`.
fn place(part: &[u8], whole: &[u8]) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, bytes)) = data.split_first() else {
        return;
    };
    let link = match first % 8 {
        0 => LinkType::Ethernet,
        1 => LinkType::Null,
        2 => LinkType::RawIp,
        3 => LinkType::LinuxSll,
        4 => LinkType::LinuxSll2,
        5 => LinkType::Ppp,
        6 => LinkType::CiscoHdlc,
        _ => LinkType::Other(first.into()),
    };
    let teredo_ports = if first & 0x80 == 0 { TunnelPorts::one(3544) } else { TunnelPorts::Any };
    let settings = Settings { teredo_ports, ..Settings::default() };

    // The answer: the innermost packet's addresses and ports the other way round.
    let mut answer = bytes.to_vec();
    let mut swaps: Vec<(usize, usize, usize)> = Vec::new();
    let (mut around, mut around_link) = (bytes, link);
    let mut layers = 0;
    for packet in Layers::new(bytes, link, &settings) {
        layers += 1;
        oracle::compare(around, around_link, &packet);
        assert!(lies_in(packet.payload, around));
        let facts = packet.facts();
        assert!(packet.payload.is_empty() || facts.addresses.is_some());
        assert!(facts.ports.is_none() || facts.icmp.is_none());
        assert_eq!(packet.events.is_empty(), packet.events.iter().next().is_none());
        assert!(packet.transport.is_none() || packet.fragment().is_none());
        if let Some(fragment) = packet.fragment() {
            assert!(fragment.offset % 8 == 0 && (fragment.offset > 0 || fragment.more));
            assert!(lies_in(fragment.header, around) && lies_in(fragment.payload, around));
            assert!(packet.inner.is_none());
        }
        let _ = (packet.checksums_ok(), packet.quoted());
        if let Some(Transport::Tcp(tcp)) = &packet.transport {
            assert!(tcp.sack_blocks().count() <= 4);
        }
        if let Some(network) = &packet.network {
            swaps.clear();
            if packet.quoted().is_none() {
                let start = place(network.bytes, bytes);
                match network.header {
                    IpHeader::V4(_) => swaps.push((start + 12, start + 16, 4)),
                    IpHeader::V6(_) => swaps.push((start + 8, start + 24, 16)),
                }
                if packet.ports().is_some() {
                    let start = place(network.payload, bytes);
                    swaps.push((start, start + 2, 2));
                }
            }
        }
        if let Some(inner) = packet.inner {
            assert!(lies_in(inner.bytes, around));
            (around, around_link) = (inner.bytes, inner.link);
        }
    }
    assert!(layers <= usize::from(settings.max_layers));

    for (a, b, length) in swaps {
        for at in 0..length {
            answer.swap(a + at, b + at);
        }
    }
    // Swapped ports can make another tunnel of it, as VXLAN's counts at the destination alone.
    let settings = Settings { vxlan_ports: TunnelPorts::OFF, ..settings };
    if Layers::new(&answer, link, &settings).count() == Layers::new(bytes, link, &settings).count() {
        let steering = flow::Steering::new(0, settings, flow::Tracking::default());
        assert_eq!(steering.steer(bytes, link), steering.steer(&answer, link));
    }
});
