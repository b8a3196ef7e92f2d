//! What can be wrong with a session or its data, under Suricata's names (decode-events.c, `stream-event` rules).

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What was noticed about a packet of a session.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum StreamEvent {
            $($(#[$doc])* $variant,)*
        }

        impl StreamEvent {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name as EVE has it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("stream.", $name),)*
                }
            }
        }
    };
}

events! {
    /// An ACK of the handshake comes from the wrong end.
    ThreeWayAckInWrongDir = "3whs_ack_in_wrong_dir",
    /// One direction is seen, and its second packet does not follow the SYN.
    ThreeWayAsyncWrongSeq = "3whs_async_wrong_seq",
    /// The handshake's last ACK acknowledges something else than the SYN/ACK.
    ThreeWayRightSeqWrongAckEvasion = "3whs_right_seq_wrong_ack_evasion",
    /// The end that sent the SYN sends a SYN/ACK.
    ThreeWaySynackInWrongDirection = "3whs_synack_in_wrong_direction",
    /// A second SYN/ACK acknowledges something else than the first.
    ThreeWaySynackResendWithDiffAck = "3whs_synack_resend_with_diff_ack",
    /// A second SYN/ACK has another sequence number than the first.
    ThreeWaySynackResendWithDiffSeq = "3whs_synack_resend_with_diff_seq",
    /// A SYN/ACK to the server after the server's.
    ThreeWaySynackToserverOnSynRecv = "3whs_synack_toserver_on_syn_recv",
    /// A SYN/ACK that does not acknowledge the SYN.
    ThreeWaySynackWithWrongAck = "3whs_synack_with_wrong_ack",
    /// Many different SYN/ACKs. Not raised: the first one counts.
    ThreeWaySynackFlood = "3whs_synack_flood",
    /// The SYN/ACK does not acknowledge the data of the SYN.
    ThreeWaySynackTfoDataIgnored = "3whs_synack_tfo_data_ignored",
    /// A SYN with another sequence number after the SYN/ACK.
    ThreeWaySynResendDiffSeqOnSynRecv = "3whs_syn_resend_diff_seq_on_syn_recv",
    /// A SYN from the server after its SYN/ACK.
    ThreeWaySynToclientOnSynRecv = "3whs_syn_toclient_on_syn_recv",
    /// Many different SYNs. Not raised: the last one counts.
    ThreeWaySynFlood = "3whs_syn_flood",
    /// The handshake's last ACK fits in neither number.
    ThreeWayWrongSeqWrongAck = "3whs_wrong_seq_wrong_ack",
    /// Data from the server before the handshake's last ACK.
    ThreeWayAckDataInject = "3whs_ack_data_inject",
    /// Both ends sent a SYN, and the SYN/ACK does not acknowledge the other's.
    FourWaySynackWithWrongAck = "4whs_synack_with_wrong_ack",
    /// Both ends sent a SYN, and the SYN/ACK has another sequence number.
    FourWaySynackWithWrongSyn = "4whs_synack_with_wrong_syn",
    /// Both ends sent a SYN, and the next packet does not follow it.
    FourWayWrongSeq = "4whs_wrong_seq",
    /// Both ends sent a SYN, and the next packet acknowledges something else.
    FourWayInvalidAck = "4whs_invalid_ack",
    /// Out of window after the client's FIN.
    ClosewaitAckOutOfWindow = "closewait_ack_out_of_window",
    /// A FIN out of window after the client's FIN.
    ClosewaitFinOutOfWindow = "closewait_fin_out_of_window",
    /// A retransmission of acknowledged data after the client's FIN.
    ClosewaitPktBeforeLastAck = "closewait_pkt_before_last_ack",
    /// Invalid acknowledgement after the client's FIN.
    ClosewaitInvalidAck = "closewait_invalid_ack",
    /// Out of window while both ends close.
    ClosingAckWrongSeq = "closing_ack_wrong_seq",
    /// Invalid acknowledgement while both ends close.
    ClosingInvalidAck = "closing_invalid_ack",
    /// Out of window.
    EstPacketOutOfWindow = "est_packet_out_of_window",
    /// A retransmission of acknowledged data.
    EstPktBeforeLastAck = "est_pkt_before_last_ack",
    /// The SYN/ACK once more.
    EstSynackResend = "est_synack_resend",
    /// A SYN/ACK that acknowledges something else than the first.
    EstSynackResendWithDiffAck = "est_synack_resend_with_diff_ack",
    /// A SYN/ACK with another sequence number than the first.
    EstSynackResendWithDiffSeq = "est_synack_resend_with_diff_seq",
    /// A SYN/ACK from the client.
    EstSynackToserver = "est_synack_toserver",
    /// The SYN once more.
    EstSynResend = "est_syn_resend",
    /// A SYN with another sequence number than the first.
    EstSynResendDiffSeq = "est_syn_resend_diff_seq",
    /// A SYN from the server.
    EstSynToclient = "est_syn_toclient",
    /// Invalid acknowledgement.
    EstInvalidAck = "est_invalid_ack",
    /// The data of a zero-window probe is acknowledged. Not raised: probes count as data.
    EstAckZwpData = "est_ack_zwp_data",
    /// A FIN with an invalid acknowledgement.
    FinInvalidAck = "fin_invalid_ack",
    /// Out of window after the server's FIN.
    Fin1AckWrongSeq = "fin1_ack_wrong_seq",
    /// A FIN out of window after the server's FIN.
    Fin1FinWrongSeq = "fin1_fin_wrong_seq",
    /// Invalid acknowledgement after the server's FIN.
    Fin1InvalidAck = "fin1_invalid_ack",
    /// Out of window after the server's FIN was acknowledged.
    Fin2AckWrongSeq = "fin2_ack_wrong_seq",
    /// A FIN out of window after the server's FIN was acknowledged.
    Fin2FinWrongSeq = "fin2_fin_wrong_seq",
    /// Invalid acknowledgement after the server's FIN was acknowledged.
    Fin2InvalidAck = "fin2_invalid_ack",
    /// A FIN without a session.
    FinButNoSession = "fin_but_no_session",
    /// A FIN that is not the end of the data.
    FinOutOfWindow = "fin_out_of_window",
    /// SYN and FIN at once.
    FinSyn = "fin_syn",
    /// Out of window after both FINs.
    LastackAckWrongSeq = "lastack_ack_wrong_seq",
    /// Invalid acknowledgement after both FINs.
    LastackInvalidAck = "lastack_invalid_ack",
    /// A RST without a session.
    RstButNoSession = "rst_but_no_session",
    /// Out of window after the close.
    TimewaitAckWrongSeq = "timewait_ack_wrong_seq",
    /// Invalid acknowledgement after the close.
    TimewaitInvalidAck = "timewait_invalid_ack",
    /// A SYN while the session closes.
    ShutdownSynResend = "shutdown_syn_resend",
    /// Older than the receiver takes (PAWS; RFC 7323, section 5).
    PktInvalidTimestamp = "pkt_invalid_timestamp",
    /// It acknowledges what was not sent, or is long past.
    PktInvalidAck = "pkt_invalid_ack",
    /// An acknowledgement number without the ACK flag.
    PktBrokenAck = "pkt_broken_ack",
    /// A RST that its receiver does not take.
    RstInvalidAck = "rst_invalid_ack",
    /// A RST with a payload.
    RstWithData = "rst_with_data",
    /// Nothing in it is new.
    PktRetransmission = "pkt_retransmission",
    /// All of it has been acknowledged.
    PktSpuriousRetransmission = "pkt_spurious_retransmission",
    /// The window closes without an acknowledgement. Not raised: the widest window counts.
    PktBadWindowUpdate = "pkt_bad_window_update",
    /// The session goes on after a RST.
    SuspectedRstInject = "suspected_rst_inject",
    /// Not raised: a worker owns its flows.
    WrongThread = "wrong_thread",
    /// Data from before what is remembered.
    ReassemblySegmentBeforeBaseSeq = "reassembly_segment_before_base_seq",
    /// No memory for a segment. Not raised: see `reassembly_insert_memcap`.
    ReassemblyNoSegment = "reassembly_no_segment",
    /// Data that the receiver has was never seen.
    ReassemblySeqGap = "reassembly_seq_gap",
    /// Other bytes than before in the same place.
    ReassemblyOverlapDifferentData = "reassembly_overlap_different_data",
    /// The rest of the stream is not inspected.
    ReassemblyDepthReached = "reassembly_depth_reached",
    /// No memory for data.
    ReassemblyInsertMemcap = "reassembly_insert_memcap",
    /// Too far beyond the next expected byte.
    ReassemblyInsertLimit = "reassembly_insert_limit",
    /// Data behind the sender's FIN.
    ReassemblyInsertInvalid = "reassembly_insert_invalid",
    /// More urgent bytes than can be told apart.
    ReassemblyUrgentOobLimitReached = "reassembly_urgent_oob_limit_reached",
}

