//! What of machine, kernel, driver and settings stands in the way of inspection, and what mends it.
//!
//! [`facts`] reads once what there is to know, [`check`] holds the checks: pure functions over those facts.
//! `fastpath doctor` shows all of them ([`diagnose`]), the start of `fastpath run` heeds the most valuable warnings
//! ([`advise`]). What the gates of a start decide ([`gate`]) is asked of them. Nothing is changed.

pub mod check;
pub mod facts;
pub mod scratch;

pub use check::{Check, Status, examine};
use facts::Facts;

use super::{
    gate::{self, Capabilities, Passed, Refused},
    link::{Control, Link, LinkError},
};
use crate::config::RunConfig;

/// What the machine is to be fit for.
#[derive(Clone, Debug)]
pub struct Purpose<'a> {
    /// Ports, queues and settings.
    pub config: &'a RunConfig,
    /// Cores of the workers.
    pub cores: Vec<usize>,
    /// Bytes of all UMEMs together.
    pub umem_bytes: u64,
}

/// All checks. `zero_copy_probe` lets the scratch socket ask for zero-copy, which resets the queue in some
/// drivers.
///
/// # Errors
/// The kernel cannot be asked about interfaces at all. A port that does not exist is a failed check.
pub fn diagnose(purpose: &Purpose<'_>, zero_copy_probe: bool) -> Result<Vec<Check>, LinkError> {
    let gate_facts = gate::collect(purpose.config)?;
    let capabilities = gate_facts.capabilities;
    let links: Vec<Link> = gate_facts.links.values().filter_map(|link| link.as_ref().ok()).cloned().collect();
    let gates = match gate::check(purpose.config, gate_facts, purpose.umem_bytes) {
        Ok(_) => Vec::new(),
        Err(Refused(gates)) => gates,
    };
    let mut facts = Facts::collect(&Control::open()?, &links, capabilities);
    facts.gates = gates;
    for port in &mut facts.ports {
        port.scratch = scratch::bind(purpose.config, port, zero_copy_probe);
    }
    Ok(examine(purpose, &facts))
}

/// What a start whose gates have passed should heed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Ports on which mode `auto` is copy mode: zero-copy would be granted and not work. A warning says why.
    pub copy_only: Vec<String>,
    /// Of each wire, whether RSS brings all of a flow to the same queue number: why, or why that is not known.
    pub symmetry: Vec<Result<&'static str, String>>,
    /// The most valuable warnings.
    pub warnings: Vec<Check>,
}

/// Advice for a start whose gates have passed, with at most `most` warnings. No socket is bound.
///
/// # Errors
/// The kernel cannot be asked about interfaces at all.
pub fn advise(
    purpose: &Purpose<'_>,
    passed: &Passed,
    capabilities: Capabilities,
    most: usize,
) -> Result<Advice, LinkError> {
    let links: Vec<Link> = passed.links.values().cloned().collect();
    Ok(advice(purpose, &Facts::collect(&Control::open()?, &links, capabilities), most))
}

fn advice(purpose: &Purpose<'_>, facts: &Facts, most: usize) -> Advice {
    let avoided = facts.ports.iter().filter(|port| check::avoids_zero_copy(purpose, facts, port));
    Advice {
        copy_only: avoided.map(|port| port.link.name.clone()).collect(),
        symmetry: purpose.config.wires.iter().map(|wire| check::rss::proof(facts, wire)).collect(),
        warnings: check::most_valuable(examine(purpose, facts), most),
    }
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
