//! ARP for IPv4 over Ethernet (RFC 826).

use etherparse::ArpPacketSlice;

use super::{DecodeEvent, Packet, Settings};

pub(super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    let Some(
        &[
            hardware_0,
            hardware_1,
            protocol_0,
            protocol_1,
            hardware_size,
            protocol_size,
            operation_0,
            operation_1,
        ],
    ) = bytes.first_chunk()
    else {
        packet.events.raise_invalid(DecodeEvent::ArpPktTooSmall);
        return;
    };
    if !packet.enter(settings) {
        return;
    }
    let fault = if [hardware_0, hardware_1] != [0, 1] {
        Some(DecodeEvent::ArpUnsupportedHardware)
    } else if [protocol_0, protocol_1] != [8, 0] {
        Some(DecodeEvent::ArpUnsupportedProtocol)
    } else if bytes.len() < 28 {
        Some(DecodeEvent::ArpInvalidPkt)
    } else if hardware_size != 6 {
        Some(DecodeEvent::ArpInvalidHardwareSize)
    } else if protocol_size != 4 {
        Some(DecodeEvent::ArpInvalidProtocolSize)
    } else if !matches!([operation_0, operation_1], [0, 1..=4]) {
        Some(DecodeEvent::ArpUnsupportedOpcode)
    } else {
        None
    };
    match fault {
        Some(event) => packet.events.raise_invalid(event),
        None => packet.arp = ArpPacketSlice::from_slice(bytes).ok(),
    }
}
