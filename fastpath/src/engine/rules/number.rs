//! Numbers in option values, and comparisons with them.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use super::{fault::Fault, lexer::Token};

/// A decimal number within `allowed`.
pub(super) fn number<T>(token: Token<'_>, allowed: RangeInclusive<T>) -> Result<T, Fault>
where
    T: FromStr + PartialOrd + Display,
{
    // `str::parse` takes a plus sign, the language does not.
    let parsed = if token.text.starts_with('+') { None } else { token.text.parse().ok() };
    parsed.filter(|number| allowed.contains(number)).ok_or_else(|| {
        let (first, last) = allowed.into_inner();
        token.fault(format!("`{}` is no whole number from {first} to {last}", token.text))
    })
}

/// A number of bytes: with `kb`, `mb` or `gb` behind it (also `kib` and so on, which mean the same), of 2^10, 2^20 or 2^30.
pub(super) fn size(token: Token<'_>) -> Result<u64, Fault> {
    let wrong = |_| token.fault(format!("`{}` is no size: write a number, and kb, mb or gb", token.text));
    unsigned(token, u64::MAX).map_err(wrong)
}

/// A decimal number, one with a unit (`10kb`, `2mib`), or a hexadecimal one (`0x1f`), up to `max`.
fn unsigned(token: Token<'_>, max: u64) -> Result<u64, Fault> {
    let wrong = || token.fault(format!("`{}` is no whole number from 0 to {max}", token.text));
    if let Some(digits) = token.text.strip_prefix("0x") {
        let is_hex = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u64::from_str_radix(digits, 16).ok().filter(|number| is_hex && *number <= max);
        return number.ok_or_else(wrong);
    }
    let end = token.text.find(|c: char| !c.is_ascii_digit()).unwrap_or(token.text.len());
    let (digits, unit) = token.text.split_at(end);
    let factor = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" => 1,
        "kb" | "kib" => 1 << 10,
        "mb" | "mib" => 1 << 20,
        "gb" | "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    number.filter(|number| *number <= max).ok_or_else(wrong)
}

/// What a header field is compared with: Suricata's unsigned integer syntax ("Integer Keywords").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison<T> {
    /// `n`, `=n`
    Equal(T),
    /// `!n`, `!=n`
    NotEqual(T),
    /// `<n`
    Below(T),
    /// `<=n`
    AtMost(T),
    /// `>n`
    Above(T),
    /// `>=n`
    AtLeast(T),
    /// `a<>b`, `a-b`: strictly between.
    Between(T, T),
    /// `!a<>b`, `!a-b`: not strictly between.
    NotBetween(T, T),
    /// `&mask=n`: of the bits of the mask, those of `n` alone are set.
    Masked { mask: T, bits: T },
    /// `&mask!=n`: otherwise.
    NotMasked { mask: T, bits: T },
}

