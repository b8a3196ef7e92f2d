//! Which XDP program an interface already runs, and who holds it there.

use std::{fmt, fs, io, path::Path};

use aya::programs::{loaded_links, loaded_programs};

/// An XDP program found on an interface. Its `Display` names program, owner and how to take it off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedProgram {
    /// Index of the interface.
    pub ifindex: u32,
    /// The kernel's id, as `bpftool prog` shows it.
    pub id: u32,
    /// Its name, at most 15 characters; empty when it has none or may not be read.
    pub name: String,
    /// Whether a BPF link holds it (it then ends with its processes or pins) rather than the interface
    /// itself (`ip link`, xdp-loader; it stays until somebody takes it off).
    pub by_link: bool,
    /// The processes that hold its link, or where there is none, the program itself.
    pub holders: Vec<Holder>,
}

/// A process that holds a program or its link by a file descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Process id, as this process sees it.
    pub pid: u32,
    /// Its command, at most 15 characters.
    pub command: String,
}

/// The XDP program on the interface with index `ifindex`, in whichever mode.
///
/// # Errors
/// The kernel's refusal of the query, such as ENODEV. What may not be read about owner and name is left empty.
pub fn attached(ifindex: u32) -> io::Result<Option<AttachedProgram>> {
    let Some(id) = query(ifindex)? else { return Ok(None) };
    let name = loaded_programs()
        .filter_map(Result::ok)
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .unwrap_or_default();
    // A program that links hold on other interfaces may be on this one without: only a holder tells.
    let (on_link, on_program) = holders(id, ifindex);
    let by_link =
        !on_link.is_empty() || loaded_links().filter_map(Result::ok).any(|link| link.program_id() == id);
    let holders = if by_link { on_link } else { on_program };
    Ok(Some(AttachedProgram { ifindex, id, name, by_link, holders }))
}

/// What an interface's driver says it can do with XDP (`enum netdev_xdp_act`, linux/netdev.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpFeatures {
    /// NETDEV_XDP_ACT_* bits; 0 when it has no native XDP.
    pub flags: u64,
    /// Fragments of the longest packet in zero-copy: 1, or 0, when it has to be whole.
    pub zero_copy_fragments: u32,
}

impl XdpFeatures {
    const BASIC: u64 = 1;
    const REDIRECT: u64 = 1 << 1;
    const XSK_ZEROCOPY: u64 = 1 << 3;
    const RX_SG: u64 = 1 << 5;

    /// The program can run in the driver and redirect into sockets.
    pub fn native(self) -> bool {
        self.flags & Self::BASIC != 0 && self.flags & Self::REDIRECT != 0
    }

    /// AF_XDP in zero-copy.
    pub fn zero_copy(self) -> bool {
        self.flags & Self::XSK_ZEROCOPY != 0
    }

    /// The program may see packets of several fragments.
    pub fn multi_buffer(self) -> bool {
        self.flags & Self::RX_SG != 0
    }
}

/// What the driver of interface `ifindex` says. Kernels before 6.3 cannot be asked, and answer 0.
///
/// # Errors
/// The kernel's refusal of the query, such as ENODEV.
pub fn features(ifindex: u32) -> io::Result<XdpFeatures> {
    let answer = ask(ifindex)?;
    Ok(XdpFeatures { flags: answer.feature_flags, zero_copy_fragments: answer.xdp_zc_max_segs })
}

/// Id of the program on `ifindex`.
fn query(ifindex: u32) -> io::Result<Option<u32>> {
    let answer = ask(ifindex)?;
    let ids = [answer.prog_id, answer.drv_prog_id, answer.skb_prog_id, answer.hw_prog_id];
    Ok(ids.into_iter().find(|&id| id != 0))
}

fn ask(ifindex: u32) -> io::Result<libbpf_sys::bpf_xdp_query_opts> {
    let index = i32::try_from(ifindex).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    let mut answer = libbpf_sys::bpf_xdp_query_opts {
        sz: size_of::<libbpf_sys::bpf_xdp_query_opts>() as u64,
        ..Default::default()
    };
    // SAFETY: `answer` is a live, exclusively borrowed options structure whose `sz` is its true size.
    let result = unsafe { libbpf_sys::bpf_xdp_query(index, 0, &raw mut answer) };
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    Ok(answer)
}

/// Processes that hold a link of program `id` to `ifindex`, and those that hold the program.
fn holders(id: u32, ifindex: u32) -> (Vec<Holder>, Vec<Holder>) {
    let (mut on_link, mut on_program) = (Vec::new(), Vec::new());
    // Processes come and go while we read: what cannot be read is not there.
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let (mut link, mut program) = (false, false);
        for descriptor in fs::read_dir(process.path().join("fdinfo")).into_iter().flatten().flatten() {
            let Ok(info) = fs::read_to_string(descriptor.path()) else { continue };
            if field(&info, "prog_id") != Some(id) {
                continue;
            }
            match field(&info, "link_id") {
                Some(_) => link |= field(&info, "ifindex") == Some(ifindex),
                None => program = true,
            }
        }
        if link {
            on_link.push(holder(pid, &process.path()));
        }
        if program {
            on_program.push(holder(pid, &process.path()));
        }
    }
    (on_link, on_program)
}

fn holder(pid: u32, process: &Path) -> Holder {
    let command = fs::read_to_string(process.join("comm")).unwrap_or_default().trim_end().to_owned();
    Holder { pid, command }
}

/// The number in the line `key:\tnumber` of a /proc/PID/fdinfo file.
fn field(info: &str, key: &str) -> Option<u32> {
    info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')?.trim().parse().ok())
}

impl fmt::Display for AttachedProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "program id {}", self.id)?;
        if !self.name.is_empty() {
            write!(f, " (`{}`)", self.name)?;
        }
        match (self.by_link, self.holders.is_empty()) {
            (true, false) => write!(f, ", held by a link of {}: stop that process", list(&self.holders)),
            (true, true) => write!(
                f,
                ", held by a link of no process seen here: one that is just ending (try again), or a pin (find it \
                 with `bpftool -f link show` and remove it)"
            ),
            (false, false) => write!(
                f,
                ", attached without a link, and {} has it open: stop that process, then remove the program",
                list(&self.holders)
            ),
            (false, true) => write!(f, ", attached without a link (`ip link`, xdp-loader): remove it"),
        }
    }
}

fn list(holders: &[Holder]) -> String {
    let names: Vec<_> = holders.iter().map(|h| format!("{} (pid {})", h.command, h.pid)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fdinfo_fields_are_whole_keys() {
        let info = "pos:\t0\nlink_type:\txdp\nlink_id:\t7\nprog_tag:\taa\nprog_id:\t42\nifindex:\t3\n";
        assert_eq!(field(info, "prog_id"), Some(42));
        assert_eq!(field(info, "link_id"), Some(7));
        assert_eq!(field(info, "prog"), None);
        assert_eq!(field(info, "link_type"), None);
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        assert!(attached(u32::MAX).is_err());
    }
}
