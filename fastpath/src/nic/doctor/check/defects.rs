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
mod tests {
    use super::{
        super::{
            super::sample::{config, fails, healthy, is_ok, is_unknown, purpose, warns},
            Status,
        },
        *,
    };
    use crate::config::RunConfig;

    /// What is known of `driver` under `release` when `config` is wanted, with the port as `change` makes it.
    fn wanted(
        config: &RunConfig,
        driver: &str,
        release: &str,
        change: impl FnOnce(&mut Port),
    ) -> (Vec<Check>, bool) {
        let mut facts = healthy();
        facts.machine.release = Some(release.into());
        let mut port = facts.ports.remove(0);
        port.link.driver = Some(driver.into());
        change(&mut port);
        let purpose = purpose(config);
        (checks(&purpose, &facts, &port), avoids_zero_copy(&purpose, &facts, &port))
    }

    /// The same of mode `auto`.
    fn known(driver: &str, release: &str, frame_size: u32, change: impl FnOnce(&mut Port)) -> Vec<Check> {
        let mut config = config();
        config.rings.frame_size = frame_size;
        wanted(&config, driver, release, change).0
    }

    fn only(found: Vec<Check>) -> Check {
        let [check] = found.try_into().unwrap();
        check
    }

    #[test]
    fn igb_stalls_between_6_14_and_7_2() {
        let stalls = only(known("igb", "6.18.15", 4096, |_| {}));
        warns(&stalls, "combined 8");
        for word in ["igb of Linux 6.18", "half of its queues", "--mode auto takes copy mode"] {
            assert!(stalls.finding.contains(word), "{word} is not in {stalls:?}");
        }
        for release in ["6.12.95", "7.2.0"] {
            is_ok(&only(known("igb", release, 4096, |_| {})));
        }
        is_ok(&only(known("igb", "6.18.15", 4096, |p| p.link.rx_queues = 8)));
        // An I210 has four queues, an I211 two, which never share.
        is_ok(&only(known("igb", "6.18.15", 4096, |p| p.most_rx_queues = Some(4))));
        let i211 = |p: &mut Port| (p.link.rx_queues, p.most_rx_queues) = (2, Some(2));
        warns(&only(known("igb", "6.18.15", 4096, i211)), "Linux 7.2");
        warns(&only(known("igb", "6.18.15", 4096, |p| p.most_rx_queues = None)), "Linux 7.2");
        is_ok(&only(known("ice", "6.18.15", 4096, |_| {})));
    }

    #[test]
    fn igc_sends_nothing_before_7_0() {
        let queues = |count| move |p: &mut Port| (p.link.rx_queues, p.most_rx_queues) = (count, Some(4));
        let stalls = only(known("igc", "6.12.95", 4096, queues(2)));
        warns(&stalls, "combined 4");
        assert!(stalls.finding.contains("sends nothing"), "{stalls:?}");
        is_ok(&only(known("igc", "6.12.95", 4096, queues(4))));
        is_ok(&only(known("igc", "7.0.1", 4096, queues(2))));
    }

    #[test]
    fn what_works_until_something_happens_is_a_warning_whatever_the_mode() {
        let insists = RunConfig { bind: BindMode::ZeroCopy, ..config() };
        for (driver, release, fix) in [("ice", "6.1.0", "Linux 6.12"), ("igb", "6.17.3", "SIGTERM")] {
            for config in [&config(), &insists] {
                let (found, avoids) = wanted(config, driver, release, |port| {
                    (port.link.rx_queues, port.link.tx_queues) = (8, 8)
                });
                warns(&only(found), fix);
                assert!(!avoids, "{driver}");
            }
        }
        is_ok(&only(known("ice", "6.12.95", 4096, |_| {})));
    }

    #[test]
    fn mlx5_numbers_its_queues_apart_before_6_1() {
        warns(&only(known("mlx5_core", "6.0.9", 4096, |_| {})), "Linux 6.1");
        is_ok(&only(known("mlx5_core", "6.1.0", 4096, |_| {})));
    }

    #[test]
    fn igb_splits_in_small_buffers() {
        warns(&only(known("igb", "7.2.0", 2048, |_| {})), "--frame-size 4096");
        assert_eq!(known("igb", "6.18.0", 2048, |_| {}).len(), 2);
    }

    #[test]
    fn virtio_needs_its_platform() {
        let platform = |has| move |port: &mut Port| port.pci.as_mut().unwrap().access_platform = has;
        warns(&only(known("virtio_net", "7.2.0", 4096, platform(Some(false)))), "iommu_platform=on");
        is_ok(&only(known("virtio_net", "7.2.0", 4096, platform(Some(true)))));
        is_ok(&only(known("virtio_net", "7.2.0", 4096, platform(None))));
    }

    #[test]
    fn ice_wants_combined_queues() {
        warns(&only(known("ice", "6.18.0", 4096, |p| p.link.tx_queues = 96)), "ethtool -L a");
    }

    #[test]
    fn auto_avoids_zero_copy_that_does_not_work_and_no_other() {
        let auto = config();
        let avoids = |config: &RunConfig, driver, release| wanted(config, driver, release, |_| {}).1;
        assert!(avoids(&auto, "igb", "6.18.15"));
        for (driver, release) in [("igb", "6.12.95"), ("igb", "7.2.0"), ("ice", "6.18.15"), ("igb", "odd")] {
            assert!(!avoids(&auto, driver, release), "{driver} {release}");
        }
        assert!(!wanted(&auto, "igb", "6.18.15", |port| port.link.rx_queues = 8).1);
        // Who is refused comes to copy mode without help, and where copy was wanted there is nothing to say.
        let refused = wanted(&auto, "ice", "6.18.0", |port| port.link.tx_queues = 96);
        assert!(refused.0.iter().all(|check| check.status == Status::Warn) && !refused.1);
        for copy in [
            RunConfig { bind: BindMode::Copy, ..config() },
            RunConfig { attach: AttachMode::Generic, ..config() },
        ] {
            is_ok(&only(wanted(&copy, "igb", "6.18.15", |_| {}).0));
        }
    }

    #[test]
    fn who_insists_gets_zero_copy_and_is_told() {
        let insists = RunConfig { bind: BindMode::ZeroCopy, ..config() };
        let (found, avoids) = wanted(&insists, "igb", "6.18.15", |_| {});
        fails(&only(found), "--mode copy, or more queues");
        assert!(!avoids);
    }

    #[test]
    fn nothing_is_known_of_what_cannot_be_read() {
        is_unknown(&only(known("igb", "odd", 4096, |_| {})));
        is_unknown(&only(known("", "7.2.0", 4096, |_| {})));
    }
}
