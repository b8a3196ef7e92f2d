//! Addresses of rule headers: single ones, CIDR blocks, `a-b` ranges and groups of them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{
    fault::Fault,
    group::{self, Item, Kind, Origin},
    lexer::Token,
    ranges::Ranges,
};

/// A set of IPv4 and IPv6 addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AddressSet {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

/// First and last address of one family.
enum Block {
    V4(u32, u32),
    V6(u128, u128),
    Any,
}

impl AddressSet {
    pub(super) fn parse(token: Token<'_>, variables: &BTreeMap<String, String>) -> Result<Self, Fault> {
        let items = group::flatten(token, variables, "address")?;
        Self::of(&items, token)
    }

    /// The set that items make; `token` is what they come from.
    fn of(items: &[Item<'_>], token: Token<'_>) -> Result<Self, Fault> {
        // Taken out and kept, for each family.
        let (mut v4, mut v6) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for item in items {
            match &item.kind {
                Kind::One { negated, text } => {
                    let kept = usize::from(!negated);
                    match block(text, item.origin)? {
                        Block::V4(first, last) => v4[kept].push((first, last)),
                        Block::V6(first, last) => v6[kept].push((first, last)),
                        Block::Any => {
                            v4[kept].push((0, u32::MAX));
                            v6[kept].push((0, u128::MAX));
                        }
                    }
                }
                Kind::AllBut(inner) => {
                    let inner = Self::of(inner, token)?;
                    v4[0].extend_from_slice(inner.v4.as_slice());
                    v6[0].extend_from_slice(inner.v6.as_slice());
                }
            }
        }
        if items.iter().all(Item::is_negated) {
            v4[1].push((0, u32::MAX));
            v6[1].push((0, u128::MAX));
        }
        let ([no4, yes4], [no6, yes6]) = (v4, v6);
        let set = Self { v4: Ranges::new(yes4, no4), v6: Ranges::new(yes6, no6) };
        if set.v4.is_empty() && set.v6.is_empty() {
            return Err(token.fault("the negated addresses leave nothing of the others"));
        }
        Ok(set)
    }

    /// Whether every address is in it.
    pub(super) fn is_any(&self) -> bool {
        self.v4.is_full() && self.v6.is_full()
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.is_full() || self.v4.contains(address.to_bits()),
            IpAddr::V6(address) => self.v6.is_full() || self.v6.contains(address.to_bits()),
        }
    }
}

fn block(text: &str, origin: Origin<'_>) -> Result<Block, Fault> {
    if text.eq_ignore_ascii_case("any") {
        return Ok(Block::Any);
    }
    let wrong = || {
        let expected = "an IPv4 or IPv6 address, a block a/bits or a range a-b";
        origin.fault(format!("`{text}` is no address: expected {expected}"))
    };
    if let Some((first, last)) = text.split_once('-') {
        let pair = (first.trim().parse(), last.trim().parse());
        return match pair {
            (Ok(IpAddr::V4(a)), Ok(IpAddr::V4(b))) if a <= b => Ok(Block::V4(a.to_bits(), b.to_bits())),
            (Ok(IpAddr::V6(a)), Ok(IpAddr::V6(b))) if a <= b => Ok(Block::V6(a.to_bits(), b.to_bits())),
            (Ok(_), Ok(_)) => Err(origin.fault(format!("the range `{text}` ends before it starts"))),
            _ => Err(wrong()),
        };
    }
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    match address.parse().map_err(|_| wrong())? {
        IpAddr::V4(address) => {
            let mask = mask.map_or(Some(u32::MAX), mask_v4).ok_or_else(wrong)?;
            Ok(Block::V4(address.to_bits() & mask, address.to_bits() | !mask))
        }
        IpAddr::V6(address) => {
            let mask = mask.map_or(Some(u128::MAX), mask_v6).ok_or_else(wrong)?;
            Ok(Block::V6(address.to_bits() & mask, address.to_bits() | !mask))
        }
    }
}

/// A prefix length or a dotted mask.
fn mask_v4(text: &str) -> Option<u32> {
    match text.parse::<Ipv4Addr>() {
        Ok(mask) => (mask.to_bits().leading_ones() == mask.to_bits().count_ones()).then_some(mask.to_bits()),
        Err(_) => {
            let bits = prefix(text, Ipv4Addr::BITS)?;
            Some(u32::MAX.checked_shl(Ipv4Addr::BITS - bits).unwrap_or(0))
        }
    }
}

