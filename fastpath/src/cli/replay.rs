//! `fastpath replay`: the engine over a capture file.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{environment::save, rules};
use crate::{
    config::{Given, Named, Override},
    engine::{
        Engine, Settings,
        event::{Event, EventSink as _, RulesRecord, StatsRecord},
        meta::ChecksumState,
        packet::defrag,
        rules::Variables,
        stream,
        verdict::{Enforcement, Verdict},
    },
    event::{EveFile, EveOptions},
    io::pcap::Capture,
};

/// Inspect a capture file: the same engine, no privileges
///
/// Writes events to DIR/eve.json, which is made anew, and a summary to standard output. Reads no configuration file.
#[derive(Args, Debug)]
pub(super) struct ReplayArgs {
    /// Capture file, pcap or pcapng
    #[arg(short = 'r', long = "read", value_name = "FILE")]
    read: PathBuf,
    /// Rule file or pattern; may be repeated. Rules that cannot be used are reported and left out
    #[arg(short = 'S', long = "rules", value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Directory of eve.json; it is made when it is missing
    #[arg(short, long, value_name = "DIR")]
    log_dir: PathBuf,
    /// Which checksums to verify. A packet with a wrong one is malformed (decoder.error-policy)
    #[arg(short = 'k', long, value_enum, default_value_t)]
    checksums: Checksums,
    /// A setting by Suricata's name, such as vars.address-groups.HOME_NET=[10.0.0.0/8]; may be repeated.
    /// An unknown one is a warning
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Override>,
    /// Drop as an inline wire would; without, a drop is only reported as would-drop
    #[arg(long)]
    simulate_ips: bool,
    #[command(flatten)]
    simulated: Simulated,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// Failures for tests of the exception policies, at the packet with this number in the capture.
#[derive(Args, Debug)]
#[command(next_help_heading = "Simulated failures, at the packet with number N of the capture")]
struct Simulated {
    /// No memory for a fragment (defrag.memcap-policy)
    #[arg(long, value_name = "N")]
    simulate_packet_defrag_memcap: Option<u64>,
    /// No room for a flow (flow.memcap-policy)
    #[arg(long, value_name = "N", default_value_t, hide_default_value = true)]
    simulate_packet_flow_memcap: u64,
    /// No memory for a TCP session (stream.memcap-policy)
    #[arg(long, value_name = "N", default_value_t, hide_default_value = true)]
    simulate_packet_tcp_ssn_memcap: u64,
    /// No memory for a TCP session's data (stream.reassembly.memcap-policy)
    #[arg(long, value_name = "N", default_value_t, hide_default_value = true)]
    simulate_packet_tcp_reassembly_memcap: u64,
}

impl Simulated {
    fn apply(&self, settings: Settings) -> Settings {
        Settings {
            defrag: defrag::Settings {
                simulate_memcap_at: self.simulate_packet_defrag_memcap,
                ..settings.defrag
            },
            fail_flow_at: self.simulate_packet_flow_memcap,
            stream: stream::Settings {
                fail_session_at: self.simulate_packet_tcp_ssn_memcap,
                fail_reassembly_at: self.simulate_packet_tcp_reassembly_memcap,
                ..settings.stream
            },
            ..settings
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Checksums {
    /// Take them for good
    None,
    /// Verify them
    #[default]
    All,
}

pub(super) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    // Every event there is, where no setting says otherwise: a replay is for looking closely.
    let mut named = Named { eve: EveOptions::everything(), ..Named::default() };
    for error in named.apply(args.set.iter().map(|v| Given::flag("--set", v.clone()))) {
        tracing::warn!("{error}; going on without it");
    }
    let mut variables = Variables::suricata_defaults();
    named.add_to(&mut variables);

    let loading = Instant::now();
    named.data.directory.get_or_insert_with(|| args.log_dir.clone());
    let sources = rules::Sources {
        rules: args.rules.clone(),
        variables,
        data: named.data.clone(),
        hosts: named.hosts,
        kept: named.eve.kept(),
    };
    let (rules, report) = rules::load(&sources, None)?;
    let load = loading.elapsed();
    let mut stderr = io::stderr().lock();
    for line in &report.bad_lines {
        let _ = writeln!(stderr, "line left out: {line}");
    }
    for warning in &report.warnings {
        let _ = writeln!(stderr, "warning: {warning}");
    }
    for skipped in &report.skipped {
        let _ = writeln!(stderr, "{skipped}");
    }
    for error in &report.failed {
        // The replay goes on when nobody reads what it says.
        let _ = writeln!(stderr, "rule left out: {error}");
    }
    for error in &report.idle {
        let _ = writeln!(stderr, "of no effect: {error}");
    }
    drop(stderr);

    let checksums = match args.checksums {
        Checksums::None => ChecksumState::Trusted,
        Checksums::All => ChecksumState::Unverified,
    };
    let reading = Instant::now();
    let mut capture = Capture::read(&args.read, checksums)?;
    let read = reading.elapsed();
    if let Some(damage) = capture.damage() {
        tracing::warn!("{}: {damage}", args.read.display());
    }
    for (number, packets) in capture.unknown_links() {
        tracing::warn!(
            "{}: {packets} packets have link type {number}, which is not decoded: no rule matches them",
            args.read.display()
        );
    }

    let enforcement = if args.simulate_ips { Enforcement::Drop } else { Enforcement::Report };
    let settings =
        Settings { wanted: named.eve.wanted(), ..args.simulated.apply(named.engine).enforcing(enforcement) };
    let rules = Arc::new(rules);
    let mut engine = Engine::new(Arc::clone(&rules), settings);
    let mut events = EveFile::create(&args.log_dir, &args.read, named.eve)?;
    let record = RulesRecord {
        loaded: report.loaded,
        failed: report.failed.len(),
        skipped: report.skipped.len(),
        ..RulesRecord::default()
    };
    let counts = inspect(&mut capture, &mut engine, &mut events, record)?;
    for error in save(rules.datasets(), &named.data) {
        tracing::error!("{error}");
    }

    let summary = Summary {
        packets: counts.packets,
        bytes: counts.bytes,
        alerts: events.alerts(),
        drops: counts.verdicts.drop + counts.verdicts.would_drop,
        verdicts: counts.verdicts,
        rules: report.loaded,
        rules_failed: report.failed.len(),
        rules_skipped: report.skipped.len(),
        load_seconds: load.as_secs_f64(),
        read_seconds: read.as_secs_f64(),
        engine_seconds: counts.time.as_secs_f64(),
        packets_per_second: per_second(counts.packets, counts.time),
    };
    super::unless_closed(summary.print(args.json))?;
    Ok(ExitCode::SUCCESS)
}

/// The names of `--json`.
#[derive(Serialize)]
struct Summary {
    packets: u64,
    bytes: u64,
    alerts: u64,
    /// Packets that a drop rule drops, or would drop without `--simulate-ips`.
    drops: u64,
    verdicts: Verdicts,
    rules: usize,
    rules_failed: usize,
    rules_skipped: usize,
    load_seconds: f64,
    read_seconds: f64,
    /// Decode to verdict and written events.
    engine_seconds: f64,
    packets_per_second: f64,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Verdicts {
    forward: u64,
    rewritten: u64,
    drop: u64,
    would_drop: u64,
}

impl Summary {
    fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, self)?;
            writeln!(out)
        } else {
            self.write(&mut out)
        }
    }

    fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        let Verdicts { forward, rewritten, drop, would_drop } = self.verdicts;
        writeln!(out, "packets    {} ({} bytes)", self.packets, self.bytes)?;
        writeln!(
            out,
            "verdicts   {forward} forward, {rewritten} rewritten, {drop} drop, {would_drop} would drop"
        )?;
        writeln!(out, "alerts     {}", self.alerts)?;
        let left_out = self.rules_failed + self.rules_skipped;
        writeln!(out, "rules      {} loaded, {left_out} left out", self.rules)?;
        writeln!(
            out,
            "seconds    {:.3} loading rules, {:.3} reading the capture, {:.3} engine",
            self.load_seconds, self.read_seconds, self.engine_seconds
        )?;
        writeln!(out, "speed      {:.0} packets/s", self.packets_per_second)
    }
}

struct Counts {
    packets: u64,
    bytes: u64,
    verdicts: Verdicts,
    time: Duration,
}

/// Takes every packet through the engine; the time is over when the last event is written.
fn inspect(
    capture: &mut Capture,
    engine: &mut Engine,
    events: &mut EveFile,
    rules: RulesRecord,
) -> anyhow::Result<Counts> {
    let progress = progress_bar(capture.len());
    let (mut packets, mut bytes, mut verdicts) = (0, 0, Verdicts::default());
    let start = Instant::now();
    // The engine's time is the capture's.
    let began = capture.packets_mut().next().map(|(meta, _)| meta.time).unwrap_or_default();
    let (mut now, mut ticked) = (began, began);
    for (meta, packet) in capture.packets_mut() {
        bytes += packet.len() as u64;
        now = now.max(meta.time);
        if now.0 >= ticked.0.saturating_add(TICK) {
            engine.tick(now, events);
            ticked = now;
        }
        match engine.inspect(packet, meta, events) {
            Verdict::Forward => verdicts.forward += 1,
            Verdict::Rewritten => verdicts.rewritten += 1,
            Verdict::Drop(_) => verdicts.drop += 1,
            Verdict::WouldDrop(_) => verdicts.would_drop += 1,
        }
        packets += 1;
        if packets % PROGRESS_STEP == 0 {
            progress.set_position(packets);
        }
    }
    engine.finish(now, events);
    let uptime = Duration::from_nanos(now.0.saturating_sub(began.0));
    // So that a replay says the same each time.
    let rules = RulesRecord { since: began, ..rules };
    events.emit(Event::stats(now, StatsRecord { uptime, counters: engine.counters(), rules }));
    events.finish()?;
    let time = start.elapsed();
    progress.finish_and_clear();
    Ok(Counts { packets, bytes, verdicts, time })
}

/// Nanoseconds between two ticks of the engine.
const TICK: u64 = 100_000_000;

const PROGRESS_STEP: u64 = 1 << 14;

/// Packets below which a replay is over before a bar could be read.
const LONG: usize = 1 << 20;

fn progress_bar(packets: usize) -> ProgressBar {
    if packets < LONG || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(packets as u64);
    match ProgressStyle::with_template("{wide_bar} {percent}% {human_pos} packets {per_sec} {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn per_second(packets: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { packets as f64 / seconds } else { 0.0 }
}
