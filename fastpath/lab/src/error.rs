use std::{io, time::Duration};

/// Why the lab could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A system call or file failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A command ended with a failure.
    #[error("`{command}` failed ({status}): {output}")]
    Command {
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// What it wrote.
        output: String,
    },
    /// Something did not happen in time.
    #[error("{waiting_for} did not happen within {limit:?}{context}")]
    Timeout {
        /// What was awaited.
        waiting_for: String,
        /// How long.
        limit: Duration,
        /// What is known about it, such as the output of the process concerned.
        context: String,
    },
    /// Something that another program wrote is not what was agreed.
    #[error("{what}: {reason}")]
    Malformed {
        /// What was read.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl LabError {
    /// Wraps the error of a system call done for `doing`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Wraps an errno got while `doing`.
    pub(crate) fn errno(doing: impl Into<String>) -> impl FnOnce(nix::Error) -> Self {
        let doing = doing.into();
        move |errno| Self::Io { doing, source: errno.into() }
    }
}
