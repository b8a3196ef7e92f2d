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
            let (found, avoids) =
                wanted(config, driver, release, |port| (port.link.rx_queues, port.link.tx_queues) = (8, 8));
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
