//! What this process may do, and what may forbid it the rest.

use std::{
    io,
    os::fd::{FromRawFd as _, OwnedFd},
};

use super::{
    super::super::{gate::Capabilities, link},
    System,
};

/// Rights and restraints of this process.
#[derive(Clone, Debug)]
pub struct Privilege {
    /// Effective capabilities.
    pub capabilities: Capabilities,
    /// `Seccomp:` of /proc/self/status: 0 none, 1 strict, 2 a filter.
    pub seccomp: Option<u32>,
    /// The label an LSM has put on this process (AppArmor profile, SELinux context); `None` for no such LSM.
    pub confined: Option<String>,
    /// SELinux enforces its policy; `None` without SELinux.
    pub selinux_enforcing: Option<bool>,
    /// Mode of kernel lockdown: none, integrity, confidentiality.
    pub lockdown: Option<String>,
    /// Security modules in force; `None` when securityfs cannot be read.
    pub modules: Option<String>,
    /// kernel.unprivileged_bpf_disabled.
    pub unprivileged_bpf: Option<u32>,
    /// System error of opening an AF_XDP socket; 0 when that worked.
    pub xdp_socket: i32,
    /// System error of making a BPF map; 0 when that worked.
    pub bpf: i32,
}

impl Privilege {
    /// Reads what the kernel tells; nothing has been attempted yet.
    pub fn read(system: &System, capabilities: Capabilities) -> Self {
        let status = system.text("proc/thread-self/status").unwrap_or_default();
        let seccomp = status.lines().find_map(|line| line.strip_prefix("Seccomp:"));
        let lockdown = system.text("sys/kernel/security/lockdown");
        let label = system.text("proc/thread-self/attr/current");
        Self {
            capabilities,
            seccomp: seccomp.and_then(|mode| mode.trim().parse().ok()),
            confined: label.map(|label| label.trim_end_matches('\0').to_owned()).filter(|l| !l.is_empty()),
            selinux_enforcing: system.number::<u32>("sys/fs/selinux/enforce").map(|enforce| enforce != 0),
            lockdown: lockdown.as_deref().and_then(in_brackets),
            modules: system.text("sys/kernel/security/lsm"),
            unprivileged_bpf: system.number("proc/sys/kernel/unprivileged_bpf_disabled"),
            xdp_socket: 0,
            bpf: 0,
        }
    }

    /// Opens an AF_XDP socket and makes a BPF map, both gone again at once.
    #[must_use]
    pub fn attempted(mut self) -> Self {
        let code = |made: io::Result<OwnedFd>| made.err().map_or(0, |e| e.raw_os_error().unwrap_or(-1));
        self.xdp_socket = code(link::socket(libc::AF_XDP, libc::SOCK_RAW));
        self.bpf = code(array_map());
        self
    }

    /// An LSM's policy binds this process.
    pub fn is_confined(&self) -> bool {
        self.selinux_enforcing == Some(true)
            || self.confined.as_deref().is_some_and(|label| label.ends_with("(enforce)"))
    }
}

/// A BPF array of one number: the least that bpf(2) can make.
fn array_map() -> io::Result<OwnedFd> {
    // SAFETY: a null name and null options are allowed; nothing else here is a pointer.
    let fd = unsafe {
        libbpf_sys::bpf_map_create(
            libbpf_sys::BPF_MAP_TYPE_ARRAY,
            std::ptr::null(),
            4,
            4,
            1,
            std::ptr::null(),
        )
    };
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: the descriptor was just made and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `integrity` of `none [integrity] confidentiality`.
fn in_brackets(text: &str) -> Option<String> {
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{super::super::sample::tree, *};

    #[test]
    fn reads_restraints() {
        let (_dir, system) = tree(&[
            ("proc/thread-self/status", "Name:\tx\nNoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n"),
            ("proc/thread-self/attr/current", "docker-default (enforce)\n"),
            ("sys/kernel/security/lockdown", "none [integrity] confidentiality\n"),
            ("sys/kernel/security/lsm", "lockdown,capability,apparmor\n"),
            ("proc/sys/kernel/unprivileged_bpf_disabled", "2\n"),
        ]);
        let read = Privilege::read(&system, Capabilities(0));
        assert_eq!((read.seccomp, read.unprivileged_bpf), (Some(2), Some(2)));
        assert_eq!(read.lockdown.as_deref(), Some("integrity"));
        assert_eq!(read.modules.as_deref(), Some("lockdown,capability,apparmor"));
        assert!(read.is_confined());
        let (_dir, bare) = tree(&[("proc/thread-self/attr/current", "unconfined\n")]);
        assert!(!Privilege::read(&bare, Capabilities(0)).is_confined());
    }

    #[test]
    fn root_may_make_sockets_and_maps() {
        let tried = Privilege::read(&System::running(), Capabilities(u64::MAX)).attempted();
        assert_eq!((tried.xdp_socket, tried.bpf), (0, 0));
    }
}
