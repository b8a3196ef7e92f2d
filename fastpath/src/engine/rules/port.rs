//! Ports of rule headers: single ones, `n:m` ranges and groups of them.

use std::collections::BTreeMap;

use super::{
    fault::Fault,
    group::{self, Item, Kind},
    lexer::Token,
    ranges::Ranges,
};

/// A set of ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortSet(Ranges<u16>);

impl PortSet {
    pub(super) fn parse(token: Token<'_>, variables: &BTreeMap<String, String>) -> Result<Self, Fault> {
        let items = group::flatten(token, variables, "port")?;
        Self::of(&items, token)
    }

    /// The set that items make; `token` is what they come from.
    fn of(items: &[Item<'_>], token: Token<'_>) -> Result<Self, Fault> {
        let (mut included, mut excluded) = (Vec::new(), Vec::new());
        for item in items {
            match &item.kind {
                Kind::One { negated, text } => {
                    let range = range(text).ok_or_else(|| {
                        let expected =
                            "a number up to 65535, or a range n:m, :m or n: that does not run backwards";
                        item.origin.fault(format!("`{text}` is no port: expected {expected}"))
                    })?;
                    if *negated { &mut excluded } else { &mut included }.push(range);
                }
                Kind::AllBut(inner) => excluded.extend_from_slice(Self::of(inner, token)?.0.as_slice()),
            }
        }
        if items.iter().all(Item::is_negated) {
            included.push((0, u16::MAX));
        }
        let ports = Ranges::new(included, excluded);
        if ports.is_empty() {
            return Err(token.fault("the negated ports leave nothing of the others"));
        }
        Ok(Self(ports))
    }

    /// Whether every port is in it.
    pub(super) fn is_any(&self) -> bool {
        self.0.is_full()
    }

    /// Whether `port` is in the set. A packet without ports is in `any` only.
    pub(super) fn contains(&self, port: Option<u16>) -> bool {
        self.0.is_full() || port.is_some_and(|port| self.0.contains(port))
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    if text.eq_ignore_ascii_case("any") {
        return Some((0, u16::MAX));
    }
    let Some((first, last)) = text.split_once(':') else {
        return number(text).map(|port| (port, port));
    };
    let (first, last) = (first.trim_end(), last.trim_start());
    if first.is_empty() && last.is_empty() {
        return None;
    }
    let first = if first.is_empty() { 0 } else { number(first)? };
    let last = if last.is_empty() { u16::MAX } else { number(last)? };
    (first <= last).then_some((first, last))
}

/// Digits only: `str::parse` would take `+80` too.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PortSet, Fault> {
        let variables = [("WEB".to_string(), "[80,8000:8010]".to_string())].into();
        PortSet::parse(Token { text, at: 0 }, &variables)
    }

    #[track_caller]
    fn check(text: &str, inside: &[u16], outside: &[u16]) {
        let set = parse(text).unwrap();
        assert!(inside.iter().all(|&port| set.contains(Some(port))), "{text}");
        assert!(!outside.iter().any(|&port| set.contains(Some(port))), "{text}");
    }

    #[test]
    fn single_range_and_group() {
        check("80", &[80], &[79, 81]);
        check("10:20", &[10, 20], &[9, 21]);
        check(":1023", &[0, 1023], &[1024]);
        check("1024:", &[1024, 65535], &[1023]);
        check("!80", &[0, 79, 81, 65535], &[80]);
        check("[1:100,!50]", &[49, 51], &[50, 101]);
        check("!$WEB", &[81, 7999], &[80, 8005]);
        check("[1024:5000,49152:]", &[1024, 65535], &[5001]);
        check("[any,!22]", &[23], &[22]);
        check("![1:100,!50]", &[0, 50, 101], &[1, 49, 100]);
    }

    #[test]
    fn a_packet_without_ports_matches_any_only() {
        assert!(parse("any").unwrap().contains(None));
        assert!(parse("0:65535").unwrap().contains(None));
        assert!(!parse("!80").unwrap().contains(None));
    }

    #[test]
    fn bad_ports_are_named() {
        for text in ["65536", "20:10", ":", "+80", "x", "-1", "80-90", "1:2:3"] {
            assert!(parse(text).unwrap_err().reason.contains(text), "{text}");
        }
        assert!(parse("[80,!1:100]").unwrap_err().reason.contains("leave nothing"));
    }
}
