//! What a worker's streams are told once.

use crate::engine::verdict::Enforcement;

/// Which part of a segment with an urgent pointer belongs to the stream (`stream.reassembly.urgent.policy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UrgentPolicy {
    /// All but the byte before the urgent pointer, which is out of band (RFC 6093, section 3.1).
    #[default]
    OutOfBand,
    /// All.
    Inline,
    /// None: the segment is dropped.
    Drop,
    /// As [`Self::OutOfBand`], and reported as a gap of one byte.
    Gap,
}

impl UrgentPolicy {
    /// The policy that the configuration calls `name`, Suricata's.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "oob" => Some(Self::OutOfBand),
            "inline" => Some(Self::Inline),
            "drop" => Some(Self::Drop),
            "gap" => Some(Self::Gap),
            _ => None,
        }
    }
}

/// What a worker's streams are told once. Memory is per worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether what is invalid is dropped, or only reported.
    pub enforcement: Enforcement,
    /// Bytes for sessions (`stream.memcap`); 64 MiB.
    pub memcap: u64,
    /// Bytes for remembered data (`stream.reassembly.memcap`); 256 MiB. Address space is taken at the start, memory as it is used.
    pub reassembly_memcap: u64,
    /// Bytes of each direction that are inspected (`stream.reassembly.depth`); 1 MiB, 0 for all.
    pub depth: u64,
    /// Bytes kept before the next expected one, for matches over segments; 2560 (`stream.reassembly.toserver-chunk-size`).
    pub window: u32,
    /// How far beyond the next expected byte data is taken, in bytes; 1 MiB.
    pub reach: u32,
    /// Sessions may begin without a handshake (`stream.midstream`).
    pub midstream: bool,
    /// Sessions may be seen in one direction only (`stream.async-oneside`). Inline this trusts the client: with more than one SYN it
    /// can make believe in another beginning of its data than the server has.
    pub async_oneside: bool,
    /// Segments with a wrong checksum are malformed (`stream.checksum-validation`). Otherwise they are taken as if it were right: inline
    /// their sender can make believe in data that the receiver does not read.
    pub checksum_validation: bool,
    /// What urgent data is.
    pub urgent: UrgentPolicy,
    /// Packet at which there is no memory for a session (`--simulate-packet-tcp-ssn-memcap`), 0 for none.
    pub fail_session_at: u64,
    /// Packet at which there is no memory for data (`--simulate-packet-tcp-reassembly-memcap`), 0 for none.
    pub fail_reassembly_at: u64,
}

impl Settings {
    /// The defaults.
    pub fn new(enforcement: Enforcement) -> Self {
        Self {
            enforcement,
            memcap: 64 << 20,
            reassembly_memcap: 256 << 20,
            depth: 1 << 20,
            window: 2560,
            reach: 1 << 20,
            midstream: false,
            async_oneside: false,
            checksum_validation: true,
            urgent: UrgentPolicy::default(),
            fail_session_at: 0,
            fail_reassembly_at: 0,
        }
    }

    /// First stream offset that is not inspected.
    pub(super) fn end_of_inspection(&self) -> u64 {
        if self.depth == 0 { u64::MAX } else { self.depth }
    }
}
