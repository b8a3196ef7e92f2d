//! The guest's kernel itself.

use std::process::Command;

use anyhow::{Context, ensure};
use fastpath_lab::built_beside;

use crate::wire::Wire;

/// The XDP program's own tests (fastpath/tests/xdp_program.rs) on this kernel: on veths, with frames by
/// BPF_PROG_TEST_RUN, once as it stands in fastpath and once by libbpf.
pub(crate) fn program(_: &Wire) -> anyhow::Result<()> {
    let tests = built_beside()?.with_file_name("xdp_program");
    let output = Command::new(&tests).arg("--test-threads=1").output().context("starting xdp_program")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let result = text.lines().find(|line| line.starts_with("test result")).unwrap_or("no result");
    ensure!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    ensure!(
        !result.contains(" 0 passed") && result.contains("; 0 ignored; 0 measured; 0 filtered"),
        "{result}"
    );
    println!("          {result}");
    Ok(())
}

pub(crate) fn log(_: &Wire) -> anyhow::Result<()> {
    let output = Command::new("dmesg").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && !text.is_empty(), "dmesg says nothing");
    let faults: Vec<_> = text
        .lines()
        .filter(|line| {
            ["BUG:", "WARNING:", "Oops", "Call Trace", "hung task"].iter().any(|word| line.contains(word))
        })
        .collect();
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}
