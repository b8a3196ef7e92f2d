//! Kernel, cores and memory.

use std::{fmt, io::Read as _};

use flate2::read::GzDecoder;

use super::{super::super::cores, Interrupt, System, interrupt};

/// Major and minor number of a kernel release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion(pub u32, pub u32);

impl KernelVersion {
    /// From `6.18.15-amd64`.
    pub fn parse(release: &str) -> Option<Self> {
        let mut parts = release.split(|c: char| !c.is_ascii_digit());
        Some(Self(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The pool of huge pages of the default size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HugePages {
    /// Pages in the pool.
    pub total: u64,
    /// Those that nobody has taken or reserved.
    pub free: u64,
    /// Bytes of one.
    pub size: u64,
}

/// Kernel, cores and memory of the machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// `uname -r`.
    pub release: Option<String>,
    /// The kernel's build configuration, as text.
    pub config: Option<String>,
    /// net.core.bpf_jit_enable; 0 is off.
    pub jit: Option<u32>,
    /// The clock source in use.
    pub clock: Option<String>,
    /// The key that drivers take from the kernel (net.core.netdev_rss_key); all zero until one did.
    pub rss_key: Option<Vec<u8>>,
    /// Cores this process may run on, ascending.
    pub available: Vec<usize>,
    /// Cores that run nothing unless it is pinned to them.
    pub isolated: Option<Vec<usize>>,
    /// NUMA nodes with their cores.
    pub nodes: Vec<(u32, Vec<usize>)>,
    /// The pool of huge pages.
    pub huge_pages: Option<HugePages>,
    /// Interrupts with the cores that serve them.
    pub interrupts: Option<Vec<Interrupt>>,
}

impl Machine {
    /// Reads them.
    pub fn read(system: &System) -> Self {
        let release = system.text("proc/sys/kernel/osrelease");
        Self {
            config: release.as_deref().and_then(|release| kernel_config(system, release)),
            release,
            jit: system.number("proc/sys/net/core/bpf_jit_enable"),
            clock: system.text("sys/devices/system/clocksource/clocksource0/current_clocksource"),
            rss_key: system.text("proc/sys/net/core/netdev_rss_key").and_then(|text| hex(&text)),
            available: cores::available(),
            isolated: system.cores("sys/devices/system/cpu/isolated"),
            nodes: nodes(system),
            huge_pages: system.text("proc/meminfo").and_then(|text| huge_pages(&text)),
            interrupts: interrupt::read(system),
        }
    }

    /// The kernel's version.
    pub fn kernel(&self) -> Option<KernelVersion> {
        KernelVersion::parse(self.release.as_deref()?)
    }

    /// Whether the kernel was built with `option` (`CONFIG_…`), as a part or a module; `None` when its
    /// configuration cannot be read.
    pub fn configured(&self, option: &str) -> Option<bool> {
        let config = self.config.as_deref()?;
        Some(
            config
                .lines()
                .filter_map(|line| line.strip_prefix(option))
                .any(|value| matches!(value, "=y" | "=m")),
        )
    }

    /// The NUMA node of `core`.
    pub fn node(&self, core: usize) -> Option<u32> {
        self.nodes.iter().find(|(_, cores)| cores.contains(&core)).map(|(node, _)| *node)
    }
}

fn kernel_config(system: &System, release: &str) -> Option<String> {
    if let Some(packed) = system.bytes("proc/config.gz") {
        let mut text = String::new();
        if GzDecoder::new(packed.as_slice()).read_to_string(&mut text).is_ok() {
            return Some(text);
        }
    }
    let elsewhere = [format!("boot/config-{release}"), format!("lib/modules/{release}/config")];
    elsewhere.iter().find_map(|path| system.text(path))
}

fn nodes(system: &System) -> Vec<(u32, Vec<usize>)> {
    let node = |name: String| {
        let number = name.strip_prefix("node")?.parse().ok()?;
        Some((number, system.cores(&format!("sys/devices/system/node/{name}/cpulist"))?))
    };
    let mut nodes: Vec<_> = system.names("sys/devices/system/node").into_iter().filter_map(node).collect();
    nodes.sort_unstable();
    nodes
}

/// From the text of /proc/meminfo.
fn huge_pages(meminfo: &str) -> Option<HugePages> {
    let field = |name: &str| {
        let value = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        value.split_whitespace().next()?.parse::<u64>().ok()
    };
    let reserved = field("HugePages_Rsvd").unwrap_or(0);
    Some(HugePages {
        total: field("HugePages_Total")?,
        free: field("HugePages_Free")?.saturating_sub(reserved),
        size: field("Hugepagesize")? * 1024,
    })
}

/// Bytes of `6d:5a:…`.
fn hex(text: &str) -> Option<Vec<u8>> {
    text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::{super::super::sample::tree, *};

    #[test]
    fn reads_a_machine() {
        let (_dir, system) = tree(&[
            ("proc/sys/kernel/osrelease", "6.18.15+deb13-amd64\n"),
            (
                "boot/config-6.18.15+deb13-amd64",
                "CONFIG_XDP_SOCKETS=y\n# CONFIG_BPF_JIT is not set\nCONFIG_XDP_SOCKETS_DIAG=m\n",
            ),
            ("proc/sys/net/core/bpf_jit_enable", "1\n"),
            ("proc/sys/net/core/netdev_rss_key", "6d:5a:00\n"),
            ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
            ("sys/devices/system/cpu/isolated", "\n"),
            ("sys/devices/system/node/node0/cpulist", "0-1\n"),
            ("sys/devices/system/node/node1/cpulist", "2-3\n"),
            ("sys/devices/system/node/online", "0-1\n"),
            (
                "proc/meminfo",
                "MemTotal: 1 kB\nHugePages_Total:    8\nHugePages_Free:  5\nHugePages_Rsvd:  1\nHugepagesize:   2048 kB\n",
            ),
        ]);
        let machine = Machine::read(&system);
        assert_eq!(machine.kernel(), Some(KernelVersion(6, 18)));
        assert_eq!(machine.configured("CONFIG_XDP_SOCKETS"), Some(true));
        assert_eq!(machine.configured("CONFIG_BPF_JIT"), Some(false));
        assert_eq!(machine.rss_key, Some(vec![0x6d, 0x5a, 0]));
        assert_eq!((machine.jit, machine.clock.as_deref()), (Some(1), Some("tsc")));
        assert_eq!(machine.isolated, Some(vec![]));
        assert_eq!((machine.node(2), machine.node(7)), (Some(1), None));
        assert_eq!(machine.huge_pages, Some(HugePages { total: 8, free: 4, size: 2 << 20 }));
    }

    #[test]
    fn what_is_not_there_is_unknown() {
        let (_dir, system) = tree(&[]);
        let machine = Machine::read(&system);
        assert_eq!((machine.kernel(), machine.configured("CONFIG_BPF_JIT"), machine.jit), (None, None, None));
        assert!(machine.huge_pages.is_none() && machine.interrupts.is_none() && machine.isolated.is_none());
    }

    #[test]
    fn unpacks_the_running_kernel_s_configuration() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"CONFIG_BPF_JIT=y\n").unwrap();
        let (dir, system) = tree(&[("proc/sys/kernel/osrelease", "7.2.0")]);
        std::fs::write(dir.path().join("proc/config.gz"), packed.finish().unwrap()).unwrap();
        assert_eq!(Machine::read(&system).configured("CONFIG_BPF_JIT"), Some(true));
        // A broken one is unknown, and no reason to fail.
        std::fs::write(dir.path().join("proc/config.gz"), b"\x1f\x8bno").unwrap();
        assert_eq!(Machine::read(&system).configured("CONFIG_BPF_JIT"), None);
    }

    #[test]
    fn versions_are_numbers() {
        assert!(KernelVersion::parse("6.12.95") > KernelVersion::parse("6.6-rc1"));
        assert_eq!(KernelVersion::parse("7.2-rc3+"), Some(KernelVersion(7, 2)));
        assert_eq!(KernelVersion::parse("linux"), None);
    }
}
