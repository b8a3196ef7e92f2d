//! VLAN stripping off while frames go through us, as it was before afterwards.
//!
//! Drivers that strip hand the tag over beside the frame, where AF_XDP does not look: the frame would be sent
//! on without it. The earlier setting is written down under /run/fastpath before it is changed, so that it
//! survives `kill -9`: the next start finds the record of a dead process and restores, at its own end, what
//! that one found.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    ethtool::{self, Features},
    link::{Control, LinkError},
};

/// Where records live; a tmpfs, so they end with the boot, as interface settings do.
pub const RECORDS: &str = "/run/fastpath";

/// Kernel names of stripping of 802.1Q and of 802.1ad tags.
const STRIPPING: [&str; 2] = ["rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"];

/// Why VLAN tags cannot be kept in the frames of a port.
#[derive(Debug, thiserror::Error)]
pub enum VlanStripError {
    /// The driver does not let it be turned off.
    #[error(
        "{port}: the driver strips VLAN tags (`{feature}`, see `ethtool -k {port}`) and refuses to stop, so tagged \
         frames would be sent on without their tag; use a NIC whose driver can turn it off"
    )]
    Refused {
        /// Interface name.
        port: String,
        /// Kernel name of the switch.
        feature: &'static str,
    },
    /// Another live process has turned it off.
    #[error("{port}: process {pid} already inspects this port; stop it first")]
    Busy {
        /// Interface name.
        port: String,
        /// Its process id.
        pid: u32,
    },
    /// The switches can be neither read nor set.
    #[error("{port}: cannot turn VLAN stripping {to}: {source}; this takes CAP_NET_ADMIN (or root)")]
    Switch {
        /// Interface name.
        port: String,
        /// `off` or `on`.
        to: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The record cannot be kept.
    #[error("{}: cannot keep the record of a port's VLAN stripping: {source}; the directory must be writable", path.display())]
    Record {
        /// The record's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The interface cannot be found.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// VLAN stripping of one port, off until [`VlanStripping::restore`] or drop.
#[derive(Debug)]
pub struct VlanStripping {
    control: Control,
    index: u32,
    /// What was on and is to be on again; empty once restored.
    earlier: Vec<&'static str>,
    record: PathBuf,
}

/// One file per interface: whose the change is and what was on before it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    pid: u32,
    /// Clock ticks since boot: tells the process from a later one with the same id.
    started: u64,
    /// Tells the interface from a later one with the same index in a namespace with the same inode.
    mac: [u8; 6],
    /// What was on.
    on: Vec<String>,
}

impl VlanStripping {
    /// Turns stripping off on `port` of the calling thread's namespace, with the record in `records`
    /// ([`RECORDS`]).
    pub fn turn_off(port: &str, records: &Path) -> Result<Self, VlanStripError> {
        let control = Control::open()?;
        let index = control.index(port)?;
        let off = |source| VlanStripError::Switch { port: port.into(), to: "off", source };
        let (mac, _) = control.mac(port).map_err(off)?;
        let record = records.join(format!("vlan-{}-{index}.json", control.namespace()));
        let left = Record::read(&record)?.filter(|left| left.mac == mac);
        if let Some(left) = &left
            && started(left.pid) == Some(left.started)
        {
            return Err(VlanStripError::Busy { port: port.into(), pid: left.pid });
        }
        let features = ethtool::features(&control, port).map_err(off)?;
        let active = active(&features, port)?;
        let left = left.map(|left| left.on).unwrap_or_default();
        let earlier: Vec<_> = STRIPPING
            .into_iter()
            .filter(|name| active.contains(name) || left.iter().any(|left| left == name))
            .collect();
        let stripping = Self { control, index, earlier, record };
        if stripping.earlier.is_empty() {
            return Ok(stripping);
        }
        // Written first, removed last: at no moment is the earlier value known to the dead only. From here
        // on an error drops `stripping`, which restores.
        Record::of(mac, &stripping.earlier).write(&stripping.record)?;
        ethtool::switch(&stripping.control, port, &features, &active, false).map_err(off)?;
        let now = ethtool::features(&stripping.control, port).map_err(off)?;
        match STRIPPING.into_iter().find(|name| now.active(name)) {
            Some(feature) => Err(VlanStripError::Refused { port: port.into(), feature }),
            None => Ok(stripping),
        }
    }

    /// Turns on again what was on before. A port that is gone needs nothing.
    pub fn restore(mut self) -> Result<(), VlanStripError> {
        self.put_back()
    }

    fn put_back(&mut self) -> Result<(), VlanStripError> {
        let earlier = std::mem::take(&mut self.earlier);
        if earlier.is_empty() {
            return Ok(());
        }
        // By index: the port may have been renamed since.
        if let Ok(port) = self.control.name(self.index) {
            let on = |source| VlanStripError::Switch { port: port.clone(), to: "on", source };
            let features = ethtool::features(&self.control, &port).map_err(on)?;
            if !ethtool::switch(&self.control, &port, &features, &earlier, true).map_err(on)? {
                return Err(on(io::Error::other("the driver did not follow")));
            }
        }
        match fs::remove_file(&self.record) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(VlanStripError::Record { path: self.record.clone(), source })
            }
            _ => Ok(()),
        }
    }
}

