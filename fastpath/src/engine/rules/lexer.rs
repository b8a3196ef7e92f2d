//! Rule text -> rules -> header words and options, all with their positions.
//!
//! The grammar is Suricata's ("Rules Format"): one rule a line, `#` starts a comment line, a `\` at a line's end joins
//! the next line to it. Options end at the first `;` that no `\` precedes, in quotes too.

use std::borrow::Cow;

use super::fault::Fault;

/// One rule's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// Line from 1 on which it starts.
    pub(super) line: u32,
    /// Its lines, joined without the `\` and the line end.
    pub(super) text: Cow<'a, str>,
}

/// The rules of a file's text, without comments and blank lines.
pub(super) struct Statements<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Statements<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 0 }
    }

    fn line(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line = self.line.saturating_add(1);
        Some(line.trim_end())
    }
}

impl<'a> Iterator for Statements<'a> {
    type Item = Statement<'a>;

    fn next(&mut self) -> Option<Statement<'a>> {
        loop {
            let first = self.line()?;
            let start = first.trim_start();
            // A comment is a whole line: it is not continued.
            if start.is_empty() || start.starts_with('#') {
                continue;
            }
            let line = self.line;
            let Some(head) = first.strip_suffix('\\') else {
                return Some(Statement { line, text: first.into() });
            };
            let mut text = String::from(head);
            while let Some(next) = self.line() {
                match next.strip_suffix('\\') {
                    Some(more) => text.push_str(more),
                    None => {
                        text.push_str(next);
                        break;
                    }
                }
            }
            return Some(Statement { line, text: text.into() });
        }
    }
}

/// A piece of a rule's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// The piece, without white space around it.
    pub(super) text: &'a str,
    /// Offset of its first byte in the rule's text.
    pub(super) at: usize,
}

impl<'a> Token<'a> {
    /// A token of `text` without the white space around it; `at` is where `text` starts.
    pub(super) fn trimmed(text: &'a str, at: usize) -> Self {
        let inner = text.trim_start();
        Self { at: at + text.len() - inner.len(), text: inner.trim_end() }
    }

    /// A fault at this token.
    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.at, reason)
    }

    /// The token behind `prefix`, when it starts with it.
    pub(super) fn strip_prefix(self, prefix: &str) -> Option<Self> {
        let rest = self.text.strip_prefix(prefix)?;
        Some(Self::trimmed(rest, self.at + prefix.len()))
    }

    /// Whether a `!` stands before it, and what it is without.
    pub(super) fn negation(self) -> (bool, Self) {
        match self.strip_prefix("!") {
            Some(rest) => (true, rest),
            None => (false, self),
        }
    }

    /// What stands before the first `separator`, and what behind it.
    pub(super) fn split_once(self, separator: &str) -> Option<(Self, Self)> {
        let (before, behind) = self.text.split_once(separator)?;
        let at = self.at + before.len() + separator.len();
        Some((Self::trimmed(before, self.at), Self::trimmed(behind, at)))
    }

    /// What stands between the double quotes that enclose the token.
    pub(super) fn unquote(self) -> Result<Self, Fault> {
        let Some(inner) = self.text.strip_prefix('"') else {
            return Err(self.fault("the value must stand in double quotes"));
        };
        match inner.strip_suffix('"') {
            Some(inner) => Ok(Self { text: inner, at: self.at + 1 }),
            None => Err(self.fault("the closing quote is missing, or a `;` before it must be written `\\;`")),
        }
    }

    /// The first word, and what follows it: empty when there is nothing.
    pub(super) fn word(self) -> (Self, Self) {
        let end = self.text.find(char::is_whitespace).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        (Self { text: word, at: self.at }, Self::trimmed(rest, self.at + end))
    }

    /// The token, or what stands between its double quotes when it has some.
    pub(super) fn without_quotes(self) -> Result<Self, Fault> {
        if self.text.starts_with('"') { self.unquote() } else { Ok(self) }
    }

    /// The parts between `separator`, trimmed.
    pub(super) fn split(self, separator: char) -> impl Iterator<Item = Token<'a>> {
        let mut at = self.at;
        self.text.split(separator).map(move |part| {
            let token = Token::trimmed(part, at);
            at += part.len() + separator.len_utf8();
            token
        })
    }
}

/// `name;` or `name:value;`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RuleOption<'a> {
    pub(super) name: Token<'a>,
    pub(super) value: Option<Token<'a>>,
}

/// A rule cut into words, none of them understood yet.
#[derive(Debug)]
pub(super) struct RuleText<'a> {
    pub(super) action: Token<'a>,
    pub(super) protocol: Token<'a>,
    pub(super) source: Token<'a>,
    pub(super) source_ports: Token<'a>,
    pub(super) direction: Token<'a>,
    pub(super) destination: Token<'a>,
    pub(super) destination_ports: Token<'a>,
    pub(super) options: Vec<RuleOption<'a>>,
}

