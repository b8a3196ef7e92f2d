//! `name value` pairs between commas, as thresholds are written.

use super::{Kind, Limit, Track};
use crate::engine::rules::{fault::Fault, lexer::Token, number::number};

/// Pairs that nobody has asked for yet.
pub(super) struct Pairs<'a> {
    left: Vec<(Token<'a>, Token<'a>)>,
    whole: Token<'a>,
}

impl<'a> Pairs<'a> {
    /// The pairs of `token`. The value of `ip` is a group of addresses, which may have commas, and stands last.
    pub(super) fn parse(token: Token<'a>) -> Result<Self, Fault> {
        let mut left: Vec<(Token<'a>, Token<'a>)> = Vec::new();
        let mut rest = Some(token);
        while let Some(token) = rest {
            let (name, value, after) = pair(token)?;
            if let Some((known, _)) = left.iter().find(|(known, _)| known.text == name.text) {
                return Err(name.fault(format!("`{}` stands here twice", known.text)));
            }
            left.push((name, value));
            rest = after;
        }
        Ok(Self { left, whole: token })
    }

    /// The value of `name`, when it is there.
    pub(super) fn take(&mut self, name: &str) -> Option<Token<'a>> {
        let at = self.left.iter().position(|(known, _)| known.text == name)?;
        Some(self.left.remove(at).1)
    }

    /// The value of `name`, which must be there.
    pub(super) fn need(&mut self, name: &str) -> Result<Token<'a>, Fault> {
        self.take(name).ok_or_else(|| self.whole.fault(format!("`{name}` is missing")))
    }

    /// Nothing else may be there.
    pub(super) fn finish(self, allowed: &str) -> Result<(), Fault> {
        match self.left.first() {
            Some((name, _)) => {
                Err(name.fault(format!("`{}` is nothing that stands here: use {allowed}", name.text)))
            }
            None => Ok(()),
        }
    }

    /// `track`.
    pub(super) fn track(&mut self) -> Result<Track, Fault> {
        let value = self.need("track")?;
        Ok(match value.text {
            "by_src" => Track::Source,
            "by_dst" => Track::Destination,
            "by_both" => Track::Both,
            "by_rule" => Track::Rule,
            "by_flow" => Track::Flow,
            other => {
                let known = "by_src, by_dst, by_both, by_rule or by_flow";
                return Err(value.fault(format!("`{other}` is nothing to track by: use {known}")));
            }
        })
    }

    /// `track`, `count` and `seconds`.
    pub(super) fn limit(&mut self, kind: Kind) -> Result<Limit, Fault> {
        Ok(Limit {
            kind,
            track: self.track()?,
            count: self.count(u32::MAX)?,
            seconds: self.seconds("seconds", 0)?,
        })
    }

    /// `count`.
    pub(super) fn count(&mut self, most: u32) -> Result<u32, Fault> {
        number(self.need("count")?, 1..=most)
    }

    /// A number of seconds.
    pub(super) fn seconds(&mut self, name: &str, least: u32) -> Result<u32, Fault> {
        number(self.need(name)?, least..=u32::MAX)
    }
}

/// The first pair, and what follows behind its comma.
fn pair<'a>(token: Token<'a>) -> Result<(Token<'a>, Token<'a>, Option<Token<'a>>), Fault> {
    let end = match token.strip_prefix("ip") {
        Some(rest) if token.text.len() > 2 && rest.at > token.at + 2 => None,
        _ => token.text.find(','),
    };
    let (text, after) = match end {
        Some(end) => {
            let (text, after) = token.text.split_at(end);
            (text, after.strip_prefix(',').map(|after| Token::trimmed(after, token.at + end + 1)))
        }
        None => (token.text, None),
    };
    let this = Token::trimmed(text, token.at);
    let (name, value) = this.word();
    match value.text.is_empty() {
        true => Err(this.fault(format!("`{}` is no name and value with a space between them", this.text))),
        false => Ok((name, value, after)),
    }
}
