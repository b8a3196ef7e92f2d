//! Copies of what events about a packet show of it.

use std::sync::Arc;

use super::Sight;
use crate::engine::{
    event::{Anomalies, Excerpt, Excerpts, Payload},
    meta::LinkType,
    packet::Packet,
    rules::{Stream, Via},
    stream::Window,
};

/// What alerts of one packet may show. Each part is copied once, when the first of them asks for it.
pub(super) struct Showing<'a> {
    wanted: Excerpts,
    /// The packet from its first header on; none when none came.
    layer: Option<(&'a [u8], LinkType)>,
    packet: &'a Packet<'a>,
    stream: Option<Stream<'a>>,
    whole: Option<Arc<[u8]>>,
    payload: Option<Arc<[u8]>>,
    window: Option<Arc<[u8]>>,
}

impl<'a> Showing<'a> {
    pub(super) fn new(
        wanted: Excerpts,
        layer: Option<(&'a [u8], LinkType)>,
        packet: &'a Packet<'a>,
        stream: Option<Stream<'a>>,
    ) -> Self {
        Self { wanted, layer, packet, stream, whole: None, payload: None, window: None }
    }

    /// What is shown of a packet that is odd (Suricata: output-json-anomaly.c).
    pub(super) fn beginning(sight: &Sight<'a>, wanted: Anomalies) -> Self {
        const LENGTH: usize = 32;
        let (bytes, link) = sight.place.layer;
        let wanted = Excerpts { packet: wanted.packet_header, ..Excerpts::default() };
        Self::new(wanted, Some((bytes.get(..LENGTH).unwrap_or(bytes), link)), sight.packet, None)
    }

    /// What an alert shows when this made its rule match.
    pub(super) fn excerpt(&mut self, via: Via) -> Option<Box<Excerpt>> {
        let Excerpts { packet, payload, .. } = self.wanted;
        if !packet && !payload {
            return None;
        }
        let whole = self
            .layer
            .filter(|_| packet)
            .map(|(bytes, link)| (Arc::clone(self.whole.get_or_insert_with(|| bytes.into())), link));
        let payload = payload.then(|| self.payload(via)).flatten();
        Some(Box::new(Excerpt { packet: whole, payload }))
    }

    /// As in Suricata, a packet that is not IP has none.
    fn payload(&mut self, via: Via) -> Option<Payload> {
        self.packet.network.as_ref()?;
        if via == Via::Stream
            && let Some(stream) = &self.stream
        {
            let (limit, packet) = (self.wanted.stream_limit, self.packet.payload);
            let bytes = self.window.get_or_insert_with(|| window(stream, packet, limit));
            return Some(Payload { bytes: Arc::clone(bytes), in_stream: true });
        }
        let bytes = self.payload.get_or_insert_with(|| self.packet.payload.into());
        Some(Payload { bytes: Arc::clone(bytes), in_stream: false })
    }
}

/// The last bytes of what rules look at in the stream: the new ones are at its end. What is missing before them is told as Suricata
/// does.
fn window(stream: &Stream<'_>, payload: &[u8], limit: u32) -> Arc<[u8]> {
    let Stream { streams, session, direction, fresh } = *stream;
    let mut scratch = Vec::new();
    let Window { bytes, fresh_at, .. } = streams.window(session, direction, fresh, payload, &mut scratch);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let shown = bytes.get(bytes.len().saturating_sub(limit)..).unwrap_or_default();
    if fresh.gap > 0 && fresh_at == 0 && shown.len() == bytes.len() {
        return [format!("[{} bytes missing]", fresh.gap).as_bytes(), shown].concat().into();
    }
    shown.into()
}
