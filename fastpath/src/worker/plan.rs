//! Which queue is served by which worker on which core.

use crate::config::{IndexList, Wire};

/// One worker's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Number of the worker from 0.
    pub worker: usize,
    /// Index of its wire in the configuration.
    pub wire: usize,
    /// Queue it serves, of every port of the wire.
    pub queue: u32,
    /// Core it is pinned to.
    pub core: usize,
    /// It never sleeps.
    pub spin: bool,
}

/// All workers' places, and what the operator should know about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One per queue and wire.
    pub seats: Vec<Seat>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A core of `--cores` is not there for this process.
    #[error(
        "--cores {wanted}: core {core} is not one this process may run on ({available}); choose among those, or widen its CPU affinity"
    )]
    NoSuchCore {
        /// The list.
        wanted: String,
        /// The missing core.
        core: usize,
        /// Cores there are.
        available: String,
    },
    /// The process may run on no core at all.
    #[error("cannot read which cores this process may run on; name them with --cores")]
    NoCores,
}

/// Gives each queue of each wire a worker and each worker a core, in order, starting over when there are more
/// workers than cores. `isolated` cores run nothing else, so a worker alone on one may spin; `busy_poll` makes
/// every worker spin that has its core for itself.
pub fn plan(
    wires: &[Wire],
    queues: &IndexList,
    wanted: Option<&IndexList>,
    available: &[usize],
    isolated: &[usize],
    busy_poll: bool,
) -> Result<Plan, PlanError> {
    let cores: Vec<usize> = match wanted {
        None => available.to_vec(),
        Some(list) => list.as_slice().iter().map(|&core| core as usize).collect(),
    };
    if let (Some(list), Some(core)) = (wanted, cores.iter().find(|core| !available.contains(core))) {
        let available = available.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        return Err(PlanError::NoSuchCore { wanted: list.to_string(), core: *core, available });
    }
    if cores.is_empty() {
        return Err(PlanError::NoCores);
    }
    let workers = wires.len() * queues.as_slice().len();
    let shared = workers > cores.len();
    let places = (0..wires.len()).flat_map(|wire| queues.as_slice().iter().map(move |&queue| (wire, queue)));
    let seats = places
        .zip(cores.iter().cycle())
        .enumerate()
        .map(|(worker, ((wire, queue), &core))| Seat {
            worker,
            wire,
            queue,
            core,
            spin: !shared && (busy_poll || isolated.contains(&core)),
        })
        .collect();
    let mut warnings = Vec::new();
    if shared {
        let n = cores.len();
        warnings.push(format!(
            "{workers} queues share {n} core{}: workers take turns and sleep when idle; for line rate give \
             each queue a core (--cores) or use fewer queues",
            if n == 1 { "" } else { "s" }
        ));
        if busy_poll {
            warnings.push("--busy-poll: workers that share a core do not spin".into());
        }
    }
    Ok(Plan { seats, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wires(n: usize) -> Vec<Wire> {
        (0..n).map(|i| Wire { interface: format!("a{i}"), peer: Some(format!("b{i}")) }).collect()
    }

    fn list(text: &str) -> IndexList {
        text.parse().unwrap()
    }

    #[test]
    fn gives_each_queue_a_core_in_order() {
        let plan = plan(&wires(1), &list("0,2"), Some(&list("3-4")), &[0, 3, 4], &[], false).unwrap();
        let places: Vec<_> = plan.seats.iter().map(|s| (s.worker, s.queue, s.core, s.spin)).collect();
        assert_eq!(places, [(0, 0, 3, false), (1, 2, 4, false)]);
        assert!(plan.warnings.is_empty());
    }

    #[test]
    fn wraps_warns_and_never_spins_on_shared_cores() {
        let plan = plan(&wires(2), &list("0-1"), None, &[0, 1], &[0, 1], true).unwrap();
        assert_eq!(plan.seats.iter().map(|s| s.core).collect::<Vec<_>>(), [0, 1, 0, 1]);
        assert_eq!(plan.seats.iter().map(|s| s.wire).collect::<Vec<_>>(), [0, 0, 1, 1]);
        assert!(plan.seats.iter().all(|s| !s.spin));
        assert_eq!(plan.warnings.len(), 2);
    }

    #[test]
    fn spins_on_an_isolated_core_or_when_told_to() {
        let on = |isolated: &[usize], busy| {
            plan(&wires(1), &list("0"), None, &[0, 1], isolated, busy).unwrap().seats[0].spin
        };
        assert!(on(&[0], false) && on(&[], true));
        assert!(!on(&[1], false));
    }

    #[test]
    fn names_a_core_that_is_not_there() {
        let error = plan(&wires(1), &list("0"), Some(&list("7")), &[0, 1], &[], false).unwrap_err();
        assert!(error.to_string().contains("core 7") && error.to_string().contains("0,1"), "{error}");
        assert_eq!(plan(&wires(1), &list("0"), None, &[], &[], false), Err(PlanError::NoCores));
    }
}
