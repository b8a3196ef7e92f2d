//! Random segments: what receivers read is what was inspected.

use proptest::prelude::*;

use super::{receiver::Receiver, *};

/// One segment with some of the client's data, and what happens to it.
#[derive(Clone, Debug)]
struct Step {
    /// From the receiver's next byte.
    ahead: isize,
    length: usize,
    /// 0 for the data as it is.
    forgery: u8,
    /// Something makes the receiver refuse the segment, or it is lost.
    lost: bool,
    /// How many bytes ago the receiver's acknowledgement is that comes then, if one does, and the window in it.
    acknowledged: Option<(usize, u16)>,
}

fn steps(forgeries: u8, losses: f64) -> impl Strategy<Value = Vec<Step>> {
    let acknowledged = prop_oneof![
        3 => Just(None),
        2 => (prop_oneof![Just(0), 0..3000_usize], prop::sample::select(vec![0, 700, 9000, u16::MAX])).prop_map(Some),
    ];
    let ahead = prop_oneof![2 => Just(0), 2 => -20..20_isize, 2 => -3000..3000_isize];
    let length = prop_oneof![1..8_usize, 1..1500_usize];
    let step = (ahead, length, 0..=forgeries, prop::bool::weighted(losses), acknowledged).prop_map(
        |(ahead, length, forgery, lost, acknowledged)| Step { ahead, length, forgery, lost, acknowledged },
    );
    prop::collection::vec(step, 1..60)
}

impl Step {
    /// Where its data is, for a receiver that has the first `read` bytes.
    fn from(&self, read: usize) -> usize {
        read.saturating_add_signed(self.ahead)
    }
}

/// A client's data, and how it differs where it is forged.
fn data(from: usize, length: usize, forgery: u8) -> Vec<u8> {
    let byte = |at: usize| at.wrapping_mul(0x9e37_79b1).to_le_bytes()[2];
    // Not all bytes differ.
    let forged = |at: usize| if at.is_multiple_of(3) { forgery } else { 0 };
    (from..from + length).map(|at| byte(at) ^ forged(at)).collect()
}

/// A connection with any initial sequence numbers, and what was inspected of the client's data.
struct Inspection {
    wire: Wire,
    isn: u32,
    inspected: Vec<u8>,
    window: usize,
    /// What the receiver said it would take.
    edge: usize,
}

impl Inspection {
    fn new(settings: Settings, isn: u32) -> Self {
        let window = settings.window as usize;
        let mut wire = Wire::with(settings);
        wire.accept(CLIENT, &segment(isn, 0, SYN, b""));
        wire.accept(SERVER, &segment(SERVER_ISN, isn.wrapping_add(1), SYN | ACK, b""));
        wire.accept(CLIENT, &segment(isn.wrapping_add(1), SERVER_ISN + 1, ACK, b""));
        Self { wire, isn, inspected: Vec::new(), window, edge: 8192 }
    }

    fn seq(&self, offset: usize) -> u32 {
        self.isn.wrapping_add(1).wrapping_add(u32::try_from(offset).unwrap())
    }

    /// The client's data at `from`.
    fn send(&mut self, from: usize, payload: &[u8]) -> Outcome {
        let segment = segment(self.seq(from), SERVER_ISN + 1, ACK, payload);
        let tracked = self.wire.track(CLIENT, &segment);
        if let Some(fresh) = &tracked.fresh {
            assert!(tracked.outcome.is_accepted() && !fresh.is_empty());
            assert_eq!((fresh.offset, fresh.gap), (self.inspected.len() as u64, 0));
            let (before, new) = self.wire.window(CLIENT, fresh, payload);
            assert_eq!(new.len() as u64, fresh.len());
            assert_eq!(payload[fresh.in_segment.clone()], new[..fresh.in_segment.len()]);
            let from = self.inspected.len().saturating_sub(self.window);
            assert_eq!(before, self.inspected[from..]);
            self.inspected.extend(new);
        }
        tracked.outcome
    }

