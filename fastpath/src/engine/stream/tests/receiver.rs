//! What a receiver makes of the segments that it gets: slow and obvious. Also part of the fuzz target.

/// Which of two bytes for the same place counts while neither has been read. Systems differ.
#[derive(Clone, Copy, Debug)]
pub(super) enum Policy {
    /// The one that came first.
    First,
    /// The one that came last.
    Last,
    /// The one of the segment that starts earlier; if both start at the same place, the one that came first.
    Bsd,
    /// The same, but the one that came last.
    Linux,
}

/// One receiver.
pub(super) struct Receiver {
    policy: Policy,
    /// What it has read.
    pub(super) read: Vec<u8>,
    /// What came for each place of the stream, with the start of the segment that it came in.
    came: Vec<Option<(u8, usize)>>,
}

impl Receiver {
    /// One of each kind.
    pub(super) fn all() -> Vec<Self> {
        let policies = [Policy::First, Policy::Last, Policy::Bsd, Policy::Linux];
        let new = |policy| Self { policy, read: Vec::new(), came: Vec::new() };
        policies.into_iter().map(new).collect()
    }

    /// It gets a segment, and takes what lies before `edge`.
    pub(super) fn get(&mut self, start: usize, bytes: &[u8], edge: usize) {
        let end = edge.min(start + bytes.len());
        self.came.resize(self.came.len().max(end), None);
        for (at, &byte) in (start..end).zip(bytes).skip(self.read.len().saturating_sub(start)) {
            let stays = self.came[at].is_some_and(|(_, from)| match self.policy {
                Policy::First => true,
                Policy::Last => false,
                Policy::Bsd => from <= start,
                Policy::Linux => from < start,
            });
            if !stays {
                self.came[at] = Some((byte, start));
            }
        }
        while let Some(&Some((byte, _))) = self.came.get(self.read.len()) {
            self.read.push(byte);
        }
    }
}
