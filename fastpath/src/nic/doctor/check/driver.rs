//! The driver: native XDP, AF_XDP and its mode, and who else is on the port.

use super::{
    super::{
        Purpose,
        facts::{Facts, KernelVersion, Port},
        scratch::Scratch,
    },
    Check, Topic, defects,
};
use crate::{
    config::{AttachMode, BindMode},
    nic::program::ProgramError,
};

const DRIVER: Topic =
    Topic::new("driver", "the XDP program wants to run in the driver; elsewhere it is many times slower");
const SOCKET: Topic =
    Topic::new("af-xdp-socket", "each inspected queue is read through an AF_XDP socket bound to it");
const MODE: Topic =
    Topic::new("af-xdp-mode", "in copy mode the kernel copies every frame in and out; zero-copy spares both");
const PROGRAM: Topic =
    Topic::new("xdp-program", "a port has room for one XDP program, and fastpath replaces nobody's");
const PROMISCUITY: Topic =
    Topic::new("promiscuity", "a bridge must receive frames for addresses that are not the port's own");

pub(super) fn checks(purpose: &Purpose<'_>, facts: &Facts, port: &Port) -> Vec<Check> {
    let name = &port.link.name;
    [native(purpose, port), program(port), socket(port), mode(purpose, facts, port), promiscuity(port)]
        .map(|check| check.on(name))
        .into()
}

fn native(purpose: &Purpose<'_>, port: &Port) -> Check {
    let driver = port.link.driver.as_deref().unwrap_or("a device without driver information");
    if purpose.config.attach == AttachMode::Generic {
        return DRIVER.warn(
            format!("{driver}, with --xdp generic"),
            "leave out --xdp generic where the driver has XDP",
        );
    }
    match port.xdp {
        Some(features) if !features.native() => {
            DRIVER.fail(format!("{driver} has no native XDP"), "--xdp generic, or a NIC whose driver has XDP")
        }
        Some(_) => DRIVER.ok(format!("{driver}, with native XDP")),
        None => DRIVER.unknown(format!("{driver}; whether it has native XDP can be asked from Linux 6.3 on")),
    }
}

fn program(port: &Port) -> Check {
    let name = &port.link.name;
    match &port.attached {
        Ok(None) => PROGRAM.ok("none on the port"),
        Ok(Some(program)) => {
            let fix = match (program.by_link, program.holders.as_slice()) {
                (true, [holder, ..]) => format!("stop process {} ({})", holder.pid, holder.command),
                (true, []) => "bpftool -f link show, then remove the pin".into(),
                (false, _) => format!("ip link set dev {name} xdp off"),
            };
            let told = ProgramError::AlreadyAttached { interface: name.clone(), program: program.clone() };
            PROGRAM.fail(told.to_string(), fix)
        }
        Err(reason) => PROGRAM.unknown(format!("the kernel does not tell: {reason}")),
    }
}

fn socket(port: &Port) -> Check {
    match &port.scratch {
        Scratch::Bound { queue, .. } => SOCKET.ok(format!("bound to queue {queue} for a moment")),
        Scratch::Refused { zero_copy: true, .. } => {
            SOCKET.unknown("only zero-copy was tried, see af-xdp-mode")
        }
        Scratch::Refused { zero_copy: false, reason, fix } => SOCKET.fail(reason, fix),
        Scratch::Untried(why) => SOCKET.unknown(format!("not tried: {why}")),
    }
}

fn mode(purpose: &Purpose<'_>, facts: &Facts, port: &Port) -> Check {
    let asked = purpose.config.bind;
    if asked == BindMode::Copy || purpose.config.attach == AttachMode::Generic {
        return MODE.warn("copy, as asked for", "leave out --mode copy and --xdp generic");
    }
    let worse = |finding: String, fix: String| match asked {
        BindMode::ZeroCopy => MODE.fail(finding, fix),
        BindMode::Auto | BindMode::Copy => MODE.warn(finding, fix),
    };
    let driver = port.driver();
    let avoided = match defects::avoids_zero_copy(purpose, facts, port) {
        true => "; why it is not taken, known-defects says",
        false => "",
    };
    match (&port.scratch, port.xdp) {
        (Scratch::Bound { queue, zero_copy: true }, _) => {
            MODE.ok(format!("zero-copy, read back from queue {queue}{avoided}"))
        }
        (Scratch::Refused { zero_copy: true, reason, fix }, _) => {
            worse(reason.clone(), format!("{fix}; known-defects may say more"))
        }
        (_, Some(features)) if features.zero_copy() => MODE.ok(format!(
            "{driver} announces zero-copy (not tried; --probe binds, and may reset the queue){avoided}"
        )),
        (_, Some(_)) if driver == "veth" => worse(
            "copy: a veth has no zero-copy".into(),
            "inspect a hardware port; a veth is for trying things".into(),
        ),
        (_, Some(_)) => {
            let kernel = facts.machine.kernel();
            let fix = match SINCE.iter().find(|(name, since, _)| *name == driver && kernel < Some(*since)) {
                Some((.., when)) => format!("a newer kernel: {when}"),
                None => "a NIC whose driver has it".into(),
            };
            let kernel = kernel.map_or_else(|| "this kernel".into(), |version| format!("Linux {version}"));
            worse(format!("copy: {driver} of {kernel} announces no zero-copy"), fix)
        }
        (_, None) => MODE.ended(
            super::Status::Unknown,
            "the driver can be asked from Linux 6.3 on",
            Some("fastpath doctor --probe binds a zero-copy socket to see (and may reset the queue)".into()),
        ),
    }
}

