//! The blocking writer of replay: complete and reproducible.

use std::{fs::File, io::Write, path::Path};

use super::{EVE_FILE, EveOptions, EventError, record};
use crate::engine::event::{Event, EventKind, EventSink};

/// Writes events to `eve.json` as they come, in order. The first write error stops the writing and is
/// told by [`EveFile::finish`].
#[derive(Debug)]
pub struct EveFile {
    file: File,
    options: EveOptions,
    /// Name of the capture.
    capture: String,
    buffer: Vec<u8>,
    alerts: u64,
    broken: Option<std::io::Error>,
}

const FLUSH_AT: usize = 1 << 16;

impl EveFile {
    /// Makes `log_dir` where it is missing and an empty `eve.json` in it: a replay's file holds that
    /// replay's events and no others. `capture` is the name of the capture that is replayed.
    ///
    /// # Errors
    /// [`EventError::Open`].
    pub fn create(log_dir: &Path, capture: &Path, options: EveOptions) -> Result<Self, EventError> {
        let path = log_dir.join(EVE_FILE);
        let file = std::fs::create_dir_all(log_dir)
            .and_then(|()| File::create(&path))
            .map_err(|source| EventError::Open { path, source })?;
        let capture = capture.display().to_string();
        Ok(Self { file, options, capture, buffer: Vec::with_capacity(2 * FLUSH_AT), alerts: 0, broken: None })
    }

    /// Alerts taken so far, written or not.
    pub fn alerts(&self) -> u64 {
        self.alerts
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// The first write error there was.
    pub fn finish(&mut self) -> Result<(), EventError> {
        self.flush();
        self.broken.take().map_or(Ok(()), |source| Err(EventError::Write { source }))
    }

    fn flush(&mut self) {
        if self.broken.is_none() {
            self.broken = self.file.write_all(&self.buffer).err();
        }
        self.buffer.clear();
    }
}

impl EventSink for EveFile {
    fn emit(&mut self, event: Event) {
        self.alerts += u64::from(matches!(event.kind, EventKind::Alert { .. }));
        if self.options.types.includes(&event.kind) {
            let source = record::Source { port: None, capture: Some(&self.capture) };
            record::append_lines(&mut self.buffer, &event, source, &self.options);
            if self.buffer.len() >= FLUSH_AT {
                self.flush();
            }
        }
    }
}
