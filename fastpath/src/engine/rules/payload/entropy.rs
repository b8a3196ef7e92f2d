//! `entropy:[bytes N,] [offset N,] value COMPARISON`: how random a buffer is.

use super::view::View;
use crate::engine::rules::{fault::Fault, lexer::Token, number::number, once::once};

/// Compares the Shannon entropy of a buffer's bytes, in bits a byte: from 0 to 8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::engine::rules) struct Entropy {
    offset: u64,
    /// All there are when there is none.
    count: Option<usize>,
    wanted: Comparison,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal(f64),
    NotEqual(f64),
    Below(f64),
    AtMost(f64),
    Above(f64),
    AtLeast(f64),
    /// Strictly between.
    Between(f64, f64),
    NotBetween(f64, f64),
}

/// Bytes at most: Suricata's limit is the largest number of 31 bits.
const MOST: usize = 0x7fff_ffff;

const FORM: &str = "`entropy` is `value COMPARISON`, and before or behind it `bytes N` and `offset N`";

impl Entropy {
    pub(in crate::engine::rules) fn parse(value: Token<'_>) -> Result<Self, Fault> {
        let (mut offset, mut count, mut wanted) = (None, None, None);
        for part in value.split(',') {
            let end = part.text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(part.text.len());
            let (name, argument) = part.text.split_at(end);
            let argument = Token::trimmed(argument, part.at + end);
            match name {
                "bytes" => once(&mut count, number(argument, 0..=MOST)?, part)?,
                "offset" => once(&mut offset, number(argument, 0..=u64::from(u16::MAX))?, part)?,
                "value" => once(&mut wanted, Comparison::parse(argument)?, part)?,
                _ => return Err(part.fault(FORM)),
            }
        }
        let wanted = wanted.ok_or_else(|| value.fault(FORM))?;
        Ok(Self { offset: offset.unwrap_or(0), count: count.filter(|&count| count > 0), wanted })
    }

    /// Bytes that are not there make it not hold. Of a stream it sees what is remembered.
    pub(in crate::engine::rules) fn holds(&self, view: &View<'_>) -> bool {
        let from = match self.count {
            Some(_) => self.offset.checked_sub(view.before),
            None => Some(self.offset.saturating_sub(view.before)),
        };
        from.and_then(|from| view.bytes.get(usize::try_from(from).ok()?..))
            .and_then(|rest| self.count.map_or(Some(rest), |count| rest.get(..count)))
            .is_some_and(|bytes| self.wanted.holds(entropy(bytes)))
    }
}

/// The Shannon entropy of bytes in bits a byte. Summed up in the order of the byte values, so that equal bytes give
/// equal results to the last bit.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let all = bytes.len() as f64;
    counts.iter().filter(|&&count| count > 0).fold(0.0, |sum, &count| {
        let share = f64::from(count) / all;
        sum - share * share.log2()
    })
}

impl Comparison {
    fn parse(token: Token<'_>) -> Result<Self, Fault> {
        let read = |text: &str| {
            let float = text.trim().parse::<f64>().ok().filter(|float| (0.0..=8.0).contains(float));
            float.ok_or_else(|| token.fault(format!("`{}` is no entropy from 0.0 to 8.0", text.trim())))
        };
        let (negated, range) = match token.text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, token.text),
        };
        if let Some((low, high)) = range.split_once("<>").or_else(|| range.split_once('-')) {
            let (low, high) = (read(low)?, read(high)?);
            return match (low < high, negated) {
                (false, _) => Err(token.fault(format!("nothing is strictly between {low} and {high}"))),
                (true, false) => Ok(Self::Between(low, high)),
                (true, true) => Ok(Self::NotBetween(low, high)),
            };
        }
        type Sign = (&'static str, fn(f64) -> Comparison);
        // The longer sign first: `<` would take `<=`.
        let signs: [Sign; 6] = [
            ("<=", Self::AtMost),
            (">=", Self::AtLeast),
            ("!=", Self::NotEqual),
            ("<", Self::Below),
            (">", Self::Above),
            ("=", Self::Equal),
        ];
        match signs.iter().find_map(|(sign, make)| Some((make, token.text.strip_prefix(sign)?))) {
            Some((make, rest)) => read(rest).map(make),
            None => read(token.text).map(Self::Equal),
        }
    }

    fn holds(self, entropy: f64) -> bool {
        match self {
            Self::Equal(value) => entropy == value,
            Self::NotEqual(value) => entropy != value,
            Self::Below(value) => entropy < value,
            Self::AtMost(value) => entropy <= value,
            Self::Above(value) => entropy > value,
            Self::AtLeast(value) => entropy >= value,
            Self::Between(low, high) => low < entropy && entropy < high,
            Self::NotBetween(low, high) => entropy <= low || high <= entropy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, bytes: &[u8]) -> bool {
        let test = Entropy::parse(Token { text, at: 0 }).unwrap();
        test.holds(&View { bytes, before: 0, cursor: 0, variables: &[] })
    }

    #[test]
    fn is_that_of_shannon() {
        let all: Vec<u8> = (0..=255).collect();
        assert!(holds("value 8", &all) && holds("value =8.0", &[all.clone(), all].concat()));
        assert!(holds("value 0", b"aaaa") && holds("value 1", b"abab") && holds("value = 2", b"abcd"));
        // 3/4 and 1/4: 0.811278124459133 bits.
        assert!(holds("value 0.8112781244-0.8112781245", b"aaab"));
    }

    #[test]
    fn every_comparison() {
        let two = b"abcd";
        for text in ["<2.1", "<=2", ">1.9", ">= 2", "!=3", "1-3", "1 <> 3", "!2-3", "!1<>2", "2e0", ".2e1"] {
            assert!(holds(&format!("value {text}"), two), "{text}");
        }
        for text in ["<2", "<=1.99", ">2", ">=2.01", "!=2", "2-3", "1-2", "!1-3", "1"] {
            assert!(!holds(&format!("value {text}"), two), "{text}");
        }
        assert!(holds("value>1", two), "a sign ends the name");
    }

    #[test]
    fn of_the_bytes_that_are_asked_for() {
        let bytes = b"aaaaabcd";
        assert!(holds("bytes 4, value 0", bytes) && holds("bytes 4, offset 4, value 2", bytes));
        assert!(holds("value 2, offset 4", bytes) && holds("offset 4, bytes 0, value 2", bytes));
        assert!(!holds("bytes 5, offset 4, value >=0", bytes) && !holds("offset 9, value >=0", bytes));
        assert!(holds("offset 8, value 0", bytes));
    }

    #[test]
    fn of_a_stream_what_is_remembered() {
        let test = |text| Entropy::parse(Token { text, at: 0 }).unwrap();
        let view = View { bytes: b"abcd", before: 10, cursor: 0, variables: &[] };
        assert!(test("value 2").holds(&view) && test("offset 12, value 1").holds(&view));
        assert!(test("bytes 2, offset 11, value 1").holds(&view));
        assert!(!test("bytes 2, offset 9, value >=0").holds(&view));
    }

    #[test]
    fn bad_forms_fault() {
        for bad in [
            "",
            "value",
            "bytes 1",
            "value 9",
            "value -1",
            "value x",
            "value nan",
            "value 3-2",
            "value 2-2",
            "value 1, value 2",
            "bytes -1, value 1",
            "offset 65536, value 1",
            "value 1, sum 2",
            "value 1,",
            "value !2",
            "value =",
            "value <>1",
        ] {
            assert!(Entropy::parse(Token { text: bad, at: 0 }).is_err(), "{bad}");
        }
    }
}
