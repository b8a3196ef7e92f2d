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
    "this pair of driver and kernel is known to lose or mangle frames in zero-copy",
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
    /// What makes zero-copy work, by the port's name.
    fix: fn(&str) -> String,
}

/// How a defect shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Zero-copy is refused, so that mode `auto` comes to copy mode by itself.
    Refused,
    /// Zero-copy is granted and does not work: mode `auto` must not ask for it.
    Broken,
}

const FIRST: KernelVersion = KernelVersion(0, 0);
/// No kernel is known to have it mended.
const NEVER: KernelVersion = KernelVersion(u32::MAX, 0);

/// Each was seen on the driver itself, in a QEMU guest with the distribution's kernel, unless it names a source.
const KNOWN: &[Defect] = &[
    // igb_xsk_wakeup() (drivers/net/ethernet/intel/igb/igb_xsk.c) kicks only the tx vector; with more than 4
    // queues rx and tx have vectors of one queue pair, and all is well. Seen in 6.18.15, gone in 7.2; the kernels
    // between were not tried. Driver zero-copy arrived in 6.14.
    Defect {
        driver: "igb",
        kernels: (KernelVersion(6, 14), KernelVersion(7, 2)),
        applies: |_, port| port.link.rx_queues <= 4,
        effect: Effect::Broken,
        finding: "receives nothing in zero-copy with up to 4 queues: its wake-up reaches the sending side only",
        fix: |port| {
            format!("more queues where the NIC has them (ethtool -L {port} combined 8), or Linux 7.2")
        },
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
        fix: |port| format!("ethtool -L {port} rx 0 tx 0 combined N"),
    },
];

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
        let fix = (self.fix)(&port.link.name);
        match (purpose.config.bind, self.effect) {
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
        for word in ["igb of Linux 6.18", "up to 4 queues", "--mode auto takes copy mode"] {
            assert!(stalls.finding.contains(word), "{word} is not in {stalls:?}");
        }
        for release in ["6.12.95", "7.2.0"] {
            is_ok(&only(known("igb", release, 4096, |_| {})));
        }
        is_ok(&only(known("igb", "6.18.15", 4096, |p| p.link.rx_queues = 8)));
        is_ok(&only(known("ice", "6.18.15", 4096, |_| {})));
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
