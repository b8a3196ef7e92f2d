//! What the operator sees while the workers run: the live line, the stats JSON and the totals.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt as _,
    time::{Duration, Instant},
};

use crate::{
    config::StatsTarget,
    event::Stamp,
    telemetry::snapshot::{Snapshot, live_line},
};

/// A [`Snapshot`] as one line of `--stats-json`.
#[derive(serde::Serialize)]
struct StatsLine<'a> {
    /// Wall clock, as in EVE.
    time: Stamp,
    /// Since all sockets were live.
    uptime_seconds: f64,
    /// The last line of the run.
    #[serde(rename = "final")]
    last: bool,
    /// The figures.
    #[serde(flatten)]
    snapshot: &'a Snapshot,
}

/// Where figures are wanted.
pub(super) struct Outlet {
    json: Option<Box<dyn Write + Send>>,
    terminal: bool,
}

impl Outlet {
    /// Opens the target of the stats JSON, to be appended to. The live line goes to a terminal only, and not
    /// where the JSON goes.
    pub(super) fn open(target: Option<&StatsTarget>) -> io::Result<Self> {
        let json: Option<Box<dyn Write + Send>> = match target {
            None => None,
            Some(StatsTarget::Stdout) => Some(Box::new(io::stdout())),
            Some(StatsTarget::File(path)) => Some(Box::new(open_append(path)?)),
        };
        let terminal = io::stdout().is_terminal() && target != Some(&StatsTarget::Stdout);
        Ok(Self { json, terminal })
    }
}

/// Writes the figures of each second where they are wanted.
pub(super) struct Reporter {
    outlet: Outlet,
    start: Instant,
    last: (Instant, Snapshot),
}

impl Reporter {
    /// Reports what happens from `now` on.
    pub(super) fn new(outlet: Outlet, now: Snapshot) -> Self {
        let start = Instant::now();
        Self { outlet, start, last: (start, now) }
    }

    /// Reports one second, or with `last` the whole run's end.
    pub(super) fn report(&mut self, current: Snapshot, last: bool) {
        if let Some(json) = &mut self.outlet.json {
            let line = StatsLine {
                time: Stamp(super::looping::now()),
                uptime_seconds: self.start.elapsed().as_secs_f64(),
                last,
                snapshot: &current,
            };
            if let Err(error) = write_line(json, &line) {
                tracing::warn!("cannot write the stats JSON any more: {error}");
                self.outlet.json = None;
            }
        }
        let (since, earlier) = &self.last;
        if self.outlet.terminal && !last {
            // A terminal that went away (the session was closed) must not take the wire down with it.
            let line = live_line(earlier, &current, since.elapsed());
            self.outlet.terminal = writeln!(io::stdout(), "{line}").is_ok();
        }
        self.last = (Instant::now(), current);
    }

    /// Prints the totals of the run, for a person, if anybody still reads standard output.
    pub(super) fn print_totals(&self) {
        let (_, snapshot) = &self.last;
        let _ = writeln!(io::stdout(), "{}", totals(snapshot, self.start.elapsed()));
    }
}

/// Never waits for the reader of a pipe: neither for one to come, nor for one that reads no more.
fn open_append(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("--stats-json {}: {error}", path.display())))
}

/// In one write: a reader sees whole lines.
fn write_line(out: &mut dyn Write, line: &StatsLine<'_>) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    out.write_all(&text)?;
    out.flush()
}

fn totals(snapshot: &Snapshot, span: Duration) -> String {
    let totals = &snapshot.totals;
    let frames: i64 = snapshot.frames.iter().map(|worker| worker.residual).sum();
    format!(
        "totals: {:.1} s, received {} packets ({} bytes), sent {} ({} bytes), dropped {}, would drop {}, \
         not sent (tap) {}, waiting {}, handed over {}, lost in the kernel's rings {}, alerts {}, events lost {}, \
         unaccounted packets {}, unaccounted frames {frames}",
        span.as_secs_f64(),
        totals.rx_packets,
        totals.rx_bytes,
        totals.tx_packets,
        totals.tx_bytes,
        totals.dropped,
        totals.would_drop,
        totals.tapped,
        totals.pending + totals.in_handover,
        totals.handed_over,
        totals.kernel_lost,
        totals.alerts,
        totals.events_lost,
        totals.residual,
    )
}
