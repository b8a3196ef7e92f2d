//! Any bytes under any link type decode, and the payload lies inside them.
#![no_main]

use fastpath::engine::{meta::LinkType, packet::Packet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&first, bytes)) = data.split_first() else {
        return;
    };
    let link = match first % 6 {
        0 => LinkType::Ethernet,
        1 => LinkType::Null,
        2 => LinkType::RawIp,
        3 => LinkType::LinuxSll,
        4 => LinkType::LinuxSll2,
        _ => LinkType::Other(first.into()),
    };
    let packet = Packet::decode(bytes, link);
    let facts = packet.facts();
    if !packet.payload.is_empty() {
        let (whole, part) = (bytes.as_ptr_range(), packet.payload.as_ptr_range());
        assert!(whole.start <= part.start && part.end <= whole.end);
        assert!(facts.addresses.is_some());
    }
    assert!(facts.ports.is_none() || facts.icmp.is_none());
});
