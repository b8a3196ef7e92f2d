//! One packet's way through the engine: layers, fragments, flow, stream, rules, verdict.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | the layers of a packet, one in another |
//! | `sight.rs` | what is known of one layer on its way |
//! | `datagram.rs` | fragments, and the datagrams that they make |
//! | `flow.rs` | which flow it belongs to |
//! | `session.rs` | its part in a TCP session |
//! | `detection.rs` | what the rules say of it |
//! | `excerpt.rs` | the bytes that alerts show |
//! | `consequence.rs` | what is done: drops, exception policies, answers |
//! | `report.rs` | events and counters |
//! | `ending.rs` | the end of a flow |

mod consequence;
mod datagram;
mod detection;
mod ending;
mod excerpt;
mod flow;
mod report;
mod session;
mod sight;

pub(super) use ending::Ending;
pub(super) use sight::{Findings, Place};

use super::{
    Engine,
    flow::FlowAction,
    meta::{ChecksumState, LinkType},
    packet::{Packet, Transport},
    policy::Failure,
    referral::Referral,
    rules::SeenBy,
    verdict::DropReason,
};
use sight::Sight;

/// Datagrams and tunnels that may lie in each other. Each tunnel layer counts towards the decoder's limit too; this bounds datagrams
/// that carry fragments of datagrams.
const MAX_DEPTH: u8 = 8;

/// Pieces of a stream, with holes between them, that are looked at on one occasion. Who sends every other byte can have half a million of
/// them wait for one packet, or for the end of the flow.
const MOST_PIECES: usize = 64;

impl Engine {
    /// Takes one layer of a packet and those inside it through everything. The inner ones come first: what they say is said of
    /// the whole.
    pub(super) fn inspect_layer(
        &mut self,
        packet: &Packet<'_>,
        place: Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Box<Referral>> {
        self.count_layer(packet);
        let mut referral = None;
        if let Some(inner) = &packet.inner {
            let inside = Packet::decode_inner(inner, &self.settings.decoder);
            referral = self.inspect_layer(&inside, place.inside(inner, &packet.facts()), findings);
        }
        let mut sight = Sight::new(packet, place);
        if packet.events.is_invalid() {
            self.report_decode_events(&sight, findings);
            self.inspect_rules(&sight, findings);
            self.apply(Failure::Decode, &sight, findings);
            return referral;
        }
        match packet.fragment() {
            Some(fragment) => {
                let whole = self.inspect_fragment(&fragment, &mut sight, findings);
                referral = referral.or(whole);
                self.report_decode_events(&sight, findings);
                self.inspect_rules(&sight, findings);
            }
            None => {
                self.report_decode_events(&sight, findings);
                self.inspect_flow(&mut sight, findings);
            }
        }
        referral
    }

    /// A packet that is no fragment: its flow, its session, the rules.
    fn inspect_flow(&mut self, sight: &mut Sight<'_>, findings: &mut Findings<'_>) {
        if self.has_wrong_checksum(sight) {
            self.count_bad_checksum(sight.packet);
            self.inspect_rules(sight, findings);
            self.apply(Failure::Decode, sight, findings);
            return;
        }
        let Some(entered) = self.enter_flow(sight, findings) else { return };
        sight.flow = Some(entered);
        let mut action = self.flow_action(sight);
        if self.is_another_connection(sight, action) {
            if let Err(inspection) = self.begin_flow_anew(sight, findings) {
                if inspection == Inspection::Full {
                    self.inspect_rules(sight, findings);
                }
                return;
            }
            action = FlowAction::None;
        }
        match action {
            FlowAction::Drop(_) => {
                self.count_in_flow(sight);
                self.drop_packet(DropReason::Flow, sight, None, findings);
                return;
            }
            FlowAction::Bypass => {
                self.counters.bypass.count(sight.place.bytes.len());
                return self.count_in_flow(sight);
            }
            FlowAction::Pass | FlowAction::None => {}
        }
        match &sight.packet.transport {
            Some(Transport::Tcp(tcp)) => {
                let inspection = self.inspect_segment(tcp, sight, findings);
                match inspection {
                    Inspection::Full => {}
                    Inspection::EventsOnly => sight.seen_by = SeenBy::AboutEvents,
                    Inspection::None => return,
                }
            }
            _ => self.count_in_flow(sight),
        }
        if matches!(self.flow_action(sight), FlowAction::Pass | FlowAction::Bypass) {
            return;
        }
        self.inspect_rules(sight, findings);
        self.inspect_behind_gaps(sight, findings);
    }

    /// Whether the packet is one that its receiver does not take.
    fn has_wrong_checksum(&self, sight: &Sight<'_>) -> bool {
        let packet = sight.packet;
        if sight.place.meta.checksums == ChecksumState::Trusted {
            return false;
        }
        match packet.transport {
            Some(Transport::Tcp(_)) if !self.settings.stream.checksum_validation => !packet.ip_checksum_ok(),
            _ => !packet.checksums_ok(),
        }
    }

    /// Takes a datagram made of fragments through everything.
    pub(super) fn inspect_datagram_bytes(
        &mut self,
        vlan: [Option<u16>; 3],
        place: Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Box<Referral>> {
        let mut packet = Packet::decode_with(place.bytes, LinkType::RawIp, &self.settings.decoder);
        packet.vlan = vlan;
        self.inspect_layer(&packet, place, findings)
    }
}

/// Whether rules look at a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inspection {
    /// All of them.
    Full,
    /// Those that ask for events.
    EventsOnly,
    /// None.
    None,
}
