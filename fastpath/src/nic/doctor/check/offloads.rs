//! What the NIC does to frames before anyone inspects them.

use super::{
    super::{
        Purpose,
        facts::{Facts, KernelVersion, Port},
    },
    Check, Topic,
};
use crate::{
    config::AttachMode,
    nic::{
        ethtool::Features,
        gate,
        vlan_strip::{self, VlanStripError},
    },
};

const VLAN_STRIPPING: Topic = Topic::new(
    "vlan-stripping",
    "a stripped tag stands beside the frame where AF_XDP does not look: it would be lost",
);
const VLAN_FILTER: Topic =
    Topic::new("vlan-filter", "the NIC drops tagged frames of VLANs that this machine has no interface for");
const HW_GRO: Topic =
    Topic::new("hw-gro", "frames merged by the NIC are inspected and sent on as one that nobody sent");
const GRO: Topic = Topic::new("gro", "generic XDP runs behind GRO, which merges frames");
const VETH: Topic = Topic::new(
    "veth-offloads",
    "a veth hands over frames without checksum, and super-frames, as the sender left them",
);
const FRAME_SIZE: Topic = Topic::new(
    "frame-size",
    "a frame that does not fit one buffer comes in several: not every driver can, and it is slower",
);

pub(super) fn checks(purpose: &Purpose<'_>, facts: &Facts, port: &Port) -> Vec<Check> {
    let name = &port.link.name;
    let mut all = vec![frame_size(purpose, facts, port)];
    match &port.features {
        Some(features) => {
            all.push(vlan_stripping(features, name));
            all.push(vlan_filter(features, name));
            all.push(hw_gro(features, name));
            all.push(gro(purpose, features, name));
            if port.driver() == "veth" {
                all.push(veth(features, name));
            }
        }
        None => all.extend(
            [VLAN_STRIPPING, VLAN_FILTER, HW_GRO, GRO]
                .map(|topic| topic.unknown("the port's features cannot be read")),
        ),
    }
    all.into_iter().map(|check| check.on(name)).collect()
}

fn vlan_stripping(features: &Features, port: &str) -> Check {
    match vlan_strip::active(features, port) {
        Ok(active) if active.is_empty() => VLAN_STRIPPING.ok("off"),
        Ok(_) => VLAN_STRIPPING.ok("on; turned off at start, and on again at the end"),
        Err(VlanStripError::Refused { feature, .. }) => VLAN_STRIPPING.fail(
            format!("{feature} is on and the driver does not let it be turned off"),
            "a NIC whose driver can",
        ),
        Err(other) => VLAN_STRIPPING.unknown(other.to_string()),
    }
}

fn vlan_filter(features: &Features, port: &str) -> Check {
    match (features.active("rx-vlan-filter"), features.changeable("rx-vlan-filter")) {
        (false, _) => VLAN_FILTER.ok("off"),
        // Most drivers lift it while promiscuous; none has to.
        (true, true) => VLAN_FILTER.warn("on", format!("ethtool -K {port} rx-vlan-filter off")),
        (true, false) => VLAN_FILTER.warn(
            "on, and fixed; most drivers lift it while promiscuous",
            "send a tagged frame through and look for it",
        ),
    }
}

fn hw_gro(features: &Features, port: &str) -> Check {
    match features.active("rx-gro-hw") {
        true => HW_GRO.warn("on", format!("ethtool -K {port} rx-gro-hw off")),
        false => HW_GRO.ok("off"),
    }
}

fn gro(purpose: &Purpose<'_>, features: &Features, port: &str) -> Check {
    match (features.active("rx-gro"), purpose.config.attach) {
        (true, AttachMode::Generic) => {
            GRO.warn("on, with --xdp generic", format!("ethtool -K {port} gro off"))
        }
        (true, AttachMode::Native) => GRO.ok("on, which frames in native XDP never reach"),
        (false, _) => GRO.ok("off"),
    }
}

/// Only this end can be looked at.
fn veth(features: &Features, port: &str) -> Check {
    let culprits = ["tx-checksum-ip-generic", "tx-tcp-segmentation", "tx-tcp6-segmentation"];
    match culprits.iter().find(|name| features.active(name)) {
        Some(feature) => VETH.warn(
            format!("{feature} is on (and perhaps on the other end, which cannot be seen from here)"),
            format!("ethtool -K {port} tx off tso off gso off gro off, and the same for its other end"),
        ),
        None => VETH.ok("off on this end; the other end wants the same"),
    }
}

fn frame_size(purpose: &Purpose<'_>, facts: &Facts, port: &Port) -> Check {
    let (mtu, size) = (port.link.mtu, purpose.config.rings.frame_size);
    if !gate::needs_multi_buffer(mtu, size) {
        return FRAME_SIZE.ok(format!("MTU {mtu} fits buffers of {size} bytes"));
    }
    let finding = format!("MTU {mtu} does not fit buffers of {size} bytes");
    let (frames, room) = (gate::zero_copy_frames(mtu, size), gate::multi_buffer_room(size));
    let name = &port.link.name;
    let fix = match gate::needs_multi_buffer(mtu, LARGEST) {
        false => format!("--frame-size {LARGEST}"),
        true => format!("ip link set dev {name} mtu 1500 (on the peer and the links behind, too)"),
    };
    if facts.machine.kernel().is_some_and(|kernel| kernel < SEVERAL_BUFFERS) {
        return FRAME_SIZE.fail(format!("{finding}, and AF_XDP takes several from Linux 6.6 on"), fix);
    }
    match port.xdp {
        Some(features) if !features.multi_buffer() => {
            FRAME_SIZE.fail(format!("{finding}, and the driver takes no multi-buffer XDP"), fix)
        }
        // xdp_zc_max_segs: 0 without zero-copy, 1 where a frame has to be one buffer.
        Some(features) if features.zero_copy() && features.zero_copy_fragments <= 1 => FRAME_SIZE.warn(
            format!("{finding}, and in zero-copy the driver takes whole frames only: copy mode it is"),
            fix,
        ),
        Some(features) if features.zero_copy() && features.zero_copy_fragments < frames => FRAME_SIZE.warn(
            format!(
                "{finding}, and in zero-copy the driver takes {} with room for {room} bytes each, not {frames} (the \
                 kernel keeps room at their ends since April 2026): copy mode it is",
                features.zero_copy_fragments
            ),
            fix,
        ),
        Some(_) | None => FRAME_SIZE.warn(finding, fix),
    }
}

