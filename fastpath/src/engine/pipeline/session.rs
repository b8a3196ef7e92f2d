//! A packet's part in a TCP session.

use super::{Findings, Inspection, MOST_PIECES, Sight, report::tcp_flags};
use crate::engine::{
    Engine,
    flow::{FlowAction, FlowState},
    meta::Meta,
    packet::TcpSegment,
    rules::SeenBy,
    stream::{Fresh, Outcome, Phase, Segment, SegmentOptions, State, Tracked},
    verdict::{DropReason, Enforcement},
};

impl Engine {
    /// Tracks a segment in its session; what it is there goes into `sight`. Says which rules still look at the packet.
    pub(super) fn inspect_segment(
        &mut self,
        tcp: &TcpSegment<'_>,
        sight: &mut Sight<'_>,
        findings: &mut Findings<'_>,
    ) -> Inspection {
        let segment = segment(tcp);
        let Some(mut tracked) = self.track(&segment, sight) else { return Inspection::None };
        if tracked.reuse {
            if let Err(inspection) = self.begin_flow_anew(sight, findings) {
                return inspection;
            }
            let Some(again) = self.track(&segment, sight) else { return Inspection::None };
            tracked = again;
        }
        self.follow(&tracked, sight);
        sight.stream_events = tracked.events;
        sight.fresh = tracked.fresh;
        sight.in_stream = tracked.part_of_stream;
        self.report_stream_events(sight, findings);
        match tracked.outcome {
            Outcome::Accept | Outcome::DepthReached => Inspection::Full,
            Outcome::Invalid(_) | Outcome::Contradiction => self.refuse(DropReason::Stream, sight, findings),
            Outcome::Urgent => self.refuse(DropReason::StreamUrgent, sight, findings),
            Outcome::Failure(failure) => self.apply(failure, sight, findings),
        }
    }

    /// What the segment completes behind bytes that its receiver has and that were never seen: each piece is looked at by itself, those
    /// that are too many for one packet with the next ones.
    pub(super) fn inspect_behind_gaps(&mut self, sight: &mut Sight<'_>, findings: &mut Findings<'_>) {
        for _ in 0..MOST_PIECES {
            let Some(Fresh { gap: 1.., .. }) = sight.fresh else { break };
            if self.flow_action(sight) != FlowAction::None {
                break;
            }
            let Some((handle, direction)) = sight.flow else { break };
            let Some((_, track)) = self.flows.get_mut(handle) else { break };
            sight.fresh = self.streams.resume(&mut track.session, direction);
            sight.seen_by = SeenBy::InStream;
            if sight.fresh.is_some() {
                self.inspect_rules(sight, findings);
            }
        }
    }

    fn track(&mut self, segment: &Segment<'_>, sight: &Sight<'_>) -> Option<Tracked> {
        let (handle, direction) = sight.flow?;
        let (_, track) = self.flows.get_mut(handle)?;
        let Meta { time, number, .. } = *sight.place.meta;
        Some(self.streams.track(&mut track.session, direction, segment, time, number))
    }

    /// The flow learns what its session has come to.
    fn follow(&mut self, tracked: &Tracked, sight: &mut Sight<'_>) {
        let Some((handle, mut direction)) = sight.flow else { return };
        if let Some((flow, track)) = self.flows.get_mut(handle)
            && tracked.swap
        {
            direction = direction.reverse();
            flow.swap_direction();
            track.swap();
            sight.flow = Some((handle, direction));
        }
        self.count_in_flow(sight);
        self.flows.set_state(handle, flow_state(tracked.state));
    }

    /// The packet is not valid in its session. Its receiver must not have it, and inline only rules about that see it.
    fn refuse(&mut self, reason: DropReason, sight: &Sight<'_>, findings: &mut Findings<'_>) -> Inspection {
        self.drop_packet(reason, sight, None, findings);
        match self.settings.enforcement {
            Enforcement::Drop => Inspection::EventsOnly,
            Enforcement::Report => Inspection::Full,
        }
    }
}

fn segment<'a>(tcp: &TcpSegment<'a>) -> Segment<'a> {
    Segment {
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        flags: tcp_flags(tcp),
        window: tcp.window_size(),
        urgent: tcp.urgent_pointer(),
        options: SegmentOptions::parse(tcp.options()),
        payload: tcp.payload(),
    }
}

fn flow_state(state: State) -> FlowState {
    match state.phase() {
        Phase::New => FlowState::New,
        Phase::Established => FlowState::Established,
        Phase::Closed => FlowState::Closed,
    }
}
