//! The ICMP header. Not etherparse's view: that takes no timestamp message that is not exactly 20 bytes long, so one
//! byte more, which every receiver ignores, would hide a packet from all rules about ICMP.

/// An ICMPv4 (RFC 792) or ICMPv6 (RFC 4443) message: type, code, checksum, four bytes that the type gives a
/// meaning, and the rest.
#[derive(Clone, Copy, Debug)]
pub struct IcmpSlice<'a> {
    header: &'a [u8; 8],
    payload: &'a [u8],
}

impl<'a> IcmpSlice<'a> {
    /// The message that `bytes` are; none when they end within its header.
    pub(super) fn from_slice(bytes: &'a [u8]) -> Option<Self> {
        let (header, payload) = bytes.split_first_chunk()?;
        Some(Self { header, payload })
    }

    /// Type and code.
    pub fn type_and_code(&self) -> (u8, u8) {
        let [kind, code, ..] = *self.header;
        (kind, code)
    }

    /// Everything behind the eight bytes.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }
}
