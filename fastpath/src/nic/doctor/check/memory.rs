//! Memory for packets.

use super::{
    super::{Purpose, facts::Facts},
    Check, Topic,
};

const HUGE_PAGES: Topic = Topic::new(
    "huge-pages",
    "packet memory on ordinary pages is spread over hundreds of times as many TLB entries",
);

pub(super) fn checks(purpose: &Purpose<'_>, facts: &Facts) -> Vec<Check> {
    vec![huge_pages(purpose, facts)]
}

fn huge_pages(purpose: &Purpose<'_>, facts: &Facts) -> Check {
    let config = purpose.config;
    if !config.rings.huge_pages {
        return HUGE_PAGES.ok("not asked for (--no-huge-pages)");
    }
    let Some(pool) = facts.machine.huge_pages else {
        return HUGE_PAGES.unknown("/proc/meminfo tells nothing of them");
    };
    // One UMEM for every queue of every wire, each on whole pages.
    let umems = (config.wires.len() * config.queues.as_slice().len()) as u64;
    let each = purpose.umem_bytes.div_ceil(umems.max(1));
    let need = umems * each.div_ceil(pool.size.max(1));
    if pool.free < need {
        let size = pool.size >> 20;
        let finding = format!("{} of {size} MiB are free, and packets take {need}", pool.free);
        return HUGE_PAGES
            .warn(finding, format!("sysctl -w vm.nr_hugepages={}", pool.total + need - pool.free));
    }
    HUGE_PAGES.ok(format!("{} free, {need} needed", pool.free))
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{
            facts::HugePages,
            sample::{config, healthy, is_ok, is_unknown, purpose, warns},
        },
        *,
    };

    #[test]
    fn too_few_huge_pages_are_warned_of() {
        let mut facts = healthy();
        let mut config = config();
        is_ok(&huge_pages(&purpose(&config), &facts));
        // 4 UMEMs of 2 MiB; one page of ten is free.
        facts.machine.huge_pages = Some(HugePages { total: 10, free: 1, size: 2 << 20 });
        warns(&huge_pages(&purpose(&config), &facts), "vm.nr_hugepages=13");
        // Pages of a gigabyte: one for each, however small.
        facts.machine.huge_pages = Some(HugePages { total: 3, free: 3, size: 1 << 30 });
        warns(&huge_pages(&purpose(&config), &facts), "vm.nr_hugepages=4");
        facts.machine.huge_pages = None;
        is_unknown(&huge_pages(&purpose(&config), &facts));
        config.rings.huge_pages = false;
        is_ok(&huge_pages(&purpose(&config), &facts));
    }
}
