//! Capture files, read whole: pcap (IETF draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng).

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use pcap_file::{
    DataLink, Endianness, PcapError, TsResolution,
    pcap::PcapParser,
    pcapng::{
        Block, PcapNgParser,
        blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption},
    },
};

use crate::engine::meta::{ChecksumState, LinkType, Meta, PortId, Timestamp};

/// Largest packet that is believed, as libpcap's MAXIMUM_SNAPLEN: beyond it the file is damaged.
const LARGEST_PACKET: usize = 262_144;

/// A capture in memory.
#[derive(Debug)]
pub struct Capture {
    bytes: Vec<u8>,
    /// Ascending and disjoint ranges of `bytes`.
    records: Vec<Record>,
    damage: Option<Damage>,
}

#[derive(Debug)]
struct Record {
    meta: Meta,
    range: Range<usize>,
}

/// Where a capture stops to be readable; everything before it is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {record} at byte {offset}: {reason}; the {} packets before it are used", packets)]
pub struct Damage {
    /// Position of the damaged record in the file, from 1 (in pcapng all blocks count).
    pub record: usize,
    /// Its first byte.
    pub offset: usize,
    /// Packets before it.
    pub packets: usize,
    /// What is wrong.
    pub reason: String,
}

/// Why there is no capture.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be read.
    #[error("{}: cannot read the capture: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is no capture at all.
    #[error("{}: not a capture: {reason}; pcap and pcapng can be read", path.display())]
    NotACapture {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Capture {
    /// Reads the file at `path`. Every packet gets the state `checksums`, the number of its place in the
    /// file from 1, and port 0.
    ///
    /// # Errors
    /// [`CaptureError`]; a file that is damaged further on is no error but has [`Capture::damage`].
    pub fn read(path: &Path, checksums: ChecksumState) -> Result<Self, CaptureError> {
        let bytes = std::fs::read(path).map_err(|source| CaptureError::Read { path: path.into(), source })?;
        Self::parse(bytes, checksums)
            .map_err(|reason| CaptureError::NotACapture { path: path.into(), reason })
    }

    /// As [`Capture::read`], from memory.
    ///
    /// # Errors
    /// What is wrong with the first bytes.
    pub fn parse(bytes: Vec<u8>, checksums: ChecksumState) -> Result<Self, String> {
        let mut index = Index { total: bytes.len(), checksums, records: Vec::new() };
        // The section header of pcapng reads the same in both byte orders.
        let damage = if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            index.pcapng(&bytes)
        } else {
            index.pcap(&bytes)
        }?;
        Ok(Self { records: index.records, bytes, damage })
    }

    /// Number of packets.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True when there is no packet.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Where the file stops to be readable.
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// The packets in the order of the file.
    pub fn packets_mut(&mut self) -> impl Iterator<Item = (&Meta, &mut [u8])> {
        let mut rest = self.bytes.as_mut_slice();
        let mut consumed = 0;
        self.records.iter().map_while(move |Record { meta, range }| {
            let (_, from_start) = std::mem::take(&mut rest).split_at_mut_checked(range.start - consumed)?;
            let (packet, after) = from_start.split_at_mut_checked(range.len())?;
            rest = after;
            consumed = range.end;
            Some((meta, packet))
        })
    }
}

/// The records of a file while they are found.
struct Index {
    total: usize,
    checksums: ChecksumState,
    records: Vec<Record>,
}

impl Index {
    fn pcap(&mut self, bytes: &[u8]) -> Result<Option<Damage>, String> {
        let (mut rest, parser) = PcapParser::new(bytes).map_err(|error| match error {
            PcapError::IncompleteBuffer => format!("{} bytes are too few for a file header", bytes.len()),
            _ => "the first four bytes are no known magic number".into(),
        })?;
        let header = parser.header();
        let link = link_type(header.datalink);
        let unit = if header.ts_resolution == TsResolution::NanoSecond { 1 } else { 1000 };
        while !rest.is_empty() {
            // Not next_packet(): it refuses what snaplen cut off, and captures with a false snaplen.
            let (after, packet) = match parser.next_raw_packet(rest) {
                Ok(next) => next,
                Err(error) => return Ok(Some(self.damage(self.records.len(), rest, reason(&error)))),
            };
            let length = packet.data.len();
            if length > LARGEST_PACKET {
                return Ok(Some(self.damage(self.records.len(), rest, too_long(length))));
            }
            let time = u64::from(packet.ts_sec) * 1_000_000_000 + u64::from(packet.ts_frac) * unit;
            self.push(link, time, rest, 16, length);
            rest = after;
        }
        Ok(None)
    }

