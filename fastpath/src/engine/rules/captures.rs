//! What expressions have captured, as alerts show it.

use super::{
    payload::{Captured, Keep},
    state::State,
};

/// A text and its name.
pub type Text = (String, Box<[u8]>);

/// What was captured until an alert was raised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures {
    /// For the alert alone (EVE `alert.context`).
    pub alert: Vec<Text>,
    /// Of its flow (EVE `metadata.flowvars`).
    pub flow: Vec<Text>,
    /// Of its packet (EVE `metadata.pktvars`).
    pub packet: Vec<Text>,
}

impl Captures {
    /// Copies it; none when there is nothing.
    pub(super) fn of(captured: &Captured, state: &State<'_>) -> Option<Box<Self>> {
        let shared = state.shared;
        let of_alert = captured.iter().filter_map(|(keep, text)| match keep {
            Keep::Alert(name) => Some((shared.alert_texts.name(name)?, text.into())),
            Keep::Flow(_) | Keep::Packet(_) => None,
        });
        let of_flow = state.flow.iter().flat_map(|flow| flow.texts());
        let of_flow = of_flow.filter_map(|(name, text)| Some((shared.flow_texts.name(name)?, text.into())));
        let of_packet = state.packet.iter();
        let of_packet =
            of_packet.filter_map(|(name, text)| Some((shared.packet_texts.name(name)?, text.into())));
        let all = Self { alert: of_alert.collect(), flow: of_flow.collect(), packet: of_packet.collect() };
        (all != Self::default()).then(|| Box::new(all))
    }
}
