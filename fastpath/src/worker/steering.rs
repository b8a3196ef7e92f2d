//! Whether the workers of a wire hand packets to each other, and how many may be on their way.

use crate::config::{RunConfig, Steering};

/// What was chosen for a wire, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Each flow has one owner, and packets are handed to it.
    pub(super) on: bool,
    /// For the operator.
    pub(super) reason: String,
}

/// Chooses for a wire. `symmetry` is what is known of its RSS ([`crate::nic::doctor::Advice`]).
pub(super) fn choose(config: &RunConfig, symmetry: &Result<&'static str, String>) -> Choice {
    let choice = |on, reason: &str| Choice { on, reason: reason.into() };
    match (config.queues.as_slice().len(), config.steering, symmetry) {
        (1, _, _) => choice(false, "one worker owns all flows"),
        (_, Steering::On, _) => choice(true, "as told"),
        (_, Steering::Off, _) => choice(false, "as told"),
        (_, Steering::Auto, Ok(proof)) => choice(false, proof),
        (_, Steering::Auto, Err(doubt)) => choice(true, doubt),
    }
}

/// Packets that one worker may have out to one other: together what one rx ring holds, and never less than two batches,
/// so that an owner that is busy with a batch of its own is no reason to drop.
pub(super) fn capacity(config: &RunConfig) -> usize {
    let rings = &config.rings;
    (rings.rx as usize / peers(config).max(1)).max(2 * rings.batch as usize)
}

/// Packets that one worker may have out to all others.
pub(super) fn loans(config: &RunConfig) -> u32 {
    u32::try_from(peers(config) * capacity(config)).unwrap_or(u32::MAX)
}

fn peers(config: &RunConfig) -> usize {
    config.queues.as_slice().len() - 1
}

/// [`loans`] at most: 0 where it is known beforehand that nothing is handed over.
pub(super) fn most_loans(config: &RunConfig) -> u32 {
    if config.steering == Steering::Off { 0 } else { loans(config) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Given, Settings};

    fn config(queues: &str, steering: Steering) -> RunConfig {
        let flag = |value| Given::flag("--flag", value);
        let settings = Settings {
            wires: vec![(flag("a".to_owned()), Some(flag("b".to_owned())))],
            queues: Some(Given::flag("--queues", queues.parse().unwrap())),
            steering: Some(Given::flag("--steering", steering)),
            ..Settings::default()
        };
        settings.validate().unwrap()
    }

    #[test]
    fn auto_is_off_only_by_proof() {
        let doubt = Err("igb".to_owned());
        let on = |queues, steering, symmetry| choose(&config(queues, steering), symmetry).on;
        assert!(on("0-3", Steering::Auto, &doubt) && on("0-3", Steering::On, &Ok("")));
        assert!(!on("0-3", Steering::Auto, &Ok("")) && !on("0-3", Steering::Off, &doubt));
        assert!(!on("2", Steering::On, &doubt));
        assert_eq!(choose(&config("0-3", Steering::Auto), &doubt).reason, "igb");
    }

    #[test]
    fn what_is_out_is_bounded_by_the_rx_ring_or_two_batches_each() {
        let capacity = |queues| capacity(&config(queues, Steering::Auto));
        assert_eq!(
            (capacity("0"), capacity("0-1"), capacity("0-3"), capacity("0-63")),
            (2048, 2048, 682, 128)
        );
        assert_eq!(loans(&config("0-3", Steering::Auto)), 3 * 682);
        assert_eq!(most_loans(&config("0", Steering::Auto)), 0);
        assert_eq!(most_loans(&config("0-3", Steering::Off)), 0);
    }
}
