//! The command line. Its names are a contract: users' scripts rely on them.

mod check;
mod doctor;
mod environment;
mod replay;
mod rules;
mod run;

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::{
    ArgAction, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    error::ErrorKind, parser::ValueSource,
};
use tracing_subscriber::EnvFilter;

/// Exit status of a wrong command line, as clap's own.
const USAGE: u8 = 2;

/// AF_XDP userspace fast-path inspector with Suricata-language rules.
///
/// Without a subcommand it does what `run` does: `fastpath --interface eth1 --peer eth2 --queues 0-3`.
#[derive(Debug, Parser)]
#[command(name = "fastpath", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
    #[command(flatten)]
    verbosity: Verbosity,
}

/// What each does is said where its arguments are.
#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::RunArgs>),
    Replay(replay::ReplayArgs),
    Check(check::CheckArgs),
    Doctor(doctor::DoctorArgs),
}

#[derive(Args, Debug)]
struct Verbosity {
    /// Log more: once for debug, twice for trace (the environment's RUST_LOG goes before it)
    #[arg(short, long, action = ArgAction::Count, global = true)]
    verbose: u8,
}

/// Runs the program; its exit status.
pub fn main() -> ExitCode {
    let cli = parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let command = cli.command.unwrap_or_else(|| Command::Run(Box::new(cli.run)));
    log_to_stderr(cli.verbosity.verbose, matches!(command, Command::Run(_)));
    let result = match command {
        Command::Run(args) => run::run(*args),
        Command::Replay(args) => replay::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Doctor(args) => doctor::run(args),
    };
    result.unwrap_or_else(|error| {
        // Not eprintln, which panics when nobody reads standard error any more.
        let _ = writeln!(io::stderr(), "error: {}", explain(&error));
        ExitCode::from(if error.is::<Usage>() { USAGE } else { 1 })
    })
}

/// The error and its causes, but for those that the text before them tells already.
fn explain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        told if told.contains(&cause) => told.into(),
        told => format!("{told}: {cause}"),
    })
}

/// Success when the reader of standard output has gone (`fastpath check … | head`): it has what it wants.
fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// As `Cli::try_parse_from`, but options of `run` before another subcommand are an error, not ignored.
/// (clap's own `args_conflicts_with_subcommands` would refuse `fastpath -v replay` too.)
fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    let given = |matches: &ArgMatches, id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    if let Some(subcommand) = matches.subcommand_name()
        && let Some(option) = Cli::command()
            .get_arguments()
            .find(|argument| !argument.is_global_set() && given(&matches, argument.get_id().as_str()))
    {
        // Not Display, which clap's argument has only when its command is built for usage.
        let name = option.get_long().unwrap_or_default();
        let message = format!(
            "`--{name}` stands before the subcommand `{subcommand}`; options of a subcommand stand after it"
        );
        return Err(command.error(ErrorKind::ArgumentConflict, message));
    }
    Cli::from_arg_matches(&matches)
}

/// An error whose cause is the command line or this build, not what happened: exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// A daemon says when and a little more; a tool says only what is wrong.
fn log_to_stderr(verbose: u8, daemon: bool) {
    let default = match (verbose, daemon) {
        (0, false) => "warn",
        (0, true) => "info",
        (1, _) => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // A record that cannot be written is lost; telling so on the same standard error would panic.
        .log_internal_errors(false)
        .with_target(verbose > 0)
        .with_ansi(io::stderr().is_terminal());
    // Fails only when a log was set up before, which is then used.
    let _ = if daemon { log.try_init() } else { log.without_time().try_init() };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_cause_is_told_once() {
        let cause = || io::Error::other("disk full");
        let telling = anyhow::Error::new(crate::event::EventError::Write { source: cause() });
        assert_eq!(explain(&telling), "cannot write events: disk full");
        assert_eq!(explain(&anyhow::Error::new(cause()).context("cannot run")), "cannot run: disk full");
    }

    #[test]
    fn options_of_run_do_not_vanish_before_a_subcommand() {
        let words = |line: &str| line.split(' ').map(Into::into).collect::<Vec<_>>();
        assert!(parse(words("fastpath -v check -S a.rules")).is_ok());
        assert!(parse(words("fastpath --interface e1 --queues 0-3")).is_ok());
        let error = parse(words("fastpath --queues 0 check -S a.rules")).unwrap_err().to_string();
        assert!(error.contains("--queues") && error.contains("`check`"), "{error}");
    }
}
