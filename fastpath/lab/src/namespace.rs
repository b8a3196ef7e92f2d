use std::{ffi::OsStr, fs::File, path::PathBuf, process::Command, thread};

use nix::sched::{CloneFlags, setns};

use crate::{LabError, process::run};

/// A named network namespace. Removed with its [`Lab`](crate::Lab).
#[derive(Clone, Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes the namespace; its loopback is up.
    pub(crate) fn create(name: String) -> Result<Self, LabError> {
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self { name };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Its name, as `ip netns` lists it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run `program` inside; the pid is the program's own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs a program inside to its end; what it wrote to standard output.
    ///
    /// # Errors
    /// When it cannot be started or ends with a failure.
    pub fn run<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Result<String, LabError> {
        run(self.command(program).args(arguments))
    }

    /// Runs `ip` with the words of `arguments` on the namespace.
    ///
    /// # Errors
    /// When `ip` ends with a failure.
    pub fn ip(&self, arguments: &str) -> Result<String, LabError> {
        run(Command::new("ip").args(["-n", &self.name]).args(arguments.split_whitespace()))
    }

    /// Runs a shell script inside, where `/sys` shows the namespace's own devices.
    ///
    /// # Errors
    /// When the script ends with a failure.
    pub fn shell(&self, script: &str) -> Result<String, LabError> {
        self.run("sh", &["-ec", script])
    }

    /// Runs `work` on a thread inside. Sockets it opens stay inside, wherever they are used afterwards.
    ///
    /// # Errors
    /// When the namespace cannot be entered. A panic of `work` goes on in the caller.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        let path = PathBuf::from("/run/netns").join(&self.name);
        let file = File::open(&path).map_err(LabError::io(format!("opening {}", path.display())))?;
        thread::scope(|scope| {
            let inside = scope.spawn(move || {
                setns(file, CloneFlags::CLONE_NEWNET)?;
                Ok(work())
            });
            match inside.join() {
                Ok(result) => {
                    result.map_err(LabError::errno(format!("entering the namespace {}", self.name)))
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}
