//! Base64 as Suricata decodes it, and `base64_decode:[bytes N][, offset N][, relative]`.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::view::View;
use crate::engine::rules::{fault::Fault, lexer::Token, number::number, once::once};

/// How forgiving the decoder is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::engine::rules) enum Mode {
    /// Up to the first character that is none of Base64 (RFC 4648, section 3.3). Padding may be missing.
    #[default]
    Rfc4648,
    /// Without all characters that are none of Base64 (RFC 2045, section 6.8). A group that is not full at the end is
    /// left out.
    Rfc2045,
    /// All or nothing.
    Strict,
}

impl Mode {
    /// Appends to `out` what `input` decodes to.
    ///
    /// Decoding ends at a group that makes no sense, such as one that begins with padding; what came before is kept, as
    /// Suricata's documentation says. (Its code then throws away all.)
    pub(in crate::engine::rules) fn decode(self, input: &[u8], out: &mut Vec<u8>) {
        let symbols = input.iter().map(|&byte| symbol(byte));
        match self {
            Self::Rfc4648 => {
                let last = groups(symbols.map_while(|symbol| symbol), out);
                last.and_then(|group| push(group, out));
            }
            Self::Rfc2045 => {
                groups(symbols.flatten(), out);
            }
            Self::Strict => {
                let start = out.len();
                if STANDARD.decode_vec(input, out).is_err() {
                    out.truncate(start);
                }
            }
        }
    }
}

/// `=`.
const PADDING: u8 = 64;

/// The six bits that a character of Base64 stands for, or padding.
fn symbol(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        b'=' => Some(PADDING),
        _ => None,
    }
}

/// Decodes all full groups; the rest, filled up with padding, is what it answers.
fn groups(symbols: impl Iterator<Item = u8>, out: &mut Vec<u8>) -> Option<[u8; 4]> {
    let mut group = [PADDING; 4];
    let mut filled = 0;
    for symbol in symbols {
        *group.get_mut(filled)? = symbol;
        filled += 1;
        if filled == 4 {
            push(std::mem::replace(&mut group, [PADDING; 4]), out)?;
            filled = 0;
        }
    }
    (filled > 0).then_some(group)
}

/// Decodes one group, if it makes sense.
fn push([a, b, c, d]: [u8; 4], out: &mut Vec<u8>) -> Option<()> {
    if a == PADDING || b == PADDING {
        return None;
    }
    out.push(a << 2 | b >> 4);
    if c != PADDING {
        out.push(b << 4 | c >> 2);
        if d != PADDING {
            out.push(c << 6 | d);
        }
    }
    Some(())
}

/// `base64_decode`: decodes a part of the buffer, for what follows `base64_data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Base64Decode {
    /// Bytes of text at most.
    most: u16,
    offset: u32,
    relative: bool,
}

impl Base64Decode {
    pub(in crate::engine::rules) fn parse(value: Option<Token<'_>>) -> Result<Self, Fault> {
        let (mut most, mut offset, mut relative) = (None, None, None);
        for part in value.iter().flat_map(|value| value.split(',')) {
            let (name, argument) = part.word();
            match (name.text, argument.text) {
                ("bytes", _) => once(&mut most, number(argument, 0..=u16::MAX)?, name)?,
                ("offset", _) => once(&mut offset, number(argument, 0..=u32::MAX)?, name)?,
                ("relative", "") => once(&mut relative, (), name)?,
                _ => return Err(part.fault("`base64_decode` takes `bytes N`, `offset N` and `relative`")),
            }
        }
        Ok(Self {
            most: most.filter(|&most| most > 0).unwrap_or(u16::MAX),
            offset: offset.unwrap_or(0),
            relative: relative.is_some(),
        })
    }

    /// Whether it counts from the cursor.
    pub(in crate::engine::rules) fn is_relative(&self) -> bool {
        self.relative
    }

