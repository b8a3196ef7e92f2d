//! Lines of the files that stand beside rule files: `config KIND: …`, one a line, `#` starts a comment line.

use std::path::{Path, PathBuf};

use super::{fault::Fault, lexer::Token};

/// A line of a file beside the rules that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {reason}", file.display())]
pub struct LineError {
    /// The file.
    pub file: PathBuf,
    /// Line from 1.
    pub line: u32,
    /// Column in bytes from 1.
    pub column: u32,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// A file with this many bad lines is taken for another kind of file, and read no further.
const MAX_FAILURES: usize = 1000;

/// Gives what stands behind `config KIND:` on each line of `text` to `take`. What is wrong with a line does not keep the others from
/// being read.
pub(super) fn read<'t>(
    file: &Path,
    text: &'t str,
    kind: &str,
    mut take: impl FnMut(Token<'t>) -> Result<(), Fault>,
) -> Vec<LineError> {
    let mut failed = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        let line = Token::trimmed(line, 0);
        if line.text.is_empty() || line.text.starts_with('#') {
            continue;
        }
        let Err(fault) = entry(line, kind).and_then(&mut take) else { continue };
        let full = failed.len() + 1 >= MAX_FAILURES;
        let reason = match full {
            true => format!("{} bad lines: this is no such file, the rest is not read", MAX_FAILURES),
            false => fault.reason.clone(),
        };
        failed.push(LineError { file: file.into(), line: number, column: fault.column(), reason });
        if full {
            break;
        }
    }
    failed
}

/// What stands behind `config KIND:`.
fn entry<'t>(line: Token<'t>, kind: &str) -> Result<Token<'t>, Fault> {
    let behind = |token: Token<'t>, word: &str| token.strip_prefix(word);
    behind(line, "config")
        .and_then(|rest| behind(rest, kind))
        .and_then(|rest| behind(rest, ":"))
        .ok_or_else(|| line.fault(format!("a line is `config {kind}: …`, or a comment that starts with #")))
}

/// A name as these files and the rules write it, in small letters: case does not count.
pub(super) fn name(token: Token<'_>) -> Result<String, Fault> {
    let mut bytes = token.text.bytes();
    let begins = bytes.next().is_some_and(|first| first.is_ascii_alphabetic());
    if !begins || !bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(token.fault(format!(
            "`{}` is no name: it begins with a letter, and letters, digits, `-` and `_` follow",
            token.text
        )));
    }
    Ok(token.text.to_ascii_lowercase())
}