fn mask_v6(text: &str) -> Option<u128> {
    let bits = prefix(text, Ipv6Addr::BITS)?;
    Some(u128::MAX.checked_shl(Ipv6Addr::BITS - bits).unwrap_or(0))
}

/// Digits only: `str::parse` would take `+8` too.
fn prefix(text: &str, longest: u32) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&bits| digits && bits <= longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<AddressSet, Fault> {
        let variables = [
            ("HOME", "[10.0.0.0/8,fd00::/8]"),
            ("BAD", "[$HOME,10.0]"),
            ("NET", "[10.0.0.0/8,!10.1.2.3]"),
            ("OUTSIDE", "!$NET"),
            ("OUTER", "[1.1.1.1,$BAD]"),
        ];
        let variables = variables.map(|(name, value)| (name.to_string(), value.to_string())).into();
        AddressSet::parse(Token { text, at: 0 }, &variables)
    }

    #[track_caller]
    fn check(text: &str, inside: &[&str], outside: &[&str]) {
        let set = parse(text).unwrap();
        for address in inside {
            assert!(set.contains(address.parse().unwrap()), "{text} should hold {address}");
        }
        for address in outside {
            assert!(!set.contains(address.parse().unwrap()), "{text} should not hold {address}");
        }
    }

    #[test]
    fn single_block_and_range() {
        check("any", &["0.0.0.0", "255.255.255.255", "::", "ff::1"], &[]);
        check("10.1.2.3", &["10.1.2.3"], &["10.1.2.4", "::ffff:10.1.2.3"]);
        check("10.1.2.3/8", &["10.0.0.0", "10.255.255.255"], &["9.255.255.255", "11.0.0.0"]);
        check("10.0.0.0/255.255.0.0", &["10.0.255.1"], &["10.1.0.0"]);
        check("0.0.0.0/0", &["1.1.1.1"], &["::1"]);
        check("2001:db8::/32", &["2001:db8:ffff::1"], &["2001:db9::"]);
        check("10.0.0.5-10.0.1.2", &["10.0.0.5", "10.0.1.2"], &["10.0.0.4", "10.0.1.3"]);
        check("::1-::3", &["::2"], &["::4"]);
    }

    #[test]
    fn groups_and_negation() {
        check("[10.0.0.0/8,!10.1.0.0/16]", &["10.2.0.1"], &["10.1.0.1", "11.0.0.1", "::1"]);
        check("!10.0.0.0/8", &["11.0.0.1", "::1"], &["10.0.0.1"]);
        check("!$HOME", &["11.0.0.1", "2001::1"], &["10.0.0.1", "fd01::1"]);
        check("[any,!10.0.0.1]", &["10.0.0.2", "::1"], &["10.0.0.1"]);
        // A negated group is worked out first.
        check("![10.0.0.0/8,!10.1.0.0/16]", &["10.1.0.1", "11.0.0.1", "::1"], &["10.0.0.1"]);
        check("!$NET", &["10.1.2.3", "11.0.0.1"], &["10.1.2.4"]);
        check("!$OUTSIDE", &["10.1.2.4"], &["10.1.2.3", "11.0.0.1", "::1"]);
        check("[$NET,!10.2.0.0/16]", &["10.1.2.4"], &["10.1.2.3", "10.2.0.1", "11.0.0.1"]);
        // The negated one is taken out of everything, wherever it stands.
        check("[[10.0.0.0/8,!10.1.0.0/16],10.1.2.3]", &["10.2.0.1"], &["10.1.2.3"]);
    }

    #[test]
    fn bad_addresses_are_named() {
        for text in [
            "10.0.0",
            "10.0.0.1/33",
            "10.0.0.1/+8",
            "::1/129",
            "10.0.0.0/255.0.255.0",
            "a-b",
            "1.1.1.1-::1",
            "80",
            "1.2.3.4/",
        ] {
            assert!(parse(text).unwrap_err().reason.contains(text), "{text}");
        }
        assert!(parse("10.0.0.9-10.0.0.1").unwrap_err().reason.contains("before it starts"));
        for text in ["[10.0.0.1,!10.0.0.0/8]", "![10.0.0.1,!10.0.0.0/8]", "[10.0.0.1,![10.0.0.0/8]]"] {
            assert!(parse(text).unwrap_err().reason.contains("leave nothing"), "{text}");
        }
        assert_eq!(parse("[1.1.1.1, x]").unwrap_err().at, 10);
        let fault = parse("[1.1.1.1,!$OUTER]").unwrap_err();
        assert_eq!(fault.at, 10);
        assert!(fault.reason.contains("`10.0`") && fault.reason.contains("value of `$BAD`"), "{fault:?}");
    }
}
