//! TCP segments (RFC 9293) and their options.

use std::ops::Deref;

use etherparse::TcpSlice;

use super::{DecodeEvent, DecodeEvents};

/// A TCP segment: etherparse's view of header and payload, and what the options say.
#[derive(Clone, Debug)]
pub struct TcpSegment<'a> {
    header: TcpSlice<'a>,
    /// The options, read once.
    pub options: TcpOptions,
}

/// The options that a receiver would act on; of an option that is there twice the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Maximum segment size in bytes (RFC 9293).
    pub mss: Option<u16>,
    /// Window scale as shift count; above 14 it counts as 0 (RFC 7323, section 2.3; Suricata).
    pub window_scale: Option<u8>,
    /// Timestamp value and echo reply (RFC 7323).
    pub timestamps: Option<(u32, u32)>,
    /// Selective acknowledgement permitted (RFC 2018).
    pub sack_permitted: bool,
    /// Fast open (RFC 7413), also under the experimental kinds.
    pub fast_open: bool,
    /// MD5 signature (RFC 2385).
    pub md5: bool,
    /// Authentication option (RFC 5925).
    pub authentication: bool,
    /// Where the SACK blocks start in the options, and how many there are.
    sack: Option<(u8, u8)>,
}

impl<'a> Deref for TcpSegment<'a> {
    type Target = TcpSlice<'a>;

    fn deref(&self) -> &TcpSlice<'a> {
        &self.header
    }
}

impl TcpSegment<'_> {
    /// The blocks of sequence numbers that were received out of order, left and right edge (RFC 2018).
    pub fn sack_blocks(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let (start, count) = self.options.sack.unwrap_or_default();
        let blocks = self.header.options().get(start.into()..).unwrap_or_default();
        blocks.chunks_exact(8).take(count.into()).filter_map(|block| {
            let (left, right) = block.split_first_chunk()?;
            Some((u32::from_be_bytes(*left), u32::from_be_bytes(*right.first_chunk()?)))
        })
    }
}

pub(super) fn decode<'a>(bytes: &'a [u8], events: &mut DecodeEvents) -> Result<TcpSegment<'a>, DecodeEvent> {
    let Ok(header) = TcpSlice::from_slice(bytes) else {
        return Err(match bytes.get(12) {
            _ if bytes.len() < 20 => DecodeEvent::TcpPktTooSmall,
            Some(offset) if usize::from(offset >> 4) * 4 > bytes.len() => DecodeEvent::TcpHlenTooSmall,
            _ => DecodeEvent::TcpInvalidOptlen,
        });
    };
    let mut options = TcpOptions::default();
    if header.header_len() > 20 {
        options.parse(header.options(), events);
    }
    Ok(TcpSegment { header, options })
}

impl TcpOptions {
    /// Reads all options, up to the first whose length is impossible. Lengths and duplicates are judged as Suricata does.
    fn parse(&mut self, all: &[u8], events: &mut DecodeEvents) {
        let mut rest = all;
        loop {
            match *rest {
                // A last byte alone is taken for padding.
                [] | [0, ..] | [_] => return,
                [1, ref behind @ ..] => rest = behind,
                [kind, length, ..] => {
                    let Some((option, behind)) = rest.split_at_checked(length.into()).filter(|_| length >= 2)
                    else {
                        events.raise_invalid(DecodeEvent::TcpOptInvalidLen);
                        return;
                    };
                    rest = behind;
                    if let Err(event) = self.take(kind, option, all.len() - behind.len()) {
                        // Of these two the receiver's answer is to drop the segment.
                        if matches!(kind, 19 | 29) {
                            events.raise_invalid(event);
                        } else {
                            events.raise(event);
                        }
                    }
                }
            }
        }
    }

    /// Takes one option (IANA's numbers), which includes its kind and length and ends at `end` of all options.
    fn take(&mut self, kind: u8, option: &[u8], end: usize) -> Result<(), DecodeEvent> {
        match (kind, option) {
            (2, &[_, _, high, low]) => set(&mut self.mss, u16::from_be_bytes([high, low])),
            (3, &[_, _, shift]) => set(&mut self.window_scale, if shift <= 14 { shift } else { 0 }),
            (4, [_, _]) => set_flag(&mut self.sack_permitted),
            // Useless, but common.
            (5, [_, _]) => Ok(()),
            (5, [_, _, blocks @ ..]) if blocks.len().is_multiple_of(8) && blocks.len() <= 32 => {
                // At most 40 bytes of options, so both fit.
                let byte = |number| u8::try_from(number).unwrap_or_default();
                set(&mut self.sack, (byte(end - blocks.len()), byte(blocks.len() / 8)))
            }
            (8, &[_, _, a, b, c, d, e, f, g, h]) => {
                let values = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
                set(&mut self.timestamps, values)
            }
            (34, option) if option.len() <= 18 && option.len().is_multiple_of(2) => {
                set_flag(&mut self.fast_open)
            }
            (253 | 254, [_, _, 0xf9, 0x89] | [_, _, 0xf9, 0x89, _, _, _, _, _, _, _, _]) => {
                set_flag(&mut self.fast_open)
            }
            (253 | 254, option) if matches!(option.len(), 4 | 12) => Ok(()),
            (19, option) if option.len() == 18 => {
                self.md5 = true;
                Ok(())
            }
            (29, option) if option.len() >= 4 => {
                self.authentication = true;
                Ok(())
            }
            (2..=5 | 8 | 19 | 29 | 34 | 253 | 254, _) => Err(DecodeEvent::TcpOptInvalidLen),
            _ => Ok(()),
        }
    }
}

/// The first of a kind counts.
fn set<T>(place: &mut Option<T>, value: T) -> Result<(), DecodeEvent> {
    if place.is_some() {
        return Err(DecodeEvent::TcpOptDuplicate);
    }
    *place = Some(value);
    Ok(())
}

fn set_flag(flag: &mut bool) -> Result<(), DecodeEvent> {
    if std::mem::replace(flag, true) { Err(DecodeEvent::TcpOptDuplicate) } else { Ok(()) }
}
