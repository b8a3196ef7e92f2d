use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{LabError, Namespace, Process, Stats};

/// How long a start may take: loading, attaching and binding on a busy machine.
const START: Duration = Duration::from_secs(60);
/// How long an end may take there. What it does take is [`Ended::took`].
const STOP: Duration = Duration::from_secs(60);

/// A `fastpath` to be started in a namespace.
#[derive(Clone, Debug)]
pub struct FastpathCommand {
    namespace: Namespace,
    binary: PathBuf,
    wrapper: Vec<OsString>,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    rules: String,
}

impl FastpathCommand {
    /// `binary` in `namespace`, as yet without arguments.
    pub fn new(namespace: &Namespace, binary: impl Into<PathBuf>) -> Self {
        Self {
            namespace: namespace.clone(),
            binary: binary.into(),
            wrapper: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            rules: String::new(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it by way of a command that ends in executing it, such as `setpriv` or `prlimit`.
    #[must_use]
    pub fn by(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(OsString::from).collect();
        self
    }

    /// Text of a rule file to start it with.
    #[must_use]
    pub fn rules(mut self, rules: &str) -> Self {
        rules.clone_into(&mut self.rules);
        self
    }

    /// Starts it, without waiting for anything.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self) -> Result<Fastpath, LabError> {
        let folder = tempfile::tempdir().map_err(LabError::io("making a scratch folder"))?;
        let mut words: Vec<&OsStr> = self.wrapper.iter().map(OsString::as_os_str).collect();
        words.push(self.binary.as_os_str());
        let mut command = self.namespace.command(words[0]);
        command.args(&words[1..]).args(&self.arguments);
        command.arg("-l").arg(folder.path()).arg("--stats-json").arg(folder.path().join("stats.json"));
        if !self.rules.is_empty() {
            let path = folder.path().join("test.rules");
            std::fs::write(&path, &self.rules).map_err(LabError::io("writing the rules"))?;
            command.arg("-S").arg(path);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(Fastpath { process: Process::spawn_in(&mut command, folder)? })
    }

    /// Starts it and waits until it says that all its sockets are live.
    ///
    /// # Errors
    /// When it ends or says nothing; its output is in the error.
    pub fn start(&self) -> Result<Fastpath, LabError> {
        let mut fastpath = self.spawn()?;
        let ready = |p: &Process| p.stderr().lines().any(|line| line.starts_with("ready"));
        fastpath.process.wait_for("`ready`", START, ready)?;
        Ok(fastpath)
    }
}

/// A running `fastpath`. Killed on drop.
#[derive(Debug)]
pub struct Fastpath {
    /// Its process; in its scratch folder are `eve.json` and `stats.json`.
    pub process: Process,
}

/// How a `fastpath` ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Exit status.
    pub status: ExitStatus,
    /// From the signal, or the begin of waiting, to the end.
    pub took: Duration,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// Its last line of figures, `None` when it wrote none.
    pub stats: Option<Stats>,
    /// Its events, one JSON object each.
    pub events: Vec<serde_json::Value>,
}

impl Fastpath {
    /// Its latest line of figures.
    pub fn stats(&self) -> Option<Stats> {
        let text = self.process.read("stats.json");
        // The last line may be half written.
        text.lines().rev().find_map(|line| serde_json::from_str(line).ok())
    }

    /// Waits for a line of figures that `wanted` likes. Lines come once a second.
    ///
    /// # Errors
    /// When none came within `limit`; the last one is in the error.
    pub fn wait_stats(&self, limit: Duration, wanted: impl Fn(&Stats) -> bool) -> Result<Stats, LabError> {
        let end = Instant::now() + limit;
        loop {
            let stats = self.stats();
            match stats {
                Some(stats) if wanted(&stats) => return Ok(stats),
                stats if Instant::now() >= end => {
                    let waiting_for = "the awaited line of figures".to_owned();
                    let context = format!("; last: {stats:?}; stderr: {}", self.process.stderr());
                    return Err(LabError::Timeout { waiting_for, limit, context });
                }
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Its events so far, one JSON object each.
    pub fn events(&self) -> Vec<serde_json::Value> {
        self.process.read("eve.json").lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The rule ids of its alerts so far.
    pub fn alert_sids(&self) -> Vec<u64> {
        alert_sids(&self.events())
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// When it has not ended within `limit`.
    pub fn wait(mut self, limit: Duration) -> Result<Ended, LabError> {
        let begin = Instant::now();
        let status = self.process.wait(limit)?;
        Ok(Ended {
            status,
            took: begin.elapsed(),
            stdout: self.process.stdout(),
            stderr: self.process.stderr(),
            stats: self.stats(),
            events: self.events(),
        })
    }

    /// Ends it by `signal`.
    ///
    /// # Errors
    /// When it is gone already, or does not end within a minute.
    pub fn stop(self, signal: Signal) -> Result<Ended, LabError> {
        self.process.signal(signal)?;
        self.wait(STOP)
    }
}

impl Ended {
    /// The rule ids of its alerts.
    pub fn alert_sids(&self) -> Vec<u64> {
        alert_sids(&self.events)
    }
}

fn alert_sids(events: &[serde_json::Value]) -> Vec<u64> {
    events.iter().filter_map(|event| event["alert"]["signature_id"].as_u64()).collect()
}

/// The `fastpath` that was built beside the running program.
///
/// # Errors
/// When there is none; names the command that builds it.
pub fn built_beside() -> Result<PathBuf, LabError> {
    let doing = "looking for fastpath beside this program";
    let own = std::env::current_exe().map_err(LabError::io(doing))?;
    let path = own.parent().unwrap_or(Path::new(".")).join("fastpath");
    if path.is_file() {
        return Ok(path);
    }
    Err(LabError::Malformed {
        what: path.display().to_string(),
        reason: "not there; build it by `cargo build --release -p fastpath`".to_owned(),
    })
}
