//! Capture files, read whole: pcap (IETF draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng).

use std::{
    collections::BTreeMap,
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use pcap_parser::{
    Block, EPB_MAGIC, IDB_MAGIC, SHB_MAGIC, SPB_MAGIC, parse_block_be, parse_block_le, parse_pcap_frame,
    parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header,
    pcapng::{InterfaceDescriptionBlock, parse_unknownblock_be, parse_unknownblock_le},
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
    pub reason: &'static str,
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

    /// Link types that are not decoded, by number, and how many packets have each.
    pub fn unknown_links(&self) -> BTreeMap<u16, usize> {
        let mut links = BTreeMap::new();
        for record in &self.records {
            if let LinkType::Other(number) = record.meta.link {
                *links.entry(number).or_default() += 1;
            }
        }
        links
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
        let (mut rest, header) = parse_pcap_header(bytes).map_err(|error| match error.is_incomplete() {
            true => format!("{} bytes are too few for a file header", bytes.len()),
            false => "the first four bytes are no known magic number".into(),
        })?;
        let link = link_type(header.network.0);
        let unit = if header.is_nanosecond_precision() { 1 } else { 1000 };
        let parse = match (header.is_modified_format(), header.is_bigendian()) {
            (true, _) => parse_pcap_frame_modified,
            (false, true) => parse_pcap_frame_be,
            (false, false) => parse_pcap_frame,
        };
        while !rest.is_empty() {
            let Ok((after, packet)) = parse(rest) else {
                return Ok(Some(self.damage(self.records.len(), rest, CUT_OFF)));
            };
            let length = packet.data.len();
            if length > LARGEST_PACKET {
                return Ok(Some(self.damage(self.records.len(), rest, TOO_LONG)));
            }
            let time = u64::from(packet.ts_sec) * 1_000_000_000 + u64::from(packet.ts_usec) * unit;
            self.push(link, time, rest, rest.len() - after.len() - length, length);
            rest = after;
        }
        Ok(None)
    }

    fn pcapng(&mut self, bytes: &[u8]) -> Result<Option<Damage>, String> {
        let mut section = Section::default();
        let mut rest = bytes;
        for count in 0.. {
            if rest.is_empty() {
                break;
            }
            match section.read_block(rest) {
                Ok((after, Some(packet))) => {
                    self.push(packet.link, packet.nanoseconds, rest, packet.header, packet.length);
                    rest = after;
                }
                Ok((after, None)) => rest = after,
                Err(reason) if count == 0 => return Err(format!("its first block is {reason}")),
                Err(reason) => return Ok(Some(self.damage(count, rest, reason))),
            }
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

    fn damage(&self, record: usize, rest: &[u8], reason: &'static str) -> Damage {
        Damage { record: record + 1, offset: self.total - rest.len(), packets: self.records.len(), reason }
    }
}

const CUT_OFF: &str = "cut off, the file ends within it";
const MALFORMED: &str = "malformed";
const TOO_LONG: &str = "longer than any packet (262144 bytes)";
const NO_INTERFACE: &str = "of an interface that is not described";

/// Type of the obsolete packet block.
const PACKET_BLOCK: u32 = 2;

/// Byte order and interfaces of a pcapng section.
#[derive(Default)]
struct Section {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

/// A packet within its block.
struct NgPacket {
    link: LinkType,
    nanoseconds: u64,
    /// Bytes of the block before the data.
    header: usize,
    length: usize,
}

impl Section {
    /// Reads the block that `rest` starts with: what follows it, and the packet if it is one. Blocks that
    /// carry neither packets nor what packets need are only stepped over, whatever is in them.
    fn read_block<'a>(&mut self, rest: &'a [u8]) -> Result<(&'a [u8], Option<NgPacket>), &'static str> {
        let kind = self.u32_at(rest, 0).ok_or(CUT_OFF)?;
        let (after, block) = match (kind, self.big_endian) {
            (SHB_MAGIC | IDB_MAGIC | SPB_MAGIC | EPB_MAGIC, true) => parse_block_be(rest),
            (SHB_MAGIC | IDB_MAGIC | SPB_MAGIC | EPB_MAGIC, false) => parse_block_le(rest),
            (_, true) => parse_unknownblock_be(rest).map(|(after, block)| (after, Block::Unknown(block))),
            (_, false) => parse_unknownblock_le(rest).map(|(after, block)| (after, Block::Unknown(block))),
        }
        .map_err(|error| if error.is_incomplete() { CUT_OFF } else { MALFORMED })?;
        let packet = match block {
            Block::SectionHeader(header) => {
                *self = Self { big_endian: header.big_endian(), interfaces: Vec::new() };
                return Ok((after, None));
            }
            Block::InterfaceDescription(interface) => {
                self.interfaces.push(Interface::new(&interface, self.big_endian));
                return Ok((after, None));
            }
            Block::EnhancedPacket(packet) => {
                let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                self.packet(packet.if_id, units, 28, packet.caplen)
            }
            // Has no time and no captured length: cut by snaplen, then padded.
            Block::SimplePacket(packet) => {
                let whole = packet.origlen.min(u32::try_from(packet.data.len()).unwrap_or(u32::MAX));
                let snaplen = self.interfaces.first().map_or(0, |interface| interface.snaplen);
                self.packet(0, 0, 12, if snaplen == 0 { whole } else { whole.min(snaplen) })
            }
            Block::Unknown(block) if kind == PACKET_BLOCK => self.obsolete_packet(block.data),
            _ => return Ok((after, None)),
        }?;
        Ok((after, Some(packet)))
    }

    fn packet(
        &self,
        interface: u32,
        units: u64,
        header: usize,
        length: u32,
    ) -> Result<NgPacket, &'static str> {
        let interface = self.interfaces.get(interface as usize).ok_or(NO_INTERFACE)?;
        let length = length as usize;
        if length > LARGEST_PACKET {
            return Err(TOO_LONG);
        }
        Ok(NgPacket { link: interface.link, nanoseconds: interface.nanoseconds(units), header, length })
    }

    /// Appendix A of the draft: interface and drop count in 16 bits each, then as an enhanced packet.
    fn obsolete_packet(&self, body: &[u8]) -> Result<NgPacket, &'static str> {
        let word = |index: usize| self.u32_at(body, 4 * index).ok_or(MALFORMED);
        let interface = if self.big_endian { word(0)? >> 16 } else { word(0)? & 0xffff };
        let length = word(3)?;
        if length as usize > body.len().saturating_sub(20) {
            return Err(MALFORMED);
        }
        self.packet(interface, u64::from(word(1)?) << 32 | u64::from(word(2)?), 28, length)
    }

    fn u32_at(&self, bytes: &[u8], offset: usize) -> Option<u32> {
        let word = *bytes.get(offset..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
    }
}

/// What a pcapng interface says of its packets.
struct Interface {
    link: LinkType,
    snaplen: u32,
    /// Units of time per second.
    resolution: u128,
    /// Seconds to add, signed.
    offset: i64,
}

impl Interface {
    fn new(block: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        // A negative power of 2 when the highest bit is set, of 10 otherwise.
        let base = if block.if_tsresol & 0x80 == 0 { 10_u128 } else { 2 };
        Self {
            link: link_type(block.linktype.0),
            snaplen: block.snaplen,
            resolution: base.saturating_pow(u32::from(block.if_tsresol & 0x7f)),
            // The crate reads this one option as little-endian always.
            offset: if big_endian { block.if_tsoffset.swap_bytes() } else { block.if_tsoffset },
        }
    }

    /// Nanoseconds since the epoch, held within what a `u64` can say.
    fn nanoseconds(&self, units: u64) -> u64 {
        let since_offset = u128::from(units) * 1_000_000_000 / self.resolution;
        let total = i128::try_from(since_offset)
            .unwrap_or(i128::MAX)
            .saturating_add(i128::from(self.offset) * 1_000_000_000);
        u64::try_from(total.max(0)).unwrap_or(u64::MAX)
    }
}

/// <https://www.tcpdump.org/linktypes.html>. The upper half of the field holds no part of the type.
fn link_type(number: i32) -> LinkType {
    match number & 0xffff {
        0 => LinkType::Null,
        1 => LinkType::Ethernet,
        9 => LinkType::Ppp,
        12 | 14 | 101 => LinkType::RawIp,
        228 => LinkType::IPV4,
        229 => LinkType::IPV6,
        104 => LinkType::CiscoHdlc,
        113 => LinkType::LinuxSll,
        276 => LinkType::LinuxSll2,
        other => LinkType::Other(u16::try_from(other).unwrap_or(u16::MAX)),
    }
}

#[cfg(test)]
mod tests;
