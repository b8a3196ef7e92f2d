//! The workers' cores: there, near the port, and alone.

use super::{
    super::{Purpose, facts::Facts},
    Check, Topic,
};
use crate::nic::gate::Queues;

const CORES: Topic =
    Topic::new("cores", "each queue wants a core of its own; workers that share one take turns and sleep");
const ISOLATED: Topic = Topic::new(
    "isolated-cores",
    "on a core that is not isolated the scheduler lets other tasks interrupt the worker",
);
const INTERRUPTS: Topic = Topic::new(
    "irq-sharing",
    "an interrupt takes its core from the worker: bursts are lost while it is served",
);
const NUMA: Topic =
    Topic::new("numa", "packet memory on another NUMA node than the port costs every access a hop");

/// An interrupt that came less often since boot disturbs nobody.
const RARE: u64 = 1000;

pub(super) fn checks(purpose: &Purpose<'_>, facts: &Facts) -> Vec<Check> {
    let mut all = vec![cores(purpose, facts), isolated(purpose, facts), interrupts(purpose, facts)];
    all.extend(numa(purpose, facts));
    all
}

fn cores(purpose: &Purpose<'_>, facts: &Facts) -> Check {
    let available = &facts.machine.available;
    if available.is_empty() || purpose.cores.is_empty() {
        return CORES.unknown("the cores that this process may run on cannot be read");
    }
    let absent: Vec<usize> = purpose.cores.iter().copied().filter(|core| !available.contains(core)).collect();
    if !absent.is_empty() {
        return CORES.fail(
            format!("core {} is not one this process may run on ({})", list(&absent), list(available)),
            format!(
                "--cores {}, or widen the process's CPU affinity (taskset, CPUAffinity=)",
                list(available)
            ),
        );
    }
    let workers = purpose.config.wires.len() * purpose.config.queues.as_slice().len();
    let has = purpose.cores.len();
    if workers > has {
        let fix = "give each queue a core (--cores), or use fewer queues (--queues, ethtool -L)";
        return CORES.warn(format!("{workers} workers share core {}", list(&purpose.cores)), fix);
    }
    CORES.ok(format!("core {} for {workers} workers", list(&purpose.cores)))
}

fn isolated(purpose: &Purpose<'_>, facts: &Facts) -> Check {
    let Some(isolated) = &facts.machine.isolated else {
        return ISOLATED.unknown("/sys does not tell which are");
    };
    let others: Vec<usize> = purpose.cores.iter().copied().filter(|core| !isolated.contains(core)).collect();
    if others.is_empty() {
        return ISOLATED.ok(format!("core {}", list(&purpose.cores)));
    }
    let all = list(&purpose.cores);
    // One core at least must be left for everybody else.
    if facts.machine.available.iter().all(|core| purpose.cores.contains(core)) {
        let fix = "leave cores to everything else: name those of the workers with --cores";
        return ISOLATED.warn(format!("the workers take every core ({all}), so none can be isolated"), fix);
    }
    ISOLATED.warn(
        format!("core {} is not isolated", list(&others)),
        format!("boot with isolcpus={all} nohz_full={all} rcu_nocbs={all}"),
    )
}

fn interrupts(purpose: &Purpose<'_>, facts: &Facts) -> Check {
    let Some(interrupts) = &facts.machine.interrupts else {
        return INTERRUPTS.unknown("/proc/interrupts cannot be read");
    };
    // A busy-polling worker drives its queue itself: there the queue's own interrupt belongs to its core.
    let own = |number: u32, name: &str| {
        purpose.config.busy_poll
            && facts.ports.iter().any(|port| {
                name.contains(&port.link.name)
                    || port.pci.as_ref().is_some_and(|pci| pci.interrupts.contains(&number))
            })
    };
    let mut shared: Vec<_> = interrupts
        .iter()
        .filter(|interrupt| !own(interrupt.number, &interrupt.name))
        .filter_map(|interrupt| {
            let core = interrupt.cores.iter().copied().find(|core| purpose.cores.contains(core))?;
            Some((interrupt.count(core), core, interrupt)).filter(|(count, ..)| *count >= RARE)
        })
        .collect();
    shared.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
    let Some((count, core, first)) = shared.first() else {
        return INTERRUPTS.ok("the workers' cores serve no interrupt worth the name");
    };
    let more = match shared.len() - 1 {
        0 => String::new(),
        more => format!(", and workers' cores serve {more} more"),
    };
    let finding = format!(
        "core {core} serves interrupt {} (`{}`, {count} times so far){more}",
        first.number, first.name
    );
    let others: Vec<usize> =
        facts.machine.available.iter().copied().filter(|core| !purpose.cores.contains(core)).collect();
    match others.as_slice() {
        [] => INTERRUPTS.warn(finding, "leave a core to interrupts: name those of the workers with --cores"),
        others => INTERRUPTS
            .warn(finding, format!("echo {} > /proc/irq/{}/smp_affinity_list", list(others), first.number)),
    }
}

