//! The bytes of a datagram of which fragments are missing.

use super::{
    Fragment,
    pool::{Index, NONE, Pool},
};

/// Bytes in a [`Page`]: one word has a bit for each of its units.
const PAGE: usize = 512;
/// Bytes in a unit, the granularity of fragment offsets.
const UNIT: usize = 8;
/// Pages of the largest datagram.
const PAGES: usize = 65_536 / PAGE;
/// Longest header kept: an IPv6 header with 216 bytes of extension headers.
const HEADER: usize = 256;
/// Length of the fixed IPv6 header.
pub(super) const IPV6_HEADER: usize = 40;
/// Length of the IPv4 header without options.
const IPV4_HEADER: usize = 20;

/// A piece of a datagram.
pub(super) struct Page {
    bytes: [u8; PAGE],
    /// Which units of it are there.
    have: u64,
}

/// What a datagram has so far: a table of its pages, as a memory management unit has it. Finding a byte takes constant time
/// however many fragments there were and however they came.
pub(super) struct Assembly {
    header: [u8; HEADER],
    /// 0 as long as the first fragment is missing.
    header_length: usize,
    protocol: u8,
    /// Length of the whole payload, known from the last fragment.
    end: Option<usize>,
    /// Where the furthest byte so far ends.
    reach: usize,
    /// Number of units that are there.
    units: usize,
    pages: [Index; PAGES],
}

/// How a fragment fits to what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// All its bytes are new.
    New,
    /// Some are there already, and the same.
    Again,
    /// Some are there already, and others, or the datagram's protocol is.
    Differs,
    /// It says that the datagram ends elsewhere, or reaches behind the end.
    WrongEnd {
        /// Whether some of its bytes are there already.
        overlaps: bool,
    },
}

impl Assembly {
    pub(super) const EMPTY: Self = Self {
        header: [0; HEADER],
        header_length: 0,
        protocol: 0,
        end: None,
        reach: 0,
        units: 0,
        pages: [NONE; PAGES],
    };

    /// Whether the headers of a first fragment can become those of a datagram.
    pub(super) fn can_keep(fragment: &Fragment<'_>) -> bool {
        let header = fragment.header;
        let fits = header.len() <= HEADER;
        fits && if fragment.is_v6() {
            last_next_header(header).is_some()
        } else {
            header.len() >= IPV4_HEADER
        }
    }

    /// Looks how `fragment` fits, and changes nothing.
    pub(super) fn fit(&self, fragment: &Fragment<'_>, pages: &Pool<Page>) -> Fit {
        let overlap = self.overlap(fragment, pages);
        let reach = self.reach.max(fragment.end());
        let end = if fragment.more { self.end } else { Some(fragment.end()) };
        if self.end.is_some_and(|known| Some(known) != end) || end.is_some_and(|end| reach > end) {
            return Fit::WrongEnd { overlaps: overlap != Fit::New };
        }
        if fragment.offset == 0 && self.header_length > 0 && self.protocol != fragment.protocol {
            return Fit::Differs;
        }
        overlap
    }

    fn overlap(&self, fragment: &Fragment<'_>, pages: &Pool<Page>) -> Fit {
        let mut fit = Fit::New;
        for part in Part::all(fragment) {
            let Some(page) = self.page(part.page, pages) else { continue };
            let again = page.have & part.mask();
            if again == 0 {
                continue;
            }
            fit = Fit::Again;
            let there = page.bytes.get(part.at..).unwrap_or_default();
            let same = if again == part.mask() {
                there.starts_with(part.bytes)
            } else {
                part.units(again)
                    .all(|(at, unit)| there.get(at..).is_some_and(|there| there.starts_with(unit)))
            };
            if !same {
                return Fit::Differs;
            }
        }
        fit
    }

    /// Number of pages that it needs beyond those it has to take `fragment`.
    pub(super) fn pages_missing(&self, fragment: &Fragment<'_>) -> usize {
        Part::all(fragment).filter(|part| self.pages.get(part.page) == Some(&NONE)).count()
    }

    /// Takes what is new of `fragment`. There are as many pages as it needs; false if not, and then the rest of it is
    /// not there.
    pub(super) fn take(&mut self, fragment: &Fragment<'_>, pages: &mut Pool<Page>) -> bool {
        if fragment.offset == 0 && self.header_length == 0 {
            if let Some(kept) = self.header.get_mut(..fragment.header.len()) {
                kept.copy_from_slice(fragment.header);
                self.header_length = fragment.header.len();
            }
            self.protocol = fragment.protocol;
        }
        if !fragment.more && self.end.is_none() {
            self.end = Some(fragment.end());
        }
        self.reach = self.reach.max(fragment.end());
        for part in Part::all(fragment) {
            let Some(index) = self.pages.get_mut(part.page) else { return false };
            if *index == NONE {
                let Some(new) = pages.insert(Page { bytes: [0; PAGE], have: 0 }) else { return false };
                *index = new;
            }
            let Some(page) = pages.get_mut(*index) else { return false };
            let fresh = part.mask() & !page.have;
            page.have |= fresh;
            self.units += fresh.count_ones() as usize;
            let Some(room) = page.bytes.get_mut(part.at..) else { return false };
            if fresh == part.mask() {
                copy(room, 0, part.bytes);
            } else {
                part.units(fresh).for_each(|(at, unit)| copy(room, at, unit));
            }
        }
        true
    }

