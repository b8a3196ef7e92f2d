//! How the sockets of a wire are to be bound. They share a UMEM, and with it the mode.

use crate::{
    config::{AttachMode, BindMode, RunConfig, Wire},
    nic::gate::Passed,
};

/// What is asked of the kernel for every socket of one wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// Zero-copy, copy or what there is.
    pub mode: BindMode,
    /// Packets may be larger than a frame.
    pub multi_buffer: bool,
}

impl Binding {
    /// Mode `auto` is copy mode under generic XDP, which has no zero-copy, and where `copy_only` names a port of the wire: its
    /// driver would grant zero-copy and not work in it.
    pub(super) fn of(config: &RunConfig, wire: &Wire, passed: &Passed, copy_only: &[String]) -> Self {
        let avoided = config.attach == AttachMode::Generic
            || wire.ports().any(|port| copy_only.iter().any(|name| name == port));
        let mode = match config.bind {
            BindMode::Auto if avoided => BindMode::Copy,
            bind => bind,
        };
        Self { mode, multi_buffer: passed.multi_buffer(wire, config.rings.frame_size) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{Given, Settings};

    fn modes(bind: BindMode, attach: AttachMode, copy_only: &[&str]) -> Vec<BindMode> {
        let flag = |name: &str| Given::flag("--interface", name.to_owned());
        let settings = Settings {
            wires: vec![(flag("a"), Some(flag("b"))), (flag("c"), None)],
            queues: Some(Given::flag("--queues", "0".parse().unwrap())),
            bind: Some(Given::flag("--mode", bind)),
            attach: Some(Given::flag("--xdp", attach)),
            ..Settings::default()
        };
        let config = settings.validate().unwrap();
        let passed = Passed { links: BTreeMap::new(), uncovered: Vec::new() };
        let copy_only: Vec<String> = copy_only.iter().map(|&port| port.into()).collect();
        config.wires.iter().map(|wire| Binding::of(&config, wire, &passed, &copy_only).mode).collect()
    }

    #[test]
    fn one_port_that_must_not_be_zero_copy_makes_its_wire_copy() {
        use BindMode::{Auto, Copy, ZeroCopy};
        let native = AttachMode::Native;
        assert_eq!(modes(Auto, native, &[]), [Auto, Auto]);
        assert_eq!(modes(Auto, native, &["b"]), [Copy, Auto]);
        assert_eq!(modes(Auto, native, &["a", "c"]), [Copy, Copy]);
        assert_eq!(modes(Auto, AttachMode::Generic, &[]), [Copy, Copy]);
        assert_eq!(modes(ZeroCopy, native, &["a", "b", "c"]), [ZeroCopy, ZeroCopy], "who insists gets it");
    }
}
