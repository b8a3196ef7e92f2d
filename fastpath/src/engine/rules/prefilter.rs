//! Which rules a packet may match: grouped by transport, and by whether their fast pattern occurs in the payload.

use std::collections::HashMap;

use super::{header::Protocol, parser::Rule, scan::Scanner};
use crate::engine::packet::{Packet, Transport};

/// The rules that packets of one transport may match. Rules are numbered in the order of evaluation.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Finds the fast patterns; none when no rule has one.
    scanner: Option<Scanner>,
    /// Rules of each pattern: `rules[starts[p]..starts[p + 1]]`.
    starts: Box<[u32]>,
    rules: Box<[u32]>,
    /// Rules without a fast pattern, in order: always candidates.
    unfiltered: Box<[u32]>,
    /// Bytes of the longest pattern.
    longest: usize,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Prefilter {
    groups: [Group; TRANSPORTS],
    /// The largest number of patterns in a group.
    patterns: usize,
}

/// Longer fast patterns are searched by their first bytes: between two segments of a stream the ends of both are searched once
/// more, this long.
const LONGEST_PATTERN: usize = 32;

/// What is searched of a fast pattern.
pub(super) fn searched(pattern: &[u8]) -> &[u8] {
    pattern.get(..LONGEST_PATTERN).unwrap_or(pattern)
}

/// Rules that may be [`Scratch::add`]ed without an allocation.
const MOST_ADDED: usize = 16;

/// TCP, UDP, ICMP, and all else.
const TRANSPORTS: usize = 4;

/// What a search leaves behind for the next one: memory, so that it need not allocate.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// For each pattern, the search in which it was last found.
    seen: Vec<u32>,
    search: u32,
    /// Rules with a pattern that was found, in order.
    found: Vec<u32>,
}

impl Scratch {
    /// Room for any packet's candidates among `rules` rules.
    pub(super) fn new(prefilter: &Prefilter, rules: usize) -> Self {
        Self { seen: vec![0; prefilter.patterns], search: 0, found: Vec::with_capacity(rules + MOST_ADDED) }
    }

    /// Begins a search: nothing is found.
    pub(super) fn clear(&mut self) {
        self.found.clear();
        self.search = self.search.wrapping_add(1);
        if self.search == 0 {
            self.seen.fill(0);
            self.search = 1;
        }
    }

    /// Whether a rule is among what was found.
    pub(super) fn has(&self, rule: u32) -> bool {
        self.found.contains(&rule)
    }

    /// Adds a rule to what was found.
    pub(super) fn add(&mut self, rule: u32) {
        self.found.push(rule);
    }
}

impl Prefilter {
    /// Groups `rules`, which are in the order of evaluation.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let groups = std::array::from_fn(|transport| {
            Group::new((0_u32..).zip(rules).filter(|(_, rule)| applies(rule.header.protocol, transport)))
        });
        let patterns = groups.iter().map(|group: &Group| group.starts.len()).max().unwrap_or(0);
        Self { groups, patterns }
    }

    /// The group of the packet's rules.
    pub(super) fn group(&self, packet: &Packet<'_>) -> &Group {
        &self.groups[transport(packet)]
    }
}

impl Group {
    /// Adds the rules whose fast pattern is in `text` to what was found.
    pub(super) fn search(&self, text: &[u8], scratch: &mut Scratch) {
        let Some(scanner) = self.scanner.as_ref().filter(|_| !text.is_empty()) else { return };
        for pattern in scanner.hits(text) {
            let Some(seen) = scratch.seen.get_mut(pattern) else { continue };
            if std::mem::replace(seen, scratch.search) != scratch.search {
                scratch.found.extend_from_slice(self.rules_of(pattern));
            }
        }
    }

    /// Bytes of the longest fast pattern.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// What was found and the rules without a fast pattern, in order and each once.
    pub(super) fn candidates<'s>(&'s self, scratch: &'s mut Scratch) -> impl Iterator<Item = u32> + 's {
        scratch.found.sort_unstable();
        scratch.found.dedup();
        merge(&scratch.found, &self.unfiltered)
    }

    fn new<'r>(rules: impl Iterator<Item = (u32, &'r Rule)>) -> Self {
        let mut unfiltered = Vec::new();
        let mut patterns: Vec<Box<[u8]>> = Vec::new();
        let mut rules_of: Vec<Vec<u32>> = Vec::new();
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        for (index, rule) in rules {
            let Some(pattern) = &rule.fast_pattern else {
                unfiltered.push(index);
                continue;
            };
            let pattern: Box<[u8]> = searched(pattern).into();
            let position = *known.entry(pattern.to_ascii_lowercase()).or_insert_with(|| {
                patterns.push(pattern.clone());
                rules_of.push(Vec::new());
                patterns.len() - 1
            });
            if let Some(list) = rules_of.get_mut(position) {
                list.push(index);
            }
        }
        let longest = patterns.iter().map(|pattern| pattern.len()).max().unwrap_or(0);
        let scanner = match patterns.is_empty() {
            true => None,
            false => Scanner::new(&patterns).ok(),
        };
        if scanner.is_none() {
            // Too much for the automaton: all are candidates, which is slow but right.
            unfiltered.extend(rules_of.drain(..).flatten());
            unfiltered.sort_unstable();
        }
        let mut starts = vec![0];
        let mut flat = Vec::new();
        for list in &rules_of {
            flat.extend_from_slice(list);
            starts.push(u32::try_from(flat.len()).unwrap_or(u32::MAX));
        }
        Self { scanner, starts: starts.into(), rules: flat.into(), unfiltered: unfiltered.into(), longest }
    }

    fn rules_of(&self, pattern: usize) -> &[u32] {
        let bound = |at: usize| self.starts.get(at).map_or(0, |&start| start as usize);
        self.rules.get(bound(pattern)..bound(pattern + 1)).unwrap_or_default()
    }
}

/// The packet's group.
fn transport(packet: &Packet<'_>) -> usize {
    match packet.transport {
        Some(Transport::Tcp(_)) => 0,
        Some(Transport::Udp(_)) => 1,
        Some(Transport::Icmpv4(_) | Transport::Icmpv6(_)) => 2,
        Some(Transport::Sctp(_)) | None => 3,
    }
}

/// Whether rules of `protocol` belong into the group.
fn applies(protocol: Protocol, transport: usize) -> bool {
    match protocol {
        Protocol::Ip | Protocol::Ipv4 | Protocol::Ipv6 | Protocol::Any => true,
        Protocol::Tcp | Protocol::TcpPacket | Protocol::TcpStream => transport == 0,
        Protocol::Udp => transport == 1,
        Protocol::Icmp | Protocol::Icmpv4 | Protocol::Icmpv6 => transport == 2,
        Protocol::Sctp => transport == 3,
        Protocol::Application(_) => false,
    }
}

/// Two ordered lists as one.
fn merge<'s>(a: &'s [u32], b: &'s [u32]) -> impl Iterator<Item = u32> + 's {
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(x), Some(y)) if x <= y => a.next(),
        (Some(_), None) => a.next(),
        _ => b.next(),
    })
}
