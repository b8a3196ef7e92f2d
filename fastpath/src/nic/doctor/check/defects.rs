//! Drivers and kernels that are known to fail, and how.

use super::{
    super::{
        Purpose,
        facts::{Facts, KernelVersion, Port},
    },
    Check, Topic,
};
use crate::config::{AttachMode, BindMode};

const DEFECTS: Topic = Topic::new(
    "known-defects",
    "this pair of driver and kernel is known to fail in zero-copy: no frames, wrong ones, or a port that hangs",
);

/// One known defect of zero-copy.
struct Defect {
    driver: &'static str,
    /// First kernel that has it and first that has it no more.
    kernels: (KernelVersion, KernelVersion),
    applies: fn(&Purpose<'_>, &Port) -> bool,
    effect: Effect,
    /// What the driver does; its name and the kernel's go before.
    finding: &'static str,
    /// What makes zero-copy work.
    fix: fn(&Port) -> String,
}

/// How a defect shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Zero-copy is refused, so that mode `auto` comes to copy mode by itself.
    Refused,
    /// Zero-copy is granted and does not work: mode `auto` must not ask for it.
    Broken,
    /// Zero-copy is granted and works, until something else happens.
    Risky,
}

const FIRST: KernelVersion = KernelVersion(0, 0);
/// No kernel is known to have it mended.
const NEVER: KernelVersion = KernelVersion(u32::MAX, 0);

/// Each was seen on the driver itself, in a QEMU guest with the distribution's kernel, unless it names a source.
const KNOWN: &[Defect] = &[
    // igb_xsk_wakeup() (drivers/net/ethernet/intel/igb/igb_xsk.c) kicks only the tx vector; all is well where both
    // directions of a queue share one. Seen in 6.18.15, gone in 7.2; the kernels between were not tried. Driver zero-copy
    // arrived in 6.14.
    Defect {
        driver: "igb",
        kernels: (KernelVersion(6, 14), KernelVersion(7, 2)),
        applies: |_, port| !shares_vectors(port),
        effect: Effect::Broken,
        finding: "receives nothing in zero-copy with half of its queues or fewer in use: its wake-up reaches the sending side only",
        fix: |port| more_queues(port, "7.2"),
    },
    // igc_xsk_wakeup() kicks only the rx vector (kernel commit 554a1c34c11a and the code before it; not tried).
    Defect {
        driver: "igc",
        kernels: (KernelVersion(5, 14), KernelVersion(7, 0)),
        applies: |_, port| !shares_vectors(port),
        effect: Effect::Broken,
        finding: "sends nothing in zero-copy with half of its queues or fewer in use: its wake-up reaches the receiving side only",
        fix: |port| more_queues(port, "7.0"),
    },
    // Kernel commit b1e067240379; in 6.18 it depends on the stable release (6.18.y has it since April 2026).
    Defect {
        driver: "igb",
        kernels: (KernelVersion(6, 14), KernelVersion(6, 18)),
        applies: |_, _| true,
        effect: Effect::Risky,
        finding: "hangs at the port's next down after a kill -9 of a zero-copy program",
        fix: |_| "a newer kernel; before, end fastpath with SIGTERM only".into(),
    },
    // A frame over 1024 bytes arrives as two descriptors, the first without XDP_PKT_CONTD. Seen in 6.18 and 7.2.
    Defect {
        driver: "igb",
        kernels: (KernelVersion(6, 14), NEVER),
        applies: |purpose, _| purpose.config.rings.frame_size < 4096,
        effect: Effect::Broken,
        finding: "splits frames over 1024 bytes in zero-copy when packet buffers have 2048",
        fix: |_| "--frame-size 4096".into(),
    },
    // bind(2) answers EINVAL; mode `auto` hides it and takes copy mode. Seen in 6.18 and 7.2.
    Defect {
        driver: "virtio_net",
        kernels: (FIRST, NEVER),
        applies: |_, port| port.pci.as_ref().is_some_and(|pci| pci.access_platform == Some(false)),
        effect: Effect::Refused,
        finding: "refuses zero-copy (EINVAL) without VIRTIO_F_ACCESS_PLATFORM",
        fix: |_| {
            "give the device iommu_platform=on in the hypervisor (QEMU: -device virtio-net-pci,iommu_platform=on)".into()
        },
    },
    // Kernel commit 5a42f112d367, "ice: xsk: prohibit usage of non-balanced queue id": zero-copy sockets only on
    // queues that have both directions.
    Defect {
        driver: "ice",
        kernels: (FIRST, NEVER),
        applies: |_, port| port.link.rx_queues != port.link.tx_queues,
        effect: Effect::Refused,
        finding: "has zero-copy on combined queues only, and rx and tx queues differ in number here",
        fix: |port| format!("ethtool -L {} rx 0 tx 0 combined N", port.link.name),
    },
    // github.com/intel/ethernet-linux-ice/pull/62 names the four commits of July and August 2024.
    Defect {
        driver: "ice",
        kernels: (FIRST, KernelVersion(6, 12)),
        applies: |_, _| true,
        effect: Effect::Risky,
        finding: "may reset the port, or crash, when a zero-copy socket comes or goes under load",
        fix: |_| "Linux 6.12 or later".into(),
    },
    // Kernel commit 3db4c85cde7a numbers them like all others.
    Defect {
        driver: "mlx5_core",
        kernels: (FIRST, KernelVersion(6, 1)),
        applies: |_, _| true,
        effect: Effect::Refused,
        finding: "refuses zero-copy (EINVAL) on the queues that RSS reaches: it has others for it, numbered behind them",
        fix: |_| "Linux 6.1 or later".into(),
    },
];

