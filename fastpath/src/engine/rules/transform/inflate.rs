//! `gunzip`, `zlib_deflate`: `[max-size N]`, with N in bytes or with a unit such as `KiB`.

use flate2::{Decompress, FlushDecompress, Status};

use crate::engine::rules::{fault::Fault, lexer::Token, number::number, once::once};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine::rules) struct Inflate {
    format: Format,
    /// Bytes of output at most.
    most: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Format {
    /// RFC 1952
    Gzip,
    /// RFC 1950
    Zlib,
}

/// The state of inflating, which outlives one buffer so that it is allocated once.
#[derive(Debug, Default)]
pub(in crate::engine::rules) struct Inflater(Option<Decompress>);

const DEFAULT_SIZE: usize = 1024;
/// Suricata's limit.
const LARGEST_SIZE: usize = 16 << 20;
/// Output grows in such steps, so that its size follows what there is rather than what is allowed.
const STEP: usize = 4096;

impl Inflate {
    pub(super) fn gzip(value: Option<Token<'_>>) -> Result<Self, Fault> {
        Ok(Self { format: Format::Gzip, most: max_size(value)? })
    }

    pub(super) fn zlib(value: Option<Token<'_>>) -> Result<Self, Fault> {
        Ok(Self { format: Format::Zlib, most: max_size(value)? })
    }

    /// Output stops at the largest size and where the input does. Broken input gives nothing (as in Suricata).
    pub(super) fn apply(&self, input: &[u8], out: &mut Vec<u8>, inflater: &mut Inflater) {
        let (zlib, body) = match self.format {
            Format::Gzip => (false, gzip_body(input)),
            Format::Zlib => (true, Some(input)),
        };
        if body.and_then(|body| inflater.inflate(zlib, body, self.most, out)).is_none() {
            out.clear();
        }
    }
}

impl Inflater {
    fn inflate(&mut self, zlib: bool, input: &[u8], most: usize, out: &mut Vec<u8>) -> Option<()> {
        let state = self.0.get_or_insert_with(|| Decompress::new(zlib));
        state.reset(zlib);
        while out.len() < most {
            let start = out.len();
            out.resize(most.min(start + STEP), 0);
            let rest = input.get(usize::try_from(state.total_in()).ok()?..)?;
            let status = state.decompress(rest, out.get_mut(start..)?, FlushDecompress::None);
            let full = out.len();
            out.truncate(usize::try_from(state.total_out()).ok()?);
            if status.ok()? == Status::StreamEnd || out.len() < full {
                break;
            }
        }
        Some(())
    }
}

/// What follows the header of a member (RFC 1952, section 2.3).
fn gzip_body(input: &[u8]) -> Option<&[u8]> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const RESERVED: u8 = 0xe0;
    let [0x1f, 0x8b, 8, flags, rest @ ..] = input else { return None };
    if flags & RESERVED != 0 {
        return None;
    }
    // Time, extra flags, operating system.
    let mut rest = rest.get(6..)?;
    if flags & EXTRA != 0 {
        let [low, high, tail @ ..] = rest else { return None };
        rest = tail.get(usize::from(u16::from_le_bytes([*low, *high]))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            rest = rest.get(memchr::memchr(0, rest)? + 1..)?;
        }
    }
    if flags & HEADER_CRC != 0 { rest.get(2..) } else { Some(rest) }
}

fn max_size(value: Option<Token<'_>>) -> Result<usize, Fault> {
    let mut size = None;
    for part in value.iter().flat_map(|value| value.split(',')) {
        let (name, argument) = part.word();
        if name.text != "max-size" {
            return Err(part.fault("this takes nothing or `max-size N`"));
        }
        once(&mut size, bytes(argument)?, name)?;
    }
    Ok(size.unwrap_or(DEFAULT_SIZE))
}

/// A number of bytes, perhaps with a unit; all units are powers of 1024.
fn bytes(token: Token<'_>) -> Result<usize, Fault> {
    let digits = token.text.find(|c: char| !c.is_ascii_digit()).unwrap_or(token.text.len());
    let (digits, unit) = token.text.split_at(digits);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" => 1,
        "kib" | "kb" => 1 << 10,
        "mib" | "mb" => 1 << 20,
        _ => return Err(token.fault(format!("`{unit}` is no unit of sizes: use KiB or MiB, or none"))),
    };
    let size = number(Token { text: digits, at: token.at }, 1..=LARGEST_SIZE / unit)?;
    Ok(size * unit)
}
