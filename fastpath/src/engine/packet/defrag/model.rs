//! The defragmenter against receivers of every kind: whatever they lose, prefer and forget, they assemble nothing but what
//! was inspected and let go on.

use std::collections::HashSet;

use proptest::prelude::*;

use super::{
    tests::{seconds, small, v4, v6},
    *,
};

/// Which of two fragments that both have a byte gives it (Novak 2005; RFC 5722).
#[derive(Clone, Copy, Debug)]
enum Policy {
    First,
    Last,
    Bsd,
    BsdRight,
    Linux,
    Windows,
    Solaris,
    /// Any overlap but an exact repetition makes it forget the datagram.
    Discard,
}

/// A receiving host.
#[derive(Clone, Debug)]
struct Receiver {
    policy: Policy,
    /// How long it waits for the rest, in seconds, and whether each fragment starts that anew.
    timeout: u64,
    refreshes: bool,
    /// Whether a later last fragment overrules an earlier one.
    last_end_wins: bool,
    /// Whether it knows RFC 6946.
    isolates_atomic: bool,
    /// What it has of each of the datagrams.
    queues: [Queued; 2],
}

/// A datagram at the receiver; each byte with the bounds of the fragment that gave it.
#[derive(Clone, Debug, Default)]
struct Queued {
    bytes: Vec<Option<(u8, usize, usize)>>,
    end: Option<usize>,
    deadline: Option<u64>,
    exact: HashSet<(usize, usize)>,
}

impl Receiver {
    /// Takes a fragment and gives the datagram that it completes.
    fn take(&mut self, fragment: &Fragment<'_>, now: u64) -> Option<Vec<u8>> {
        if fragment.is_atomic() && self.isolates_atomic {
            return Some(fragment.payload.to_vec());
        }
        let queue = &mut self.queues[fragment.identification as usize];
        if queue.deadline.is_some_and(|deadline| deadline <= now) {
            *queue = Queued::default();
        }
        if queue.deadline.is_none() || self.refreshes {
            queue.deadline = Some(now + self.timeout);
        }
        let (start, end) = (usize::from(fragment.offset), fragment.end());
        if matches!(self.policy, Policy::Discard) {
            let overlaps = queue.bytes.iter().take(end).skip(start).any(Option::is_some);
            match (overlaps, queue.exact.contains(&(start, end))) {
                (true, true) => return None,
                // It starts anew with this fragment.
                (true, false) => {
                    *queue = Queued { deadline: Some(now + self.timeout), ..Queued::default() };
                }
                (false, _) => {
                    queue.exact.insert((start, end));
                }
            }
        }
        if !fragment.more && (queue.end.is_none() || self.last_end_wins) {
            queue.end = Some(end);
        }
        if queue.bytes.len() < end {
            queue.bytes.resize(end, None);
        }
        for (place, &byte) in queue.bytes[start..].iter_mut().zip(fragment.payload) {
            let new_wins = place.is_none_or(|(_, old_start, old_end)| match self.policy {
                Policy::First | Policy::Discard => false,
                Policy::Last => true,
                Policy::Bsd => start < old_start,
                Policy::BsdRight => start >= old_start,
                Policy::Linux => start <= old_start,
                Policy::Windows => start < old_start && end > old_end,
                Policy::Solaris => start < old_start && end >= old_end,
            });
            if new_wins {
                *place = Some((byte, start, end));
            }
        }
        let whole = queue.bytes.get(..queue.end?)?;
        let bytes = whole.iter().map(|byte| byte.map(|(byte, ..)| byte)).collect::<Option<Vec<_>>>()?;
        *queue = Queued::default();
        Some(bytes)
    }
}

