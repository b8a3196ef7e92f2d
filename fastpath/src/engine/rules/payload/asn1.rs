//! `asn1`: encodings that no sound encoder makes (Suricata's "Payload Keywords"; ITU-T X.690).

use super::{
    variable::Operand,
    view::{Place, View},
};
use crate::engine::rules::{fault::Fault, lexer::Token, number::number, once::once};

/// What is looked for in the elements that begin at a place, and in those inside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Asn1 {
    /// `bitstring_overflow`: a bit string with more unused bits than it has bits.
    bitstring_overflow: bool,
    /// `double_overflow`: a number in characters that is longer than what it is read into.
    double_overflow: bool,
    /// `oversize_length`: an element that is said to be longer than this.
    oversize: Option<u32>,
    place: Place,
}

/// Elements that are looked at (Suricata's `asn1-max-frames` is 256).
const MOST: usize = 256;
/// How deep they may lie in each other.
const DEPTH: usize = 32;
/// Characters of a number that are read (detect-asn1: ASN1_MAX_DOUBLE).
const LONGEST_DOUBLE: u64 = 256;

const BIT_STRING: u32 = 3;
const REAL: u32 = 9;

/// The head of an element.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    universal: bool,
    constructed: bool,
    tag: u32,
    /// As it says; none when it ends with an end-of-contents element.
    length: Option<u64>,
    /// Bytes of the head.
    size: usize,
}

impl Head {
    /// X.690, sections 8.1.2 and 8.1.3.
    fn read(bytes: &[u8]) -> Option<Self> {
        let &first = bytes.first()?;
        let mut size = 1;
        let mut tag = u32::from(first & 0x1f);
        if tag == 0x1f {
            tag = 0;
            loop {
                let &byte = bytes.get(size)?;
                size += 1;
                tag = tag.checked_mul(128)?.checked_add(u32::from(byte & 0x7f))?;
                if byte & 0x80 == 0 {
                    break;
                }
            }
        }
        let &byte = bytes.get(size)?;
        size += 1;
        let length = match byte {
            0x80 => None,
            short @ 0..0x80 => Some(u64::from(short)),
            long => {
                let octets = bytes.get(size..size + usize::from(long & 0x7f))?;
                size += octets.len();
                Some(octets.iter().fold(0_u64, |length, &octet| {
                    length.checked_mul(256).map_or(u64::MAX, |length| length | u64::from(octet))
                }))
            }
        };
        Some(Self { universal: first & 0xc0 == 0, constructed: first & 0x20 != 0, tag, length, size })
    }
}

impl Asn1 {
    /// `bitstring_overflow, double_overflow, oversize_length N, absolute_offset N, relative_offset N`
    pub(in crate::engine::rules) fn parse(value: Token<'_>) -> Result<Self, Fault> {
        let (mut bits, mut double, mut oversize, mut place) = (None, None, None, None);
        for part in value.split(',') {
            let (name, argument) = part.word();
            match (name.text, argument.text) {
                ("bitstring_overflow", "") => once(&mut bits, (), name)?,
                ("double_overflow", "") => once(&mut double, (), name)?,
                ("oversize_length", _) => once(&mut oversize, number(argument, 0..=u32::MAX)?, name)?,
                ("absolute_offset", _) => {
                    let offset = Operand::Number(number(argument, 0..=i32::from(u16::MAX))?);
                    once(&mut place, Place { offset, relative: false }, name)?;
                }
                ("relative_offset", _) => {
                    let bound = i32::from(u16::MAX);
                    let offset = Operand::Number(number(argument, -bound..=bound)?);
                    once(&mut place, Place { offset, relative: true }, name)?;
                }
                _ => {
                    return Err(part.fault(
                        "`asn1` takes `bitstring_overflow`, `double_overflow`, `oversize_length N`, and `absolute_offset N` or \
                         `relative_offset N`",
                    ));
                }
            }
        }
        if bits.is_none() && double.is_none() && oversize.is_none() {
            return Err(value.fault(
                "`asn1` needs what to look for: `bitstring_overflow`, `double_overflow` or `oversize_length N`",
            ));
        }
        Ok(Self {
            bitstring_overflow: bits.is_some(),
            double_overflow: double.is_some(),
            oversize,
            place: place.unwrap_or(Place { offset: Operand::Number(0), relative: false }),
        })
    }

    /// Whether it counts from the cursor.
    pub(in crate::engine::rules) fn is_relative(&self) -> bool {
        self.place.relative
    }