    fn pcapng(&mut self, bytes: &[u8]) -> Result<Option<Damage>, String> {
        let (mut rest, mut parser) = PcapNgParser::new(bytes).map_err(|error| reason(&error))?;
        let mut clocks = Vec::new();
        for count in 1.. {
            if rest.is_empty() {
                break;
            }
            let (after, block) = match parser.next_block(rest) {
                Ok(next) => next,
                Err(error) => return Ok(Some(self.damage(count, rest, reason(&error)))),
            };
            let little = parser.section().endianness == Endianness::Little;
            // Interface, its units of time, bytes before the data in the block, data.
            let packet = match block {
                Block::SectionHeader(_) => {
                    clocks.clear();
                    None
                }
                Block::InterfaceDescription(interface) => {
                    clocks.push(Clock::of(&interface));
                    None
                }
                // The crate takes the units for nanoseconds.
                Block::EnhancedPacket(packet) => {
                    let units = u64::try_from(packet.timestamp.as_nanos()).unwrap_or(u64::MAX);
                    Some((packet.interface_id as usize, units, 28, packet.data.len()))
                }
                // Two 32-bit halves, the high one first, in either byte order; the crate reads one number.
                Block::Packet(packet) => {
                    let units = packet.timestamp.rotate_left(if little { 32 } else { 0 });
                    Some((usize::from(packet.interface_id), units, 28, packet.data.len()))
                }
                // Has no time and no captured length: cut by snaplen, then padded.
                Block::SimplePacket(packet) => {
                    let snaplen = parser.interfaces().first().map_or(0, |interface| interface.snaplen);
                    let whole = packet.data.len().min(packet.original_len as usize);
                    let length = if snaplen == 0 { whole } else { whole.min(snaplen as usize) };
                    Some((0, 0, 12, length))
                }
                _ => None,
            };
            if let Some((interface, units, header, length)) = packet {
                let Some(clock) = clocks.get(interface) else {
                    let reason = format!("the packet is of interface {interface}, which is not described");
                    return Ok(Some(self.damage(count, rest, reason)));
                };
                if length > LARGEST_PACKET {
                    return Ok(Some(self.damage(count, rest, too_long(length))));
                }
                self.push(clock.link, clock.nanoseconds(units), rest, header, length);
            }
            rest = after;
        }
        Ok(None)
    }

    /// Adds a packet whose record starts at `rest` and whose data starts `header` bytes further on.
    fn push(&mut self, link: LinkType, nanoseconds: u64, rest: &[u8], header: usize, length: usize) {
        let start = self.total - rest.len() + header;
        let meta = Meta {
            time: Timestamp(nanoseconds),
            port: PortId(0),
            link,
            checksums: self.checksums,
            number: self.records.len() as u64 + 1,
        };
        self.records.push(Record { meta, range: start..start + length });
    }

    fn damage(&self, record: usize, rest: &[u8], reason: String) -> Damage {
        Damage { record: record + 1, offset: self.total - rest.len(), packets: self.records.len(), reason }
    }
}

fn reason(error: &PcapError) -> String {
    match error {
        PcapError::IncompleteBuffer => "cut off, the file ends within it".into(),
        error => error.to_string(),
    }
}

fn too_long(length: usize) -> String {
    format!("{length} bytes are more than a packet can have ({LARGEST_PACKET})")
}

/// How an interface of a pcapng file counts time.
struct Clock {
    link: LinkType,
    units_per_second: u128,
    /// Seconds to add (if_tsoffset), signed.
    offset: i64,
}

impl Clock {
    fn of(interface: &InterfaceDescriptionBlock<'_>) -> Self {
        let mut clock = Self { link: link_type(interface.linktype), units_per_second: 1_000_000, offset: 0 };
        for option in &interface.options {
            match option {
                // A negative power of 2 when the highest bit is set, of 10 otherwise.
                InterfaceDescriptionOption::IfTsResol(power) => {
                    let base = if power & 0x80 == 0 { 10_u128 } else { 2 };
                    clock.units_per_second = base.saturating_pow(u32::from(power & 0x7f));
                }
                InterfaceDescriptionOption::IfTsOffset(seconds) => clock.offset = seconds.cast_signed(),
                _ => {}
            }
        }
        clock
    }

    /// Nanoseconds since the epoch, held within what a `u64` can say.
    fn nanoseconds(&self, units: u64) -> u64 {
        let since_offset = u128::from(units) * 1_000_000_000 / self.units_per_second;
        let total = i128::try_from(since_offset)
            .unwrap_or(i128::MAX)
            .saturating_add(i128::from(self.offset) * 1_000_000_000);
        u64::try_from(total.max(0)).unwrap_or(u64::MAX)
    }
}

/// <https://www.tcpdump.org/linktypes.html>. The upper half of the field holds no part of the type.
fn link_type(link: DataLink) -> LinkType {
    match u32::from(link).to_le_bytes() {
        [0, 0, ..] => LinkType::Null,
        [1, 0, ..] => LinkType::Ethernet,
        [12 | 14 | 101 | 228 | 229, 0, ..] => LinkType::RawIp,
        [113, 0, ..] => LinkType::LinuxSll,
        [20, 1, ..] => LinkType::LinuxSll2,
        [low, high, ..] => LinkType::Other(u16::from_le_bytes([low, high])),
    }
}

#[cfg(test)]
mod tests;