/// Kernels that have a driver's AF_XDP zero-copy, for those that were tried under QEMU: neither igb nor virtio_net
/// has it in 6.12, both have it in 6.18; igb's arrived in 6.14.
const SINCE: &[(&str, KernelVersion, &str)] = &[
    ("igb", KernelVersion(6, 14), "igb has zero-copy from Linux 6.14 on"),
    ("virtio_net", KernelVersion(6, 18), "virtio_net has no zero-copy in Linux 6.12 and has it in 6.18"),
];

/// The port itself is made promiscuous at start and only then, so there is nothing to see before.
fn promiscuity(port: &Port) -> Check {
    match &port.pci {
        Some(pci) if pci.virtual_function => PROMISCUITY.warn(
            "a virtual function: its host decides whether it may be promiscuous, and may say yes and not do it",
            "on the host: ip link set dev PF vf N trust on spoofchk off",
        ),
        _ => PROMISCUITY.ok("turned on at start, and off at the end"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::sample::{config, fails, healthy, is_ok, is_unknown, purpose, warns},
        *,
    };
    use crate::{
        config::RunConfig,
        nic::program::{AttachedProgram, Holder, XdpFeatures},
    };

    fn port(change: impl FnOnce(&mut Port)) -> Port {
        let mut port = healthy().ports.remove(0);
        change(&mut port);
        port
    }

    fn without_zero_copy(port: &mut Port) {
        port.xdp = Some(XdpFeatures { flags: 0x27, zero_copy_fragments: 0 });
    }

    #[test]
    fn a_driver_without_native_xdp_fails() {
        let mut config = config();
        is_ok(&native(&purpose(&config), &port(|_| {})));
        let bare = port(|p| p.xdp = Some(XdpFeatures { flags: 0, zero_copy_fragments: 0 }));
        fails(&native(&purpose(&config), &bare), "--xdp generic");
        is_unknown(&native(&purpose(&config), &port(|p| p.xdp = None)));
        config.attach = AttachMode::Generic;
        warns(&native(&purpose(&config), &bare), "--xdp generic");
    }

    #[test]
    fn another_program_fails() {
        is_ok(&program(&port(|_| {})));
        is_unknown(&program(&port(|p| p.attached = Err("ENODEV".into()))));
        let there = |by_link, holders: &[Holder]| {
            let program = AttachedProgram {
                ifindex: 2,
                id: 42,
                name: "other".into(),
                by_link,
                holders: holders.into(),
            };
            port(|p| p.attached = Ok(Some(program)))
        };
        fails(&program(&there(false, &[])), "ip link set dev a xdp off");
        let holder = Holder { pid: 7, command: "suricata".into() };
        fails(&program(&there(true, &[holder])), "stop process 7 (suricata)");
        fails(&program(&there(true, &[])), "bpftool");
    }

    #[test]
    fn a_refused_socket_fails() {
        is_ok(&socket(&port(|_| {})));
        let refused = |zero_copy| {
            port(|p| p.scratch = Scratch::Refused { zero_copy, reason: "busy".into(), fix: "stop it".into() })
        };
        fails(&socket(&refused(false)), "stop it");
        is_unknown(&socket(&refused(true)));
        is_unknown(&socket(&port(|p| p.scratch = Scratch::Untried("the port is down"))));
    }

    #[test]
    fn copy_mode_is_warned_of_and_fails_where_zero_copy_is_asked_for() {
        let facts = healthy();
        let auto = config();
        let zero_copy = RunConfig { bind: BindMode::ZeroCopy, ..config() };
        let of = |config: &RunConfig, port: &Port| mode(&purpose(config), &facts, port);
        is_ok(&of(&auto, &port(|_| {})));
        is_ok(&of(&auto, &port(|p| p.scratch = Scratch::Bound { queue: 0, zero_copy: true })));
        warns(&of(&auto, &port(without_zero_copy)), "a NIC whose driver has it");
        fails(&of(&zero_copy, &port(without_zero_copy)), "a NIC whose driver has it");
        let old_igb = port(|p| {
            without_zero_copy(p);
            p.link.driver = Some("igb".into());
        });
        warns(&of(&auto, &old_igb), "a NIC whose driver has it");
        let mut facts_6_12 = healthy();
        facts_6_12.machine.release = Some("6.12.95".into());
        warns(&mode(&purpose(&auto), &facts_6_12, &old_igb), "igb has zero-copy from Linux 6.14 on");
        let veth = port(|p| {
            without_zero_copy(p);
            p.link.driver = Some("veth".into());
        });
        warns(&of(&auto, &veth), "hardware port");
        let refused = port(|p| {
            p.scratch = Scratch::Refused { zero_copy: true, reason: "EINVAL".into(), fix: "x".into() };
        });
        warns(&of(&auto, &refused), "known-defects");
        let old_kernel = of(&auto, &port(|p| p.xdp = None));
        is_unknown(&old_kernel);
        assert!(old_kernel.fix.unwrap().contains("--probe"));
        warns(&of(&RunConfig { bind: BindMode::Copy, ..config() }, &port(|_| {})), "--mode copy");
        let mut facts_6_18 = healthy();
        facts_6_18.machine.release = Some("6.18.15".into());
        let igb = port(|p| p.link.driver = Some("igb".into()));
        let avoided = mode(&purpose(&auto), &facts_6_18, &igb);
        is_ok(&avoided);
        assert!(avoided.finding.contains("known-defects"), "{avoided:?}");
    }

    #[test]
    fn a_virtual_function_may_not_be_promiscuous() {
        is_ok(&promiscuity(&port(|_| {})));
        warns(&promiscuity(&port(|p| p.pci.as_mut().unwrap().virtual_function = true)), "trust on");
    }
}
