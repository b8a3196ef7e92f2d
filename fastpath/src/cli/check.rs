//! `fastpath check`: which rules can be used.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde::Serialize;

use super::rules::{self, Loaded, Sources};
use crate::{
    config::{Given, Named, Override},
    engine::rules::{Kept, LineError, LoadReport, RuleError, Variables},
};

/// Exit status: 0 when all rules loaded, 1 when some rule or some line of a file beside the rules failed, 2 when a file could not be
/// read. A rule that says itself that it is not for this version (requires) is left out, which is no failure.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Rule file or pattern; may be repeated
    #[arg(short = 'S', long = "rules", value_name = "FILE", required = true)]
    rules: Vec<PathBuf>,
    /// Print one JSON object: rules, loaded, and failed, skipped, warnings, failed_lines (each with sid, file, line, column, reason)
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
    let sources = Sources {
        rules: &args.rules,
        classification: named.classification_file.as_deref(),
        references: named.reference_config_file.as_deref(),
    };
    let Loaded { report, bad_lines, .. } = match rules::load(sources, variables, Kept::default()) {
        Ok(loaded) => loaded,
        Err(error) => return Err(super::Usage(error.to_string()).into()),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = if args.json {
        write_json(&mut out, &report, &bad_lines)
    } else {
        write_text(&mut out, &report, &bad_lines)
    };
    super::unless_closed(written.and_then(|()| out.flush()))?;
    Ok(if report.failed.is_empty() && bad_lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Serialize)]
struct Json<'a> {
    rules: usize,
    loaded: usize,
    failed: Vec<JsonFault<'a>>,
    skipped: Vec<JsonFault<'a>>,
    warnings: Vec<JsonFault<'a>>,
    /// Of files beside the rules.
    failed_lines: Vec<JsonFault<'a>>,
}

#[derive(Serialize)]
struct JsonFault<'a> {
    sid: Option<u32>,
    file: String,
    line: u32,
    column: u32,
    reason: &'a str,
}

impl<'a> From<&'a RuleError> for JsonFault<'a> {
    fn from(error: &'a RuleError) -> Self {
        let RuleError { sid, file, line, column, reason } = error;
        Self { sid: *sid, file: file.display().to_string(), line: *line, column: *column, reason }
    }
}

impl<'a> From<&'a LineError> for JsonFault<'a> {
    fn from(error: &'a LineError) -> Self {
        let LineError { file, line, column, reason } = error;
        Self { sid: None, file: file.display().to_string(), line: *line, column: *column, reason }
    }
}

fn write_json(out: &mut impl io::Write, report: &LoadReport, bad_lines: &[LineError]) -> io::Result<()> {
    let LoadReport { rules, loaded, failed, skipped, warnings } = report;
    let json = Json {
        rules: *rules,
        loaded: *loaded,
        failed: failed.iter().map(Into::into).collect(),
        skipped: skipped.iter().map(Into::into).collect(),
        warnings: warnings.iter().map(Into::into).collect(),
        failed_lines: bad_lines.iter().map(Into::into).collect(),
    };
    serde_json::to_writer(&mut *out, &json)?;
    writeln!(out)
}

fn write_text(out: &mut impl io::Write, report: &LoadReport, bad_lines: &[LineError]) -> io::Result<()> {
    for line in bad_lines {
        writeln!(out, "{line}")?;
    }
    for warning in &report.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    for error in report.skipped.iter().chain(&report.failed) {
        writeln!(out, "{error}")?;
    }
    let LoadReport { rules, loaded, failed, skipped, .. } = report;
    write!(out, "{rules} rules read, {loaded} loaded, {} failed", failed.len())?;
    if !skipped.is_empty() {
        write!(out, ", {} not meant for this version", skipped.len())?;
    }
    writeln!(out)
}
