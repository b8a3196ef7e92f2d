//! Drivers and kernels that are known to fail, and how.

use super::{
    super::{
        Purpose,
        facts::{Facts, KernelVersion, Port},
    },
    Check, Status, Topic,
};

const DEFECTS: Topic =
    Topic::new("known-defects", "this pair of driver and kernel is known to lose or mangle frames");

/// One known defect.
struct Defect {
    driver: &'static str,
    /// First kernel that has it and first that has it no more.
    kernels: (KernelVersion, KernelVersion),
    applies: fn(&Purpose<'_>, &Port) -> bool,
    status: Status,
    finding: &'static str,
    fix: fn(&str) -> String,
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
        status: Status::Warn,
        finding: "in zero-copy with up to 4 queues igb of this kernel receives nothing more once the fill ring ran dry",
        fix: |port| {
            format!(
                "--mode copy, or more queues where the NIC has them (ethtool -L {port} combined 8), or Linux 7.2"
            )
        },
    },
    // A frame over 1024 bytes arrives as two descriptors, the first without XDP_PKT_CONTD. Seen in 6.18 and 7.2.
    Defect {
        driver: "igb",
        kernels: (KernelVersion(6, 14), NEVER),
        applies: |purpose, _| purpose.config.rings.frame_size < 4096,
        status: Status::Fail,
        finding: "in zero-copy igb splits frames over 1024 bytes when packet buffers have 2048",
        fix: |_| "--frame-size 4096".into(),
    },
    // bind(2) answers EINVAL; mode `auto` hides it and takes copy mode. Seen in 6.18 and 7.2.
    Defect {
        driver: "virtio_net",
        kernels: (FIRST, NEVER),
        applies: |_, port| port.pci.as_ref().is_some_and(|pci| pci.access_platform == Some(false)),
        status: Status::Warn,
        finding: "without VIRTIO_F_ACCESS_PLATFORM virtio_net refuses zero-copy (EINVAL), so it is copy mode",
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
        status: Status::Warn,
        finding: "ice has AF_XDP on combined queues only, and rx and tx queues differ in number here",
        fix: |port| format!("ethtool -L {port} rx 0 tx 0 combined N"),
    },
];

pub(super) fn checks(purpose: &Purpose<'_>, facts: &Facts, port: &Port) -> Vec<Check> {
    let name = &port.link.name;
    let driver = port.driver();
    let Some(kernel) = facts.machine.kernel() else {
        return vec![DEFECTS.unknown("the kernel's version cannot be read").on(name)];
    };
    let found: Vec<Check> = KNOWN
        .iter()
        .filter(|defect| defect.driver == driver)
        .filter(|defect| (defect.kernels.0..defect.kernels.1).contains(&kernel))
        .filter(|defect| (defect.applies)(purpose, port))
        .map(|defect| DEFECTS.ended(defect.status, defect.finding, Some((defect.fix)(name))).on(name))
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
        super::super::sample::{config, fails, healthy, is_ok, is_unknown, purpose, warns},
        *,
    };

    /// What is known of `driver` under `release`, with the port as `change` makes it.
    fn known(driver: &str, release: &str, frame_size: u32, change: impl FnOnce(&mut Port)) -> Vec<Check> {
        let mut config = config();
        config.rings.frame_size = frame_size;
        let mut facts = healthy();
        facts.machine.release = Some(release.into());
        let mut port = facts.ports.remove(0);
        port.link.driver = Some(driver.into());
        change(&mut port);
        checks(&purpose(&config), &facts, &port)
    }

    fn only(found: Vec<Check>) -> Check {
        let [check] = found.try_into().unwrap();
        check
    }

    #[test]
    fn igb_stalls_between_6_14_and_7_2() {
        warns(&only(known("igb", "6.18.15", 4096, |_| {})), "--mode copy");
        for release in ["6.12.95", "7.2.0"] {
            is_ok(&only(known("igb", release, 4096, |_| {})));
        }
        is_ok(&only(known("igb", "6.18.15", 4096, |p| p.link.rx_queues = 8)));
        is_ok(&only(known("ice", "6.18.15", 4096, |_| {})));
    }

    #[test]
    fn igb_splits_in_small_buffers() {
        fails(&only(known("igb", "7.2.0", 2048, |_| {})), "--frame-size 4096");
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
    fn nothing_is_known_of_what_cannot_be_read() {
        is_unknown(&only(known("igb", "odd", 4096, |_| {})));
        is_unknown(&only(known("", "7.2.0", 4096, |_| {})));
    }
}
