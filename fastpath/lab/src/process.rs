use std::{
    fs::File,
    io,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::LabError;

/// Pause between two looks at something that is awaited.
const POLL: Duration = Duration::from_millis(5);

/// Waits until `condition` holds; whether it did within `limit`.
pub fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// Runs a command to its end; what it wrote to standard output.
pub(crate) fn run(command: &mut Command) -> Result<String, LabError> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(LabError::io(format!("running {:?}", command.get_program())))?;
    if !output.status.success() {
        return Err(LabError::Command {
            command: format!("{command:?}"),
            status: output.status.to_string(),
            output: String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A process in the background, with a scratch folder of its own. Killed and reaped on drop.
#[derive(Debug)]
pub struct Process {
    child: Child,
    command: String,
    folder: TempDir,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with its output kept apart.
    ///
    /// # Errors
    /// When the scratch folder cannot be made or the program not be started.
    pub fn spawn(command: &mut Command) -> Result<Self, LabError> {
        let folder = tempfile::tempdir().map_err(LabError::io("making a scratch folder"))?;
        Self::spawn_in(command, folder)
    }

    /// Starts `command` with an existing scratch folder.
    pub(crate) fn spawn_in(command: &mut Command, folder: TempDir) -> Result<Self, LabError> {
        let create = |name: &str| {
            let path = folder.path().join(name);
            File::create(&path).map_err(LabError::io(format!("creating {}", path.display())))
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(create("stdout")?)
            .stderr(create("stderr")?)
            .spawn()
            .map_err(LabError::io(format!("starting {:?}", command.get_program())))?;
        Ok(Self { child, command: format!("{command:?}"), folder, ended: None })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A path in its scratch folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.read("stderr")
    }

    /// Text of a file in its scratch folder, empty while there is none.
    pub fn read(&self, name: &str) -> String {
        std::fs::read(self.path(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn signal(&self, signal: Signal) -> Result<(), LabError> {
        let doing = format!("sending {signal} to `{}`", self.command);
        if self.ended.is_some() {
            return Err(LabError::io(doing)(io::ErrorKind::NotFound.into()));
        }
        let pid = Pid::from_raw(self.pid().cast_signed());
        kill(pid, signal).map_err(LabError::errno(doing))
    }

    /// Its exit status if it has ended.
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, LabError> {
        if self.ended.is_none() {
            self.ended =
                self.child.try_wait().map_err(LabError::io(format!("waiting for `{}`", self.command)))?;
        }
        Ok(self.ended)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it has not ended within `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus, LabError> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= end {
                return Err(self.timeout("its end", limit));
            }
            thread::sleep(POLL);
        }
    }

    /// Waits until `condition` holds for it.
    ///
    /// # Errors
    /// When it ends before, or the condition does not hold within `limit`.
    pub fn wait_for(
        &mut self,
        waiting_for: &str,
        limit: Duration,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> Result<(), LabError> {
        let end = Instant::now() + limit;
        loop {
            let ended = self.try_wait()?;
            if condition(self) {
                return Ok(());
            }
            if let Some(status) = ended {
                let output = self.stderr() + &self.stdout();
                let (command, status) = (self.command.clone(), status.to_string());
                return Err(LabError::Command { command, status, output });
            }
            if Instant::now() >= end {
                return Err(self.timeout(waiting_for, limit));
            }
            thread::sleep(POLL);
        }
    }

    fn timeout(&self, waiting_for: &str, limit: Duration) -> LabError {
        LabError::Timeout {
            waiting_for: format!("{waiting_for} of `{}`", self.command),
            limit,
            context: format!("; it wrote: {}{}", self.stderr(), self.stdout()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Both fail only when it is gone already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_process_is_signalled_and_its_output_kept() {
        let mut sleep =
            Process::spawn(Command::new("sh").args(["-c", "echo up >&2; exec sleep 60"])).unwrap();
        sleep.wait_for("its word", Duration::from_secs(5), |p| p.stderr().contains("up")).unwrap();
        sleep.signal(Signal::SIGTERM).unwrap();
        assert_eq!(sleep.wait(Duration::from_secs(5)).unwrap().signal(), Some(15));
    }

    #[test]
    fn waiting_for_a_word_that_never_comes_ends_with_the_process() {
        let mut gone = Process::spawn(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap();
        let error = gone.wait_for("a word", Duration::from_secs(5), |_| false).unwrap_err().to_string();
        assert!(error.contains("why") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_failing_command_tells_its_reason() {
        let error = run(Command::new("sh").args(["-c", "echo broken >&2; exit 1"])).unwrap_err().to_string();
        assert!(error.contains("broken"), "{error}");
    }
}