fn receivers() -> impl Strategy<Value = Vec<Receiver>> {
    use Policy::*;
    let policy = prop::sample::select(vec![First, Last, Bsd, BsdRight, Linux, Windows, Solaris, Discard]);
    let receiver = (policy, prop::sample::select(vec![3, 15, 30, 60]), any::<[bool; 3]>()).prop_map(
        |(policy, timeout, [refreshes, last_end_wins, isolates_atomic])| Receiver {
            policy,
            timeout,
            refreshes,
            last_end_wins,
            isolates_atomic,
            queues: Default::default(),
        },
    );
    prop::collection::vec(receiver, 12)
}

/// What the attacker sends.
#[derive(Clone, Debug)]
struct Sent {
    identification: u32,
    offset: u16,
    length: usize,
    more: bool,
    /// Which of the contents its bytes are from.
    content: usize,
    /// Seconds since the one before.
    wait: u64,
    /// Whether the datagram it completes is dropped.
    condemn: bool,
    /// Which receivers it reaches.
    reaches: [bool; 12],
}

/// Mostly fragments of a datagram of 32 or 40 bytes, so that they meet.
fn sent() -> impl Strategy<Value = Sent> {
    (
        0_u32..2,
        prop_oneof![8 => 0_u16..5, 1 => 0_u16..9],
        prop_oneof![8 => (1_usize..4).prop_map(|units| units * 8), 1 => 0_usize..30],
        prop::bool::weighted(0.6),
        prop_oneof![4 => Just(0_usize), 1 => Just(1)],
        prop_oneof![12 => Just(0_u64), 2 => 1_u64..5, 1 => Just(14), 1 => Just(31), 1 => Just(58), 1 => 60_u64..70],
        prop::bool::weighted(0.3),
        prop::array::uniform12(prop::bool::weighted(0.8)),
    )
        .prop_map(|(identification, offset, length, more, content, wait, condemn, reaches)| {
            let (offset, ends) = (offset * 8, usize::from(offset) * 8 + length);
            let more = if ends == 32 { false } else { more && ends != 40 };
            Sent { identification, offset, length, more, content, wait, condemn, reaches }
        })
}

