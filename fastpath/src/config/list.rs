//! Lists of queue and core numbers as on the command line: `0-3,6`.

use std::{fmt, str::FromStr};

/// A non-empty, ascending list of distinct numbers below 4096, written `0-3,6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexList(Vec<u32>);

/// Why a text is not an [`IndexList`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// A part is neither `N` nor `N-M`.
    #[error("`{0}` is neither a number nor a range; write lists as `0-3,6`")]
    Part(String),
    /// A range runs backwards.
    #[error("the range `{0}` runs backwards; write the lower number first")]
    Backwards(String),
    /// A number is 4096 or more.
    #[error("{0} is too large; queue and core numbers are below 4096")]
    TooLarge(u64),
    /// A number stands twice.
    #[error("{0} stands in the list twice")]
    Twice(u32),
}

const LIMIT: u64 = 4096;

impl IndexList {
    /// From 0 to `last`, or as far as numbers go.
    pub fn up_to(last: u32) -> Self {
        Self((0..=last).take_while(|&number| u64::from(number) < LIMIT).collect())
    }

    /// The numbers in ascending order; never empty.
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }

    /// The largest number.
    pub fn max(&self) -> u32 {
        self.0.last().copied().unwrap_or_default()
    }

    /// True when `number` is in the list.
    pub fn contains(&self, number: u32) -> bool {
        self.0.binary_search(&number).is_ok()
    }
}

impl FromStr for IndexList {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let number = |digits: &str| {
            digits
                .trim()
                .parse::<u64>()
                .map_err(|_| ListError::Part(text.into()))
                .and_then(|n| u32::try_from(n).ok().filter(|_| n < LIMIT).ok_or(ListError::TooLarge(n)))
        };
        let mut all = Vec::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            if first > last {
                return Err(ListError::Backwards(part.into()));
            }
            all.extend(first..=last);
        }
        all.sort_unstable();
        match all.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ListError::Twice(pair[0])),
            None => Ok(Self(all)),
        }
    }
}

impl<'de> serde::Deserialize<'de> for IndexList {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for IndexList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_slice();
        let mut comma = "";
        while let [first, ..] = rest {
            let run = rest.iter().zip(*first..).take_while(|(a, b)| **a == *b).count();
            match run {
                1 => write!(f, "{comma}{first}")?,
                _ => write!(f, "{comma}{first}-{}", rest[run - 1])?,
            }
            comma = ",";
            rest = &rest[run..];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_and_ranges() {
        assert_eq!("0-3,6".parse::<IndexList>().unwrap().as_slice(), [0, 1, 2, 3, 6]);
        assert_eq!("6, 0".parse::<IndexList>().unwrap().as_slice(), [0, 6]);
    }

    #[test]
    fn counts_up() {
        assert_eq!(IndexList::up_to(0).to_string(), "0");
        assert_eq!(IndexList::up_to(3).to_string(), "0-3");
        assert_eq!(IndexList::up_to(u32::MAX).to_string(), "0-4095");
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["0", "0-3,6", "1,3,5-6"] {
            assert_eq!(text.parse::<IndexList>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!("".parse::<IndexList>(), Err(ListError::Part("".into())));
        assert_eq!("3-1".parse::<IndexList>(), Err(ListError::Backwards("3-1".into())));
        assert_eq!("1,0-2".parse::<IndexList>(), Err(ListError::Twice(1)));
        assert_eq!("4096".parse::<IndexList>(), Err(ListError::TooLarge(4096)));
        assert!("a".parse::<IndexList>().is_err() && "1-".parse::<IndexList>().is_err());
    }
}
