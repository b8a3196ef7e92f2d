//! One pattern.

use memchr::{memchr_iter, memchr2_iter, memmem::Finder};

/// A pattern prepared for searching; never empty.
#[derive(Debug)]
pub(in crate::engine::rules) enum Needle {
    /// Byte for byte.
    Exact(Box<Finder<'static>>),
    /// In any case of ASCII letters.
    AnyCase {
        /// The pattern in lower case.
        lower: Box<[u8]>,
        /// Position of the byte to look for first.
        rarest: usize,
    },
}

impl Needle {
    pub(in crate::engine::rules) fn new(pattern: &[u8], nocase: bool) -> Self {
        if !nocase || !pattern.iter().any(u8::is_ascii_alphabetic) {
            return Self::Exact(Box::new(Finder::new(pattern).into_owned()));
        }
        let lower = pattern.to_ascii_lowercase().into_boxed_slice();
        let rarest =
            (0..lower.len()).min_by_key(|&at| lower.get(at).map(|&byte| frequency(byte))).unwrap_or(0);
        Self::AnyCase { lower, rarest }
    }

    pub(in crate::engine::rules) fn len(&self) -> usize {
        match self {
            Self::Exact(finder) => finder.needle().len(),
            Self::AnyCase { lower, .. } => lower.len(),
        }
    }

    /// Whether `text` is the pattern.
    pub(in crate::engine::rules) fn is(&self, text: &[u8]) -> bool {
        match self {
            Self::Exact(finder) => finder.needle() == text,
            Self::AnyCase { lower, .. } => text.eq_ignore_ascii_case(lower),
        }
    }

    /// Start of the first occurrence.
    pub(in crate::engine::rules) fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Exact(finder) => finder.find(text),
            Self::AnyCase { lower, rarest } => {
                // Where that byte may stand so that the pattern fits around it.
                let places = text.get(*rarest..text.len().checked_sub(lower.len())? + rarest + 1)?;
                let byte = *lower.get(*rarest)?;
                let fits = |start: &usize| {
                    text.get(*start..start + lower.len())
                        .is_some_and(|place| place.eq_ignore_ascii_case(lower))
                };
                if byte.is_ascii_alphabetic() {
                    memchr2_iter(byte, byte.to_ascii_uppercase(), places).find(fits)
                } else {
                    memchr_iter(byte, places).find(fits)
                }
            }
        }
    }
}

/// Roughly how common a lower-case byte is in traffic.
fn frequency(byte: u8) -> u8 {
    match byte {
        0 => 255,
        b' ' | b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 200,
        b'a'..=b'z' => 150,
        b'0'..=b'9' | b'/' | b'.' | b'\r' | b'\n' => 120,
        0x20..=0x7e => 80,
        _ => 60,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_the_first_occurrence(pattern in "[aAb:]{1,4}", text in "[aAbB:]{0,20}", nocase in any::<bool>()) {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            let needle = Needle::new(pattern, nocase);
            let same = |a: &[u8]| if nocase { a.eq_ignore_ascii_case(pattern) } else { a == pattern };
            prop_assert_eq!(needle.find(text), text.windows(pattern.len()).position(same));
            prop_assert_eq!(needle.is(text), same(text));
            prop_assert_eq!(needle.len(), pattern.len());
        }
    }
}
