//! How packets are decoded.

/// What decoding can be told; the defaults are Suricata's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// UDP destination ports of VXLAN (`decoder.vxlan.ports`), by default 4789.
    pub vxlan_ports: TunnelPorts,
    /// UDP ports of Geneve, of either end (`decoder.geneve.ports`), by default 6081.
    pub geneve_ports: TunnelPorts,
    /// UDP ports of Teredo, of either end (`decoder.teredo.ports`), by default 3544.
    pub teredo_ports: TunnelPorts,
    /// Layers at which decoding ends, counted over all tunnels (`decoder.max-layers`), by default 16.
    pub max_layers: u8,
}

impl Settings {
    /// Suricata's defaults.
    pub const DEFAULT: Self = Self {
        vxlan_ports: TunnelPorts::one(4789),
        geneve_ports: TunnelPorts::one(6081),
        teredo_ports: TunnelPorts::one(3544),
        max_layers: 16,
    };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The UDP ports that a tunnel is looked for on: none, up to four (as Suricata), or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelPorts {
    /// All ports.
    Any,
    /// These; unused places repeat a used one, or there are none at all.
    These(Option<[u16; 4]>),
}

impl TunnelPorts {
    /// The tunnel is not decoded.
    pub const OFF: Self = Self::These(None);

    /// This port alone.
    pub const fn one(port: u16) -> Self {
        Self::These(Some([port; 4]))
    }

    /// These ports; none when there are more than four.
    pub fn list(ports: &[u16]) -> Option<Self> {
        let Some(&first) = ports.first() else {
            return Some(Self::OFF);
        };
        let mut places = [first; 4];
        places.get_mut(..ports.len())?.copy_from_slice(ports);
        Some(Self::These(Some(places)))
    }

    /// Whether `port` is one of them.
    pub fn contains(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            // Each packet is asked for several of these: without branches.
            Self::These(ports) => {
                ports.is_some_and(|ports| ports.iter().fold(false, |found, &one| found | (one == port)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_its_ports_and_no_others() {
        assert!(!TunnelPorts::OFF.contains(0) && TunnelPorts::Any.contains(7));
        let three = TunnelPorts::list(&[1, 2, 3]).unwrap();
        assert!((0..9).filter(|&port| three.contains(port)).eq(1..=3));
        assert_eq!(TunnelPorts::list(&[]), Some(TunnelPorts::OFF));
        assert_eq!(TunnelPorts::list(&[1, 2, 3, 4, 5]), None);
    }
}
