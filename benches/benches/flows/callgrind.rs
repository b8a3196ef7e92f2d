//! Instructions per packet: the program runs itself under callgrind, which counts between two points.

use std::{env, fs, hint::black_box, process::Command};

/// Before the name of a case and its number of flows: run it once, under callgrind.
pub(super) const FLAG: &str = "--under-callgrind";

/// Packets counted.
const PACKETS: u64 = 10_000;

/// Instructions per packet of a case.
pub(super) fn count(case: &str, flows: u32) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let out = env::temp_dir().join(format!("callgrind.{}", std::process::id()));
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--toggle-collect=*callgrind::measured*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args([FLAG, case, &flows.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
    }
    let profile = fs::read_to_string(&out).map_err(|error| error.to_string())?;
    // It is in the way of the next one; the system's folder is emptied anyway.
    let _ = fs::remove_file(&out);
    let total = profile.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse::<u64>().ok());
    total.filter(|&total| total > 0).map(|total| total / PACKETS).ok_or("no summary".into())
}

/// Runs a case as often as it is counted.
pub(super) fn run(case: &mut dyn FnMut()) {
    measured(black_box(case));
}

#[inline(never)]
fn measured(case: &mut dyn FnMut()) {
    for _ in 0..PACKETS {
        case();
    }
}
