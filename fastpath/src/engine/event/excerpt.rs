//! Bytes that alerts show (EVE `payload`, `packet`).

use std::sync::Arc;

use crate::engine::meta::LinkType;

/// Which bytes are copied for alerts. Nothing is by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excerpts {
    /// The packet.
    pub packet: bool,
    /// What the rule looked at: its payload, or the data of the stream around it.
    pub payload: bool,
    /// Bytes of stream data, at most.
    pub stream_limit: u32,
}

/// Bytes that an alert shows; those of one packet share them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The packet, and what its first header is.
    pub packet: Option<(Arc<[u8]>, LinkType)>,
    /// What the rule looked at.
    pub payload: Option<Payload>,
}

/// What a rule looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The bytes.
    pub bytes: Arc<[u8]>,
    /// They are data of a stream; otherwise of one packet.
    pub in_stream: bool,
}
