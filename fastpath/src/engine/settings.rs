//! What an engine is told once, at its start.

use super::{
    event::Wanted,
    flow::{FlowSettings, Share},
    packet::{self, defrag},
    policy::Policies,
    stream,
    verdict::Enforcement,
};

/// What an engine is told once, at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether drops are carried out.
    pub enforcement: Enforcement,
    /// Its part of the flows.
    pub share: Share,
    /// What happens when it cannot do its work.
    pub policies: Policies,
    /// How packets are decoded.
    pub decoder: packet::Settings,
    /// How fragments are put together.
    pub defrag: defrag::Settings,
    /// Flows and their time-outs.
    pub flow: FlowSettings,
    /// TCP sessions and their data.
    pub stream: stream::Settings,
    /// Number of the packet for which there is no room for a new flow (`--simulate-packet-flow-memcap`), 0 for none.
    pub fail_flow_at: u64,
    /// Which events it raises.
    pub wanted: Wanted,
}

impl Settings {
    /// One engine for all flows, with the defaults.
    pub fn new(enforcement: Enforcement) -> Self {
        Self {
            enforcement,
            share: Share::ALL,
            policies: Policies::default(),
            decoder: packet::Settings::default(),
            defrag: defrag::Settings::default(),
            flow: FlowSettings::default(),
            stream: stream::Settings::new(enforcement),
            fail_flow_at: 0,
            wanted: Wanted::default(),
        }
    }

    /// The same, with drops carried out or not.
    #[must_use]
    pub fn enforcing(self, enforcement: Enforcement) -> Self {
        Self { enforcement, stream: stream::Settings { enforcement, ..self.stream }, ..self }
    }

    /// The same, with a number that nobody outside knows, so that nobody can choose where in the tables something lies.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self {
            flow: FlowSettings { seed, ..self.flow },
            defrag: defrag::Settings { seed, ..self.defrag },
            ..self
        }
    }
}
