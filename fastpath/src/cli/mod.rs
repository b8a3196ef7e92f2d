//! The command line.

use std::process::ExitCode;

/// Runs the program; its exit status.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