impl Drop for VlanStripping {
    fn drop(&mut self) {
        if let Err(error) = self.put_back() {
            tracing::error!("{error}");
        }
    }
}

/// The kinds of stripping that are on, all of which can be turned off.
pub(super) fn active(features: &Features, port: &str) -> Result<Vec<&'static str>, VlanStripError> {
    let active: Vec<_> = STRIPPING.into_iter().filter(|name| features.active(name)).collect();
    match active.iter().find(|name| !features.changeable(name)) {
        Some(feature) => Err(VlanStripError::Refused { port: port.into(), feature }),
        None => Ok(active),
    }
}

impl Record {
    fn of(mac: [u8; 6], on: &[&str]) -> Self {
        let pid = std::process::id();
        let on = on.iter().map(|name| (*name).to_owned()).collect();
        Self { pid, started: started(pid).unwrap_or_default(), mac, on }
    }

    /// The record, if there is one. Records are replaced whole, so one that cannot be understood is an error.
    fn read(path: &Path) -> Result<Option<Self>, VlanStripError> {
        let fail = |source| VlanStripError::Record { path: path.into(), source };
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| fail(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fail(error)),
        }
    }

    fn write(&self, path: &Path) -> Result<(), VlanStripError> {
        let replace = || {
            if let Some(records) = path.parent() {
                fs::create_dir_all(records)?;
            }
            let fresh = path.with_extension("new");
            fs::write(&fresh, serde_json::to_vec(self)?)?;
            fs::rename(&fresh, path)
        };
        replace().map_err(|source| VlanStripError::Record { path: path.into(), source })
    }
}

