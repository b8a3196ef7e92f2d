//! Which flow a packet belongs to.

use super::{Ending, Findings, Inspection, Sight};
use crate::engine::{
    Engine,
    flow::{FlowAction, FlowEnd, Handle, Tuple, is_icmp_error},
    meta::{Direction, Meta},
    packet::{Packet, Transport},
    policy::Failure,
    verdict::DropReason,
};

/// What a packet says of its flow.
enum FlowOf {
    /// It belongs to none.
    None,
    /// To one that is there, or else to none: an error message about another packet.
    Known(Tuple),
    /// To one that is there, or begins with it.
    Any(Tuple),
}

impl FlowOf {
    fn packet(packet: &Packet<'_>, tunnels: u8) -> Self {
        let Some(network) = &packet.network else { return Self::None };
        let (source, destination) = network.addresses();
        let tuple = Tuple {
            source,
            destination,
            protocol: network.protocol,
            ports: packet.ports().unwrap_or_default(),
            icmp_code: 0,
            vlan: packet.vlan,
            recursion: tunnels,
        };
        let Some((kind, code)) = packet.icmp() else { return Self::Any(tuple) };
        if !is_icmp_error(network.protocol, kind) {
            return Self::Any(Tuple { ports: Tuple::icmp(network.protocol, kind), icmp_code: code, ..tuple });
        }
        // The error goes the other way than the packet that it is about.
        packet.quoted().map_or(Self::None, |quoted| {
            Self::Known(Tuple {
                source: quoted.destination,
                destination: quoted.source,
                protocol: quoted.protocol,
                ports: quoted.ports.map_or((0, 0), |(source, destination)| (destination, source)),
                ..tuple
            })
        })
    }
}

impl Engine {
    /// The packet's flow and direction; none for a packet that belongs to no flow, which then has been looked at by the rules.
    pub(super) fn enter_flow(
        &mut self,
        sight: &Sight<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<(Handle, Direction)> {
        let found = match FlowOf::packet(sight.packet, sight.place.tunnels) {
            FlowOf::None => None,
            FlowOf::Known(tuple) => self.flows.find(&self.flows.probe(&tuple)),
            FlowOf::Any(tuple) => match self.begin_flow(&tuple, sight, findings) {
                Some(entered) => Some(entered),
                None => {
                    if self.apply(Failure::FlowMemcap, sight, findings) == Inspection::Full {
                        self.inspect_rules(sight, findings);
                    }
                    return None;
                }
            },
        };
        if found.is_none() {
            self.inspect_rules(sight, findings);
        }
        found
    }

    /// The flow with this key, a new one if need be. None when there is no room.
    fn begin_flow(
        &mut self,
        tuple: &Tuple,
        sight: &Sight<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<(Handle, Direction)> {
        let Self { rules, scratch, flows, streams, counters, settings, .. } = self;
        let Meta { time, number, .. } = *sight.place.meta;
        let probe = flows.probe(tuple);
        if settings.fail_flow_at != 0 && settings.fail_flow_at == number && flows.find(&probe).is_none() {
            return None;
        }
        let mut ending = Ending { rules, scratch, streams, counters, excerpts: settings.wanted.excerpts };
        let mut close = |ended| ending.close(ended, time, &mut *findings.sink);
        let entry = flows.enter(&probe, time, &mut close).ok()?;
        Some((entry.handle, entry.direction))
    }

    /// Ends the packet's flow and begins one with the same key: there is another connection of the same ends.
    ///
    /// # Errors
    /// There is no room, and the policy for that was applied: which rules still look at the packet.
    pub(super) fn begin_flow_anew(
        &mut self,
        sight: &mut Sight<'_>,
        findings: &mut Findings<'_>,
    ) -> Result<(), Inspection> {
        let Self { rules, scratch, flows, streams, counters, settings, .. } = self;
        if let Some((handle, _)) = sight.flow.take()
            && let Some(ended) = flows.remove(handle, FlowEnd::TcpReuse)
        {
            let mut ending = Ending { rules, scratch, streams, counters, excerpts: settings.wanted.excerpts };
            ending.close(ended, sight.place.meta.time, &mut *findings.sink);
        }
        if let FlowOf::Any(tuple) = FlowOf::packet(sight.packet, sight.place.tunnels) {
            sight.flow = self.begin_flow(&tuple, sight, findings);
        }
        match sight.flow {
            Some(_) => Ok(()),
            None => Err(self.apply(Failure::FlowMemcap, sight, findings)),
        }
    }

    /// Whether a SYN makes another connection of a flow that is not looked at, and whose session is not followed. What was decided because of a failure holds for the connection that it befell; what a rule has dropped stays so.
    pub(super) fn is_another_connection(&self, sight: &Sight<'_>, action: FlowAction) -> bool {
        let unseen = match action {
            FlowAction::Drop(reason) => reason != DropReason::Rule,
            FlowAction::Bypass => true,
            FlowAction::Pass | FlowAction::None => false,
        };
        let opens = match &sight.packet.transport {
            Some(Transport::Tcp(tcp)) => tcp.syn() && !tcp.ack() && !tcp.rst() && !tcp.fin(),
            _ => false,
        };
        unseen && opens
    }

    /// What was decided about the packet's flow, as far as it holds for the packet: who may say what it likes in its flow may not in error
    /// messages about it, which anybody can send.
    pub(super) fn flow_action(&self, sight: &Sight<'_>) -> FlowAction {
        match sight.flow.and_then(|(handle, _)| self.flows.get(handle)) {
            Some((flow, _)) if sight.is_of(flow) || matches!(flow.action, FlowAction::Drop(_)) => flow.action,
            _ => FlowAction::None,
        }
    }
}
