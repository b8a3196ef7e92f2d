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

/// A frame of 64 bytes of UDP, of flow 0. UDP's checksum is left out (RFC 768).
pub(super) fn frame() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder =
        PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4(client(0).octets(), [192, 0, 2, 1], 64).udp(4000, 4001);
    builder.write(&mut bytes, &[b'x'; 22]).expect("a Vec takes all bytes");
    bytes[40..42].fill(0);
    bytes
}

/// Makes `frame` one of this flow. The identification makes up for what the address changes in the header's checksum.
pub(super) fn datagram(frame: &mut [u8], flow: u32) {
    let address = client(flow).octets();
    frame[26..30].copy_from_slice(&address);
    let sum =
        |[a, b, c, d]: [u8; 4]| u32::from(u16::from_be_bytes([a, b])) + u32::from(u16::from_be_bytes([c, d]));
    // In ones' complement (RFC 1071) 0xffff is nothing.
    let rest = 2 * 0xffff + sum(client(0).octets()) - sum(address);
    frame[18..20].copy_from_slice(&((rest % 0xffff) as u16).to_be_bytes());
}