    /// The server acknowledges the client's data up to `offset`.
    fn acknowledge(&mut self, offset: usize, window: u16) {
        let segment = segment(SERVER_ISN + 1, self.seq(offset), ACK, b"");
        let tracked = self.wire.track(SERVER, &Segment { window, ..segment });
        assert_eq!(tracked.outcome, Outcome::Accept);
        self.edge = self.edge.max(offset + usize::from(window));
    }
}

/// Near the end of the sequence numbers, and anywhere.
fn isn() -> impl Strategy<Value = u32> {
    prop_oneof![(0..6000_u32).prop_map(|before| u32::MAX - before), any::<u32>()]
}

proptest! {
    #[test]
    fn all_is_inspected_once_and_in_order(steps in steps(0, 0.0), isn in isn(), window in 0..3000_u32) {
        let mut inspection = Inspection::new(Settings { window, ..settings(Enforcement::Drop) }, isn);
        let mut receiver = Receiver::all().remove(0);
        // In the end the hole is filled.
        let rest = Step { ahead: 0, length: 3000, forgery: 0, lost: false, acknowledged: None };
        for step in steps.into_iter().chain([rest]) {
            let from = step.from(receiver.read.len());
            let payload = data(from, step.length, 0);
            let outcome = inspection.send(from, &payload);
            prop_assert_eq!(outcome, Outcome::Accept);
            receiver.get(from, &payload, usize::MAX);
            prop_assert_eq!(&receiver.read, &inspection.inspected);
            if receiver.read.len() + 6000 > inspection.edge {
                inspection.acknowledge(receiver.read.len(), u16::MAX);
            }
            if let Some((ago, _)) = step.acknowledged {
                inspection.acknowledge(receiver.read.len().saturating_sub(ago), u16::MAX);
            }
        }
        prop_assert_eq!(&inspection.inspected, &data(0, inspection.inspected.len(), 0));
        prop_assert!(inspection.inspected.len() >= 3000);
        inspection.wire.streams.release(&mut inspection.wire.session);
        prop_assert_eq!(inspection.wire.streams.memory(), 0);
    }

    #[test]
    fn no_receiver_reads_what_was_not_inspected(
        steps in steps(2, 0.2),
        isn in isn(),
        window in 0..3000_u32,
        memcap in prop::sample::select(vec![3000_u64, 6000, 1 << 20]),
    ) {
        let settings = Settings { window, reassembly_memcap: memcap, ..settings(Enforcement::Drop) };
        let mut inspection = Inspection::new(settings, isn);
        let mut receivers = Receiver::all();
        let mut edge = inspection.edge;
        for step in steps {
            let from = step.from(receivers[0].read.len());
            let payload = data(from, step.length, step.forgery);
            let accepted = inspection.send(from, &payload).is_accepted();
            prop_assert!(inspection.wire.streams.memory() <= memcap);
            if accepted && !step.lost {
                for receiver in &mut receivers {
                    // A receiver may take back part of the window that it offered.
                    receiver.get(from, &payload, edge);
                    prop_assert!(inspection.inspected.starts_with(&receiver.read));
                }
            }
            if let Some((ago, window)) = step.acknowledged {
                let next = receivers[0].read.len();
                prop_assert!(receivers.iter().all(|receiver| receiver.read.len() == next));
                inspection.acknowledge(next.saturating_sub(ago), window);
                edge = next + usize::from(window);
            }
        }
        inspection.wire.streams.release(&mut inspection.wire.session);
        prop_assert_eq!(inspection.wire.streams.memory(), 0);
    }

    #[test]
    fn what_was_never_seen_is_a_gap(steps in steps(0, 0.3), isn in isn()) {
        let mut inspection = Inspection::new(settings(Enforcement::Report), isn);
        let mut receiver = Receiver::all().remove(0);
        let mut inspected = 0;
        for step in steps {
            let from = step.from(receiver.read.len());
            let payload = data(from, step.length, 0);
            receiver.get(from, &payload, inspection.edge);
            // Lost on the way to us, that is.
            let mut fresh = None;
            if !step.lost {
                let segment = segment(inspection.seq(from), SERVER_ISN + 1, ACK, &payload);
                fresh = inspection.wire.track(CLIENT, &segment).fresh;
            }
            while let Some(piece) = fresh {
                prop_assert!(piece.gap == 0 || piece.offset <= receiver.read.len() as u64);
                prop_assert_eq!(piece.offset, inspected + piece.gap);
                inspected = piece.offset + piece.len();
                let (_, new) = inspection.wire.window(CLIENT, &piece, &payload);
                let at = usize::try_from(piece.offset).unwrap();
                prop_assert_eq!(&new, &data(at, new.len(), 0));
                prop_assert_eq!(new.len() as u64, piece.len());
                fresh = inspection.wire.streams.resume(&mut inspection.wire.session, CLIENT);
            }
            if let Some((ago, window)) = step.acknowledged {
                inspection.acknowledge(receiver.read.len().saturating_sub(ago), window);
            }
        }
    }

    #[test]
    fn no_client_gets_past_the_inspection(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        super::attack::attack(&bytes);
    }

    #[test]
    fn no_server_gets_past_the_inspection(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        super::lure::lure(&bytes);
    }

    /// Whatever comes, what is handed out is contiguous, and all memory comes back.
    #[test]
    fn any_segments_make_an_order(
        segments in prop::collection::vec(any_segment(), 1..60),
        inline in any::<bool>(),
        midstream in any::<bool>(),
        async_oneside in any::<bool>(),
        depth in prop::sample::select(vec![0, 10, 5000]),
    ) {
        let enforcement = if inline { Enforcement::Drop } else { Enforcement::Report };
        let settings = Settings { midstream, async_oneside, depth, reach: 3000, ..settings(enforcement) };
        let mut wire = Wire::with(settings);
        let mut inspected = [0, 0];
        for (mut direction, flags, seq, ack, urgent, timestamps, length) in segments {
            let payload = data(seq as usize, length, 0);
            let (seq, ack) = if direction == CLIENT { (ISN + seq, SERVER_ISN + ack) } else { (SERVER_ISN + seq, ISN + ack) };
            let options = SegmentOptions { timestamps, ..SegmentOptions::default() };
            let segment = Segment { urgent, options, ..segment(seq, ack, flags, &payload) };
            let mut tracked = wire.track(direction, &segment);
            if tracked.reuse {
                wire.streams.release(&mut wire.session);
                inspected = [0, 0];
                tracked = wire.track(direction, &segment);
                prop_assert!(!tracked.reuse);
            }
            if tracked.swap {
                direction = direction.reverse();
            }
            let Some(fresh) = tracked.fresh else { continue };
            prop_assert!(tracked.outcome.is_accepted() || (!inline && tracked.outcome == Outcome::Contradiction));
            let end = &mut inspected[direction as usize];
            prop_assert_eq!(fresh.offset, *end + fresh.gap);
            *end = fresh.offset + fresh.len();
            prop_assert!(depth == 0 || *end <= depth);
            let (_, new) = wire.window(direction, &fresh, &payload);
            // One urgent byte at most is not among it.
            prop_assert!((fresh.len() - 1..=fresh.len()).contains(&(new.len() as u64)));
        }
        wire.streams.release(&mut wire.session);
        prop_assert_eq!((wire.streams.memory(), wire.streams.counters().active), (0, 0));
    }
}

/// Direction, flags, sequence number and acknowledgement from the initial ones, urgent pointer, timestamps, and bytes of data.
type AnySegment = (Direction, u8, u32, u32, u16, Option<(u32, u32)>, usize);

fn any_segment() -> impl Strategy<Value = AnySegment> {
    let flags = prop_oneof![
        8 => Just(ACK), 2 => Just(SYN), 2 => Just(SYN | ACK), 1 => Just(ACK | FIN), 1 => Just(ACK | URG),
        1 => Just(RST), 1 => any::<u8>(),
    ];
    (
        prop::sample::select(vec![CLIENT, SERVER]),
        flags,
        prop_oneof![4 => Just(1), 1 => Just(0), 2 => 0..3000_u32],
        prop_oneof![4 => Just(1), 1 => 0..3000_u32],
        0..5_u16,
        prop::option::weighted(0.1, (0..3_u32, 0..3_u32)),
        prop_oneof![Just(0), 1..20_usize, 1..1500_usize],
    )
}
