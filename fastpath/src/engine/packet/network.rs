//! The IP layer.

use std::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::Fragment;

/// The IP layer of a packet, behind which `protocol` starts.
#[derive(Clone, Debug)]
pub struct Network<'a> {
    /// The fixed header.
    pub header: IpHeader<'a>,
    /// Protocol number of the payload, behind the extension headers that could be read.
    pub protocol: u8,
    /// Everything behind the IP and extension headers, to the end that the IP length gives.
    pub payload: &'a [u8],
    /// The same from the IP header on.
    pub bytes: &'a [u8],
    pub(super) fragmentation: Option<Fragmentation>,
    /// Whether a routing header has segments left, so that the destination is not the last one.
    pub(super) under_way: bool,
}

/// An IP header, etherparse's view of it.
#[derive(Clone, Debug)]
pub enum IpHeader<'a> {
    /// RFC 791.
    V4(Ipv4HeaderSlice<'a>),
    /// RFC 8200.
    V6(Ipv6HeaderSlice<'a>),
}

/// What the IP layer of a fragment says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragmentation {
    pub(super) identification: u32,
    /// In bytes.
    pub(super) offset: u16,
    pub(super) more: bool,
    /// Length of the headers in front of the fragmentable part, or of its fragment header.
    pub(super) header: usize,
}

impl<'a> Network<'a> {
    /// Source and destination address.
    pub fn addresses(&self) -> (IpAddr, IpAddr) {
        match &self.header {
            IpHeader::V4(ip) => (ip.source_addr().into(), ip.destination_addr().into()),
            IpHeader::V6(ip) => (ip.source_addr().into(), ip.destination_addr().into()),
        }
    }

    /// Time to live, or hop limit.
    pub fn ttl(&self) -> u8 {
        match &self.header {
            IpHeader::V4(ip) => ip.ttl(),
            IpHeader::V6(ip) => ip.hop_limit(),
        }
    }

    /// Whether this is a fragment.
    pub fn is_fragment(&self) -> bool {
        self.fragmentation.is_some()
    }

    pub(super) fn fragment(&self, vlan: [Option<u16>; 3]) -> Option<Fragment<'a>> {
        let fragmentation = self.fragmentation?;
        let (source, destination) = self.addresses();
        Some(Fragment {
            vlan,
            source,
            destination,
            identification: fragmentation.identification,
            protocol: self.protocol,
            offset: fragmentation.offset,
            more: fragmentation.more,
            header: self.bytes.get(..fragmentation.header)?,
            payload: self.payload,
        })
    }
}
