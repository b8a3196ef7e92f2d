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
    /// Name of the variable in the rule that brought it.
    pub(super) variable: Option<&'a str>,
}

impl Item<'_> {
    /// A fault at this item.
    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Origin { at: self.at, variable: self.variable }.fault(reason)
    }
}

/// What of a rule an item comes from.
#[derive(Clone, Copy)]
struct Origin<'a> {
    at: usize,
    variable: Option<&'a str>,
}

impl Origin<'_> {
    fn fault(self, reason: impl Into<String>) -> Fault {
        let reason = reason.into();
        Fault::new(
            self.at,
            match self.variable {
                Some(name) => format!("{reason}; it is in the value of `${name}`"),
                None => reason,
            },
        )
    }
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
    /// `variable` is that of the rule whose value this is part of.
    fn element(
        &mut self,
        token: Token<'a>,
        negated: bool,
        variable: Option<Origin<'a>>,
        depth: usize,
    ) -> Result<(), Fault> {
        let origin = variable.unwrap_or(Origin { at: token.at, variable: None });
        if depth > MAX_DEPTH {
            return Err(origin.fault(format!("groups or variables are nested deeper than {MAX_DEPTH}")));
        }
        let (token, negated) = match token.strip_prefix("!") {
            Some(rest) => (rest, !negated),
            None => (token, negated),
        };
        if let Some(name) = token.text.strip_prefix('$') {
            let value = self.variables.get(name).ok_or_else(|| {
                origin.fault(format!("the {} variable `${name}` is not defined", self.kind))
            })?;
            let variable = variable.unwrap_or(Origin { variable: Some(name), ..origin });
            return self.element(Token::trimmed(value, 0), negated, Some(variable), depth + 1);
        }
        if token.text.starts_with('[') {
            return self.members(token, negated, variable, depth);
        }
        if token.text.is_empty() || token.text.starts_with('!') || token.text.contains(['[', ']', '$']) {
            return Err(origin.fault(format!("`{}` is no {}", token.text, self.kind)));
        }
        if negated && token.text.eq_ignore_ascii_case("any") {
            return Err(origin.fault("`!any` matches nothing"));
        }
        if self.items.len() >= MAX_ITEMS {
            return Err(origin.fault(format!("the group has more than {MAX_ITEMS} items")));
        }
        let Origin { at, variable } = origin;
        self.items.push(Item { negated, text: token.text, at, variable });
        Ok(())
    }

    fn members(
        &mut self,
        group: Token<'a>,
        negated: bool,
        variable: Option<Origin<'a>>,
        depth: usize,
    ) -> Result<(), Fault> {
        let origin = variable.unwrap_or(Origin { at: group.at, variable: None });
        let unclosed = || origin.fault("the group's brackets do not pair up");
        let inner = group.text.strip_prefix('[').ok_or_else(unclosed)?;
        let (mut level, mut start) = (0_usize, 0);
        for (at, c) in inner.char_indices() {
            match c {
                '[' => level += 1,
                ']' if level > 0 => level -= 1,
                ',' | ']' if level == 0 => {
                    let member = Token::trimmed(&inner[start..at], group.at + 1 + start);
                    self.element(member, negated, variable, depth + 1)?;
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
        let pairs =
            [("A", "[1,!$B]"), ("B", "2"), ("LOOP", "[$LOOP]"), ("TWO", "[$TWO,$TWO]"), ("INNER", "$NOPE")];
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
        assert_eq!(
            flat("[1,$INNER]").unwrap_err(),
            "the port variable `$NOPE` is not defined; it is in the value of `$INNER`"
        );
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