/// A comparison's sign and what it stands for.
type Sign<T> = (&'static str, fn(T) -> Comparison<T>);

/// An unsigned header field.
pub(super) trait Field: Copy + PartialOrd + FromStr + Display + Into<u64> + TryFrom<u64> {}
impl<T: Copy + PartialOrd + FromStr + Display + Into<u64> + TryFrom<u64>> Field for T {}

impl<T: Field> Comparison<T> {
    /// Reads a comparison with numbers up to `max`.
    pub(super) fn parse(token: Token<'_>, max: T) -> Result<Self, Fault> {
        let value = |rest: Token<'_>| -> Result<T, Fault> {
            let number = unsigned(rest, max.into())?;
            T::try_from(number).map_err(|_| rest.fault("the number is too large"))
        };
        if let Some(rest) = token.strip_prefix("&") {
            let (mask, negated, bits) = rest
                .split_once("!=")
                .map(|(mask, bits)| (mask, true, bits))
                .or_else(|| rest.split_once("=").map(|(mask, bits)| (mask, false, bits)))
                .ok_or_else(|| token.fault("bits are compared as in &0x0f=0x01"))?;
            let (mask, bits) = (value(mask)?, value(bits)?);
            if mask.into() & bits.into() != bits.into() {
                return Err(token.fault(format!("{bits} has bits that the mask {mask} has not")));
            }
            return Ok(if negated { Self::NotMasked { mask, bits } } else { Self::Masked { mask, bits } });
        }
        if let Some((first, last)) = token.split_once("<>").or_else(|| token.split_once("-")) {
            let (negated, first) = first.negation();
            let (first, last) = (value(first)?, value(last)?);
            let (from, to): (u64, u64) = (first.into(), last.into());
            if from.saturating_add(1) >= to {
                return Err(token.fault(format!("no number is strictly between {first} and {last}")));
            }
            return Ok(if negated { Self::NotBetween(first, last) } else { Self::Between(first, last) });
        }
        // The longer sign first: `<` would take `<=`.
        let signs: [Sign<T>; 7] = [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("!=", Comparison::NotEqual),
            ("<", Comparison::Below),
            (">", Comparison::Above),
            ("!", Comparison::NotEqual),
            ("=", Comparison::Equal),
        ];
        for (sign, make) in signs {
            if let Some(rest) = token.strip_prefix(sign) {
                let comparison = make(value(rest)?);
                return match comparison {
                    Self::Below(n) if n.into() == 0 => Err(token.fault("no number is below 0")),
                    Self::Above(n) if n == max => Err(token.fault(format!("no number is above {max}"))),
                    _ => Ok(comparison),
                };
            }
        }
        value(token).map(Self::Equal)
    }

    /// The largest number it holds for, if it bounds the numbers.
    pub(super) fn largest(self) -> Option<T> {
        match self {
            Self::Equal(n) | Self::AtMost(n) => Some(n),
            Self::Below(n) | Self::Between(_, n) => T::try_from(n.into().saturating_sub(1)).ok(),
            Self::NotEqual(_) | Self::Above(_) | Self::AtLeast(_) | Self::NotBetween(..) => None,
            Self::Masked { .. } | Self::NotMasked { .. } => None,
        }
    }

    pub(super) fn holds(self, number: T) -> bool {
        let between = |a, b| a < number && number < b;
        match self {
            Self::Equal(n) => number == n,
            Self::NotEqual(n) => number != n,
            Self::Below(n) => number < n,
            Self::AtMost(n) => number <= n,
            Self::Above(n) => number > n,
            Self::AtLeast(n) => number >= n,
            Self::Between(a, b) => between(a, b),
            Self::NotBetween(a, b) => !between(a, b),
            Self::Masked { mask, bits } => number.into() & mask.into() == bits.into(),
            Self::NotMasked { mask, bits } => number.into() & mask.into() != bits.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Comparison<u16>, Fault> {
        Comparison::parse(Token { text, at: 0 }, 300)
    }

    #[test]
    fn every_form_holds_where_it_says() {
        let cases: [(&str, &[u16]); 15] = [
            ("2", &[2]),
            ("=2", &[2]),
            ("!2", &[0, 1, 3, 4, 5]),
            ("!= 2", &[0, 1, 3, 4, 5]),
            ("<2", &[0, 1]),
            ("<=2", &[0, 1, 2]),
            ("> 2", &[3, 4, 5]),
            (">=2", &[2, 3, 4, 5]),
            ("1<>4", &[2, 3]),
            ("1 - 4", &[2, 3]),
            ("!1<>4", &[0, 1, 4, 5]),
            ("!1-4", &[0, 1, 4, 5]),
            ("0x2", &[2]),
            ("&0x3=1", &[1, 5]),
            ("& 3 != 0", &[1, 2, 3, 5]),
        ];
        for (text, expected) in cases {
            let comparison = parse(text).unwrap();
            let held: Vec<_> = (0..6).filter(|&n| comparison.holds(n)).collect();
            assert_eq!(held, expected, "{text}");
            let largest = (0..=400).rev().find(|&n| comparison.holds(n)).filter(|&n| n < 300);
            assert_eq!(comparison.largest(), largest, "{text}");
        }
    }

    #[test]
    fn bad_forms_fault() {
        for text in [
            "", "x", "301", "<0", ">300", "+1", "4<>1", "1<>2", "<", "1<>", "<>1", "<-1", "1.5", "0x",
            "0x+1", "0x12d", "1tb", "1kb", "&1", "&1=2", "&=1", "!",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
