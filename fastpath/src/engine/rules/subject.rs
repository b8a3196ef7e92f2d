//! What rules are matched against.

use etherparse::ip_number;

use crate::engine::{
    flow::Flow,
    meta::{ChecksumState, Direction, Timestamp},
    packet::{DecodeEvents, Packet},
    stream::{Fresh, Session, StreamEvents, Streams},
};

/// One packet, what is known of its flow, and the stream data that it completes.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// When it came.
    pub time: Timestamp,
    /// Its bytes, from the link layer on.
    pub length: usize,
    /// Its headers and payload.
    pub packet: &'a Packet<'a>,
    /// What is known of its checksums.
    pub checksums: ChecksumState,
    /// What was odd about its headers or its datagram.
    pub decode_events: DecodeEvents,
    /// Which of the rules see it.
    pub seen_by: SeenBy,
    /// Its flow; none for a packet that belongs to none.
    pub flow: Option<FlowFacts<'a>>,
    /// What was odd about its part in a TCP session.
    pub stream_events: StreamEvents,
    /// The data of its TCP session that can be inspected because of it.
    pub stream: Option<Stream<'a>>,
    /// Its payload is part of a stream, so that rules about streams look there and not into the packet (Suricata's
    /// PKT_STREAM_ADD).
    pub in_stream: bool,
    /// The packet as it came and where in it the payload begins, if rules may put other bytes there (`replace`).
    pub rewritable: Option<(&'a [u8], usize)>,
}

/// Which rules see a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeenBy {
    /// All.
    #[default]
    All,
    /// Those that ask for events: it cannot be decoded, or is dropped as no part of its session.
    AboutEvents,
    /// Those that look for contents, in its stream only: the packet itself was seen before.
    InStream,
}

/// What rules may ask about a flow.
#[derive(Clone, Copy, Debug)]
pub struct FlowFacts<'a> {
    /// Which way the packet goes.
    pub direction: Direction,
    /// TCP: the handshake is over, or the packet brings data (in a SYN). Otherwise: there were packets both ways.
    pub established: bool,
    /// The packet is the first this way that rules about addresses see, or no packet of the flow itself (an ICMP error).
    pub first: bool,
    /// What was counted of it, this packet included.
    pub record: &'a Flow,
    /// Its TCP session, of a flow that has one.
    pub session: &'a Session,
}

impl FlowFacts<'_> {
    /// Whether the flow is one of TCP.
    pub fn is_tcp(&self) -> bool {
        self.record.key().protocol() == ip_number::TCP.0
    }
}

/// Stream data that a packet has completed.
#[derive(Clone, Copy)]
pub struct Stream<'a> {
    /// The memory of all sessions.
    pub streams: &'a Streams,
    /// The packet's session.
    pub session: &'a Session,
    /// Which way the data goes.
    pub direction: Direction,
    /// Which data it is.
    pub fresh: &'a Fresh,
}
