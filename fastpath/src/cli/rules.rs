//! Rule files named on the command line or in the configuration -> one rule set.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::engine::rules::{Environment, LoadReport, RuleSet, Variables};

/// Why rules could not even be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuleFileError {
    #[error("{}: cannot read the rule file: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{pattern}: {reason}")]
    Pattern { pattern: String, reason: String },
}

/// Loads the rules of `files` in order, to replace `previous`. A name that is no file is a pattern (`rules/*.rules`), whose files
/// are taken in alphabetical order.
pub(super) fn load(
    files: &[PathBuf],
    variables: &Variables,
    previous: Option<&RuleSet>,
) -> Result<(RuleSet, LoadReport), RuleFileError> {
    let mut texts = Vec::new();
    for file in files {
        for path in expand(file)? {
            let text = read(&path)?;
            texts.push((path, text));
        }
    }
    let environment = Environment { variables: variables.clone() };
    let texts = texts.iter().map(|(path, text)| (path.as_path(), text.as_str()));
    Ok(RuleSet::load(texts, &environment, previous))
}

fn expand(file: &Path) -> Result<Vec<PathBuf>, RuleFileError> {
    let name = file.to_string_lossy();
    if file.exists() || !name.contains(['*', '?', '[']) {
        return Ok(vec![file.into()]);
    }
    let wrong = |reason: String| RuleFileError::Pattern { pattern: name.to_string(), reason };
    let paths = glob::glob(&name).map_err(|error| wrong(format!("not a pattern: {error}")))?;
    let paths = paths.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(error.to_string()))?;
    if paths.is_empty() { Err(wrong("no rule file has such a name".into())) } else { Ok(paths) }
}

/// The file's text, with U+FFFD for bytes that are no UTF-8: fine in a comment, a fault in a rule.
fn read(path: &Path) -> Result<String, RuleFileError> {
    let bytes = std::fs::read(path).map_err(|source| RuleFileError::Read { path: path.into(), source })?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
