//! EVE JSON: the records and their writers.

mod file;
mod queue;
mod record;

use std::{io, path::PathBuf};

pub use file::EveFile;
pub use queue::{LiveSink, LiveWriter, WriterTotals};
pub use record::Stamp;

use crate::engine::event::EventKind;

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

/// Which kinds of events are written (`outputs.eve-log.types`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTypes {
    /// `alert`.
    pub alert: bool,
}

impl Default for EventTypes {
    fn default() -> Self {
        Self { alert: true }
    }
}

impl EventTypes {
    /// The kinds there are.
    pub const NAMES: &[&str] = &["alert"];

    /// Exactly the named kinds, and the names that are none of [`Self::NAMES`].
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> (Self, Vec<String>) {
        let mut types = Self { alert: false };
        let mut unknown = Vec::new();
        for name in names {
            match name {
                "alert" => types.alert = true,
                _ => unknown.push(name.into()),
            }
        }
        (types, unknown)
    }

    fn includes(self, kind: &EventKind) -> bool {
        match kind {
            EventKind::Alert { .. } => self.alert,
            EventKind::Drop { .. } | EventKind::Anomaly(_) => false,
        }
    }
}
