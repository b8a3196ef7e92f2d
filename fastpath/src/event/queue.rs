//! The lossy writer of a live wire: workers push into bounded queues of their own and never wait; one
//! thread drains them all into `eve.json`.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam::queue::ArrayQueue;

use super::{EVE_FILE, EveOptions, EventError, record};
use crate::engine::event::{Event, EventSink};

/// How long the writer sleeps when there is nothing to do: events reach the file within about this time.
const TURN: Duration = Duration::from_millis(50);

/// Bytes that are kept while the file takes none (a full disk); further events are counted as failed.
const BACKLOG: usize = 4 << 20;

/// Bytes rendered before they are written.
const CHUNK: usize = 1 << 16;

/// The worker's half: takes events without ever blocking.
#[derive(Debug)]
pub struct LiveSink {
    queue: Arc<Queue>,
}

#[derive(Debug)]
struct Queue {
    events: ArrayQueue<Event>,
    lost: AtomicU64,
}

impl LiveSink {
    /// Events lost because the queue was full.
    pub fn lost(&self) -> u64 {
        self.queue.lost.load(Relaxed)
    }
}

impl EventSink for LiveSink {
    fn emit(&mut self, event: Event) {
        if self.queue.events.push(event).is_err() {
            self.queue.lost.fetch_add(1, Relaxed);
        }
    }
}

/// Counts of a [`LiveWriter`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterTotals {
    /// Events written to the file.
    pub written: u64,
    /// Events lost because the file could not take them.
    pub failed: u64,
    /// Events lost because a worker's queue was full.
    pub lost: u64,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    reopen: AtomicBool,
    written: AtomicU64,
    failed: AtomicU64,
}

/// The writing thread. Dropping it does what [`LiveWriter::finish`] does.
#[derive(Debug)]
pub struct LiveWriter {
    shared: Arc<Shared>,
    queues: Vec<Arc<Queue>>,
    thread: Option<JoinHandle<()>>,
}

impl LiveWriter {
    /// Opens `log_dir/eve.json` for appending (the directory is made where it is missing) and starts the
    /// thread. `ports` are interface names by [`PortId`](crate::engine::meta::PortId); there is one sink for
    /// each of `workers`, with room for `capacity` events (at least 1).
    ///
    /// # Errors
    /// [`EventError::Open`] and [`EventError::Thread`].
    pub fn start(
        log_dir: &Path,
        ports: Vec<String>,
        options: EveOptions,
        workers: usize,
        capacity: usize,
    ) -> Result<(Self, Vec<LiveSink>), EventError> {
        let path = log_dir.join(EVE_FILE);
        let open = {
            let path = path.clone();
            move || File::options().append(true).create(true).open(&path)
        };
        let file = std::fs::create_dir_all(log_dir)
            .and_then(|()| open())
            .map_err(|source| EventError::Open { path: path.clone(), source })?;
        Self::start_on(file, open, path, ports, options, workers, capacity)
    }

