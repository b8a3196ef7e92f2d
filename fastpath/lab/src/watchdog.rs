use std::{
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::LabError;

/// Where `ip netns` keeps its names.
const NETNS_DIR: &str = "/run/netns";
/// Every namespace of a lab is named `fplab-<pid of its owner>-<number>-<role>`.
pub(crate) const PREFIX: &str = "fplab-";

/// Ends what runs in the namespaces given as arguments, then removes them.
const REMOVE: &str = r#"
for name in "$@"; do
    for pid in $(ip netns pids "$name" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
    ip netns del "$name" 2>/dev/null
done
true"#;

/// A process that removes namespaces as soon as their owner lets go of its end of a pipe, be it by [`Drop`],
/// by a panic or by SIGKILL.
#[derive(Debug)]
pub(crate) struct Watchdog {
    child: Child,
}

impl Watchdog {
    /// Watches over `names`, which need not exist yet.
    pub(crate) fn start(names: &[String]) -> Result<Self, LabError> {
        let script = format!("trap '' INT TERM HUP; cat >/dev/null; {REMOVE}");
        let child = Command::new("sh")
            .args(["-c", &script, "fplab-watchdog"])
            .args(names)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of a Ctrl-C meant for the owner.
            .process_group(0)
            .spawn()
            .map_err(LabError::io("starting the lab's watchdog"))?;
        Ok(Self { child })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // The namespaces are gone when it has ended. There is nobody left to tell about a failure.
        let _ = self.child.wait();
    }
}

/// Removes the namespaces of labs whose owner is dead: those whose watchdog was killed too.
pub(crate) fn sweep() -> Result<(), LabError> {
    let entries = match std::fs::read_dir(NETNS_DIR) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(LabError::io(format!("listing {NETNS_DIR}"))(error)),
    };
    let dead: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| owner(name).is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()))
        .collect();
    if dead.is_empty() {
        return Ok(());
    }
    Command::new("sh")
        .args(["-c", REMOVE, "fplab-sweep"])
        .args(dead)
        .status()
        .map(drop)
        .map_err(LabError::io("sweeping dead labs"))
}

/// Pid of the process that made the namespace `name`, when a lab did.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lab_names_have_an_owner() {
        assert_eq!(owner("fplab-123-0-client"), Some(123));
        assert_eq!(owner("other-123-0-client"), None);
        assert_eq!(owner("fplab-x-0-client"), None);
    }
}
