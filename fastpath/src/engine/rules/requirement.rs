//! `requires`: what must be there for a rule to be meant for us. One that is not is left out, which is no error.

use super::{fault::Fault, keyword, lexer::Token, number::number};

/// The version whose language this is.
const VERSION: Version = Version(8, 0, 6);

/// Major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u8, u8, u8);

/// What the parts between commas ask for and is not there, the first of them: `feature NAME`, `keyword NAME`, `version OP N.N.N …`
/// (Suricata: rust/src/detect/requires.rs).
///
/// Suricata's keywords count as there also where they are not supported yet: a rule that uses one is to fail, not to be left out.
pub(super) fn unmet(value: Token<'_>) -> Result<Option<Fault>, Fault> {
    let mut versions = 0;
    let mut unmet = None;
    for part in value.split(',').filter(|part| !part.text.is_empty()) {
        let (kind, rest) =
            part.text.split_at(part.text.find([' ', '\t', '<', '>']).unwrap_or(part.text.len()));
        let rest = Token::trimmed(rest, part.at + kind.len());
        if rest.text.is_empty() && matches!(kind, "feature" | "keyword" | "version") {
            return Err(part.fault("a requirement is `feature NAME`, `keyword NAME` or `version >= N.N.N`"));
        }
        let met = match kind {
            "feature" => false,
            "keyword" => keyword::keywords().any(|keyword| keyword.name == rest.text),
            "version" => {
                versions += 1;
                if versions > 1 {
                    return Err(part.fault("`version` may be asked for once; alternatives stand between `|`"));
                }
                is_version(rest)?
            }
            _ => false,
        };
        if !met {
            unmet.get_or_insert_with(|| {
                part.fault(format!("left out: it requires `{}`, which is not here", part.text))
            });
        }
    }
    Ok(unmet)
}

/// `>= 7.0.3 < 8 | >= 8.0.1`: all between two bars, of one of those between the bars.
fn is_version(expression: Token<'_>) -> Result<bool, Fault> {
    let mut any = false;
    for alternative in expression.split('|') {
        let mut all = true;
        let mut rest = alternative;
        loop {
            let holds: fn(Version, Version) -> bool;
            (holds, rest) = sign(rest)?;
            let end = rest
                .text
                .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>'))
                .unwrap_or(rest.text.len());
            let (version, behind) = rest.text.split_at(end);
            all &= holds(VERSION, parse(Token { text: version, at: rest.at })?);
            rest = Token::trimmed(behind, rest.at + end);
            if rest.text.is_empty() {
                break;
            }
        }
        any |= all;
    }
    Ok(any)
}

type Comparison = fn(Version, Version) -> bool;

fn sign(token: Token<'_>) -> Result<(Comparison, Token<'_>), Fault> {
    let signs: [(&str, Comparison); 4] = [
        (">=", |here, asked| here >= asked),
        ("<=", |here, asked| here <= asked),
        (">", |here, asked| here > asked),
        ("<", |here, asked| here < asked),
    ];
    signs
        .into_iter()
        .find_map(|(sign, holds)| Some((holds, token.strip_prefix(sign)?)))
        .ok_or_else(|| token.fault("a version is compared by >=, >, <= or <"))
}

/// `8`, `8.0`, `8.0.3`; what is behind a dash does not count.
fn parse(token: Token<'_>) -> Result<Version, Fault> {
    let text = token.text.split_once('-').map_or(token.text, |(version, _)| version);
    let mut parts = [0; 3];
    let mut given = Token { text, ..token }.split('.');
    for (place, part) in parts.iter_mut().zip(given.by_ref()) {
        *place = number(part, 0..=u8::MAX)?;
    }
    match given.next() {
        Some(more) => Err(more.fault("a version has at most three numbers")),
        None => Ok(Version(parts[0], parts[1], parts[2])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(text: &str) -> Result<bool, Fault> {
        unmet(Token { text, at: 0 }).map(|unmet| unmet.is_none())
    }

    #[test]
    fn what_is_here_is_met() {
        for (text, expected) in [
            ("version >= 7.0.3", true),
            ("version>=7", true),
            ("version > 8.0.6", false),
            ("version >= 8.0.6", true),
            ("version < 8", false),
            ("version >= 7.0.3 < 8 | >= 8.0.1", true),
            ("version >= 7.0.3 <8|>= 9", false),
            ("version <= 8.0.6-dev", true),
            ("keyword content", true),
            ("keyword http.uri", true),
            ("keyword no.such", false),
            ("feature ja4", false),
            ("something new", false),
            ("novelty", false),
            ("version >= 8, keyword content,", true),
            ("version >= 8, keyword no.such", false),
        ] {
            assert_eq!(met(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bad_forms_fault() {
        for text in [
            "version",
            "feature",
            "version = 8",
            "version 8",
            "version >=",
            "version >= x",
            "version >= 8.0.0.0",
            "version >= 300",
            "version >= 8 |",
            "version >= 8, version < 9",
            "version >= 7 8",
        ] {
            assert!(met(text).is_err(), "{text}");
        }
    }
}
