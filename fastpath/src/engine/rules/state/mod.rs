//! What rules remember beyond one packet: of its flow, and, for all workers together, of hosts and in sets.
//!
//! | file | what |
//! |---|---|
//! | `hosts.rs` | the one table of what all workers know of addresses |
//! | `bits.rs` | bits of hosts and of pairs of them |
//! | `flow.rs` | bits, numbers and texts of one flow |
//! | `counts.rs` | what is counted in one flow |
//! | `texts.rs` | texts that expressions capture, of a flow or a packet |
//! | `dataset.rs` | one set of values |
//! | `datasets.rs` | the sets of all rule sets, by name |
//! | `names.rs` | names of what is remembered in a flow, and their numbers |
//! | `numbers.rs` | numbers for anything that has a name |
//! | `tag.rs` | packets that are reported because they follow a match |
//! | `threshold/` | which matches of a rule are reported, and what becomes of the others |

pub(super) mod bits;
mod counts;
mod dataset;
mod datasets;
mod flow;
mod hosts;
mod names;
mod numbers;
pub(super) mod tag;
mod texts;
pub(super) mod threshold;

use std::sync::{OnceLock, atomic::AtomicBool};

use hosts::Hosts;
use numbers::Numbers;

pub(super) use {
    dataset::Definition,
    datasets::Datasets,
    flow::{FlowVariables, Number, Operand},
    names::Names,
    texts::{LONGEST_TEXT, Texts},
};
pub use {
    dataset::{Dataset, Kind as DatasetKind},
    hosts::HostSettings,
};

/// What all workers share, and what outlives a rule set: the next one takes it over.
#[derive(Debug, Default)]
pub struct Shared {
    /// Names of `flowbits`.
    pub(super) flowbits: Names,
    /// Names of `flowint`.
    pub(super) flowints: Names,
    /// Names of what expressions capture of flows, of packets and for alerts.
    pub(super) flow_texts: Names<{ texts::MOST_TEXTS }>,
    pub(super) packet_texts: Names<{ texts::MOST_TEXTS }>,
    pub(super) alert_texts: Names<{ texts::MOST_TEXTS }>,
    /// Sets, by their names.
    pub(super) datasets: Datasets,
    /// Numbers of the bits of hosts, by name.
    bits: Numbers<String>,
    /// Numbers of the rules that count, by gid, sid and rev.
    rules: Numbers<(u32, u32, u32)>,
    /// Numbers of tags, by gid, sid and position in the rule.
    tags: Numbers<(u32, u32, usize)>,
    /// Whether a host was ever tagged.
    hosts_tagged: AtomicBool,
    /// What is known of addresses; there is none until a rule needs it.
    hosts: OnceLock<Hosts>,
}

impl Shared {
    /// Makes the host table when rules need it and it is not there yet.
    pub(super) fn reserve(&self, settings: HostSettings) {
        if !self.bits.is_empty() || !self.rules.is_empty() || !self.tags.is_empty() {
            self.hosts.get_or_init(|| Hosts::new(settings));
        }
    }

    /// Entries that the host table has given up before their time, for others.
    pub(super) fn shed(&self) -> u64 {
        self.hosts.get().map_or(0, Hosts::shed)
    }
}

/// What the rules of one packet may look at and change.
#[derive(Debug)]
pub(super) struct State<'a> {
    /// Its flow's; none for a packet that belongs to none.
    pub(super) flow: Option<&'a mut FlowVariables>,
    /// What was captured of the packet.
    pub(super) packet: &'a mut Texts,
    /// Everybody's.
    pub(super) shared: &'a Shared,
}