fn numa<'a>(purpose: &'a Purpose<'_>, facts: &'a Facts) -> impl Iterator<Item = Check> + 'a {
    facts.ports.iter().map(|port| {
        let name = &port.link.name;
        if facts.machine.nodes.len() <= 1 {
            return NUMA.ok("one node").on(name);
        }
        let Some(node) = port.link.numa_node else {
            return NUMA.unknown("the port has no NUMA node").on(name);
        };
        let far: Vec<usize> =
            purpose.cores.iter().copied().filter(|core| facts.machine.node(*core) != Some(node)).collect();
        if far.is_empty() {
            return NUMA.ok(format!("port and cores on node {node}")).on(name);
        }
        let near = facts.machine.nodes.iter().find(|(number, _)| *number == node);
        let fix = match near {
            Some((_, cores)) if !cores.is_empty() => format!("--cores from {}", list(cores)),
            _ => format!("put the NIC into a slot of a node with cores (this one is node {node}'s)"),
        };
        NUMA.warn(format!("the port is on node {node}, core {} is not", list(&far)), fix).on(name)
    })
}

fn list(cores: &[usize]) -> String {
    Queues(cores.iter().filter_map(|core| u32::try_from(*core).ok()).collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{
            facts::Interrupt,
            sample::{config, fails, healthy, is_ok, is_unknown, purpose, warns},
        },
        *,
    };

    #[test]
    fn cores_must_be_there_and_enough() {
        let config = config();
        let mut facts = healthy();
        let mut purpose = purpose(&config);
        is_ok(&cores(&purpose, &facts));
        purpose.cores = vec![4, 5, 99];
        fails(&cores(&purpose, &facts), "--cores 0-7");
        purpose.cores = vec![4, 5];
        warns(&cores(&purpose, &facts), "--cores");
        facts.machine.available.clear();
        is_unknown(&cores(&purpose, &facts));
    }

    #[test]
    fn cores_that_are_not_isolated_are_warned_of() {
        let config = config();
        let mut facts = healthy();
        let mut purpose = purpose(&config);
        is_ok(&isolated(&purpose, &facts));
        facts.machine.isolated = Some(vec![4, 5]);
        let check = isolated(&purpose, &facts);
        warns(&check, "isolcpus=4-7");
        assert!(check.finding.contains("6-7"), "{}", check.finding);
        purpose.cores = (0..8).collect();
        warns(&isolated(&purpose, &facts), "--cores");
        facts.machine.isolated = None;
        is_unknown(&isolated(&purpose, &facts));
    }

    #[test]
    fn interrupts_on_workers_cores_are_warned_of() {
        let mut config = config();
        let mut facts = healthy();
        is_ok(&interrupts(&purpose(&config), &facts));
        let interrupt = |number, name: &str, core, count| Interrupt {
            number,
            name: name.into(),
            cores: vec![core],
            counts: vec![(core, count)],
        };
        // On another core, and one that hardly ever came.
        facts.machine.interrupts = Some(vec![interrupt(9, "timer", 0, 7000), interrupt(10, "acpi", 4, 7)]);
        is_ok(&interrupts(&purpose(&config), &facts));
        facts.machine.interrupts =
            Some(vec![interrupt(46, "x", 6, 1000), interrupt(45, "a-TxRx-0", 5, 12_000)]);
        let check = interrupts(&purpose(&config), &facts);
        warns(&check, "echo 0-3 > /proc/irq/45/smp_affinity_list");
        assert!(check.finding.contains("a-TxRx-0") && check.finding.contains("1 more"), "{}", check.finding);
        // Busy polling wants its own queue's interrupt there, but nobody else's.
        config.busy_poll = true;
        warns(&interrupts(&purpose(&config), &facts), "/proc/irq/46/");
        facts.ports[0].pci.as_mut().unwrap().interrupts = vec![46];
        is_ok(&interrupts(&purpose(&config), &facts));
        facts.machine.interrupts = None;
        is_unknown(&interrupts(&purpose(&config), &facts));
    }

    #[test]
    fn a_port_of_another_node_is_warned_of() {
        let config = config();
        let mut facts = healthy();
        let checked = |facts: &Facts| numa(&purpose(&config), facts).next().unwrap();
        is_ok(&checked(&facts));
        facts.ports[0].link.numa_node = Some(0);
        warns(&checked(&facts), "--cores from 0-3");
        facts.ports[0].link.numa_node = None;
        is_unknown(&checked(&facts));
        facts.machine.nodes.truncate(1);
        is_ok(&checked(&facts));
    }
}
