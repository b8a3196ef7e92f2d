//! IPv6 and its extension headers (RFC 8200).

mod options;

use etherparse::{Ipv6Header, Ipv6HeaderSlice, ip_number};

use super::{
    DecodeEvent, DecodeEvents, IpHeader, Network, Packet, Settings, network::Fragmentation, transport,
};

/// Extension headers (IANA).
const HOP_BY_HOP: u8 = ip_number::IPV6_HOP_BY_HOP.0;
const ROUTING: u8 = ip_number::IPV6_ROUTE.0;
const FRAGMENT: u8 = ip_number::IPV6_FRAG.0;
const AUTHENTICATION: u8 = ip_number::AUTH.0;
const NO_NEXT_HEADER: u8 = ip_number::IPV6_NO_NEXT_HEADER.0;
const DESTINATION_OPTIONS: u8 = ip_number::IPV6_DEST_OPTIONS.0;
const MOBILITY: u8 = ip_number::MOBILITY_HEADER.0;
const HIP: u8 = ip_number::HIP.0;
const SHIM6: u8 = ip_number::SHIM6.0;

/// Reads an IPv6 packet.
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
    let header = Ipv6HeaderSlice::from_slice(bytes).map_err(|_| {
        if bytes.len() < Ipv6Header::LEN {
            DecodeEvent::Ipv6PktTooSmall
        } else {
            DecodeEvent::Ipv6WrongIpVersion
        }
    })?;
    let protocol = header.next_header().0;
    let length = match usize::from(header.payload_length()) {
        // A jumbogram (RFC 2675), or what looks like one to a receiver.
        0 if protocol == HOP_BY_HOP => {
            packet.events.raise_invalid(DecodeEvent::Ipv6TruncExthdr);
            bytes.len()
        }
        length => Ipv6Header::LEN + length,
    };
    let bytes = bytes.get(..length).ok_or(DecodeEvent::Ipv6TruncPkt)?;
    let payload = bytes.get(Ipv6Header::LEN..).unwrap_or_default();
    let mut network = Network {
        header: IpHeader::V6(header),
        protocol,
        payload,
        bytes,
        fragmentation: None,
        under_way: false,
    };
    if is_extension(protocol) {
        Chain::default().skip(&mut network, &mut packet.events);
    }
    Ok(network)
}

fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        HOP_BY_HOP
            | ROUTING
            | FRAGMENT
            | AUTHENTICATION
            | NO_NEXT_HEADER
            | DESTINATION_OPTIONS
            | MOBILITY
            | HIP
            | SHIM6
    )
}

/// Which headers a chain has had.
#[derive(Default)]
struct Chain {
    hop_by_hop: bool,
    routing: bool,
    destination_options: u8,
    fragment: bool,
    authentication: bool,
}

impl Chain {
    /// Steps over all extension headers; stops at a fragment's, behind which is a part of something.
    fn skip(&mut self, network: &mut Network<'_>, events: &mut DecodeEvents) {
        while network.fragmentation.is_none() {
            if network.protocol == NO_NEXT_HEADER {
                if !network.payload.is_empty() {
                    events.raise(DecodeEvent::Ipv6DataAfterNoneHeader);
                }
                return;
            }
            let &[next, length, ..] = network.payload else {
                events.raise_invalid(DecodeEvent::Ipv6TruncExthdr);
                return;
            };
            if !is_extension(network.protocol) {
                return;
            }
            let length = match network.protocol {
                FRAGMENT => 8,
                // Counts in units of 4 bytes, without the first two (RFC 4302).
                AUTHENTICATION => 12 + usize::from(length.saturating_sub(1)) * 4,
                _ => 8 + usize::from(length) * 8,
            };
            let Some((header, rest)) = network.payload.split_at_checked(length) else {
                events.raise_invalid(DecodeEvent::Ipv6TruncExthdr);
                return;
            };
            self.visit(network, header, events);
            network.protocol = next;
            network.payload = rest;
        }
    }

    /// Looks into a header, which is whole.
    fn visit(&mut self, network: &mut Network<'_>, header: &[u8], events: &mut DecodeEvents) {
        match network.protocol {
            HOP_BY_HOP if std::mem::replace(&mut self.hop_by_hop, true) => {
                events.raise(DecodeEvent::Ipv6ExthdrDuplHh);
            }
            HOP_BY_HOP => options::HOP_BY_HOP.validate(header, events),
            ROUTING => {
                let &[_, _, kind, segments_left, ..] = header else {
                    return;
                };
                network.under_way |= segments_left != 0;
                if std::mem::replace(&mut self.routing, true) {
                    events.raise(DecodeEvent::Ipv6ExthdrDuplRh);
                } else if kind == 0 {
                    events.raise(DecodeEvent::Ipv6RhType0);
                }
            }
            // One for the hops of the routing header, one for the destination.
            DESTINATION_OPTIONS if self.destination_options == 2 => {
                events.raise(DecodeEvent::Ipv6ExthdrDuplDh);
            }
            DESTINATION_OPTIONS => {
                self.destination_options += 1;
                options::DESTINATION.validate(header, events);
            }
            AUTHENTICATION => {
                if !matches!(header, [_, _, 0, 0, ..]) {
                    events.raise(DecodeEvent::Ipv6ExthdrAhResNotNull);
                }
                if std::mem::replace(&mut self.authentication, true) {
                    events.raise(DecodeEvent::Ipv6ExthdrDuplAh);
                }
            }
            FRAGMENT => self.visit_fragment(network, header, events),
            _ => {}
        }
    }

    /// A second fragment header is an anomaly, but a fragment all the same: that is how receivers take it.
    fn visit_fragment(&mut self, network: &mut Network<'_>, header: &[u8], events: &mut DecodeEvents) {
        let Some(&[_, reserved, offset_high, offset_low, id @ ..]) = header.first_chunk::<8>() else {
            return;
        };
        if reserved != 0 {
            events.raise(DecodeEvent::Ipv6FhNonZeroReservedField);
        }
        let duplicate = std::mem::replace(&mut self.fragment, true);
        if duplicate {
            events.raise(DecodeEvent::Ipv6ExthdrDuplFh);
        }
        let offset = u16::from_be_bytes([offset_high, offset_low]);
        let more = offset & 1 != 0;
        let offset = offset & 0xfff8;
        if offset == 0 && !more {
            if !duplicate {
                events.raise(DecodeEvent::Ipv6ExthdrUselessFh);
            }
            return;
        }
        if more && !network.payload.len().is_multiple_of(8) {
            events.raise(DecodeEvent::Ipv6FragInvalidLength);
        }
        network.fragmentation = Some(Fragmentation {
            identification: u32::from_be_bytes(id),
            offset,
            more,
            header: network.bytes.len() - network.payload.len(),
        });
    }
}
