//! `fastpath replay`: the engine over a capture file.
use std::process::ExitCode;
#[derive(clap::Args, Debug)]
pub(super) struct ReplayArgs {}
pub(super) fn run(_: &ReplayArgs) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
