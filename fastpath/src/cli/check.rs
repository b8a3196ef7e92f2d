//! `fastpath check`: which rules can be used.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde::Serialize;

use super::rules;
use crate::{
    config::{Given, Named, Override},
    engine::rules::{LoadReport, RuleError, Variables},
};

/// Exit status: 0 when all rules loaded, 1 when some failed, 2 when a file could not be read.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Rule file or pattern; may be repeated
    #[arg(short = 'S', long = "rules", value_name = "FILE", required = true)]
    rules: Vec<PathBuf>,
    /// Print one JSON object: rules, loaded, failed (each with sid, file, line, column, reason)
    #[arg(long)]
    json: bool,
    /// A setting by Suricata's name, such as vars.address-groups.HOME_NET=[10.0.0.0/8]; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Override>,
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut named = Named::default();
    let refused = named.apply(args.set.iter().map(|v| Given::flag("--set", v.clone())));
    if let Some(error) = refused.first() {
        return Err(super::Usage(error.to_string()).into());
    }
    let mut variables = Variables::suricata_defaults();
    named.extend(&mut variables);
    let report = match rules::load(&args.rules, &variables, None) {
        Ok((_, report)) => report,
        Err(error) => return Err(super::Usage(error.to_string()).into()),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = if args.json { write_json(&mut out, &report) } else { write_text(&mut out, &report) };
    super::unless_closed(written.and_then(|()| out.flush()))?;
    Ok(if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Serialize)]
struct Json<'a> {
    rules: usize,
    loaded: usize,
    failed: Vec<JsonFailure<'a>>,
}

#[derive(Serialize)]
struct JsonFailure<'a> {
    sid: Option<u32>,
    file: String,
    line: u32,
    column: u32,
    reason: &'a str,
}

impl<'a> From<&'a RuleError> for JsonFailure<'a> {
    fn from(error: &'a RuleError) -> Self {
        let RuleError { sid, file, line, column, reason } = error;
        Self { sid: *sid, file: file.display().to_string(), line: *line, column: *column, reason }
    }
}

fn write_json(out: &mut impl io::Write, report: &LoadReport) -> io::Result<()> {
    let LoadReport { rules, loaded, failed } = report;
    let json = Json { rules: *rules, loaded: *loaded, failed: failed.iter().map(Into::into).collect() };
    serde_json::to_writer(&mut *out, &json)?;
    writeln!(out)
}

fn write_text(out: &mut impl io::Write, report: &LoadReport) -> io::Result<()> {
    for error in &report.failed {
        writeln!(out, "{error}")?;
    }
    writeln!(out, "{} rules read, {} loaded, {} failed", report.rules, report.loaded, report.failed.len())
}
