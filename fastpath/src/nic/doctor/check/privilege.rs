//! Who forbids what: capabilities are the gates' (`gates.rs`); here seccomp, LSM and lockdown, told apart.

use super::{
    super::facts::{Facts, Privilege},
    Check, Topic,
};

const SECURITY: Topic =
    Topic::new("security", "seccomp filters and security modules can refuse what capabilities would allow");
const LOCKDOWN: Topic =
    Topic::new("lockdown", "kernel lockdown narrows what BPF may do, whatever the capabilities");

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    vec![security(&facts.privilege), lockdown(&facts.privilege)]
}

fn security(privilege: &Privilege) -> Check {
    let attempts = [("an AF_XDP socket", privilege.xdp_socket), ("bpf(2)", privilege.bpf)];
    // EAFNOSUPPORT is the kernel's build; memory is told by memlock.
    let denied =
        attempts.into_iter().find(|(_, error)| matches!(*error, libc::EPERM | libc::EACCES | libc::ENOSYS));
    let Some((what, error)) = denied else {
        return match attempts.iter().find(|(_, error)| !matches!(*error, 0 | libc::EAFNOSUPPORT)) {
            Some((what, error)) => SECURITY.unknown(format!("{what}: {}", reason(*error))),
            None => SECURITY.ok("AF_XDP sockets and bpf(2) are allowed"),
        };
    };
    let (who, fix) = culprit(privilege, error);
    SECURITY.fail(format!("{what} is refused ({}) by {who}", reason(error)), fix)
}

fn reason(error: i32) -> std::io::Error {
    std::io::Error::from_raw_os_error(error)
}

/// Who refused with `error`. The kernel does not say, but each has its ways: capabilities come first and are
/// known; a seccomp filter mostly answers EPERM or ENOSYS, SELinux and AppArmor EACCES (security/selinux/avc.c,
/// security/apparmor/lib.c).
fn culprit(privilege: &Privilege, error: i32) -> (String, String) {
    let missing = privilege.capabilities.missing();
    if !missing.is_empty() {
        let sysctl = match privilege.unprivileged_bpf {
            Some(mode @ 1..) => format!(" (and kernel.unprivileged_bpf_disabled is {mode})"),
            _ => String::new(),
        };
        let who = format!("the kernel: this process lacks {}{sysctl}", missing.join(" and "));
        return (who, "run as root, or setcap cap_net_admin,cap_net_raw,cap_bpf+ep the binary".into());
    }
    let filtered = matches!(privilege.seccomp, Some(1..));
    if filtered && !(error == libc::EACCES && privilege.is_confined()) {
        let fix = "allow bpf and socket in the seccomp profile (docker: --security-opt seccomp=FILE; systemd: \
                   SystemCallFilter=, RestrictAddressFamilies=AF_XDP AF_NETLINK AF_PACKET AF_INET AF_UNIX)";
        return ("a seccomp filter on this process".into(), fix.into());
    }
    if privilege.selinux_enforcing == Some(true) {
        let label = privilege.confined.as_deref().unwrap_or("?");
        let fix = "ausearch -m avc -ts recent, and allow xdp_socket and bpf to that domain";
        return (format!("SELinux (this process is {label})"), fix.into());
    }
    if let Some(label) = privilege.confined.as_deref().filter(|_| privilege.is_confined()) {
        let fix = "dmesg | grep apparmor, and allow `network xdp` and `capability bpf` in that profile";
        return (format!("AppArmor (profile {label})"), fix.into());
    }
    let modules = privilege.modules.as_deref().unwrap_or("not to be read");
    let who = format!("neither seccomp, SELinux nor AppArmor; security modules: {modules}");
    (who, "look into dmesg and at the modules of /sys/kernel/security/lsm (a BPF LSM leaves no trace)".into())
}

/// The XDP program reads no kernel memory, so even confidentiality leaves it alone; tracing it will not work
/// (security/security.c, LOCKDOWN_BPF_READ_KERNEL).
fn lockdown(privilege: &Privilege) -> Check {
    match privilege.lockdown.as_deref() {
        Some("confidentiality") => LOCKDOWN.warn(
            "confidentiality: the program runs, but bpftrace and the like can see nothing",
            "boot with lockdown=integrity where tracing is wanted",
        ),
        Some(mode) => LOCKDOWN.ok(mode),
        None if privilege.modules.is_some() => LOCKDOWN.ok("not there"),
        None => {
            LOCKDOWN.unknown("securityfs cannot be read: mount -t securityfs securityfs /sys/kernel/security")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::sample::{fails, healthy, is_ok, is_unknown, warns},
        *,
    };
    use crate::nic::gate::Capabilities;

    fn with(change: impl FnOnce(&mut Privilege)) -> Check {
        let mut privilege = healthy().privilege;
        change(&mut privilege);
        security(&privilege)
    }

    #[test]
    fn a_denial_is_told_by_who_denies() {
        is_ok(&with(|_| {}));
        let missing = with(|p| {
            p.capabilities = Capabilities(0);
            p.bpf = libc::EPERM;
            p.unprivileged_bpf = Some(2);
            p.seccomp = Some(2);
        });
        fails(&missing, "setcap");
        assert!(
            missing.finding.contains("CAP_BPF") && missing.finding.contains("unprivileged_bpf_disabled is 2")
        );
        let seccomp = with(|p| (p.bpf, p.seccomp) = (libc::EPERM, Some(2)));
        fails(&seccomp, "SystemCallFilter");
        let selinux = with(|p| {
            (p.xdp_socket, p.seccomp, p.selinux_enforcing) = (libc::EACCES, Some(2), Some(true));
            p.confined = Some("system_u:system_r:container_t:s0".into());
        });
        fails(&selinux, "ausearch");
        assert!(selinux.finding.contains("container_t") && selinux.finding.contains("AF_XDP"));
        let apparmor =
            with(|p| (p.bpf, p.confined) = (libc::EACCES, Some("docker-default (enforce)".into())));
        fails(&apparmor, "apparmor");
        fails(&with(|p| p.bpf = libc::EPERM), "security/lsm");
    }

    #[test]
    fn another_error_is_no_denial() {
        is_unknown(&with(|p| p.bpf = libc::ENOMEM));
        is_ok(&with(|p| p.xdp_socket = libc::EAFNOSUPPORT));
    }

    #[test]
    fn confidentiality_is_warned_of() {
        let mode = |mode: Option<&str>| {
            lockdown(&Privilege { lockdown: mode.map(str::to_owned), ..healthy().privilege })
        };
        warns(&mode(Some("confidentiality")), "lockdown=integrity");
        is_ok(&mode(Some("integrity")));
        is_ok(&mode(None));
        is_unknown(&lockdown(&Privilege { lockdown: None, modules: None, ..healthy().privilege }));
    }
}