    /// Whether every byte up to the end is there.
    pub(super) fn is_complete(&self) -> bool {
        // No unit is behind the end: `fit` sees to that.
        self.header_length > 0 && self.end.is_some_and(|end| self.units == end.div_ceil(UNIT))
    }

    /// Whether the whole datagram is longer than its length field can say.
    pub(super) fn is_too_large(&self, is_v6: bool) -> bool {
        let fixed = if is_v6 { IPV6_HEADER } else { 0 };
        self.end.unwrap_or(0) + self.header_length.saturating_sub(fixed) > usize::from(u16::MAX)
    }

    /// Writes the complete datagram: the first fragment's headers, as they would be had it never been fragmented, and the
    /// payload.
    pub(super) fn write(&self, pages: &Pool<Page>, is_v6: bool, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(self.header.get(..self.header_length).unwrap_or_default());
        let mut left = self.end.unwrap_or(0);
        let length = self.header_length + left;
        if is_v6 {
            finish_v6(into, length.saturating_sub(IPV6_HEADER), self.protocol);
        } else {
            finish_v4(into, length);
        }
        for number in 0..PAGES {
            let Some(page) = self.page(number, pages).filter(|_| left > 0) else { break };
            let part = page.bytes.get(..left.min(PAGE)).unwrap_or_default();
            into.extend_from_slice(part);
            left -= part.len();
        }
    }

    /// Gives the pages back.
    pub(super) fn clear(&mut self, pages: &mut Pool<Page>) {
        for index in &mut self.pages {
            if *index != NONE {
                pages.remove(std::mem::replace(index, NONE));
            }
        }
    }

    fn page<'a>(&self, number: usize, pages: &'a Pool<Page>) -> Option<&'a Page> {
        pages.get(*self.pages.get(number)?)
    }
}

/// The part of a fragment that lies in one page.
struct Part<'a> {
    page: usize,
    /// Where it starts in the page.
    at: usize,
    bytes: &'a [u8],
}

impl<'a> Part<'a> {
    fn all(fragment: &Fragment<'a>) -> impl Iterator<Item = Self> + use<'a> {
        let mut offset = usize::from(fragment.offset);
        let mut rest = fragment.payload;
        std::iter::from_fn(move || {
            let at = offset % PAGE;
            let (bytes, behind) = rest.split_at_checked(PAGE - at).unwrap_or((rest, &[]));
            let part = Self { page: offset / PAGE, at, bytes };
            offset += bytes.len();
            rest = behind;
            (!bytes.is_empty()).then_some(part)
        })
    }

    /// The bits of its units.
    fn mask(&self) -> u64 {
        // 1 to 64 units: a part is never empty and ends with its page.
        let units = self.bytes.len().div_ceil(UNIT).clamp(1, 64);
        (u64::MAX >> (64 - units)) << (self.at / UNIT)
    }

    /// Those of its units that `chosen` has bits for, each with its place from the part's start.
    fn units(&self, chosen: u64) -> impl Iterator<Item = (usize, &'a [u8])> {
        let chosen = chosen >> (self.at / UNIT);
        let units = self.bytes.chunks(UNIT).enumerate();
        units.filter(move |(number, _)| chosen >> number & 1 == 1).map(|(number, unit)| (number * UNIT, unit))
    }
}

fn copy(room: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = at.checked_add(bytes.len()).and_then(|end| room.get_mut(at..end)) {
        place.copy_from_slice(bytes);
    }
}

/// Total length, no fragment fields, and the checksum of RFC 791, section 3.1.
fn finish_v4(header: &mut [u8], length: usize) {
    set_word(header, 2, u16::try_from(length).unwrap_or(u16::MAX));
    set_word(header, 6, 0);
    set_word(header, 10, 0);
    let words = header.as_chunks::<2>().0;
    let mut sum: u32 = words.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    while let carry @ 1.. = sum >> 16 {
        sum = (sum & 0xffff) + carry;
    }
    set_word(header, 10, !u16::try_from(sum).unwrap_or(0));
}

/// Payload length, and the protocol in the place of the fragment header (RFC 8200, section 4.5).
fn finish_v6(header: &mut [u8], length: usize, protocol: u8) {
    set_word(header, 4, u16::try_from(length).unwrap_or(u16::MAX));
    if let Some(next) = last_next_header(header).and_then(|at| header.get_mut(at)) {
        *next = protocol;
    }
}

fn set_word(header: &mut [u8], at: usize, word: u16) {
    copy(header, at, &word.to_be_bytes());
}

/// Where the IPv6 header or the last of the extension headers behind it names what follows; none when the chain does not end
/// where the bytes end.
fn last_next_header(header: &[u8]) -> Option<usize> {
    const AUTHENTICATION: u8 = 51;
    let (mut at, mut end) = (6, IPV6_HEADER);
    while end < header.len() {
        let kind = *header.get(at)?;
        let length = usize::from(*header.get(end + 1)?);
        at = end;
        // RFC 4302, section 2.2; RFC 8200, section 4.
        end += if kind == AUTHENTICATION { (length + 2) * 4 } else { (length + 1) * 8 };
    }
    (end == header.len()).then_some(at)
}
