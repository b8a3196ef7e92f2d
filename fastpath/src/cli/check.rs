//! `fastpath check`: which rules can be used.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde::Serialize;

use super::rules::{self, Sources};
use crate::{
    config::{Given, Named, Override},
    engine::rules::{Kept, LineError, LoadReport, RuleError, State, Variables, keywords},
};

/// Load rules and say which cannot be used
///
/// Reads no configuration file: what rules are read against is given with --set. A rule that says itself that it is not for this
/// version (requires) is left out, which is no failure.
///
/// Exit status: 0 when all rules loaded, 1 when some rule or some line of a file beside the rules failed, 2 when a file could not be
/// read.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Rule file or pattern; may be repeated
    #[arg(short = 'S', long = "rules", value_name = "FILE", required_unless_present = "list_keywords")]
    rules: Vec<PathBuf>,
    /// Print all keywords of the rule language and whether rules may use them, and check nothing
    #[arg(long, conflicts_with_all = ["rules", "set"])]
    list_keywords: bool,
    /// Print one JSON object: the counts rules, loaded and thresholds (entries of a threshold-file), and the lists failed, skipped,
    /// warnings, failed_lines and idle (entries without effect), of sid, file, line, column and reason
    #[arg(long)]
    json: bool,
    /// A setting by Suricata's name, such as vars.address-groups.HOME_NET=[10.0.0.0/8]; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Override>,
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    if args.list_keywords {
        return list_keywords(args.json);
    }
    let mut named = Named::default();
    let refused = named.apply(args.set.iter().map(|v| Given::flag("--set", v.clone())));
    if let Some(error) = refused.first() {
        return Err(super::Usage(error.to_string()).into());
    }
    let mut variables = Variables::suricata_defaults();
    named.add_to(&mut variables);
    let sources = Sources {
        rules: args.rules.clone(),
        variables,
        data: named.data,
        hosts: named.hosts,
        kept: Kept::default(),
    };
    let report = match rules::load(&sources, None) {
        Ok((_, report)) => report,
        Err(error) => return Err(super::Usage(error.to_string()).into()),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = if args.json { write_json(&mut out, &report) } else { write_text(&mut out, &report) };
    super::unless_closed(written.and_then(|()| out.flush()))?;
    Ok(if report.failed.is_empty() && report.bad_lines.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn list_keywords(json: bool) -> anyhow::Result<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = if json { write_keywords_json(&mut out) } else { write_keywords(&mut out) };
    super::unless_closed(written.and_then(|()| out.flush()))?;
    Ok(ExitCode::SUCCESS)
}

fn write_keywords(out: &mut impl io::Write) -> io::Result<()> {
    for keyword in keywords() {
        writeln!(out, "{:<32} {:<32} {}", keyword.name, keyword.state.to_string(), keyword.url())?;
    }
    Ok(())
}

#[derive(Serialize)]
struct JsonKeyword {
    name: &'static str,
    /// `supported`, `needs-parser` or `unsupported`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_parser: Option<&'static str>,
    url: String,
}

fn write_keywords_json(out: &mut impl io::Write) -> io::Result<()> {
    let all = keywords().map(|keyword| {
        let (state, missing_parser) = match keyword.state {
            State::Supported => ("supported", None),
            State::NeedsParser(protocol) => ("needs-parser", Some(protocol)),
            State::Unsupported => ("unsupported", None),
        };
        JsonKeyword { name: keyword.name, state, missing_parser, url: keyword.url() }
    });
    serde_json::to_writer(&mut *out, &all.collect::<Vec<_>>())?;
    writeln!(out)
}

#[derive(Serialize)]
struct Json<'a> {
    rules: usize,
    loaded: usize,
    /// Entries of threshold.config, good or bad.
    #[serde(skip_serializing_if = "is_zero")]
    thresholds: usize,
    failed: Vec<JsonFault<'a>>,
    /// Entries of threshold.config that change nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    idle: Vec<JsonFault<'a>>,
    skipped: Vec<JsonFault<'a>>,
    warnings: Vec<JsonFault<'a>>,
    /// Of files beside the rules.
    failed_lines: Vec<JsonFault<'a>>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Serialize)]
struct JsonFault<'a> {
    sid: Option<u32>,
    file: String,
    line: u32,
    column: u32,
    reason: &'a str,
    /// The application protocol whose parser is not there, if that is all that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_parser: Option<&'a str>,
}

impl<'a> From<&'a RuleError> for JsonFault<'a> {
    fn from(error: &'a RuleError) -> Self {
        let RuleError { sid, file, line, column, reason, missing_parser } = error;
        Self {
            sid: *sid,
            file: file.display().to_string(),
            line: *line,
            column: *column,
            reason,
            missing_parser: *missing_parser,
        }
    }
}

impl<'a> From<&'a LineError> for JsonFault<'a> {
    fn from(error: &'a LineError) -> Self {
        let LineError { file, line, column, reason } = error;
        Self {
            sid: None,
            file: file.display().to_string(),
            line: *line,
            column: *column,
            reason,
            missing_parser: None,
        }
    }
}

fn write_json(out: &mut impl io::Write, report: &LoadReport) -> io::Result<()> {
    fn all<'a, E>(errors: &'a [E]) -> Vec<JsonFault<'a>>
    where
        JsonFault<'a>: From<&'a E>,
    {
        errors.iter().map(Into::into).collect()
    }
    let LoadReport { rules, loaded, thresholds, failed, idle, skipped, warnings, bad_lines } = report;
    let json = Json {
        rules: *rules,
        loaded: *loaded,
        thresholds: *thresholds,
        failed: all(failed),
        idle: all(idle),
        skipped: all(skipped),
        warnings: all(warnings),
        failed_lines: all(bad_lines),
    };
    serde_json::to_writer(&mut *out, &json)?;
    writeln!(out)
}

fn write_text(out: &mut impl io::Write, report: &LoadReport) -> io::Result<()> {
    for line in &report.bad_lines {
        writeln!(out, "{line}")?;
    }
    for warning in &report.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    for error in report.skipped.iter().chain(&report.failed) {
        writeln!(out, "{error}")?;
    }
    for error in &report.idle {
        writeln!(out, "of no effect: {error}")?;
    }
    let mut missing = BTreeMap::<_, usize>::new();
    for error in &report.failed {
        *missing.entry(error.missing_parser).or_default() += 1;
    }
    let LoadReport { rules, loaded, failed, skipped, .. } = report;
    write!(out, "{rules} rules read, {loaded} loaded, {} failed", failed.len())?;
    if !skipped.is_empty() {
        write!(out, ", {} not meant for this version", skipped.len())?;
    }
    writeln!(out)?;
    for (parser, count) in missing.into_iter().filter_map(|(parser, count)| Some((parser?, count))) {
        writeln!(
            out,
            "  {count} of the failed need nothing but the parser of {parser}, which is not there yet"
        )?;
    }
    Ok(())
}