/// When the process was started, in clock ticks since boot; `None` when there is no such process.
/// Field 22 of /proc/PID/stat (proc_pid_stat(5)); field 2, the name, may itself hold blanks and brackets.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            ethtool::tests::synthetic,
            namespace::{in_fresh_namespace, ip, veth},
        },
        *,
    };

    fn stripped(port: &str) -> Vec<&'static str> {
        let features = ethtool::features(&Control::open().unwrap(), port).unwrap();
        STRIPPING.into_iter().filter(|name| features.active(name)).collect()
    }

    fn switch(port: &str, names: &[&str], on: bool) {
        let control = Control::open().unwrap();
        let features = ethtool::features(&control, port).unwrap();
        assert!(ethtool::switch(&control, port, &features, names, on).unwrap());
    }

    fn files(records: &Path) -> Vec<PathBuf> {
        fs::read_dir(records).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// Turns stripping off as a process that is then killed: nothing is restored, its record stays.
    fn turn_off_and_die(port: &str, records: &Path) {
        std::mem::forget(VlanStripping::turn_off(port, records).unwrap());
        let [path] = &files(records)[..] else { panic!("one record") };
        let mut record = Record::read(path).unwrap().unwrap();
        // Same process id, other start time: the id has been given to another process since.
        record.started -= 1;
        record.write(path).unwrap();
    }

    #[test]
    fn is_off_while_held_and_as_before_afterwards() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            let records = tempfile::tempdir().unwrap();
            let held = VlanStripping::turn_off("left", records.path()).unwrap();
            assert!(stripped("left").is_empty());
            assert_eq!(stripped("right"), STRIPPING);
            held.restore().unwrap();
            assert_eq!(stripped("left"), STRIPPING);
            assert!(files(records.path()).is_empty());

            // Only what was on comes back, and by drop too.
            switch("left", &STRIPPING[..1], false);
            drop(VlanStripping::turn_off("left", records.path()).unwrap());
            assert_eq!(stripped("left"), STRIPPING[1..]);
        });
    }

    #[test]
    fn leaves_no_record_when_nothing_was_on() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            switch("left", &STRIPPING, false);
            let records = tempfile::tempdir().unwrap();
            let held = VlanStripping::turn_off("left", records.path()).unwrap();
            assert!(files(records.path()).is_empty());
            drop(held);
            assert!(stripped("left").is_empty());
        });
    }

    #[test]
    fn restores_what_a_killed_process_found() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            let records = tempfile::tempdir().unwrap();
            turn_off_and_die("left", records.path());
            assert!(stripped("left").is_empty(), "nobody restored it");
            // Killed twice in a row: the second found it off, and still must not lose the first value.
            turn_off_and_die("left", records.path());
            VlanStripping::turn_off("left", records.path()).unwrap().restore().unwrap();
            assert_eq!(stripped("left"), STRIPPING);
            assert!(files(records.path()).is_empty());
        });
    }

    #[test]
    fn does_not_take_another_interface_for_the_recorded_one() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            let records = tempfile::tempdir().unwrap();
            turn_off_and_die("left", records.path());
            ip("link set left down");
            ip("link set left address 02:00:00:00:00:99");
            VlanStripping::turn_off("left", records.path()).unwrap().restore().unwrap();
            assert!(stripped("left").is_empty());
        });
    }

    #[test]
    fn a_live_owner_is_named() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            let records = tempfile::tempdir().unwrap();
            let held = VlanStripping::turn_off("left", records.path()).unwrap();
            let error = VlanStripping::turn_off("left", records.path()).unwrap_err();
            assert!(matches!(error, VlanStripError::Busy { pid, .. } if pid == std::process::id()));
            assert!(stripped("left").is_empty(), "the refused one changed nothing");
            drop(held);
            assert_eq!(stripped("left"), STRIPPING);
        });
    }

    #[test]
    fn follows_a_renamed_port_and_forgets_one_that_is_gone() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            let records = tempfile::tempdir().unwrap();
            let left = VlanStripping::turn_off("left", records.path()).unwrap();
            let right = VlanStripping::turn_off("right", records.path()).unwrap();
            ip("link set left down");
            ip("link set left name moved");
            left.restore().unwrap();
            assert_eq!(stripped("moved"), STRIPPING);
            ip("link del moved");
            right.restore().unwrap();
            assert!(files(records.path()).is_empty());
        });
    }

    #[test]
    fn a_driver_that_must_strip_is_refused() {
        let fixed = synthetic(&[(STRIPPING[0], true, false), (STRIPPING[1], false, false)]);
        let error = active(&fixed, "eth1").unwrap_err();
        assert!(matches!(error, VlanStripError::Refused { feature, .. } if feature == STRIPPING[0]));
        let idle = synthetic(&[(STRIPPING[0], false, false), (STRIPPING[1], false, false)]);
        assert!(active(&idle, "eth1").unwrap().is_empty());
    }

    #[test]
    fn tells_live_processes_from_dead_ones() {
        assert!(started(std::process::id()).is_some());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert_eq!(started(child.id()), None);
    }

    #[test]
    fn a_record_that_cannot_be_read_or_written_is_an_error() {
        in_fresh_namespace(|| {
            veth("left", "right", 1);
            let records = tempfile::tempdir().unwrap();
            let no_directory = records.path().join("file");
            fs::write(&no_directory, "").unwrap();
            let error = VlanStripping::turn_off("left", &no_directory).unwrap_err();
            assert!(matches!(error, VlanStripError::Record { .. }), "{error}");
            assert_eq!(stripped("left"), STRIPPING, "nothing is changed that could not be restored");

            let control = Control::open().unwrap();
            let name = format!("vlan-{}-{}.json", control.namespace(), control.index("left").unwrap());
            fs::write(records.path().join(name), "{").unwrap();
            let error = VlanStripping::turn_off("left", records.path()).unwrap_err();
            assert!(matches!(error, VlanStripError::Record { .. }), "{error}");
        });
    }
}