    /// Puts what it decodes into `out`; false when that is nothing. At most three quarters of 65535 bytes.
    pub(in crate::engine::rules) fn decode(&self, view: &View<'_>, out: &mut Vec<u8>) -> bool {
        out.clear();
        let offset = u64::from(self.offset);
        let start = if self.relative {
            Some(offset.saturating_add(view.cursor as u64))
        } else {
            offset.checked_sub(view.before)
        };
        let text = start.and_then(|start| view.bytes.get(usize::try_from(start).ok()?..)).unwrap_or_default();
        Mode::Rfc4648.decode(text.get(..self.most.into()).unwrap_or(text), out);
        !out.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(mode: Mode, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        mode.decode(text.as_bytes(), &mut out);
        out
    }

    /// RFC 4648, section 10, and what Suricata says of other characters.
    #[test]
    fn vectors() {
        for (text, plain) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            for mode in [Mode::Rfc4648, Mode::Rfc2045, Mode::Strict] {
                assert_eq!(decode(mode, text), plain.as_bytes(), "{mode:?} {text}");
            }
        }
        for text in ["Zm 9v Ym Fy", "Zm$9vYm.Fy"] {
            assert_eq!(decode(Mode::Rfc2045, text), b"foobar");
            assert_eq!(decode(Mode::Rfc4648, text), b"f");
            assert_eq!(decode(Mode::Strict, text), b"");
        }
        assert_eq!(decode(Mode::Rfc4648, "Zm9vYmE"), b"fooba", "padding may be missing");
        assert_eq!(decode(Mode::Rfc2045, "Zm9vYmE"), b"foo", "but not here");
        assert_eq!(decode(Mode::Rfc4648, "Zg==Zm9v"), b"ffoo", "padding does not end it");
        assert_eq!(decode(Mode::Rfc4648, "Zm9vZ"), b"foo", "six bits are no byte");
        assert_eq!(decode(Mode::Rfc2045, "Zm9v=Zm9v"), b"foo", "a group cannot begin with padding");
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(plain: Vec<u8>, noise in "[ \r\n.$-]{0,3}", at in 0..100_usize) {
            let text = STANDARD.encode(&plain);
            for mode in [Mode::Rfc4648, Mode::Rfc2045, Mode::Strict] {
                prop_assert_eq!(&decode(mode, &text), &plain);
            }
            prop_assert_eq!(&decode(Mode::Rfc4648, text.trim_end_matches('=')), &plain);
            let at = at.min(text.len());
            let noisy = format!("{}{noise}{}", &text[..at], &text[at..]);
            prop_assert_eq!(&decode(Mode::Rfc2045, &noisy), &plain);
            let whole = decode(Mode::Rfc4648, &noisy);
            if noise.is_empty() {
                prop_assert_eq!(whole, plain);
            } else {
                // Six bits a character, as many whole bytes as that makes.
                let symbols = text[..at].trim_end_matches('=').len();
                prop_assert_eq!(&whole[..], &plain[..symbols * 6 / 8]);
            }
        }

        #[test]
        fn any_input_decodes_to_three_quarters_at_most(input: Vec<u8>) {
            for mode in [Mode::Rfc4648, Mode::Rfc2045, Mode::Strict] {
                let mut out = vec![1, 2, 3];
                mode.decode(&input, &mut out);
                prop_assert!(out.starts_with(&[1, 2, 3]) && (out.len() - 3) * 4 <= input.len() * 3);
            }
        }
    }

    #[test]
    fn decodes_where_it_is_told() {
        let parse = |text| Base64Decode::parse(Some(Token { text, at: 0 })).unwrap();
        let bytes = b"GET /en/somestring&dGVzdAo=&not_base64";
        let decode = |keyword: Base64Decode, cursor, before| {
            let mut out = b"old".to_vec();
            let view = View { bytes, before, cursor, variables: &[] };
            (keyword.decode(&view, &mut out), out)
        };
        assert_eq!(decode(parse("bytes 8, offset 1, relative"), 18, 0), (true, b"test\n".into()));
        assert_eq!(decode(parse("bytes 4, offset 1, relative"), 18, 0), (true, b"tes".into()));
        assert_eq!(decode(parse("offset 19"), 0, 0), (true, b"test\n".into()));
        assert_eq!(decode(parse("offset 119"), 0, 100), (true, b"test\n".into()));
        assert_eq!(decode(parse("offset 19"), 0, 100), (false, vec![]));
        assert_eq!(decode(parse("relative"), 18, 0), (false, vec![]));
        assert_eq!(decode(parse("offset 38"), 0, 0), (false, vec![]));
        assert_eq!(decode(parse("offset 4294967295, relative"), 38, 0), (false, vec![]));
    }

    #[test]
    fn good_and_bad_forms() {
        let parse = |text| Base64Decode::parse(Some(Token { text, at: 0 }));
        let all = Base64Decode { most: 65535, offset: 0, relative: false };
        assert_eq!(Base64Decode::parse(None), Ok(all));
        assert_eq!(parse("bytes 0,offset 0"), Ok(all));
        assert_eq!(parse("relative,  offset  3"), Ok(Base64Decode { offset: 3, relative: true, ..all }));
        for bad in [
            "",
            "bytes",
            "bytes 65536",
            "offset -1",
            "offset 4294967296",
            "relative 1",
            "rel",
            "bytes 1,bytes 1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
