//! Groups of addresses or ports: `any`, `[a,!b]`, `$NAME`, nested and negated.
//!
//! As in Suricata, what is negated anywhere is taken out of everything that is not, so that brackets inside brackets
//! change nothing; a group of negated items alone starts from everything; and a negated group or variable is first worked
//! out by itself: `![a,!b]` is everything but what is in `a` and not in `b`. (Suricata does the last for addresses only;
//! into a group of ports it carries the sign, which loses the rest.)

use std::collections::BTreeMap;

use super::{fault::Fault, lexer::Token};

/// One part of a group; groups that are not negated are taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) origin: Origin<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// One address or port.
    One { negated: bool, text: &'a str },
    /// All but what these items make.
    AllBut(Vec<Item<'a>>),
}

/// What of a rule an item comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    /// Where it, or the variable that brought it, stands in the rule.
    at: usize,
    /// Name of the variable whose value it is part of, the innermost.
    variable: Option<&'a str>,
}

impl Origin<'_> {
    /// A fault there.
    pub(super) fn fault(self, reason: impl Into<String>) -> Fault {
        let mut reason = reason.into();
        if let Some(name) = self.variable {
            reason = format!("{reason}; it is in the value of `${name}`");
        }
        Fault::new(self.at, reason)
    }
}

impl Item<'_> {
    pub(super) fn is_negated(&self) -> bool {
        matches!(self.kind, Kind::One { negated: true, .. } | Kind::AllBut(_))
    }
}

/// Groups and variables inside each other deeper than this are refused; it also ends variables that name themselves.
const MAX_DEPTH: usize = 32;
/// More items than this are refused: variables that double each other grow without end.
const MAX_ITEMS: usize = 100_000;

/// Takes `token` apart; `what` ("address" or "port") is for error texts.
pub(super) fn flatten<'a>(
    token: Token<'a>,
    variables: &'a BTreeMap<String, String>,
    what: &str,
) -> Result<Vec<Item<'a>>, Fault> {
    let mut items = Vec::new();
    Walk { variables, what, count: 0 }.element(token, None, 0, &mut items)?;
    Ok(items)
}

struct Walk<'a, 'k> {
    variables: &'a BTreeMap<String, String>,
    what: &'k str,
    count: usize,
}

impl<'a> Walk<'a, '_> {
    /// `variable` is the one whose value this is part of.
    fn element(
        &mut self,
        token: Token<'a>,
        variable: Option<Origin<'a>>,
        depth: usize,
        items: &mut Vec<Item<'a>>,
    ) -> Result<(), Fault> {
        let origin = variable.unwrap_or(Origin { at: token.at, variable: None });
        if depth > MAX_DEPTH {
            return Err(origin.fault(format!("groups or variables are nested deeper than {MAX_DEPTH}")));
        }
        let (negated, token) = token.negation();
        if token.text.starts_with(['$', '[']) {
            if !negated {
                return self.group(token, variable, depth, items);
            }
            let mut inner = Vec::new();
            self.group(token, variable, depth, &mut inner)?;
            items.push(Item { kind: Kind::AllBut(inner), origin });
            return Ok(());
        }
        if token.text.is_empty() || token.text.starts_with('!') || token.text.contains(['[', ']', '$']) {
            return Err(origin.fault(format!("`{}` is no {}", token.text, self.what)));
        }
        if negated && token.text.eq_ignore_ascii_case("any") {
            return Err(origin.fault("`!any` matches nothing"));
        }
        self.count += 1;
        if self.count > MAX_ITEMS {
            return Err(origin.fault(format!("the group has more than {MAX_ITEMS} items")));
        }
        items.push(Item { kind: Kind::One { negated, text: token.text }, origin });
        Ok(())
    }

    /// A variable's value, or what stands in brackets.
    fn group(
        &mut self,
        token: Token<'a>,
        variable: Option<Origin<'a>>,
        depth: usize,
        items: &mut Vec<Item<'a>>,
    ) -> Result<(), Fault> {
        let origin = variable.unwrap_or(Origin { at: token.at, variable: None });
        if let Some(name) = token.text.strip_prefix('$') {
            let value = self.variables.get(name).ok_or_else(|| {
                origin.fault(format!("the {} variable `${name}` is not defined", self.what))
            })?;
            let variable = Some(Origin { variable: Some(name), ..origin });
            return self.element(Token::trimmed(value, 0), variable, depth + 1, items);
        }
        let unclosed = || origin.fault("the group's brackets do not pair up");
        let inner = token.text.strip_prefix('[').ok_or_else(unclosed)?;
        let (mut level, mut start) = (0_usize, 0);
        for (at, c) in inner.char_indices() {
            match c {
                '[' => level += 1,
                ']' if level > 0 => level -= 1,
                ',' | ']' if level == 0 => {
                    let member = Token::trimmed(&inner[start..at], token.at + 1 + start);
                    self.element(member, variable, depth + 1, items)?;
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

    /// The items written as a group again.
    fn flat(text: &str) -> Result<String, String> {
        fn write(items: &[Item<'_>]) -> String {
            let each = items.iter().map(|item| match &item.kind {
                Kind::One { negated, text } => format!("{}{text}", if *negated { "!" } else { "" }),
                Kind::AllBut(inner) => format!("![{}]", write(inner)),
            });
            each.collect::<Vec<_>>().join(",")
        }
        let pairs =
            [("A", "[1,!$B]"), ("B", "2"), ("LOOP", "[$LOOP]"), ("TWO", "[$TWO,$TWO]"), ("INNER", "$NOPE")];
        let variables = pairs.map(|(name, value)| (name.to_string(), value.to_string())).into();
        flatten(Token { text, at: 0 }, &variables, "port")
            .map(|items| write(&items))
            .map_err(|fault| fault.reason)
    }

    #[test]
    fn only_negated_groups_stay_groups() {
        let expect = |text, items: &str| assert_eq!(flat(text), Ok(items.to_string()));
        expect("80", "80");
        expect("[1,[!2,[ 3 ]]]", "1,!2,3");
        expect("![1, !2,[3,!4]]", "![1,!2,3,!4]");
        expect("!$A", "![1,![2]]");
        expect("[$A,!$B]", "1,![2],![2]");
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
