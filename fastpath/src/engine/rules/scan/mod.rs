//! The matchers: [`Scanner`] finds many patterns in one pass, [`Needle`] one.

mod needle;
pub(super) mod pcre;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

pub(super) use needle::Needle;

/// Finds which of many patterns occur in a text, in one pass, in any case of ASCII letters.
#[derive(Debug)]
pub(super) struct Scanner {
    automaton: AhoCorasick,
}

impl Scanner {
    /// A scanner for `patterns`, which are known by their position from then on.
    ///
    /// # Errors
    /// When there are more or longer patterns than the automaton can number (2^31 states).
    pub(super) fn new(patterns: &[Box<[u8]>]) -> Result<Self, BuildError> {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(patterns)?;
        Ok(Self { automaton })
    }

    /// The position of each pattern that occurs, once for each occurrence. Allocates nothing.
    pub(super) fn hits<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = usize> + 't {
        // Panics only for match kinds other than `Standard`.
        self.automaton.find_overlapping_iter(text).map(|hit| hit.pattern().as_usize())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_exactly_what_is_there(
            patterns in prop::collection::vec("[aAbB]{1,4}", 1..12),
            text in "[aAbB]{0,30}",
        ) {
            let bytes: Vec<Box<[u8]>> = patterns.iter().map(|p| p.as_bytes().into()).collect();
            let scanner = Scanner::new(&bytes).unwrap();
            let found: BTreeSet<_> = scanner.hits(text.as_bytes()).collect();
            let lower = text.to_lowercase();
            let expected = (0..patterns.len()).filter(|&i| lower.contains(&patterns[i].to_lowercase())).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
