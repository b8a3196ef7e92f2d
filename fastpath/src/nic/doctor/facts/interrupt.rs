//! Interrupts and the cores that serve them.

use super::System;

/// One device interrupt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// Its number.
    pub number: u32,
    /// The device's or queue's name for it, such as `eth1-TxRx-0`.
    pub name: String,
    /// Cores it is delivered to.
    pub cores: Vec<usize>,
    /// How often it came, by core.
    pub counts: Vec<(usize, u64)>,
}

impl Interrupt {
    /// How often it came on `core`.
    pub fn count(&self, core: usize) -> u64 {
        self.counts.iter().find(|(on, _)| *on == core).map_or(0, |(_, count)| *count)
    }
}

/// All device interrupts; `None` when they cannot be read.
pub(super) fn read(system: &System) -> Option<Vec<Interrupt>> {
    let text = system.text("proc/interrupts")?;
    let mut lines = text.lines();
    let header = lines.next()?;
    let cores: Vec<usize> =
        header.split_whitespace().filter_map(|word| word.strip_prefix("CPU")?.parse().ok()).collect();
    // The lines with letters (NMI, LOC, …) are not routed to cores.
    let interrupts = lines.filter_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let number = number.trim().parse().ok()?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let counts = cores.iter().copied().zip(words.iter().map_while(|word| word.parse().ok())).collect();
        let name = words.last().filter(|_| words.len() > cores.len()).copied().unwrap_or_default().to_owned();
        let routed = ["effective_affinity_list", "smp_affinity_list"]
            .into_iter()
            .filter_map(|file| system.cores(&format!("proc/irq/{number}/{file}")))
            .find(|cores| !cores.is_empty());
        Some(Interrupt { number, name, cores: routed.unwrap_or_default(), counts })
    });
    Some(interrupts.collect())
}

#[cfg(test)]
mod tests {
    use super::{super::super::sample::tree, *};

    #[test]
    fn reads_counts_and_routes() {
        let (_dir, system) = tree(&[
            (
                "proc/interrupts",
                "           CPU0       CPU2\n  9:   0   0  IO-APIC   9-fasteoi   acpi\n 45:  12   7  IR-PCI-MSI 524288-edge  eth1-TxRx-0\nLOC:  1  2  Local timer interrupts\n",
            ),
            ("proc/irq/45/smp_affinity_list", "0,2"),
            ("proc/irq/45/effective_affinity_list", "2"),
        ]);
        let interrupts = read(&system).unwrap();
        assert_eq!(interrupts.len(), 2);
        let expected = Interrupt {
            number: 45,
            name: "eth1-TxRx-0".into(),
            cores: vec![2],
            counts: vec![(0, 12), (2, 7)],
        };
        assert_eq!(interrupts[1], expected);
        assert_eq!((interrupts[1].count(2), interrupts[1].count(1)), (7, 0));
        assert!(interrupts[0].cores.is_empty());
    }
}