/// Sends all of it through a defragmenter to the receivers; a datagram that one of them assembled without its being inspected
/// before is an error.
fn play(sent: &[Sent], receivers: &mut [Receiver], settings: Settings, is_v6: bool) -> Result<u32, String> {
    let contents: [Vec<u8>; 2] = [(0..128).collect(), (128..=255).collect()];
    let mut defrag = Defragmenter::new(settings, Enforcement::Drop);
    let mut inspected: [HashSet<Vec<u8>>; 2] = Default::default();
    let (mut now, mut assembled) = (1000, 0);
    for (number, sent) in sent.iter().enumerate() {
        now += sent.wait;
        let payload = &contents[sent.content][usize::from(sent.offset)..][..sent.length];
        let plain = if is_v6 { v6 } else { v4 }(sent.offset, sent.more, payload);
        let fragment = Fragment { identification: sent.identification, ..plain };
        if fragment.is_atomic() && !is_v6 {
            continue;
        }
        let inspected = &mut inspected[sent.identification as usize];
        let goes_on = match defrag.accept(&fragment, seconds(now), 0).fate {
            Fate::Held => true,
            Fate::Atomic => {
                inspected.insert(payload.to_vec());
                true
            }
            Fate::Complete(ticket) => {
                let mut bytes = Vec::new();
                assert!(defrag.assemble(ticket, &mut bytes));
                if sent.condemn {
                    defrag.settle(ticket, Verdict::Drop(DropReason::Rule));
                } else {
                    defrag.settle(ticket, Verdict::Forward);
                    inspected.insert(bytes[if is_v6 { 40 } else { 20 }..].to_vec());
                }
                !sent.condemn
            }
            Fate::Contradiction | Fate::Condemned(_) | Fate::Late | Fate::Malformed | Fate::NoMemory => false,
        };
        if !goes_on {
            continue;
        }
        for (receiver, reached) in receivers.iter_mut().zip(sent.reaches) {
            let Some(bytes) = reached.then(|| receiver.take(&fragment, now)).flatten() else { continue };
            assembled += 1;
            if !inspected.contains(&bytes) {
                return Err(format!("packet {number}: {:?} assembled {bytes:?}", receiver.policy));
            }
        }
    }
    Ok(assembled)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn no_receiver_assembles_what_was_not_inspected(
        sent in prop::collection::vec(sent(), 1..60),
        mut receivers in receivers(),
        is_v6 in any::<bool>(),
    ) {
        play(&sent, &mut receivers, small(), is_v6).map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn any_fragmentation_gives_the_datagram_exactly_once(
        payload in prop::collection::vec(any::<u8>(), 9..5_000),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        again in prop::collection::vec(any::<[prop::sample::Index; 2]>(), 0..20),
        order in any::<u64>(),
        is_v6 in any::<bool>(),
    ) {
        let units = payload.len().div_ceil(8);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| 1 + cut.index(units - 1)).collect();
        cuts.extend([0, units]);
        cuts.sort_unstable();
        cuts.dedup();
        // The pieces, and any other ranges of the same bytes.
        let again = again.iter().map(|[from, to]| [from.index(units), to.index(units)]);
        let again = again.map(|[a, b]| (a.min(b), a.max(b) + 1));
        let mut ranges: Vec<_> = cuts.windows(2).map(|pair| (pair[0], pair[1])).chain(again).collect();
        // An IPv4 fragment that has all is none.
        ranges.retain(|&range| range != (0, units));
        let mut state = order;
        ranges.sort_by_cached_key(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state
        });
        let mut defrag = Defragmenter::new(small(), Enforcement::Drop);
        let mut have = vec![false; units];
        let mut times = 0;
        for (from, to) in ranges {
            let part = &payload[from * 8..(to * 8).min(payload.len())];
            let fragment = if is_v6 { v6 } else { v4 }(u16::try_from(from * 8).unwrap(), to < units, part);
            let accepted = defrag.accept(&fragment, seconds(0), 0);
            if times == 0 {
                let overlaps = have[from..to].contains(&true);
                prop_assert_eq!(accepted.event, overlaps.then_some(DefragEvent::Overlap));
                have[from..to].fill(true);
            }
            match accepted.fate {
                Fate::Complete(ticket) => {
                    times += 1;
                    prop_assert!(!have.contains(&false));
                    let mut bytes = Vec::new();
                    prop_assert!(defrag.assemble(ticket, &mut bytes));
                    prop_assert_eq!(&bytes[if is_v6 { 40 } else { 20 }..], &payload[..]);
                    defrag.settle(ticket, Verdict::Forward);
                    prop_assert_eq!(defrag.memory(), size_of::<Tracker>());
                }
                fate if times == 0 => {
                    prop_assert_eq!(fate, Fate::Held);
                    prop_assert!(have.contains(&false));
                }
                fate => prop_assert_eq!(fate, Fate::Late),
            }
        }
        prop_assert_eq!(times, 1);
        defrag.tick(seconds(65));
        prop_assert_eq!(defrag.memory(), 0);
    }
}

/// The model finds what it is there to find: were a datagram forgotten when it went on, a receiver that lost its first half
/// would put another one before the rest.
#[test]
fn a_forgotten_datagram_would_be_mixed_with_the_next() {
    let fragment = |offset, content, reaches| Sent {
        identification: 0,
        offset,
        length: 16,
        more: offset == 0,
        content,
        wait: 0,
        condemn: false,
        reaches: [reaches; 12],
    };
    let sent = [fragment(0, 0, false), fragment(16, 0, true), fragment(0, 1, true)];
    let receiver = Receiver {
        policy: Policy::First,
        timeout: 30,
        refreshes: false,
        last_end_wins: false,
        isolates_atomic: true,
        queues: Default::default(),
    };
    let forgets = Timeouts { reuse: Duration::ZERO, ..Timeouts::default() };
    assert!(play(&sent, &mut [receiver.clone()], Settings { v4: forgets, ..small() }, false).is_err());
    assert_eq!(play(&sent, &mut [receiver], small(), false), Ok(0));
}
