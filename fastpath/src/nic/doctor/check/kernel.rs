//! The kernel: version, build configuration, JIT, clock.

use super::{
    super::facts::{Facts, KernelVersion, Machine},
    Check, Topic,
};

const KERNEL: Topic =
    Topic::new("kernel", "the XDP program needs multi-buffer XDP, which came with Linux 5.18");
const CONFIG: Topic = Topic::new(
    "xdp-sockets",
    "without CONFIG_XDP_SOCKETS in the kernel there is no AF_XDP, and no inspection",
);
const JIT: Topic = Topic::new(
    "bpf-jit",
    "without the JIT the kernel interprets the XDP program for every frame, many times slower",
);
const CLOCK: Topic = Topic::new(
    "clock-source",
    "workers read the clock every turn; these clock sources need a system call and slow device access for it",
);

/// First kernel with multi-buffer XDP (BPF_F_XDP_HAS_FRAGS), as `ProgramError::KernelTooOld` says.
const OLDEST: KernelVersion = KernelVersion(5, 18);
/// Clock sources that the vDSO cannot read (arch/x86/entry/vdso: only those with a vdso_clock_mode).
const SLOW_CLOCKS: &[&str] = &["hpet", "acpi_pm", "refined-jiffies", "jiffies", "pit"];

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let machine = &facts.machine;
    vec![version(machine), sockets(facts), jit(machine), clock(machine)]
}

fn version(machine: &Machine) -> Check {
    let Some(release) = machine.release.as_deref() else {
        return KERNEL.unknown("/proc does not tell the release");
    };
    match machine.kernel() {
        Some(version) if version < OLDEST => {
            KERNEL.fail(format!("Linux {release}"), "install a kernel from 5.18 on (6.1 or later is better)")
        }
        Some(_) => KERNEL.ok(format!("Linux {release}")),
        None => KERNEL.unknown(format!("`{release}` is no version that can be compared")),
    }
}

fn sockets(facts: &Facts) -> Check {
    let fix = "boot a kernel with CONFIG_XDP_SOCKETS=y (the distributions' stock kernels have it)";
    match (facts.privilege.xdp_socket, facts.machine.configured("CONFIG_XDP_SOCKETS")) {
        // What works needs no configuration file.
        (0, _) => CONFIG.ok("the kernel makes AF_XDP sockets"),
        (libc::EAFNOSUPPORT, _) => CONFIG.fail("the kernel knows no AF_XDP sockets (EAFNOSUPPORT)", fix),
        (_, Some(false)) => CONFIG.fail("the kernel was built without CONFIG_XDP_SOCKETS", fix),
        (_, Some(true)) => CONFIG.ok("CONFIG_XDP_SOCKETS is set"),
        (_, None) => CONFIG
            .unknown("no /proc/config.gz and no /boot/config of this kernel, and no socket was to be had"),
    }
}

fn jit(machine: &Machine) -> Check {
    match (machine.jit, machine.configured("CONFIG_BPF_JIT")) {
        (_, Some(false)) => {
            JIT.warn("the kernel was built without CONFIG_BPF_JIT", "boot a kernel with CONFIG_BPF_JIT=y")
        }
        (Some(0), _) => JIT.warn("net.core.bpf_jit_enable is 0", "sysctl -w net.core.bpf_jit_enable=1"),
        (Some(_), _) => JIT.ok("on"),
        (None, _) if machine.configured("CONFIG_BPF_JIT_ALWAYS_ON") == Some(true) => {
            JIT.ok("always on in this kernel")
        }
        // It is among the settings of the first network namespace only.
        (None, _) => JIT.unknown("net.core.bpf_jit_enable cannot be read in this network namespace"),
    }
}

fn clock(machine: &Machine) -> Check {
    match machine.clock.as_deref() {
        Some(clock) if SLOW_CLOCKS.contains(&clock) => CLOCK.warn(
            clock,
            "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource (if it is among \
             available_clocksource; `dmesg | grep -i tsc` says why not)",
        ),
        Some(clock) => CLOCK.ok(clock),
        None => CLOCK.unknown("/sys does not tell the clock source"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::sample::{fails, healthy, is_ok, is_unknown, warns},
        *,
    };

    fn with(change: impl FnOnce(&mut Facts)) -> Facts {
        let mut facts = healthy();
        change(&mut facts);
        facts
    }

    #[test]
    fn a_kernel_before_5_18_fails() {
        is_ok(&version(&healthy().machine));
        fails(&version(&with(|f| f.machine.release = Some("5.15.0-91".into())).machine), "from 5.18 on");
        is_unknown(&version(&with(|f| f.machine.release = None).machine));
        is_unknown(&version(&with(|f| f.machine.release = Some("odd".into())).machine));
    }

    #[test]
    fn a_kernel_without_xdp_sockets_fails() {
        is_ok(&sockets(&healthy()));
        fails(&sockets(&with(|f| f.privilege.xdp_socket = libc::EAFNOSUPPORT)), "CONFIG_XDP_SOCKETS=y");
        let refused = |config: Option<&str>| {
            with(|f| {
                f.privilege.xdp_socket = libc::EPERM;
                f.machine.config = config.map(str::to_owned);
            })
        };
        fails(&sockets(&refused(Some("# CONFIG_XDP_SOCKETS is not set\n"))), "CONFIG_XDP_SOCKETS");
        is_ok(&sockets(&refused(Some("CONFIG_XDP_SOCKETS=y\n"))));
        is_unknown(&sockets(&refused(None)));
    }

    #[test]
    fn an_interpreter_is_warned_of() {
        is_ok(&jit(&healthy().machine));
        warns(&jit(&with(|f| f.machine.jit = Some(0)).machine), "bpf_jit_enable=1");
        warns(
            &jit(&with(|f| f.machine.config = Some("# CONFIG_BPF_JIT is not set\n".into())).machine),
            "CONFIG_BPF_JIT",
        );
        is_unknown(&jit(&with(|f| f.machine.jit = None).machine));
        let always = with(|f| {
            f.machine.jit = None;
            f.machine.config = Some("CONFIG_BPF_JIT=y\nCONFIG_BPF_JIT_ALWAYS_ON=y\n".into());
        });
        is_ok(&jit(&always.machine));
    }

    #[test]
    fn a_clock_without_vdso_is_warned_of() {
        is_ok(&clock(&healthy().machine));
        is_ok(&clock(&with(|f| f.machine.clock = Some("kvm-clock".into())).machine));
        warns(&clock(&with(|f| f.machine.clock = Some("hpet".into())).machine), "current_clocksource");
        is_unknown(&clock(&with(|f| f.machine.clock = None).machine));
    }
}
