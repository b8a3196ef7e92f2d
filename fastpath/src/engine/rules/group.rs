//! Groups of addresses or ports: `any`, `[a,!b]`, `$NAME`, nested and negated.
//!
//! As in Suricata, nesting only carries the sign: `![a,!b]` is `!a` and `b`, and what is negated anywhere is taken out of
//! everything that is not. A group of negated items alone starts from everything.

use std::collections::BTreeMap;

use super::{fault::Fault, lexer::Token};

/// One address or port of a flattened group.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) negated: bool,
    pub(super) text: &'a str,
    /// Where it, or the variable that brought it, stands in the rule.
    pub(super) at: usize,
}

/// Groups and variables inside each other deeper than this are refused; it also ends variables that name themselves.
const MAX_DEPTH: usize = 32;
/// More items than this are refused: variables that double each other grow without end.
const MAX_ITEMS: usize = 100_000;

/// Flattens `token`; `kind` ("address" or "port") is for error texts.
pub(super) fn flatten<'a>(
    token: Token<'a>,
    variables: &'a BTreeMap<String, String>,
    kind: &str,
) -> Result<Vec<Item<'a>>, Fault> {
    let mut walk = Walk { variables, kind, items: Vec::new() };
    walk.element(token, false, None, 0)?;
    Ok(walk.items)
}

struct Walk<'a, 'k> {
    variables: &'a BTreeMap<String, String>,
    kind: &'k str,
    items: Vec<Item<'a>>,
}

impl<'a> Walk<'a, '_> {
    /// `origin` is where the variable stands whose value this is part of.
    fn element(
        &mut self,
        token: Token<'a>,
        negated: bool,
        origin: Option<usize>,
        depth: usize,
    ) -> Result<(), Fault> {
        let at = origin.unwrap_or(token.at);
        if depth > MAX_DEPTH {
            return Err(Fault::new(at, format!("groups or variables are nested deeper than {MAX_DEPTH}")));
        }
        let (token, negated) = match token.strip_prefix("!") {
            Some(rest) => (rest, !negated),
            None => (token, negated),
        };
        if let Some(name) = token.text.strip_prefix('$') {
            let value = self.variables.get(name).ok_or_else(|| {
                Fault::new(at, format!("the {} variable `${name}` is not defined", self.kind))
            })?;
            return self.element(Token::trimmed(value, 0), negated, Some(at), depth + 1);
        }
        if token.text.starts_with('[') {
            return self.members(token, negated, origin, depth);
        }
        if token.text.is_empty() || token.text.starts_with('!') || token.text.contains(['[', ']', '$']) {
            return Err(Fault::new(at, format!("`{}` is no {}", token.text, self.kind)));
        }
        if negated && token.text.eq_ignore_ascii_case("any") {
            return Err(Fault::new(at, "`!any` matches nothing"));
        }
        if self.items.len() >= MAX_ITEMS {
            return Err(Fault::new(at, format!("the group has more than {MAX_ITEMS} items")));
        }
        self.items.push(Item { negated, text: token.text, at });
        Ok(())
    }

    fn members(
        &mut self,
        group: Token<'a>,
        negated: bool,
        origin: Option<usize>,
        depth: usize,
    ) -> Result<(), Fault> {
        let unclosed = || Fault::new(origin.unwrap_or(group.at), "the group's brackets do not pair up");
        let inner = group.text.strip_prefix('[').ok_or_else(unclosed)?;
        let (mut level, mut start) = (0_usize, 0);
        for (at, c) in inner.char_indices() {
            match c {
                '[' => level += 1,
                ']' if level > 0 => level -= 1,
                ',' | ']' if level == 0 => {
                    let member = Token::trimmed(&inner[start..at], group.at + 1 + start);
                    self.element(member, negated, origin, depth + 1)?;
                    start = at + 1;
                    if c == ']' {
                        return if start == inner.len() { Ok(()) } else { Err(unclosed()) };
                    }
                }
                _ => {}
            }
        }
        Err(unclosed())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flat(text: &str) -> Result<Vec<(bool, String)>, String> {
        let pairs = [("A", "[1,!$B]"), ("B", "2"), ("LOOP", "[$LOOP]"), ("TWO", "[$TWO,$TWO]")];
        let variables = pairs.map(|(name, value)| (name.to_string(), value.to_string())).into();
        flatten(Token { text, at: 0 }, &variables, "port")
            .map(|items| items.into_iter().map(|i| (i.negated, i.text.to_string())).collect())
            .map_err(|fault| fault.reason)
    }

    #[test]
    fn negation_is_carried_to_the_items() {
        let expect = |text, items: &[(bool, &str)]| {
            let items = items.iter().map(|&(n, t)| (n, t.to_string())).collect();
            assert_eq!(flat(text), Ok(items));
        };
        expect("80", &[(false, "80")]);
        expect("![1, !2,[3,!4]]", &[(true, "1"), (false, "2"), (true, "3"), (false, "4")]);
        expect("!$A", &[(true, "1"), (false, "2")]);
        expect("[$A,!$B]", &[(false, "1"), (true, "2"), (true, "2")]);
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(flat("$NOPE").unwrap_err(), "the port variable `$NOPE` is not defined");
        assert_eq!(flat("!any").unwrap_err(), "`!any` matches nothing");
        assert!(flat("$LOOP").unwrap_err().contains("nested deeper"));
        assert!(flat("$TWO").is_err());
        for text in ["[]", "[1,]", "[1", "1]", "[1]2", "!!1", "", "[1]]", "[[1]"] {
            assert!(flat(text).is_err(), "{text}");
        }
        assert!(flat(&"[".repeat(100_000)).is_err());
        assert!(flat(&format!("{}1{}", "[".repeat(100), "]".repeat(100))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_flattens_or_faults(text in r"[\[\]!$,A1 ]{0,40}") {
            let _ = flat(&text);
        }
    }
}
