//! Where a rule's contents are looked for: in single packets, in the TCP stream, or in both.

use super::{
    buffer::Buffer,
    condition::Condition,
    header::{Header, Protocol},
    inspection::Inspection,
    payload::Program,
};

/// Where a rule's contents are looked for. Packets that are not part of a TCP stream are looked into by all but
/// [`Self::StreamOnly`] (Suricata: detect-parse.c, SigValidateConsolidate).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The packet's payload.
    Packet,
    /// The stream where there is one.
    Stream,
    /// The stream first, then the packet's payload: contents with a fixed place may mean either start.
    Both,
    /// Nothing but the stream (`tcp-stream`, `flow:only_stream`).
    StreamOnly,
}

impl Scope {
    pub(super) fn of(
        header: &Header,
        conditions: &[Condition],
        stream: Option<bool>,
        payload: &Program,
        buffers: &[Inspection],
    ) -> Self {
        let is_about_headers =
            buffers.iter().any(|inspection| matches!(inspection.buffer, Buffer::Header(_)));
        if payload.replaces() {
            return Self::Packet;
        }
        match header.protocol {
            Protocol::TcpPacket => Self::Packet,
            Protocol::TcpStream => Self::StreamOnly,
            _ if stream == Some(true) => Self::StreamOnly,
            _ if stream == Some(false) || payload.is_empty() => Self::Packet,
            _ if is_about_headers || conditions.iter().any(Condition::is_about_the_packet) => Self::Packet,
            protocol if !protocol.includes_tcp() => Self::Packet,
            _ if payload.has_fixed_place() => Self::Both,
            _ => Self::Stream,
        }
    }

    /// Whether contents are looked for in the stream.
    pub(super) fn includes_stream(self) -> bool {
        self != Self::Packet
    }

    /// Whether contents are looked for in a packet that is part of a stream, or is not.
    pub(super) fn includes_packet(self, in_stream: bool) -> bool {
        match self {
            Self::Packet | Self::Both => true,
            Self::Stream => !in_stream,
            Self::StreamOnly => false,
        }
    }
}
