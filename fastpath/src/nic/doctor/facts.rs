//! What the checks look at, read once. What cannot be read is `None`: unknown, not wrong.

pub mod interrupt;
pub mod machine;
pub mod port;
pub mod privilege;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use interrupt::Interrupt;
pub use machine::{HugePages, KernelVersion, Machine};
pub use port::{Pci, Port};
pub use privilege::Privilege;

use super::super::{
    gate::{Capabilities, GateError},
    link::{Control, Link},
};
use crate::config::IndexList;

/// Everything the checks look at.
#[derive(Debug)]
pub struct Facts {
    /// Kernel, cores and memory.
    pub machine: Machine,
    /// What this process may do, and what forbids it the rest.
    pub privilege: Privilege,
    /// The ports that exist.
    pub ports: Vec<Port>,
    /// What the gates of a start refuse.
    pub gates: Vec<GateError>,
}

impl Facts {
    /// Reads the facts; ports are those of `links`, in the namespace of `control`.
    pub fn collect(control: &Control, links: &[Link], capabilities: Capabilities) -> Self {
        let system = System::running();
        Self {
            machine: Machine::read(&system),
            privilege: Privilege::read(&system, capabilities).attempted(),
            ports: links.iter().map(|link| Port::read(&system, control, link)).collect(),
            gates: Vec::new(),
        }
    }
}

/// The file trees below which the kernel tells facts; elsewhere than `/` in tests.
#[derive(Clone, Debug)]
pub struct System {
    root: PathBuf,
}

impl System {
    /// The machine this runs on.
    pub fn running() -> Self {
        Self { root: "/".into() }
    }

    /// A tree below `root` that looks like one.
    #[cfg(test)]
    pub(crate) fn below(root: &Path) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The trimmed text of a file, named without the leading `/`.
    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok().map(|text| text.trim().to_owned())
    }

    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.path(path)).ok()
    }

    fn number<T: std::str::FromStr>(&self, path: &str) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// Names in a directory; none when it cannot be read.
    fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(&self.path(path)).exists()
    }

    /// Cores in a file such as `0-3,6`. An empty file is an empty list.
    fn cores(&self, path: &str) -> Option<Vec<usize>> {
        let text = self.text(path)?;
        if text.is_empty() {
            return Some(Vec::new());
        }
        let list: IndexList = text.parse().ok()?;
        Some(list.as_slice().iter().map(|&core| core as usize).collect())
    }
}