/// Whether one interrupt vector serves both directions of a queue: when more than half of the NIC's queues are in use
/// (igb_set_flag_queue_pairs(), igc_set_flag_queue_pairs()). The I211, the one with two queues, has vectors enough.
fn shares_vectors(port: &Port) -> bool {
    let most = port.most_rx_queues.unwrap_or(8);
    most > 2 && port.link.rx_queues > most / 2
}

/// So many that they share their vectors.
fn more_queues(port: &Port, kernel: &str) -> String {
    match port.most_rx_queues {
        Some(most @ 3..) => {
            format!("more queues (ethtool -L {} combined {most}), or Linux {kernel}", port.link.name)
        }
        _ => format!("Linux {kernel}"),
    }
}

impl Defect {
    /// Those that `port` has under `kernel`, whatever the mode.
    fn of<'a>(
        purpose: &'a Purpose<'a>,
        kernel: KernelVersion,
        port: &'a Port,
    ) -> impl Iterator<Item = &'static Self> + 'a {
        KNOWN
            .iter()
            .filter(move |defect| defect.driver == port.driver())
            .filter(move |defect| (defect.kernels.0..defect.kernels.1).contains(&kernel))
            .filter(move |defect| (defect.applies)(purpose, port))
    }

    fn check(&self, purpose: &Purpose<'_>, kernel: KernelVersion, port: &Port) -> Check {
        let finding = format!("{} of Linux {kernel} {}", self.driver, self.finding);
        let fix = (self.fix)(port);
        match (purpose.config.bind, self.effect) {
            (_, Effect::Risky) => DEFECTS.warn(finding, fix),
            (BindMode::ZeroCopy, _) => DEFECTS.fail(finding, format!("--mode copy, or {fix}")),
            (_, Effect::Refused) => DEFECTS.warn(format!("{finding}: copy mode it is"), fix),
            (_, Effect::Broken) => DEFECTS.warn(
                format!("{finding}; --mode auto takes copy mode"),
                format!("{fix}; --mode zerocopy insists on zero-copy all the same"),
            ),
        }
    }
}

/// Zero-copy is never asked for.
fn copy_only(purpose: &Purpose<'_>) -> bool {
    purpose.config.bind == BindMode::Copy || purpose.config.attach == AttachMode::Generic
}

/// Whether mode `auto` keeps away from zero-copy on `port`, because it would be granted there and not work.
pub(in super::super) fn avoids_zero_copy(purpose: &Purpose<'_>, facts: &Facts, port: &Port) -> bool {
    let broken = |kernel| Defect::of(purpose, kernel, port).any(|defect| defect.effect == Effect::Broken);
    purpose.config.bind == BindMode::Auto && facts.machine.kernel().is_some_and(broken)
}

pub(super) fn checks(purpose: &Purpose<'_>, facts: &Facts, port: &Port) -> Vec<Check> {
    let name = &port.link.name;
    if copy_only(purpose) {
        return vec![DEFECTS.ok("none known of copy mode").on(name)];
    }
    let driver = port.driver();
    let Some(kernel) = facts.machine.kernel() else {
        return vec![DEFECTS.unknown("the kernel's version cannot be read").on(name)];
    };
    let found: Vec<Check> = Defect::of(purpose, kernel, port)
        .map(|defect| defect.check(purpose, kernel, port).on(name))
        .collect();
    match (found.is_empty(), driver) {
        (false, _) => found,
        (true, "") => vec![DEFECTS.unknown("a device without driver information").on(name)],
        (true, driver) => vec![DEFECTS.ok(format!("none known of {driver} with Linux {kernel}")).on(name)],
    }
}

#[cfg(test)]
mod tests;