    fn start_on<W: Write + Send + 'static>(
        out: W,
        open: impl FnMut() -> io::Result<W> + Send + 'static,
        path: PathBuf,
        ports: Vec<String>,
        options: EveOptions,
        workers: usize,
        capacity: usize,
    ) -> Result<(Self, Vec<LiveSink>), EventError> {
        let queue = || Queue { events: ArrayQueue::new(capacity.max(1)), lost: AtomicU64::new(0) };
        // One each, and the last for the supervisor.
        let queues: Vec<_> = (0..=workers).map(|_| Arc::new(queue())).collect();
        let shared = Arc::new(Shared::default());
        let outlet = Outlet {
            out,
            open,
            path,
            pending: Vec::new(),
            lines: 0,
            begun: 0,
            broken: false,
            shared: shared.clone(),
        };
        let drain = {
            let (shared, queues) = (shared.clone(), queues.clone());
            move || drain(&shared, &queues, &ports, options, outlet)
        };
        let thread = thread::Builder::new()
            .name("events".into())
            .spawn(drain)
            .map_err(|source| EventError::Thread { source })?;
        let sinks = queues.iter().take(workers).map(|queue| LiveSink { queue: queue.clone() }).collect();
        Ok((Self { shared, queues, thread: Some(thread) }, sinks))
    }

    /// Takes one event of the supervisor's own, such as a `stats` record. It never waits: counted as lost when the queue is full.
    pub fn emit(&self, event: Event) {
        if let Some(queue) = self.queues.last()
            && queue.events.push(event).is_err()
        {
            queue.lost.fetch_add(1, Relaxed);
        }
    }

    /// Opens the file again by its name: it was moved away to begin a new one (logrotate). What the old file has not taken yet
    /// goes there first; no line is lost or torn. When the name cannot be opened, the old file is kept, and it is logged.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Counts so far.
    pub fn totals(&self) -> WriterTotals {
        WriterTotals {
            written: self.shared.written.load(Relaxed),
            failed: self.shared.failed.load(Relaxed),
            lost: self.queues.iter().map(|queue| queue.lost.load(Relaxed)).sum(),
        }
    }

    /// Writes everything the sinks have taken, then ends the thread. Call it when the workers have ended.
    pub fn finish(mut self) -> WriterTotals {
        self.stop();
        self.totals()
    }

    fn stop(&mut self) {
        self.shared.stop.store(true, Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the event writer panicked; events are missing");
            }
        }
    }
}

impl Drop for LiveWriter {
    fn drop(&mut self) {
        self.stop();
    }
}

fn drain<W: Write, O: FnMut() -> io::Result<W>>(
    shared: &Shared,
    queues: &[Arc<Queue>],
    ports: &[String],
    options: EveOptions,
    mut outlet: Outlet<W, O>,
) {
    loop {
        // Read before the queues are: what was pushed before the stop is then seen.
        let stop = shared.stop.load(Acquire);
        for queue in queues {
            // No more than a queueful a turn, so that one busy worker does not starve the others.
            for event in (0..queue.events.capacity()).map_while(|_| queue.events.pop()) {
                if options.types.includes(&event.kind) {
                    outlet.take(&event, &options, ports.get(usize::from(event.port.0)).map(String::as_str));
                }
            }
        }
        outlet.write();
        if shared.reopen.swap(false, Acquire) {
            outlet.reopen();
            // What the old file did not take: this may be the last turn.
            outlet.write();
        }
        if stop {
            return outlet.give_up();
        }
        if queues.iter().all(|queue| queue.events.is_empty()) {
            thread::park_timeout(TURN);
        }
    }
}

/// The file and what it has not taken yet. Whole lines only: a write that stops in the middle of a line
/// (a full disk) is taken up where it stopped.
struct Outlet<W, O> {
    out: W,
    /// Opens it by its name.
    open: O,
    path: PathBuf,
    pending: Vec<u8>,
    /// Lines in `pending`.
    lines: u64,
    /// Bytes of the first of them that the file has taken.
    begun: usize,
    broken: bool,
    shared: Arc<Shared>,
}

impl<W: Write, O: FnMut() -> io::Result<W>> Outlet<W, O> {
    fn take(&mut self, event: &Event, options: &EveOptions, port: Option<&str>) {
        if self.pending.len() >= BACKLOG {
            self.shared.failed.fetch_add(1, Relaxed);
            return;
        }
        let source = record::Source { port, capture: None };
        self.lines += record::append_lines(&mut self.pending, event, source, options);
        if self.pending.len() >= CHUNK && !self.broken {
            self.write();
        }
    }

    fn write(&mut self) {
        let mut done = self.begun;
        let result = loop {
            match self.out.write(&self.pending[done..]) {
                _ if done == self.pending.len() => break Ok(()),
                Ok(0) => break Err(io::Error::from(io::ErrorKind::WriteZero)),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        let whole = self.pending[..done].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.pending.drain(..whole);
        self.begun = done - whole;
        let left = self.pending.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.shared.written.fetch_add(self.lines - left, Relaxed);
        self.lines = left;
        match result {
            Err(error) if !self.broken => {
                tracing::error!(path = %self.path.display(), %error, "events cannot be written; trying again");
                self.broken = true;
            }
            Ok(()) if self.broken => {
                let failed = self.shared.failed.load(Relaxed);
                tracing::warn!(path = %self.path.display(), failed, "events are written again");
                self.broken = false;
            }
            _ => {}
        }
    }

    fn reopen(&mut self) {
        match (self.open)() {
            // A line that a full disk has torn is written anew, whole.
            Ok(out) => (self.out, self.begun) = (out, 0),
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "events go on to the file that was moved away");
            }
        }
    }

