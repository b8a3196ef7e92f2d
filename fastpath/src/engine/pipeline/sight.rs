//! What is known of one layer of a packet on its way, and what the packet has come to so far.

use crate::engine::{
    decision::Decision,
    event::EventSink,
    flow::Handle,
    meta::{Direction, Meta},
    packet::{DecodeEvents, Packet},
    rules::SeenBy,
    stream::{Fresh, StreamEvents},
};

/// Where a layer of a packet lies.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Place<'a> {
    /// The bytes that were decoded from the first on: the packet, or a datagram made of fragments.
    pub(in crate::engine) bytes: &'a [u8],
    /// The circumstances of the packet.
    pub(in crate::engine) meta: &'a Meta,
    /// Tunnels and datagrams around it.
    pub(in crate::engine) depth: u8,
    /// It is what came over the wire, so that an answer can be sent back over it.
    pub(in crate::engine) on_the_wire: bool,
}

impl<'a> Place<'a> {
    /// A packet as it came.
    pub(in crate::engine) fn outermost(bytes: &'a [u8], meta: &'a Meta) -> Self {
        Self { bytes, meta, depth: 0, on_the_wire: true }
    }

    /// What a tunnel here carries.
    pub(super) fn inside(self) -> Self {
        Self { depth: self.depth.saturating_add(1), on_the_wire: false, ..self }
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
