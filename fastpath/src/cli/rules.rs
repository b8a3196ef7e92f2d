//! Rule files named on the command line or in the configuration -> one rule set.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::engine::rules::{
    Classification, Environment, Kept, LineError, LoadReport, ReferenceSystems, RuleSet, Variables,
};

/// Why rules could not even be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuleFileError {
    #[error("{}: cannot read the file: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{pattern}: {reason}")]
    Pattern { pattern: String, reason: String },
}

/// The files that rules are read from and against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a> {
    /// Rule files, in order. A name that is no file is a pattern (`rules/*.rules`), whose files are taken in alphabetical order.
    pub(super) rules: &'a [PathBuf],
    /// classification.config.
    pub(super) classification: Option<&'a Path>,
    /// reference.config.
    pub(super) references: Option<&'a Path>,
}

/// What came of them.
pub(super) struct Loaded {
    pub(super) rules: RuleSet,
    pub(super) report: LoadReport,
    /// Lines of the files beside the rules that could not be used.
    pub(super) bad_lines: Vec<LineError>,
}

/// Loads the rules of `sources`, which keep what `kept` says.
pub(super) fn load(sources: Sources<'_>, variables: Variables, kept: Kept) -> Result<Loaded, RuleFileError> {
    let (environment, bad_lines) = environment(sources, variables, kept)?;
    let mut texts = Vec::new();
    for file in sources.rules {
        for path in expand(file)? {
            let text = read(&path)?;
            texts.push((path, text));
        }
    }
    let texts = texts.iter().map(|(path, text)| (path.as_path(), text.as_str()));
    let (rules, report) = RuleSet::load(texts, &environment, None);
    Ok(Loaded { rules, report, bad_lines })
}

/// What rules are read against.
fn environment(
    sources: Sources<'_>,
    variables: Variables,
    kept: Kept,
) -> Result<(Environment, Vec<LineError>), RuleFileError> {
    let mut environment = Environment { variables, kept, ..Environment::default() };
    let mut bad_lines = Vec::new();
    if let Some(path) = sources.classification {
        let (classification, bad) = Classification::parse(path, &read(path)?);
        environment.classification = classification;
        bad_lines.extend(bad);
    }
    if let Some(path) = sources.references {
        let (references, bad) = ReferenceSystems::parse(path, &read(path)?);
        environment.references = references;
        bad_lines.extend(bad);
    }
    Ok((environment, bad_lines))
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
