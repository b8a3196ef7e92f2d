//! What is remarkable about a fragment.

/// A decode event of a fragment (`decode-event:` of the rules).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefragEvent {
    /// Its datagram would be larger than an IP packet can be.
    PacketTooLarge,
    /// It brings bytes again that were there before, the same or others.
    Overlap,
    /// It is not the last of its datagram and its length is no multiple of 8 (RFC 8200, section 4.5).
    InvalidLength,
    /// It was not taken: no memory, no payload, impossible headers, or another end than the datagram has.
    Ignored,
}

impl DefragEvent {
    /// Suricata's name of it (decode-events.c). IPv4 has none for an invalid length: there it is one that is ignored.
    pub fn name(self, is_v6: bool) -> &'static str {
        match (self, is_v6) {
            (Self::PacketTooLarge, false) => "ipv4.frag_pkt_too_large",
            (Self::PacketTooLarge, true) => "ipv6.frag_pkt_too_large",
            (Self::Overlap, false) => "ipv4.frag_overlap",
            (Self::Overlap, true) => "ipv6.frag_overlap",
            (Self::InvalidLength, true) => "ipv6.frag_invalid_length",
            (Self::Ignored | Self::InvalidLength, false) => "ipv4.frag_ignored",
            (Self::Ignored, true) => "ipv6.frag_ignored",
        }
    }
}
