//! EVE JSON: the records and their writers.

mod alert;
mod captures;
mod community;
mod drop;
mod file;
mod flow;
mod queue;
mod record;
mod stats;
mod types;

use std::{io, path::PathBuf};

pub use file::EveFile;
pub use queue::{LiveSink, LiveWriter, WriterTotals};
pub use record::Stamp;
pub use types::{AlertOptions, EveOptions, EventType, EventTypes};

/// Name of the file in the log directory.
pub const EVE_FILE: &str = "eve.json";

/// Why events cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The file or its directory cannot be made.
    #[error("{}: cannot open the event file: {source}; give another directory with --log-dir", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file took no more.
    #[error("cannot write events: {source}")]
    Write {
        /// The system's reason.
        source: io::Error,
    },
    /// The writer's thread cannot be started.
    #[error("cannot start the event writer: {source}")]
    Thread {
        /// The system's reason.
        source: io::Error,
    },
}
