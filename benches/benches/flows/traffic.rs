//! Packets of many flows.

use std::net::Ipv4Addr;

use etherparse::PacketBuilder;
use fastpath::engine::flow::Tuple;

/// Names the flows in an order in which no two neighbours lie beside each other in memory.
pub(super) struct Turn {
    at: u32,
    flows: u32,
}

impl Turn {
    /// For a power of ten of flows: each comes once before any comes again.
    pub(super) fn new(flows: u32) -> Self {
        assert!(
            flows > 0 && 10_u32.pow(flows.ilog10()) == flows,
            "a power of ten has no factor in common with the step"
        );
        Self { at: 0, flows }
    }

    pub(super) fn next(&mut self) -> u32 {
        self.at = (self.at + 618_033) % self.flows;
        self.at
    }
}

fn client(flow: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 | flow)
}

/// What the packets of a flow's client have in common.
pub(super) fn tuple(flow: u32) -> Tuple {
    Tuple {
        source: client(flow).into(),
        destination: [192, 0, 2, 1].into(),
        protocol: 17,
        ports: (4000, 53),
        icmp_code: 0,
        vlan: [None; 3],
        recursion: 0,
    }
}

/// A frame of 64 bytes of UDP.
pub(super) fn frame() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder =
        PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 0], [192, 0, 2, 1], 64).udp(4000, 4001);
    builder.write(&mut bytes, &[b'x'; 22]).expect("a Vec takes all bytes");
    bytes
}

/// Makes `frame` one of this flow.
pub(super) fn datagram(frame: &mut [u8], flow: u32) {
    frame[26..30].copy_from_slice(&client(flow).octets());
}