    fn give_up(&mut self) {
        self.shared.failed.fetch_add(self.lines, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::engine::{
        event::{Decided, EventKind, Origin, Outcome},
        meta::PortId,
        rules::RuleInfo,
    };

    fn event(sid: u32, port: u16) -> Event {
        let rule = Arc::new(RuleInfo { sid, ..RuleInfo::default() });
        Event {
            time: Default::default(),
            port: PortId(port),
            number: 0,
            origin: Origin::Wire,
            outer: None,
            packet: Default::default(),
            flow: None,
            kind: EventKind::Alert {
                rule,
                outcome: Outcome::Allowed,
                decided: Decided::FORWARD,
                excerpt: None,
                captures: None,
            },
        }
    }

    fn lines(text: &[u8]) -> Vec<serde_json::Value> {
        serde_json::Deserializer::from_slice(text).into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn every_event_taken_is_written_once_with_its_port() {
        let dir = tempfile::tempdir().unwrap();
        let ports = vec!["eth1".into(), "eth2".into()];
        let (writer, sinks) = LiveWriter::start(dir.path(), ports, EveOptions::default(), 2, 64).unwrap();
        let counts: Vec<u64> = thread::scope(|scope| {
            let push = |(port, mut sink): (u16, LiveSink)| {
                move || {
                    (0..5000).for_each(|sid| sink.emit(event(sid, port)));
                    sink.lost()
                }
            };
            let threads: Vec<_> = (0..).zip(sinks).map(|s| scope.spawn(push(s))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let totals = writer.finish();
        assert_eq!(totals.lost, counts.iter().sum::<u64>());
        assert_eq!(totals.written + totals.lost, 10_000);
        assert_eq!(totals.failed, 0);
        let written = lines(&std::fs::read(dir.path().join(EVE_FILE)).unwrap());
        assert_eq!(written.len() as u64, totals.written);
        for name in ["eth1", "eth2"] {
            let sids: Vec<_> = written
                .iter()
                .filter(|line| line["in_iface"] == name)
                .map(|line| line["alert"]["signature_id"].as_u64().unwrap())
                .collect();
            assert!(sids.is_sorted_by(|a, b| a < b), "a worker's events keep their order");
        }
    }

    #[test]
    fn a_full_queue_loses_and_counts() {
        let queue = Arc::new(Queue { events: ArrayQueue::new(2), lost: AtomicU64::new(0) });
        let mut sink = LiveSink { queue };
        (0..5).for_each(|sid| sink.emit(event(sid, 0)));
        assert_eq!(sink.lost(), 3);
    }

    #[test]
    fn events_are_in_the_file_soon_and_appended_to_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(EVE_FILE);
        std::fs::write(&path, "{}\n").unwrap();
        let (_writer, mut sinks) =
            LiveWriter::start(dir.path(), vec![], EveOptions::default(), 1, 8).unwrap();
        sinks[0].emit(event(1, 0));
        let soon = std::time::Instant::now() + Duration::from_secs(5);
        while lines(&std::fs::read(&path).unwrap()).len() < 2 {
            assert!(std::time::Instant::now() < soon, "the event did not reach the file");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// A disk with room for a set number of bytes.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut disk = self.0.lock().unwrap();
            let room = disk.1.min(bytes.len());
            if room == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            disk.0.extend(&bytes[..room]);
            disk.1 -= room;
            Ok(room)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What opens a disk again when it cannot be opened.
    fn refused() -> io::Result<Disk> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
        let soon = std::time::Instant::now() + Duration::from_secs(5);
        while !is_so() {
            assert!(std::time::Instant::now() < soon, "{what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew_and_no_line_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(EVE_FILE);
        let (writer, mut sinks) =
            LiveWriter::start(dir.path(), vec![], EveOptions::default(), 1, 64).unwrap();
        let moved = |n: u32| dir.path().join(format!("eve.json.{n}"));
        for n in 0..5 {
            sinks[0].emit(event(2 * n, 0));
            std::fs::rename(&path, moved(n)).unwrap();
            // May go to either file.
            sinks[0].emit(event(2 * n + 1, 0));
            writer.reopen();
            wait_until("no new file", || path.exists());
        }
        assert_eq!(writer.finish(), WriterTotals { written: 10, failed: 0, lost: 0 });
        let files = (0..5).map(moved).chain([path.clone()]);
        let written: Vec<_> = files.flat_map(|file| lines(&std::fs::read(file).unwrap())).collect();
        let sids: Vec<_> = written.iter().map(|l| l["alert"]["signature_id"].as_u64().unwrap()).collect();
        assert_eq!(sids, Vec::from_iter(0..10));
    }

    #[test]
    fn a_line_torn_by_a_full_disk_is_whole_in_the_next_file() {
        let (full, empty) = (Disk::default(), Disk::default());
        full.0.lock().unwrap().1 = 300;
        empty.0.lock().unwrap().1 = 1 << 20;
        let next = empty.clone();
        let open = move || Ok(next.clone());
        let (writer, mut sinks) =
            LiveWriter::start_on(full.clone(), open, "disk".into(), vec![], EveOptions::default(), 1, 64)
                .unwrap();
        (0..10).for_each(|sid| sinks[0].emit(event(sid, 0)));
        wait_until("nothing was written", || full.0.lock().unwrap().1 == 0);
        writer.reopen();
        assert_eq!(writer.finish(), WriterTotals { written: 10, failed: 0, lost: 0 });
        let whole = full.0.lock().unwrap().0.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(whole + lines(&empty.0.lock().unwrap().0).len(), 10);
    }

    #[test]
    fn a_file_that_cannot_be_opened_again_is_kept() {
        let disk = Disk::default();
        disk.0.lock().unwrap().1 = 1 << 20;
        let (writer, mut sinks) =
            LiveWriter::start_on(disk.clone(), refused, "disk".into(), vec![], EveOptions::default(), 1, 64)
                .unwrap();
        sinks[0].emit(event(1, 0));
        writer.reopen();
        assert_eq!(writer.finish(), WriterTotals { written: 1, failed: 0, lost: 0 });
        assert_eq!(lines(&disk.0.lock().unwrap().0).len(), 1);
    }

    #[test]
    fn a_full_disk_is_survived_without_a_torn_line() {
        let disk = Disk::default();
        disk.0.lock().unwrap().1 = 300;
        let (writer, mut sinks) =
            LiveWriter::start_on(disk.clone(), refused, "disk".into(), vec![], EveOptions::default(), 1, 64)
                .unwrap();
        (0..10).for_each(|sid| sinks[0].emit(event(sid, 0)));
        let soon = std::time::Instant::now() + Duration::from_secs(5);
        while disk.0.lock().unwrap().1 > 0 {
            assert!(std::time::Instant::now() < soon, "nothing was written");
            thread::sleep(Duration::from_millis(5));
        }
        disk.0.lock().unwrap().1 = 1 << 20;
        assert_eq!(writer.finish(), WriterTotals { written: 10, failed: 0, lost: 0 });
        assert_eq!(lines(&disk.0.lock().unwrap().0).len(), 10);
    }

    #[test]
    fn what_a_full_disk_never_took_is_counted() {
        let disk = Disk::default();
        let (writer, mut sinks) =
            LiveWriter::start_on(disk, refused, "disk".into(), vec![], EveOptions::default(), 1, 64).unwrap();
        (0..10).for_each(|sid| sinks[0].emit(event(sid, 0)));
        assert_eq!(writer.finish(), WriterTotals { written: 0, failed: 10, lost: 0 });
    }
}
