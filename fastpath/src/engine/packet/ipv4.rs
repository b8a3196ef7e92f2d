//! IPv4 (RFC 791).

mod options;

pub use options::Options;

use etherparse::{IpAuthHeaderSlice, Ipv4Header, Ipv4HeaderSlice, ip_number};

use super::{DecodeEvent, IpHeader, Network, Packet, Settings, network::Fragmentation, transport};

/// Reads an IPv4 packet.
pub(super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, settings: &Settings) {
    if !packet.enter(settings) {
        return;
    }
    match network(bytes, packet) {
        Ok(network) => transport::decode(network, packet, settings),
        Err(event) => packet.events.raise_invalid(event),
    }
}

fn network<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<Network<'a>, DecodeEvent> {
    let Ok(header) = Ipv4HeaderSlice::from_slice(bytes) else {
        return Err(fault(bytes));
    };
    let (length, total) = (header.slice().len(), usize::from(header.total_len()));
    if total < length {
        return Err(DecodeEvent::Ipv4IplenSmallerThanHlen);
    }
    let bytes = bytes.get(..total).ok_or(DecodeEvent::Ipv4TruncPkt)?;
    if length > Ipv4Header::MIN_LEN {
        options::validate(header.options(), &mut packet.events)?;
    }
    let payload = bytes.get(length..).unwrap_or_default();
    let mut network = Network {
        protocol: header.protocol().0,
        payload,
        bytes,
        fragmentation: header.is_fragmenting_payload().then(|| Fragmentation {
            identification: header.identification().into(),
            offset: header.fragments_offset().value() << 3,
            more: header.more_fragments(),
            header: length,
        }),
        under_way: false,
        header: IpHeader::V4(header),
    };
    if network.protocol == ip_number::AUTH.0
        && network.fragmentation.is_none()
        && let Ok(header) = IpAuthHeaderSlice::from_slice(payload)
    {
        network.protocol = header.next_header().0;
        network.payload = payload.get(header.slice().len()..).unwrap_or_default();
    }
    Ok(network)
}

/// What is wrong with a header that cannot be read.
#[cold]
fn fault(bytes: &[u8]) -> DecodeEvent {
    let Some(&[first, _, total_high, total_low, ..]) = bytes.first_chunk::<20>() else {
        return DecodeEvent::Ipv4PktTooSmall;
    };
    let length = u16::from(first & 0x0f) * 4;
    if first >> 4 != 4 {
        DecodeEvent::Ipv4WrongIpVersion
    } else if length < 20 {
        DecodeEvent::Ipv4HlenTooSmall
    } else if u16::from_be_bytes([total_high, total_low]) < length {
        DecodeEvent::Ipv4IplenSmallerThanHlen
    } else {
        DecodeEvent::Ipv4TruncPkt
    }
}