impl StreamEvent {
    /// The event that a rule (`stream-event:pkt_invalid_ack`) or EVE (`stream.pkt_invalid_ack`) calls `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        let short = name.strip_prefix("stream.").unwrap_or(name);
        // Older rules spell it out.
        let short = match short {
            "3whs_synack_resend_with_different_ack" => "3whs_synack_resend_with_diff_ack",
            "est_synack_resend_with_different_ack" => "est_synack_resend_with_diff_ack",
            name => name,
        };
        Self::ALL.iter().copied().find(|event| event.name().strip_prefix("stream.") == Some(short))
    }

    fn bit(self) -> u128 {
        1 << self as u32
    }
}

/// A set of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamEvents(u128);

impl StreamEvents {
    /// Adds `event`.
    pub fn insert(&mut self, event: StreamEvent) {
        self.0 |= event.bit();
    }

    /// Whether `event` is among them.
    pub fn contains(self, event: StreamEvent) -> bool {
        self.0 & event.bit() != 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The events, in the order of [`StreamEvent::ALL`].
    pub fn iter(self) -> impl Iterator<Item = StreamEvent> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let event = StreamEvent::ALL.get(rest.trailing_zeros() as usize).copied()?;
            rest &= rest - 1;
            Some(event)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for &event in StreamEvent::ALL {
            assert_eq!(StreamEvent::from_name(event.name()), Some(event));
            assert_eq!(StreamEvent::from_name(&event.name()[7..]), Some(event));
        }
        let older = StreamEvent::from_name("3whs_synack_resend_with_different_ack");
        assert_eq!(older, Some(StreamEvent::ThreeWaySynackResendWithDiffAck));
        assert_eq!(StreamEvent::from_name("stream."), None);
    }

    #[test]
    fn a_set_gives_back_what_was_put_in() {
        let mut set = StreamEvents::default();
        assert!(set.is_empty() && set.iter().next().is_none());
        let (first, last) = (StreamEvent::ALL[0], *StreamEvent::ALL.last().unwrap());
        for event in [last, StreamEvent::PktInvalidAck, first, last] {
            set.insert(event);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [first, StreamEvent::PktInvalidAck, last]);
        assert!(set.contains(last) && !set.contains(StreamEvent::FinSyn));
    }
}
