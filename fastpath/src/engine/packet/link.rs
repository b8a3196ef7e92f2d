//! Link layers: from the packet's first byte to the protocol above and its bytes.

use etherparse::{EtherType, Ethernet2Slice, SingleVlanSlice, ether_type};

use crate::engine::meta::LinkType;

/// What the link layer says about the rest.
#[derive(Debug, Default)]
pub(super) struct Link<'a> {
    /// VLAN ids from the outermost in.
    pub(super) vlan: [Option<u16>; 3],
    /// What `payload` is; none when the link layer could not be read.
    pub(super) protocol: Option<EtherType>,
    /// Everything after the link layer, padding included.
    pub(super) payload: &'a [u8],
}

/// Reads the link header and up to three VLAN tags.
pub(super) fn decode(bytes: &[u8], link: LinkType) -> Link<'_> {
    let outer = match link {
        LinkType::Ethernet => Ethernet2Slice::from_slice_without_fcs(bytes)
            .ok()
            .map(|frame| (frame.ether_type(), frame.payload_slice())),
        LinkType::Null => split(bytes, 4).and_then(|(header, rest)| Some((null_protocol(header)?, rest))),
        LinkType::RawIp => raw_protocol(bytes).map(|protocol| (protocol, bytes)),
        LinkType::LinuxSll => split(bytes, 16).map(|(header, rest)| (ether_type_at(header, 14), rest)),
        LinkType::LinuxSll2 => split(bytes, 20).map(|(header, rest)| (ether_type_at(header, 0), rest)),
        LinkType::Other(_) => None,
    };
    match outer {
        Some((protocol, payload)) => strip_vlan(protocol, payload),
        None => Link::default(),
    }
}

/// Takes off VLAN tags. A fourth one stays: the packet then counts as not IP.
fn strip_vlan(mut protocol: EtherType, mut payload: &[u8]) -> Link<'_> {
    use ether_type::{PROVIDER_BRIDGING, VLAN_DOUBLE_TAGGED_FRAME, VLAN_TAGGED_FRAME};
    let mut vlan = [None; 3];
    for id in &mut vlan {
        if !matches!(protocol, VLAN_TAGGED_FRAME | PROVIDER_BRIDGING | VLAN_DOUBLE_TAGGED_FRAME) {
            break;
        }
        let Ok(tag) = SingleVlanSlice::from_slice(payload) else {
            break;
        };
        *id = Some(tag.vlan_identifier().value());
        protocol = tag.ether_type();
        payload = tag.payload_slice();
    }
    Link { vlan, protocol: Some(protocol), payload }
}

/// LINKTYPE_NULL: the address family in the capturing host's byte order, so either is taken. AF_INET is 2
/// everywhere, AF_INET6 10 (Linux), 24 (NetBSD, OpenBSD), 28 (FreeBSD) or 30 (Darwin).
fn null_protocol(header: &[u8]) -> Option<EtherType> {
    let family = u32::from_ne_bytes(*header.first_chunk()?);
    let family = if family > 0xffff { family.swap_bytes() } else { family };
    match family {
        2 => Some(ether_type::IPV4),
        10 | 24 | 28 | 30 => Some(ether_type::IPV6),
        _ => None,
    }
}

/// LINKTYPE_RAW: the IP version tells.
fn raw_protocol(bytes: &[u8]) -> Option<EtherType> {
    match bytes.first()? >> 4 {
        4 => Some(ether_type::IPV4),
        6 => Some(ether_type::IPV6),
        _ => None,
    }
}

/// The big-endian EtherType at `offset`; 0, which is none, when the header ends before it.
fn ether_type_at(header: &[u8], offset: usize) -> EtherType {
    let bytes = header.get(offset..).and_then(|rest| rest.first_chunk());
    EtherType(bytes.map_or(0, |two| u16::from_be_bytes(*two)))
}

fn split(bytes: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(at)
}
