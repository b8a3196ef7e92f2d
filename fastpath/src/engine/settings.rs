//! What an engine is told once, at its start.

use super::{
    flow::{FlowSettings, Share},
    packet::{self, defrag},
    policy::Policies,
    stream,
    verdict::Enforcement,
};

/// What an engine is told once, at its start.
#[derive(Clone, Copy, Debug)]
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
    /// Whether what is odd about packets gives events (EVE `anomaly`).
    pub anomalies: bool,
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
            anomalies: false,
        }
    }
}
