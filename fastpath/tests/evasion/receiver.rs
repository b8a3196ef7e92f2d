//! What the receiver of the stream has.

use std::collections::BTreeMap;

use crate::wire::Frame;

/// Bytes of datagrams and of the stream that reached the receiver. Bytes in the same place are the same in all cases, so that it
/// does not matter which it takes.
pub(crate) struct Receiver {
    stream: Vec<bool>,
    /// Of datagrams that came in fragments: which bytes.
    datagrams: BTreeMap<usize, Vec<bool>>,
}

impl Receiver {
    pub(crate) fn new(length: usize) -> Self {
        Self { stream: vec![false; length], datagrams: BTreeMap::new() }
    }

    pub(crate) fn take(&mut self, frame: &Frame) {
        let Some(part) = &frame.part else { return };
        let datagram = self.datagrams.entry(part.datagram).or_insert_with(|| vec![false; part.length]);
        datagram[part.bytes.clone()].fill(true);
        if datagram.iter().all(|&there| there) {
            self.stream[part.stream.clone()].fill(true);
        }
    }

    /// What the application has read.
    pub(crate) fn stream<'p>(&self, payload: &'p [u8]) -> &'p [u8] {
        let read = self.stream.iter().take_while(|&&there| there).count();
        &payload[..read]
    }
}
