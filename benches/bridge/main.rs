//! The bridge of fastpath beside the bridge of the kernel: same lab, same run, interleaved, medians.
//!
//! `cargo build --release -p fastpath && cargo run --release -p fastpath-benches --bin bridge`

mod measure;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use fastpath_lab::{FastpathCommand, Lab, PORT_IN, PORT_OUT, Signal, built_beside};
use measure::{iperf_server, packet_rate, tcp_rate, wait_for_wire};

const RULES: &str = include_str!("bridge.rules");
/// TCP connections of the "several streams" figure.
const STREAMS: u32 = 4;

/// Measures fastpath as a bridge beside the bridge of the kernel.
#[derive(Parser)]
struct Arguments {
    /// The fastpath to measure [default: the one built beside this program].
    #[arg(long)]
    fastpath: Option<PathBuf>,
    /// Times that each figure is taken; the median is shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds per figure.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// More arguments for fastpath, such as `--busy-poll`.
    #[arg(last = true)]
    options: Vec<String>,
}

/// What joins the two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    LinuxBridge,
    /// Each flow has one owner: what a start chooses on a veth.
    Fastpath,
    WithoutSteering,
    WithRules,
    WithRulesWithoutSteering,
}

impl Subject {
    const ALL: [Self; 5] = [
        Self::LinuxBridge,
        Self::Fastpath,
        Self::WithoutSteering,
        Self::WithRules,
        Self::WithRulesWithoutSteering,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::LinuxBridge => "Linux bridge",
            Self::Fastpath => "fastpath",
            Self::WithoutSteering => "  --steering off",
            Self::WithRules => "fastpath, 12 rules",
            Self::WithRulesWithoutSteering => "  --steering off",
        }
    }

    /// Rules and further arguments of fastpath; none for the kernel's bridge.
    fn fastpath(self) -> Option<(&'static str, &'static [&'static str])> {
        // On a veth each direction of a connection then has a worker of its own, which must do with the half that it sees.
        const OFF: &[&str] =
            &["--steering", "off", "--set", "stream.midstream=yes", "--set", "stream.async-oneside=yes"];
        const ON: &[&str] = &["--steering", "on"];
        match self {
            Self::LinuxBridge => None,
            Self::Fastpath => Some(("", ON)),
            Self::WithoutSteering => Some(("", OFF)),
            Self::WithRules => Some((RULES, ON)),
            Self::WithRulesWithoutSteering => Some((RULES, OFF)),
        }
    }
}

/// All figures of one subject, one entry a round.
#[derive(Debug, Default)]
struct Figures {
    offered: Vec<f64>,
    received: Vec<f64>,
    tcp_one: Vec<f64>,
    tcp_several: Vec<f64>,
    /// Packets of all rounds that another worker inspected, and packets at all.
    handed_over: u64,
    all: u64,
}

fn main() -> ExitCode {
    match compare(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> anyhow::Result<()> {
    let binary = arguments.fastpath.clone().map_or_else(built_beside, Ok)?;
    anyhow::ensure!(arguments.rounds > 0, "--rounds must be at least 1");
    let lab = Lab::new()?;
    let _iperf = iperf_server(&lab)?;
    describe(arguments);
    let mut all = Subject::ALL.map(|subject| (subject, Figures::default()));
    for round in 1..=arguments.rounds {
        for (subject, figures) in &mut all {
            eprintln!("round {round} of {}: {}", arguments.rounds, subject.name());
            match subject.fastpath() {
                None => {
                    lab.linux_bridge()?;
                    take(&lab, arguments, figures)?;
                    lab.remove_linux_bridge()?;
                }
                Some((rules, options)) => with_fastpath(&lab, arguments, &binary, rules, options, figures)?,
            }
        }
    }
    print(&mut all);
    Ok(())
}

fn with_fastpath(
    lab: &Lab,
    arguments: &Arguments,
    binary: &PathBuf,
    rules: &str,
    options: &[&str],
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let fastpath = FastpathCommand::new(&lab.inspector, binary)
        .args(["--interface", PORT_IN, "--peer", PORT_OUT, "--queues", "0-3"])
        .args(options)
        .args(&arguments.options)
        .rules(rules)
        .start()?;
    take(lab, arguments, figures)?;
    let ended = fastpath.stop(Signal::SIGTERM)?;
    anyhow::ensure!(ended.status.success(), "fastpath: {}: {}", ended.status, ended.stderr);
    let imbalance = ended.stats.as_ref().map_or(Some("no figures".into()), |stats| stats.imbalance());
    anyhow::ensure!(imbalance.is_none(), "fastpath: {imbalance:?}");
    if let Some(totals) = ended.stats.map(|stats| stats.totals) {
        figures.handed_over += totals.handed_over;
        figures.all += totals.rx_packets;
    }
    Ok(())
}

fn take(lab: &Lab, arguments: &Arguments, figures: &mut Figures) -> anyhow::Result<()> {
    let span = Duration::from_secs(arguments.seconds.max(1));
    wait_for_wire(lab)?;
    let rate = packet_rate(lab, span)?;
    figures.offered.push(rate.offered);
    figures.received.push(rate.received);
    figures.tcp_one.push(tcp_rate(lab, 1, span)?);
    figures.tcp_several.push(tcp_rate(lab, STREAMS, span)?);
    Ok(())
}

fn describe(arguments: &Arguments) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "client -- {PORT_IN} [ subject ] {PORT_OUT} -- server; veth, 4 queues, all offloads off, MTU 1500; {cores} cores \
         shared by sender, subject and receiver.\n\
         NAPI of the veths: not threaded, so the sender's core pays for receiving. AF_XDP in copy mode (a veth has \
         no zero-copy).\n\
         Median of {} rounds, {} s each, subjects interleaved. fastpath --queues 0-3 {}\n",
        arguments.rounds,
        arguments.seconds,
        arguments.options.join(" ")
    );
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn print(all: &mut [(Subject, Figures)]) {
    let rows: Vec<(&str, [f64; 4], f64)> = all
        .iter_mut()
        .map(|(subject, f)| {
            let figures = [&mut f.offered, &mut f.received, &mut f.tcp_one, &mut f.tcp_several];
            let share = 100.0 * f.handed_over as f64 / f.all.max(1) as f64;
            (subject.name(), figures.map(|values| median(values)), share)
        })
        .collect();
    let base = rows.first().map_or([0.0; 4], |(_, figures, _)| *figures);
    println!(
        "{:<20} {:>12} {:>12} {:>7}   {:>10} {:>7}   {:>10} {:>7} {:>12}",
        "", "64 B sent/s", "received/s", "ratio", "TCP Gbit/s", "ratio", "4 streams", "ratio", "handed over"
    );
    for (name, [offered, received, one, several], handed_over) in rows {
        println!(
            "{name:<20} {offered:>12.0} {received:>12.0} {:>7.2}   {one:>10.2} {:>7.2}   {several:>10.2} {:>7.2} {handed_over:>10.0} %",
            received / base[1],
            one / base[2],
            several / base[3],
        );
    }
}
