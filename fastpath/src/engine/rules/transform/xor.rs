//! `xor:[offset N,]KEY`: the key in hexadecimal, or `extract COUNT OFFSET`, where in the buffer it stands.

use crate::engine::rules::{fault::Fault, lexer::Token, number::number};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine::rules) struct Xor {
    key: Key,
    /// Bytes that stay as they are.
    offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// 1 to 255 bytes.
    Bytes(Box<[u8]>),
    Extract {
        count: u8,
        offset: u16,
    },
}

impl Xor {
    pub(super) fn parse(value: Token<'_>) -> Result<Self, Fault> {
        let form = || {
            value.fault("`xor` is `KEY` or `offset N,KEY`; a key is hexadecimal or `extract COUNT OFFSET`")
        };
        let (first, rest) = value.word();
        if first.text != "offset" {
            return Ok(Self { key: Key::parse(value)?, offset: 0 });
        }
        let mut parts = rest.split(',');
        let (Some(offset), Some(key), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(form());
        };
        let offset = number(offset, 0..=u32::MAX)?;
        Ok(Self { key: Key::parse(key)?, offset: usize::try_from(offset).map_err(|_| form())? })
    }

    /// A buffer that the offset or the key lies outside of stays as it is.
    pub(super) fn apply(&self, input: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(input);
        let key = match &self.key {
            Key::Bytes(bytes) => Some(&**bytes),
            &Key::Extract { count, offset } => {
                input.get(usize::from(offset)..).and_then(|rest| rest.get(..usize::from(count)))
            }
        };
        if let (Some(key), Some(part)) = (key, out.get_mut(self.offset..)) {
            part.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
    }
}

impl Key {
    fn parse(token: Token<'_>) -> Result<Self, Fault> {
        if let ("extract", location) = (token.word().0.text, token.word().1) {
            let (count, offset) = location.word();
            return Ok(Self::Extract {
                count: number(count, 1..=u8::MAX)?,
                offset: number(offset, 0..=u16::MAX)?,
            });
        }
        let digits = if token.text.starts_with('"') { token.unquote()? } else { token };
        let nibbles: Option<Vec<u32>> = digits.text.chars().map(|digit| digit.to_digit(16)).collect();
        nibbles
            .filter(|nibbles| nibbles.len() % 2 == 0 && (1..=255).contains(&(nibbles.len() / 2)))
            .and_then(|nibbles| nibbles.chunks(2).map(byte).collect())
            .map(Self::Bytes)
            .ok_or_else(|| {
                digits.fault(format!("`{}` is no key of 1 to 255 bytes in hexadecimal", digits.text))
            })
    }
}

/// The byte that two hexadecimal digits stand for.
fn byte(nibbles: &[u32]) -> Option<u8> {
    nibbles.iter().try_fold(0, |byte, &nibble| Some(byte << 4 | u8::try_from(nibble).ok()?))
}
