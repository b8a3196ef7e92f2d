//! A TCP segment as sessions need it.

/// No more data from the sender.
pub const FIN: u8 = 0x01;
/// Synchronise sequence numbers.
pub const SYN: u8 = 0x02;
/// Reset the connection.
pub const RST: u8 = 0x04;
/// Push.
pub const PSH: u8 = 0x08;
/// The acknowledgement number is valid.
pub const ACK: u8 = 0x10;
/// The urgent pointer is valid.
pub const URG: u8 = 0x20;
/// ECN echo.
pub const ECE: u8 = 0x40;
/// Congestion window reduced.
pub const CWR: u8 = 0x80;

/// The fields of a TCP header and its payload (RFC 9293, section 3.1), in host byte order.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Sequence number: of the SYN if it is one, else of the first byte of the payload.
    pub seq: u32,
    /// Acknowledgement number; valid with [`ACK`].
    pub ack: u32,
    /// [`FIN`] to [`CWR`].
    pub flags: u8,
    /// Window as in the header, not scaled.
    pub window: u16,
    /// Urgent pointer; valid with [`URG`].
    pub urgent: u16,
    /// Options that matter to sessions.
    pub options: SegmentOptions,
    /// The data, to the end that the IP length gives.
    pub payload: &'a [u8],
}

impl Segment<'_> {
    /// Whether any of `flags` is set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// Sequence number of the payload's first byte.
    pub(super) fn data_seq(&self) -> u32 {
        self.seq.wrapping_add(u32::from(self.has(SYN)))
    }
}

/// TCP options that matter to sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentOptions {
    /// Maximum segment size (RFC 9293, section 3.7.1).
    pub mss: Option<u16>,
    /// Shift of the window (RFC 7323, section 2), at most 14.
    pub window_scale: Option<u8>,
    /// Selective acknowledgements are understood (RFC 2018).
    pub sack_permitted: bool,
    /// TSval and TSecr (RFC 7323, section 3).
    pub timestamps: Option<(u32, u32)>,
    /// There is a fast open option (RFC 7413, or its experimental form).
    pub fast_open: bool,
}

impl SegmentOptions {
    /// Reads the options of a TCP header, as far as they are well formed. As receivers do, it keeps what came before a
    /// malformed option and takes the last of several of a kind.
    pub fn parse(mut bytes: &[u8]) -> Self {
        let mut options = Self::default();
        while let &[kind, ref rest @ ..] = bytes {
            match kind {
                0 => break,
                1 => bytes = rest,
                _ => {
                    let length = rest.first().map_or(0, |&length| usize::from(length));
                    if length < 2 || length > bytes.len() {
                        break;
                    }
                    let (option, behind) = bytes.split_at(length);
                    options.take(kind, option.get(2..).unwrap_or_default());
                    bytes = behind;
                }
            }
        }
        options
    }

    fn take(&mut self, kind: u8, value: &[u8]) {
        match (kind, value) {
            (2, &[a, b]) => self.mss = Some(u16::from_be_bytes([a, b])),
            (3, &[shift]) => self.window_scale = Some(shift.min(14)),
            (4, []) => self.sack_permitted = true,
            (8, &[a, b, c, d, e, f, g, h]) => {
                self.timestamps = Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])));
            }
            // RFC 7413: the option, and the magic number 0xf989 of its experiment (RFC 6994).
            (34, _) | (254, &[0xf9, 0x89, ..]) => self.fast_open = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_up_to_the_first_malformed_one() {
        let bytes = [2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 34, 2, 0, 3, 3, 1];
        let options = SegmentOptions::parse(&bytes);
        let want = SegmentOptions {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some((1, 2)),
            fast_open: true,
        };
        assert_eq!(options, want);
        assert_eq!(SegmentOptions::parse(&[4, 2, 3, 1, 3, 3, 7]).window_scale, None);
        assert_eq!(SegmentOptions::parse(&[3]), SegmentOptions::default());
        assert_eq!(SegmentOptions::parse(&[3, 3, 200]).window_scale, Some(14));
        assert!(SegmentOptions::parse(&[254, 4, 0xf9, 0x89]).fast_open);
    }
}
