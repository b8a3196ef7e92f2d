//! One port: driver, offloads, RSS, bus, who else is on it.

use super::{
    super::{
        super::{
            ethtool::{self, Features, Rss},
            link::{Control, Link},
            program::{self, AttachedProgram, XdpFeatures},
        },
        scratch::Scratch,
    },
    System,
};

/// Facts of one port.
#[derive(Debug)]
pub struct Port {
    /// What the gates look at, too.
    pub link: Link,
    /// Speed, Mbit/s; `None` where there is none to tell.
    pub speed: Option<u32>,
    /// The most rx queues its driver can have; `None` where it does not tell.
    pub most_rx_queues: Option<u32>,
    /// Its switches.
    pub features: Option<Features>,
    /// How it spreads flows.
    pub rss: Option<Rss>,
    /// What its driver can do with XDP; `None` when the kernel cannot be asked (before 6.3).
    pub xdp: Option<XdpFeatures>,
    /// The XDP program on it; the reason when that cannot be asked.
    pub attached: Result<Option<AttachedProgram>, String>,
    /// Its place on the PCI bus.
    pub pci: Option<Pci>,
    /// What binding a socket for a moment showed.
    pub scratch: Scratch,
}

/// What the PCI bus knows of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pci {
    /// Lanes in use.
    pub width: Option<u32>,
    /// Lanes it has.
    pub max_width: Option<u32>,
    /// Transfers per lane in tenths of GT/s: 80 is 8.0 GT/s.
    pub rate: Option<u32>,
    /// It is a virtual function: another machine or the host rules the port.
    pub virtual_function: bool,
    /// Whether virtio memory accesses go through the platform's IOMMU (VIRTIO_F_ACCESS_PLATFORM); `None` for
    /// what is no virtio device.
    pub access_platform: Option<bool>,
    /// Numbers of its interrupts.
    pub interrupts: Vec<u32>,
}

impl Port {
    /// Reads them, all but the scratch socket.
    pub fn read(system: &System, control: &Control, link: &Link) -> Self {
        let name = &link.name;
        let bus = ethtool::driver(control, name).ok().flatten().map(|driver| driver.bus);
        let features = program::features(link.index).ok();
        let release = system.text("proc/sys/kernel/osrelease");
        let tells = release.and_then(|release| super::KernelVersion::parse(&release)) >= Some(FEATURES_SINCE);
        Self {
            speed: ethtool::speed(control, name).ok().flatten(),
            most_rx_queues: ethtool::channels(control, name).ok().flatten().map(|channels| channels.most_rx),
            features: ethtool::features(control, name).ok(),
            rss: ethtool::rss(control, name).ok().flatten(),
            xdp: features.filter(|features| tells || features.flags != 0),
            attached: program::attached(link.index).map_err(|error| error.to_string()),
            pci: bus.and_then(|bus| Pci::read(system, &bus)),
            scratch: Scratch::Untried("not at this time"),
            link: link.clone(),
        }
    }

    /// Name of its driver; empty without one.
    pub fn driver(&self) -> &str {
        self.link.driver.as_deref().unwrap_or_default()
    }
}

/// First kernel with netdev's generic netlink family (Documentation/netlink/specs/netdev.yaml).
const FEATURES_SINCE: super::KernelVersion = super::KernelVersion(6, 3);
/// Bit of VIRTIO_F_ACCESS_PLATFORM (virtio 1.2, section 6).
const ACCESS_PLATFORM: usize = 33;

impl Pci {
    /// The device at `bus` (`0000:3b:00.0`), if there is one. Buses are the same in all network namespaces.
    pub fn read(system: &System, bus: &str) -> Option<Self> {
        // The address becomes part of a path.
        if bus.is_empty() || !bus.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        {
            return None;
        }
        let device = format!("sys/bus/pci/devices/{bus}");
        if !system.exists(&device) {
            return None;
        }
        let lanes = |file: &str| system.number(&format!("{device}/{file}")).filter(|lanes| *lanes != 0);
        let virtio = system.names(&device).into_iter().find(|name| name.starts_with("virtio"));
        let features = virtio.and_then(|name| system.text(&format!("{device}/{name}/features")));
        let interrupts = system.names(&format!("{device}/msi_irqs"));
        Some(Self {
            width: lanes("current_link_width"),
            max_width: lanes("max_link_width"),
            rate: system.text(&format!("{device}/current_link_speed")).and_then(|text| rate(&text)),
            virtual_function: system.exists(&format!("{device}/physfn")),
            access_platform: features.map(|bits| bits.as_bytes().get(ACCESS_PLATFORM) == Some(&b'1')),
            interrupts: interrupts.iter().filter_map(|number| number.parse().ok()).collect(),
        })
    }

    /// Bytes and all other costs of the bus included: Gbit/s of the lanes in use, less line coding.
    pub fn gigabits(&self) -> Option<u32> {
        let (width, rate) = (self.width?, self.rate?);
        // 8b/10b up to 5 GT/s, 128b/130b from 8 GT/s on.
        let coded = if rate <= 50 { rate * 8 / 10 } else { rate * 128 / 130 };
        Some(width.saturating_mul(coded) / 10)
    }
}

/// From `8.0 GT/s PCIe`.
fn rate(text: &str) -> Option<u32> {
    let (whole, rest) = text.split_once(' ')?.0.split_once('.')?;
    Some(whole.parse::<u32>().ok()?.checked_mul(10)? + rest.get(..1)?.parse::<u32>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{super::super::sample::tree, *};

    #[test]
    fn reads_the_bus() {
        let bits = format!("{}1{}", "0".repeat(33), "0".repeat(30));
        let (_dir, system) = tree(&[
            ("sys/bus/pci/devices/0000:3b:00.0/current_link_width", "8\n"),
            ("sys/bus/pci/devices/0000:3b:00.0/max_link_width", "16\n"),
            ("sys/bus/pci/devices/0000:3b:00.0/current_link_speed", "8.0 GT/s PCIe\n"),
            ("sys/bus/pci/devices/0000:3b:00.0/msi_irqs/45", "msix\n"),
            ("sys/bus/pci/devices/0000:00:03.0/virtio1/features", &bits),
            ("sys/bus/pci/devices/0000:00:03.0/current_link_width", "0\n"),
            ("sys/bus/pci/devices/0000:00:03.0/current_link_speed", "Unknown\n"),
            ("sys/bus/pci/devices/0000:00:03.0/physfn/vendor", "\n"),
        ]);
        let nic = Pci::read(&system, "0000:3b:00.0").unwrap();
        assert_eq!((nic.width, nic.max_width, nic.rate), (Some(8), Some(16), Some(80)));
        assert_eq!(nic.gigabits(), Some(62));
        assert_eq!((nic.interrupts, nic.virtual_function, nic.access_platform), (vec![45], false, None));
        let virtio = Pci::read(&system, "0000:00:03.0").unwrap();
        assert_eq!((virtio.width, virtio.rate, virtio.gigabits()), (None, None, None));
        assert_eq!((virtio.virtual_function, virtio.access_platform), (true, Some(true)));
        for none in ["", "0000:99:00.0", "../../etc"] {
            assert_eq!(Pci::read(&system, none), None);
        }
    }
}
