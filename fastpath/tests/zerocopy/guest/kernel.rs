//! The guest's kernel itself.

use std::process::Command;

use anyhow::ensure;

use crate::wire::Wire;

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
