//! Arguments -> configuration -> run -> exit status. The only place that prints a final error.

use std::process::ExitCode;

fn main() -> ExitCode {
    fastpath::cli::main()
}
