//! Frames made by hand, for what the kernel's own stack would not send.

use etherparse::PacketBuilder;

use crate::{CLIENT_IP, CLIENT_MAC, Host, LabError, SERVER_IP, SERVER_MAC};

/// An Ethernet address.
pub type MacAddr = [u8; 6];

/// Smallest Ethernet frame without its checksum (IEEE 802.3, 64 octets with it).
const MIN_FRAME: usize = 60;
/// TPID of a VLAN tag (IEEE 802.1Q).
const VLAN_TPID: [u8; 2] = [0x81, 0x00];

/// A frame of any EtherType from one host to the other, padded to the Ethernet minimum.
pub fn ethernet_frame(from: Host, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = match from {
        Host::Client => (CLIENT_MAC, SERVER_MAC),
        Host::Server => (SERVER_MAC, CLIENT_MAC),
    };
    let mut frame = [&destination[..], &source, &ether_type.to_be_bytes(), payload].concat();
    frame.resize(frame.len().max(MIN_FRAME), 0);
    frame
}

/// A UDP datagram in an IPv4 packet from one host to the other, with both checksums. `ports` are source and
/// destination.
///
/// # Errors
/// When the payload does not fit into a datagram.
pub fn udp_frame(from: Host, ports: (u16, u16), payload: &[u8]) -> Result<Vec<u8>, LabError> {
    let (client, server) = ((CLIENT_MAC, CLIENT_IP), (SERVER_MAC, SERVER_IP));
    let (source, destination) = match from {
        Host::Client => (client, server),
        Host::Server => (server, client),
    };
    let builder = PacketBuilder::ethernet2(source.0, destination.0)
        .ipv4(source.1.octets(), destination.1.octets(), 64)
        .udp(ports.0, ports.1);
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    builder.write(&mut frame, payload).map_err(|error| LabError::Malformed {
        what: format!("a UDP datagram of {} bytes", payload.len()),
        reason: error.to_string(),
    })?;
    frame.resize(frame.len().max(MIN_FRAME), 0);
    Ok(frame)
}

/// `frame` with VLAN tags after its addresses, the outermost first (IEEE 802.1Q; priority 0).
pub fn tagged(mut frame: Vec<u8>, vlans: &[u16]) -> Vec<u8> {
    let tags = vlans.iter().flat_map(|id| [VLAN_TPID, id.to_be_bytes()].concat());
    frame.splice(12..12, tags);
    frame
}

#[cfg(test)]
mod tests {
    use etherparse::SlicedPacket;

    use super::*;

    #[test]
    fn frames_parse_as_what_they_are() {
        let frame = tagged(udp_frame(Host::Client, (1000, 53), b"hello").unwrap(), &[7, 4001]);
        let packet = SlicedPacket::from_ethernet(&frame).unwrap();
        let ids: Vec<u16> = packet.vlan_ids().iter().map(|id| id.value()).collect();
        assert_eq!(ids, [7, 4001]);
        let Some(etherparse::TransportSlice::Udp(udp)) = packet.transport else { panic!("{packet:?}") };
        assert_eq!((udp.source_port(), udp.destination_port(), udp.payload()), (1000, 53, &b"hello"[..]));
        assert_eq!(ethernet_frame(Host::Server, 0x88cc, &[]).len(), 60);
    }
}