    /// Whether one of the elements is as wanted. Bounded: so many elements, so deep.
    pub(in crate::engine::rules) fn holds(&self, view: &View<'_>) -> bool {
        let Some(start) = self.place.inside(view) else { return false };
        let mut left = MOST;
        self.is_among(view.bytes.get(start..).unwrap_or_default(), DEPTH, &mut left)
    }

    fn is_among(&self, mut bytes: &[u8], depth: usize, left: &mut usize) -> bool {
        while *left > 0
            && let Some(head) = Head::read(bytes)
        {
            *left -= 1;
            let content = bytes.get(head.size..).unwrap_or_default();
            let length = head.length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
            let content = content.get(..length.unwrap_or(content.len())).unwrap_or(content);
            if self.is_wanted(&head, content) {
                return true;
            }
            if head.constructed && depth > 0 && self.is_among(content, depth - 1, left) {
                return true;
            }
            bytes = match length {
                Some(length) => bytes.get(head.size.saturating_add(length)..).unwrap_or_default(),
                None => &[],
            };
        }
        false
    }

    fn is_wanted(&self, head: &Head, content: &[u8]) -> bool {
        if let (Some(most), Some(length)) = (self.oversize, head.length)
            && length > u64::from(most)
        {
            return true;
        }
        if !head.universal || head.constructed {
            return false;
        }
        let Some(&first) = content.first() else { return false };
        let length = head.length.unwrap_or(0);
        match head.tag {
            // X.690, section 8.6.2: the first octet is the number of unused bits.
            BIT_STRING => {
                self.bitstring_overflow && length.saturating_sub(1).saturating_mul(8) < u64::from(first)
            }
            // Section 8.5.8: characters.
            REAL => self.double_overflow && first & 0xc0 == 0 && length > LONGEST_DOUBLE,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Asn1, Fault> {
        Asn1::parse(Token { text, at: 0 })
    }

    fn holds(text: &str, bytes: &[u8], cursor: usize) -> bool {
        parse(text).unwrap().holds(&View { bytes, before: 0, cursor, variables: &[] })
    }

    #[test]
    fn good_and_bad_forms() {
        for good in [
            "oversize_length 10",
            "bitstring_overflow",
            "double_overflow, bitstring_overflow, relative_offset 54, oversize_length 2048",
            "bitstring_overflow, absolute_offset 0",
            "bitstring_overflow,relative_offset -3",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "absolute_offset 1",
            "oversize_length",
            "oversize_length -1",
            "bitstring_overflow, bitstring_overflow",
            "bitstring_overflow 1",
            "bitstring_overflow, absolute_offset 1, relative_offset 1",
            "bitstring_overflow, absolute_offset -1",
            "other",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn elements_are_found_inside_each_other() {
        let text = "oversize_length 5";
        assert!(holds(text, b"\x04\x06abcdef", 0) && !holds(text, b"\x04\x05abcde", 0));
        assert!(holds(text, b"\x04\x82\x10\x00ab", 0), "longer than there is data");
        assert!(holds(text, b"\x30\x04\x02\x01\x01\x04\x04\x09ab", 0), "the second");
        assert!(holds(text, b"\x30\x80\x04\x06abcdef\0\0", 0), "without a length");
        assert!(holds(text, b"\x1f\x81\x01\x06abcdef", 0), "a long tag");
        assert!(holds("oversize_length 5, absolute_offset 2", b"xx\x04\x06abcdef", 0));
        assert!(holds("oversize_length 5, relative_offset 1", b"xx\x04\x06abcdef", 1));
        assert!(!holds("oversize_length 5, relative_offset 9", b"xx\x04\x06abcdef", 1));
    }

    #[test]
    fn bit_strings_and_numbers() {
        let text = "bitstring_overflow";
        assert!(holds(text, b"\x03\x02\x09\xff", 0) && !holds(text, b"\x03\x02\x08\xff", 0));
        assert!(!holds(text, b"\x83\x02\x09\xff", 0), "not of the universal class");
        let mut real = vec![9, 0x82, 1, 1, 3];
        real.resize(5 + 256, b'1');
        assert!(holds("double_overflow", &real, 0));
        real[3] = 0;
        assert!(!holds("double_overflow", &real, 0), "256 are read");
        real[3] = 1;
        real[4] = 0x80;
        assert!(!holds("double_overflow", &real, 0), "not in characters");
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>, cursor in 0_usize..40) {
            holds("bitstring_overflow, double_overflow, oversize_length 70000, relative_offset 0", &bytes, cursor);
        }
    }

    #[test]
    fn depth_and_number_are_bounded() {
        assert!(!holds("oversize_length 70000", &[0x30, 0x80].repeat(10_000), 0));
        assert!(!holds("oversize_length 70000", &[0x04, 0x00].repeat(10_000), 0));
    }
}
