//! What is known of one layer of a packet on its way, and what the packet has come to so far.

use crate::engine::{
    decision::Decision,
    event::{EventSink, Origin, PacketFacts},
    flow::{Flow, Handle},
    meta::{Direction, LinkType, Meta},
    packet::{DecodeEvents, Inner, Packet, Transport, offset_in},
    referral::{Nesting, Referral},
    rules::SeenBy,
    stream::{Fresh, StreamEvents},
    verdict::Enforcement,
};

/// Where a layer of a packet lies.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Place<'a> {
    /// The bytes that were decoded from the first on: the packet, or a datagram made of fragments.
    pub(super) bytes: &'a [u8],
    /// The layer from its own first header on, and what that is.
    pub(super) layer: (&'a [u8], LinkType),
    /// The circumstances of the packet.
    pub(super) meta: &'a Meta,
    pub(super) origin: Origin,
    /// The outermost packet, of what a tunnel carries.
    pub(super) root: Option<&'a PacketFacts>,
    /// Tunnels around it.
    pub(super) tunnels: u8,
    /// Tunnels and datagrams around it.
    pub(super) depth: u8,
}

impl<'a> Place<'a> {
    /// A packet as it came.
    pub(in crate::engine) fn outermost(bytes: &'a [u8], meta: &'a Meta) -> Self {
        Self {
            bytes,
            layer: (bytes, meta.link),
            meta,
            origin: Origin::Wire,
            root: None,
            tunnels: 0,
            depth: 0,
        }
    }

    /// A datagram made of fragments elsewhere.
    pub(in crate::engine) fn referred(referral: &'a Referral) -> Self {
        let Nesting { root, tunnels, depth } = &referral.nesting;
        Self {
            bytes: &referral.bytes,
            layer: (&referral.bytes, LinkType::RawIp),
            meta: &referral.meta,
            origin: Origin::Defrag,
            root: root.as_ref(),
            tunnels: *tunnels,
            depth: *depth,
        }
    }

    /// What lies around it.
    pub(super) fn nesting(&self) -> Nesting {
        Nesting { root: self.root.copied(), tunnels: self.tunnels, depth: self.depth }
    }

    /// A datagram made of fragments here.
    pub(super) fn datagram_in(self, bytes: &'a [u8], meta: &'a Meta) -> Self {
        let layer = (bytes, LinkType::RawIp);
        Self { bytes, layer, meta, origin: Origin::Defrag, depth: self.depth.saturating_add(1), ..self }
    }

    /// What a tunnel here carries; `facts` are those of the packet around it.
    pub(super) fn inside(self, inner: &Inner<'a>, facts: &'a PacketFacts) -> Self {
        Self {
            origin: Origin::Tunnel(inner.kind),
            layer: (inner.bytes, inner.link),
            root: self.root.or(Some(facts)),
            tunnels: self.tunnels.saturating_add(1),
            depth: self.depth.saturating_add(1),
            ..self
        }
    }

    /// Whether it lies in a datagram that was made of fragments.
    fn is_a_copy(&self) -> bool {
        self.depth != self.tunnels
    }

    /// Whether it is what came over the wire, so that an answer can be sent back over it.
    pub(super) fn is_on_the_wire(&self) -> bool {
        self.depth == 0
    }
}

/// What a packet has come to so far.
pub(in crate::engine) struct Findings<'s> {
    /// Whether it goes on.
    pub(in crate::engine) decision: Decision,
    /// Takes its events.
    pub(in crate::engine) sink: &'s mut dyn EventSink,
}

impl<'s> Findings<'s> {
    /// Nothing so far.
    pub(in crate::engine) fn new(sink: &'s mut dyn EventSink) -> Self {
        Self { decision: Decision::default(), sink }
    }
}

/// What is known of a layer when rules look at it.
pub(super) struct Sight<'a> {
    pub(super) packet: &'a Packet<'a>,
    pub(super) place: Place<'a>,
    /// Its flow, and its direction in it.
    pub(super) flow: Option<(Handle, Direction)>,
    pub(super) decode_events: DecodeEvents,
    pub(super) stream_events: StreamEvents,
    /// Which of the rules see it.
    pub(super) seen_by: SeenBy,
    /// The stream data that it completes.
    pub(super) fresh: Option<Fresh>,
    /// Its payload is part of a stream.
    pub(super) in_stream: bool,
}

impl<'a> Sight<'a> {
    /// Whether the packet is one of `flow` itself, and not an error message about one.
    pub(super) fn is_of(&self, flow: &Flow) -> bool {
        let protocol = self.packet.network.as_ref().map(|network| network.protocol);
        protocol == Some(flow.key().protocol())
    }

    /// The packet that came and where in it the payload begins, if that may be changed: the bytes are no copy, and what
    /// vouches for them can be corrected.
    pub(super) fn rewritable(&self, enforcement: Enforcement) -> Option<(&'a [u8], usize)> {
        let corrected = match self.packet.transport {
            Some(Transport::Tcp(_) | Transport::Udp(_) | Transport::Icmpv4(_) | Transport::Icmpv6(_)) => true,
            Some(Transport::Sctp(_)) | None => false,
        };
        if enforcement != Enforcement::Drop || !corrected || self.place.is_a_copy() {
            return None;
        }
        Some((self.place.bytes, offset_in(self.place.bytes, self.packet.payload)?))
    }

    pub(super) fn new(packet: &'a Packet<'a>, place: Place<'a>) -> Self {
        let seen_by = match packet.events.is_invalid() {
            true => SeenBy::AboutEvents,
            false => SeenBy::All,
        };
        Self {
            packet,
            place,
            flow: None,
            decode_events: packet.events,
            stream_events: StreamEvents::default(),
            seen_by,
            fresh: None,
            in_stream: false,
        }
    }
}
