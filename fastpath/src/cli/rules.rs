//! Rule files named on the command line or in the configuration -> one rule set.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::environment::{EnvironmentError, environment};
use crate::{
    config::RuleData,
    engine::rules::{HostSettings, Kept, LoadReport, RuleSet, Variables},
};

/// Why rules could not even be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuleFileError {
    #[error("{}: cannot read the file: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{pattern}: {reason}")]
    Pattern { pattern: String, reason: String },
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
}

/// What rules are read from, and against.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    /// Rule files, in order. A name that is no file is a pattern (`rules/*.rules`), whose files are taken in alphabetical order.
    pub(super) rules: Vec<PathBuf>,
    pub(super) variables: Variables,
    pub(super) data: RuleData,
    pub(super) hosts: HostSettings,
    pub(super) kept: Kept,
}

/// Loads the rules of `sources`, to replace `previous`.
pub(super) fn load(
    sources: &Sources,
    previous: Option<&RuleSet>,
) -> Result<(RuleSet, LoadReport), RuleFileError> {
    let (environment, bad_lines) = environment(sources)?;
    let mut texts = Vec::new();
    for file in &sources.rules {
        for path in expand(file)? {
            let text = read(&path).map_err(|source| RuleFileError::Read { path: path.clone(), source })?;
            texts.push((path, text));
        }
    }
    let texts = texts.iter().map(|(path, text)| (path.as_path(), text.as_str()));
    let (rules, report) = RuleSet::load(texts, &environment, previous);
    Ok((rules, LoadReport { bad_lines, ..report }))
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

/// The file's text, with U+FFFD for bytes that are no UTF-8: fine in a comment, a fault in what counts.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let bytes = std::fs::read(path)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
