//! What rules are read against that lies in files: classes, references, thresholds, sets of values, what is known of addresses.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::rules::{self, Sources};
use crate::{
    config::RuleData,
    engine::rules::{
        Classification, Dataset, Environment, Files, LineError, ReferenceSystems, Reputation, ReputationError,
    },
};

/// Why the files that rules are read against cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum EnvironmentError {
    #[error("{}: cannot read this file that rules are read against: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Reputation(#[from] ReputationError),
}

/// What the rules of `sources` are read against, and the lines of those files that could not be used.
pub(super) fn environment(sources: &Sources) -> Result<(Environment, Vec<LineError>), EnvironmentError> {
    let Sources { variables, data, hosts, kept, .. } = sources;
    let mut environment =
        Environment { variables: variables.clone(), hosts: *hosts, kept: *kept, ..Environment::default() };
    let mut bad_lines = Vec::new();
    if let Some(path) = &data.classification {
        let (classification, bad) = Classification::parse(path, &read(path)?);
        environment.classification = classification;
        bad_lines.extend(bad);
    }
    if let Some(path) = &data.references {
        let (references, bad) = ReferenceSystems::parse(path, &read(path)?);
        environment.references = references;
        bad_lines.extend(bad);
    }
    if let Some(path) = &data.thresholds {
        environment.thresholds = Some((path.clone(), read(path)?));
    }
    let named = |path: PathBuf| Ok::<_, EnvironmentError>((path.display().to_string(), read(&path)?));
    let categories = data.reputation_categories.clone().map(named).transpose()?.unwrap_or_default();
    let lists = data.reputation_files().map(named).collect::<Result<Vec<_>, _>>()?;
    let texts = lists.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    environment.reputation = Arc::new(Reputation::parse((&categories.0, &categories.1), texts)?);
    environment.files = Some(Arc::new(Disk { directory: data.directory.clone() }));
    Ok((environment, bad_lines))
}

fn read(path: &Path) -> Result<String, EnvironmentError> {
    rules::read(path).map_err(|source| EnvironmentError::Read { path: path.into(), source })
}

/// Writes those of `sets` that are to be kept, each whole or not at all; says of each that could not be written why.
pub(super) fn save(sets: &[Arc<Dataset>], data: &RuleData) -> Vec<String> {
    let Some(directory) = &data.directory else { return Vec::new() };
    let write = |path: &Path, lines: &[String]| -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        fs::write(&new, lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        fs::rename(new, path)
    };
    let kept = sets.iter().filter_map(|set| Some((set, directory.join(set.save()?))));
    let failed = kept.filter_map(|(set, path)| {
        let error = write(&path, &set.lines()).err()?;
        Some(format!("the set `{}` cannot be written to {}: {error}", set.name(), path.display()))
    });
    failed.collect()
}

/// Files on disk.
#[derive(Debug)]
struct Disk {
    /// Where files lie that are written; without it there are none.
    directory: Option<PathBuf>,
}

impl Files for Disk {
    fn load(&self, name: &str, rule_file: &Path) -> Result<String, String> {
        let beside = rule_file.parent().unwrap_or(Path::new("")).join(name);
        let path = if beside.exists() { beside } else { PathBuf::from(name) };
        fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    }

    fn restore(&self, name: &str) -> Result<Option<String>, String> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let path = directory.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rules::{HostSettings, Kept, Variables};

    #[test]
    fn files_lie_beside_the_rules_or_in_the_data_directory() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("names.lst"), "YQ==").unwrap();
        let disk = Disk { directory: Some(directory.path().into()) };
        let rule_file = directory.path().join("a.rules");
        assert_eq!(disk.load("names.lst", &rule_file).as_deref(), Ok("YQ=="));
        assert!(disk.load("none.lst", &rule_file).unwrap_err().contains("cannot read"));
        assert_eq!(disk.restore("names.lst"), Ok(Some("YQ==".into())));
        assert_eq!(disk.restore("none.lst"), Ok(None));
    }

    #[test]
    fn reputations_are_read_and_errors_name_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("categories.txt"), "1,Bad,x").unwrap();
        fs::write(path("good.list"), "10.0.0.1,1,5").unwrap();
        fs::write(path("bad.list"), "10.0.0.1").unwrap();
        let with = |list: &str| RuleData {
            reputation_categories: Some(path("categories.txt")),
            reputation_path: Some(directory.path().into()),
            reputation_files: [(0, list.into())].into(),
            ..RuleData::default()
        };
        let read = |list: &str| {
            let sources = Sources {
                rules: Vec::new(),
                variables: Variables::default(),
                data: with(list),
                hosts: HostSettings::default(),
                kept: Kept::default(),
            };
            environment(&sources)
        };
        assert_ne!(read("good.list").unwrap().0.reputation, Arc::default());
        assert!(read("bad.list").unwrap_err().to_string().contains("bad.list:1: an entry is"));
        assert!(read("none.list").unwrap_err().to_string().contains("none.list: cannot read"));
    }
}