impl<'a> RuleText<'a> {
    /// Cuts one rule into words.
    pub(super) fn lex(text: &'a str) -> Result<Self, Fault> {
        let mut cursor = Cursor { text, at: 0 };
        Ok(Self {
            action: cursor.word("an action")?,
            protocol: cursor.word("a protocol")?,
            source: cursor.word("a source address")?,
            source_ports: cursor.word("a source port")?,
            direction: cursor.word("a direction (`->` or `<>`)")?,
            destination: cursor.word("a destination address")?,
            destination_ports: cursor.word("a destination port")?,
            options: cursor.options()?,
        })
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, length: usize) -> Token<'a> {
        let token = Token { text: self.rest().get(..length).unwrap_or(""), at: self.at };
        self.at += length;
        token
    }

    /// The next header word: to white space or `(`, neither of which counts inside `[]`.
    fn word(&mut self, what: &str) -> Result<Token<'a>, Fault> {
        self.skip_space();
        let mut depth = 0_i32;
        let end = self.rest().find(|c: char| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            depth <= 0 && (c.is_whitespace() || c == '(')
        });
        match end.unwrap_or(self.rest().len()) {
            0 => Err(Fault::new(self.at, format!("{what} is missing in the rule's header"))),
            length => Ok(self.take(length)),
        }
    }

    fn options(&mut self) -> Result<Vec<RuleOption<'a>>, Fault> {
        self.skip_space();
        if !self.rest().starts_with('(') {
            return Err(Fault::new(self.at, "the options must follow here, in parentheses"));
        }
        self.at += 1;
        let mut options = Vec::new();
        loop {
            self.skip_space();
            if self.rest().starts_with(')') {
                self.at += 1;
                self.skip_space();
                return match self.rest() {
                    "" => Ok(options),
                    _ => Err(Fault::new(self.at, "nothing may follow the closing parenthesis")),
                };
            }
            options.push(self.option()?);
        }
    }

    fn option(&mut self) -> Result<RuleOption<'a>, Fault> {
        let start = self.at;
        let unterminated = || Fault::new(start, "no `;` ends this option, or the closing `)` is missing");
        let length = self.rest().find([':', ';']).ok_or_else(unterminated)?;
        let name = self.take(length);
        let name = Token::trimmed(name.text, name.at);
        if name.text.is_empty() {
            return Err(name.fault("an option needs a name"));
        }
        if self.rest().starts_with(';') {
            self.at += 1;
            return Ok(RuleOption { name, value: None });
        }
        self.at += 1;
        let length = end_of_value(self.rest()).ok_or_else(unterminated)?;
        let value = self.take(length);
        self.at += 1;
        Ok(RuleOption { name, value: Some(Token::trimmed(value.text, value.at)) })
    }
}

/// Offset of the first `;` that no `\` precedes.
fn end_of_value(text: &str) -> Option<usize> {
    text.match_indices(';').map(|(at, _)| at).find(|&at| !text[..at].ends_with('\\'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn statements(text: &str) -> Vec<(u32, String)> {
        Statements::new(text).map(|s| (s.line, s.text.into_owned())).collect()
    }

    #[test]
    fn skips_comments_and_blank_lines() {
        let text = "\u{feff}# one \\\n\n  \t\nalert a\r\n  # two\ndrop b";
        assert_eq!(statements(text), [(4, "alert a".into()), (6, "drop b".into())]);
    }

    #[test]
    fn joins_continued_lines_and_keeps_the_first_line_number() {
        let text = "alert \\\n tcp \\  \r\nany\npass\\";
        assert_eq!(statements(text), [(1, "alert  tcp any".into()), (4, "pass".into())]);
    }

    #[test]
    fn cuts_a_rule_into_words_with_positions() {
        let text = r#"alert tcp [1.1.1.1, 2.2.2.2] any -> any [80,(81)](msg:"a\; b" ; nocase; sid : 7;)"#;
        let rule = RuleText::lex(text).unwrap();
        assert_eq!(rule.source.text, "[1.1.1.1, 2.2.2.2]");
        assert_eq!(rule.destination_ports.text, "[80,(81)]");
        let options: Vec<_> = rule.options.iter().map(|o| (o.name.text, o.value.map(|v| v.text))).collect();
        assert_eq!(options, [("msg", Some(r#""a\; b""#)), ("nocase", None), ("sid", Some("7"))]);
        for token in rule.options.iter().flat_map(|o| [Some(o.name), o.value]).flatten() {
            assert_eq!(&text[token.at..token.at + token.text.len()], token.text);
        }
    }

    #[test]
    fn names_what_is_missing() {
        let fault = |text| RuleText::lex(text).map(|_| ()).unwrap_err();
        assert_eq!(
            fault("alert tcp any any ->").reason,
            "a destination address is missing in the rule's header"
        );
        assert_eq!(fault("alert tcp any any -> any any").at, 28);
        assert_eq!(fault("alert tcp any any -> any any (msg:\"a\"").at, 30);
        assert_eq!(fault("alert tcp any any -> any any (sid:1").at, 30);
        assert_eq!(fault("alert tcp any any -> any any (sid:1;").at, 36);
        assert_eq!(fault("alert tcp any any -> any any (sid:1;) x").at, 38);
        assert_eq!(fault("alert tcp any any -> any any (:1;)").reason, "an option needs a name");
    }

    #[test]
    fn unquotes_only_what_is_quoted() {
        let token = |text| Token { text, at: 10 };
        assert_eq!(token(r#""a""#).unquote().unwrap(), Token { text: "a", at: 11 });
        assert!(token("a").unquote().is_err());
        assert!(token("\"").unquote().is_err());
        assert!(token("\"a").unquote().is_err());
    }

    proptest! {
        #[test]
        fn any_text_lexes_or_faults(text in "(?s).{0,200}") {
            for statement in Statements::new(&text) {
                if let Err(fault) = RuleText::lex(&statement.text) {
                    prop_assert!(fault.at <= statement.text.len());
                }
            }
        }
    }
}
