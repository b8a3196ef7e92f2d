//! What lies between a client and a server of which one attacks the other. Also part of the fuzz target.

use super::{
    Direction, Enforcement, Fresh, Segment, Session, Settings, Streams, Timestamp, Tracked, UrgentPolicy,
    receiver::Receiver,
};

/// Bytes that the victim takes beyond what it has read.
pub(super) const WINDOW: u32 = 3000;

/// A header, and how much data is behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) length: u16,
}

/// The data at a sequence number.
pub(super) fn data(seq: u32, length: u16, forgery: u8) -> Vec<u8> {
    let byte = |seq: u32| {
        let [_, byte, ..] = seq.wrapping_mul(0x9e37_79b1).to_be_bytes();
        byte ^ if seq.is_multiple_of(3) { forgery } else { 0 }
    };
    (0..u32::from(length)).map(|at| byte(seq.wrapping_add(at))).collect()
}

/// The inspection.
pub(super) struct Inspection {
    streams: Streams,
    session: Session,
    /// The attacker's direction.
    direction: Direction,
    memory: u64,
    window: usize,
    /// What was inspected of the attacker's data.
    inspected: Vec<u8>,
    time: u64,
}

impl Inspection {
    /// With settings by `kind`.
    pub(super) fn new(kind: u8, direction: Direction) -> Self {
        let bit = |bit: u8| kind >> bit & 1 == 1;
        let settings = Settings {
            memcap: 1 << 20,
            reassembly_memcap: if bit(0) { 4000 } else { 40_000 },
            depth: 0,
            window: if bit(1) { 50 } else { 2560 },
            reach: if bit(2) { 2000 } else { 1 << 20 },
            urgent: UrgentPolicy::Inline,
            ..Settings::new(Enforcement::Drop)
        };
        Self {
            streams: Streams::new(settings),
            session: Session::default(),
            direction,
            memory: settings.reassembly_memcap,
            window: settings.window as usize,
            inspected: Vec::new(),
            time: 0,
        }
    }

    /// A segment of the attacker, or of its victim.
    pub(super) fn track(&mut self, attacks: bool, segment: &Segment<'_>) -> Tracked {
        self.time += 1_000_000;
        let time = Timestamp(self.time);
        let direction = if attacks { self.direction } else { self.direction.reverse() };
        let mut tracked = self.streams.track(&mut self.session, direction, segment, time, 0);
        if tracked.reuse {
            self.streams.release(&mut self.session);
            self.inspected.clear();
            tracked = self.streams.track(&mut self.session, direction, segment, time, 0);
            assert!(!tracked.reuse);
        }
        if tracked.swap {
            self.direction = self.direction.reverse();
        }
        if let (true, Some(fresh)) = (attacks, &tracked.fresh) {
            self.inspect(fresh, segment.payload);
        }
        assert!(self.streams.memory() <= self.memory);
        tracked
    }

    fn inspect(&mut self, fresh: &Fresh, payload: &[u8]) {
        assert_eq!((fresh.offset, fresh.gap), (self.inspected.len() as u64, 0));
        let mut scratch = Vec::new();
        let window = self.streams.window(&self.session, self.direction, fresh, payload, &mut scratch);
        let (before, new) = window.bytes.split_at(window.fresh_at);
        assert_eq!(new.len() as u64, fresh.len());
        assert_eq!(before, &self.inspected[self.inspected.len().saturating_sub(self.window)..]);
        self.inspected.extend(new);
    }

    /// The victim has read something.
    pub(super) fn judge(&self, receivers: &[Receiver]) {
        for receiver in receivers {
            assert!(self.inspected.starts_with(&receiver.read));
        }
    }

    /// All is given back.
    pub(super) fn end(mut self) {
        self.streams.release(&mut self.session);
        assert_eq!((self.streams.memory(), self.streams.counters().active), (0, 0));
    }
}