/// First kernel with XDP_USE_SG (Documentation/networking/af_xdp.rst, "Multi-Buffer Support").
const SEVERAL_BUFFERS: KernelVersion = KernelVersion(6, 6);
/// The largest `--frame-size`.
const LARGEST: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::{
        super::super::sample::{config, fails, healthy, is_ok, is_unknown, purpose, warns},
        *,
    };
    use crate::nic::{ethtool::tests::synthetic, program::XdpFeatures};

    #[test]
    fn stripping_that_cannot_be_turned_off_fails() {
        is_ok(&vlan_stripping(&synthetic(&[("rx-vlan-hw-parse", false, true)]), "a"));
        is_ok(&vlan_stripping(&synthetic(&[("rx-vlan-hw-parse", true, true)]), "a"));
        fails(&vlan_stripping(&synthetic(&[("rx-vlan-hw-parse", true, false)]), "a"), "a NIC");
    }

    #[test]
    fn filters_and_merging_are_warned_of() {
        is_ok(&vlan_filter(&synthetic(&[]), "a"));
        warns(
            &vlan_filter(&synthetic(&[("rx-vlan-filter", true, true)]), "a"),
            "ethtool -K a rx-vlan-filter off",
        );
        warns(&vlan_filter(&synthetic(&[("rx-vlan-filter", true, false)]), "a"), "tagged frame");
        is_ok(&hw_gro(&synthetic(&[("rx-gro-hw", false, true)]), "a"));
        warns(&hw_gro(&synthetic(&[("rx-gro-hw", true, true)]), "a"), "ethtool -K a rx-gro-hw off");
    }

    #[test]
    fn gro_matters_to_generic_xdp() {
        let mut config = config();
        let on = synthetic(&[("rx-gro", true, true)]);
        is_ok(&gro(&purpose(&config), &on, "a"));
        config.attach = AttachMode::Generic;
        warns(&gro(&purpose(&config), &on, "a"), "ethtool -K a gro off");
        is_ok(&gro(&purpose(&config), &synthetic(&[]), "a"));
    }

    #[test]
    fn a_veth_with_offloads_is_warned_of() {
        is_ok(&veth(&synthetic(&[("tx-checksum-ip-generic", false, true)]), "a"));
        warns(&veth(&synthetic(&[("tx-checksum-ip-generic", true, true)]), "a"), "ethtool -K a tx off");
        warns(&veth(&synthetic(&[("tx-tcp-segmentation", true, true)]), "a"), "tso off");
    }

    #[test]
    fn frames_that_do_not_fit_are_warned_of() {
        let mut config = config();
        let mut facts = healthy();
        let mut port = facts.ports.remove(0);
        is_ok(&frame_size(&purpose(&config), &facts, &port));
        port.link.mtu = 9000;
        let copy = frame_size(&purpose(&config), &facts, &port);
        warns(&copy, "mtu 1500");
        assert!(copy.finding.contains("copy mode it is"), "{}", copy.finding);
        port.xdp = Some(XdpFeatures { flags: 0x2b, zero_copy_fragments: 8 });
        let fine = frame_size(&purpose(&config), &facts, &port);
        assert!(!fine.finding.contains("copy mode"), "{}", fine.finding);
        // Seven buffers of 1408 bytes.
        config.rings.frame_size = 2048;
        for (fragments, copy) in [(6, true), (7, false)] {
            port.xdp = Some(XdpFeatures { flags: 0x2b, zero_copy_fragments: fragments });
            let check = frame_size(&purpose(&config), &facts, &port);
            warns(&check, "mtu 1500");
            assert_eq!(check.finding.contains("1408 bytes each, not 7"), copy, "{}", check.finding);
        }
        config.rings.frame_size = 4096;
        port.xdp = Some(XdpFeatures { flags: 0x0b, zero_copy_fragments: 1 });
        fails(&frame_size(&purpose(&config), &facts, &port), "mtu 1500");
        port.xdp = None;
        warns(&frame_size(&purpose(&config), &facts, &port), "mtu 1500");
        config.rings.frame_size = 2048;
        port.link.mtu = 2000;
        warns(&frame_size(&purpose(&config), &facts, &port), "--frame-size 4096");
        facts.machine.release = Some("6.1.0".into());
        fails(&frame_size(&purpose(&config), &facts, &port), "--frame-size 4096");
    }

    #[test]
    fn features_that_cannot_be_read_are_unknown() {
        let config = config();
        let mut port = healthy().ports.remove(0);
        port.features = None;
        let all = checks(&purpose(&config), &healthy(), &port);
        assert_eq!(all.len(), 5);
        all.iter().filter(|check| check.name != "frame-size").for_each(is_unknown);
    }
}
