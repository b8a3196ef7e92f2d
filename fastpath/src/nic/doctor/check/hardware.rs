//! Link and bus.

use super::{
    super::facts::{Facts, Port},
    Check, Topic,
};

const LINK: Topic =
    Topic::new("link", "a bridge carries no more than the slower of its links, and nothing without carrier");
const PCIE: Topic = Topic::new(
    "pcie",
    "a card in a slot with too few lanes drops frames under load, and counts them as missed",
);

pub(super) fn checks(facts: &Facts, port: &Port) -> Vec<Check> {
    let name = &port.link.name;
    vec![link(facts, port).on(name), pcie(port).on(name)]
}

fn link(facts: &Facts, port: &Port) -> Check {
    let name = &port.link.name;
    if !port.link.carrier {
        return LINK.warn(
            "no carrier: no cable, or the far side is down",
            format!("ethtool {name}; look at the cable"),
        );
    }
    let Some(speed) = port.speed else {
        return LINK.unknown("carrier, of a speed that the driver does not tell");
    };
    let faster =
        facts.ports.iter().filter_map(|other| Some((other, other.speed?))).find(|(_, other)| *other > speed);
    match faster {
        Some((other, faster)) => LINK.warn(
            format!("{speed} Mbit/s, and {} has {faster} Mbit/s", other.link.name),
            format!("ethtool -s {name} speed {faster} (or another cable or optic), or accept it"),
        ),
        None => LINK.ok(format!("{speed} Mbit/s")),
    }
}

fn pcie(port: &Port) -> Check {
    let Some(pci) = &port.pci else { return PCIE.ok("no PCI device") };
    let (Some(width), Some(max)) = (pci.width, pci.max_width) else {
        return PCIE.unknown("the bus does not tell its lanes (a virtual machine's often does not)");
    };
    let lanes = format!("x{width} of x{max}");
    if let (Some(bus), Some(speed)) = (pci.gigabits(), port.speed)
        && u64::from(bus) * 1000 < u64::from(speed)
    {
        let finding = format!("{lanes}, {bus} Gbit/s, for a link of {speed} Mbit/s");
        return PCIE.warn(finding, "another slot with more or faster lanes (lspci -vv, LnkSta)");
    }
    if width < max {
        return PCIE.warn(lanes, "another slot, or reseat the card (lspci -vv, LnkSta)");
    }
    match pci.gigabits() {
        Some(bus) => PCIE.ok(format!("{lanes}, {bus} Gbit/s")),
        None => PCIE.ok(lanes),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{
            facts::Pci,
            sample::{healthy, is_ok, is_unknown, warns},
        },
        *,
    };

    #[test]
    fn a_slow_or_missing_link_is_warned_of() {
        let mut facts = healthy();
        is_ok(&link(&facts, &facts.ports[0]));
        facts.ports[0].speed = Some(1000);
        warns(&link(&facts, &facts.ports[0]), "speed 10000");
        is_ok(&link(&facts, &facts.ports[1]));
        facts.ports[0].speed = None;
        is_unknown(&link(&facts, &facts.ports[0]));
        facts.ports[0].link.carrier = false;
        warns(&link(&facts, &facts.ports[0]), "cable");
    }

    #[test]
    fn too_few_lanes_are_warned_of() {
        let mut port = healthy().ports.remove(0);
        is_ok(&pcie(&port));
        let lanes = |width, max_width, rate| {
            Some(Pci { width: Some(width), max_width: Some(max_width), rate: Some(rate), ..Pci::default() })
        };
        port.pci = lanes(4, 8, 80);
        warns(&pcie(&port), "another slot");
        // One lane at 5 GT/s carries 4 Gbit/s.
        port.pci = lanes(1, 1, 50);
        let narrow = pcie(&port);
        warns(&narrow, "faster lanes");
        assert!(narrow.finding.contains("4 Gbit/s"), "{}", narrow.finding);
        port.pci = Some(Pci::default());
        is_unknown(&pcie(&port));
        port.pci = None;
        is_ok(&pcie(&port));
    }
}
