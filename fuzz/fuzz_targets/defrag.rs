//! Any fragments in any order: memory stays in its cap and comes back, and of what went on for one datagram no byte was ever
//! another than the one inspected, until the datagram was given up: the oldest of too many that are closed.
#![no_main]

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use fastpath::engine::{
    meta::Timestamp,
    packet::{
        Fragment,
        defrag::{Defragmenter, Fate, Settings},
    },
    verdict::{DropReason, Enforcement, Verdict},
};
use libfuzzer_sys::fuzz_target;

/// A payload and a header to cut from: the fuzzer chooses where.
struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// What went on of a datagram since it was first seen.
#[derive(Default)]
struct Gone {
    bytes: HashMap<usize, u8>,
    end: Option<usize>,
    last: Timestamp,
}

fuzz_target!(|data: &[u8]| {
    let mut source = Source(data);
    let Some(mode) = source.byte() else { return };
    let enforcement = if mode & 1 == 0 { Enforcement::Drop } else { Enforcement::Report };
    let settings = Settings {
        memcap: [4 << 10, 64 << 10][usize::from(mode >> 1 & 1)],
        trackers: [2, 64][usize::from(mode >> 2 & 1)],
        closed: [2, 32_768][usize::from(mode >> 3 & 1)],
        ..Settings::default()
    };
    let longest = settings.v4.assembly;
    let mut defrag = Defragmenter::new(settings, enforcement);
    let mut gone: HashMap<(bool, u32), Gone> = HashMap::new();
    // Those of each IP version that are closed, and since when.
    let mut closed: [VecDeque<(u32, Timestamp)>; 2] = Default::default();
    let (mut now, mut datagram) = (Timestamp(0), Vec::new());
    // Each fragment: flags, offset, time and length, then its bytes.
    while let (Some(flags), Some(offset), Some(time), Some(length)) =
        (source.byte(), source.byte(), source.byte(), source.byte())
    {
        let is_v6 = flags & 1 == 1;
        let address: IpAddr = if is_v6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        let wait = Duration::from_secs(if time < 200 { 0 } else { u64::from(time - 200) * 2 });
        now = Timestamp(now.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap()));
        let fixed = if is_v6 { 40 } else { 20 };
        // Either the fixed header, or anything.
        let mut header = vec![0; fixed];
        header[if is_v6 { 6 } else { 0 }] = if is_v6 { 44 } else { 0x45 };
        if flags & 0x20 != 0 {
            header = source.bytes(usize::from(length)).to_vec();
        }
        // The highest offsets too, where datagrams become too large.
        let offset = u16::from(offset) * if flags & 0x40 != 0 { 256 } else { 8 };
        let fragment = Fragment {
            vlan: [None; 3],
            source: address,
            destination: address,
            identification: u32::from(flags >> 2 & 3),
            protocol: 17,
            offset,
            more: flags & 2 == 2,
            header: &header,
            payload: source.bytes(usize::from(length)),
        };
        if fragment.is_atomic() && !is_v6 {
            continue;
        }
        let fate = defrag.accept(&fragment, now, 1).fate;
        assert!(defrag.memory() <= settings.memcap && defrag.datagrams() <= settings.trackers);
        let key = (is_v6, fragment.identification);
        let mut goes_on = fate == Fate::Held;
        if let Fate::Complete(ticket) = fate {
            assert!(defrag.assemble(ticket, &mut datagram));
            let said = usize::from(if is_v6 {
                u16::from_be_bytes([datagram[4], datagram[5]])
            } else {
                u16::from_be_bytes([datagram[2], datagram[3]])
            });
            assert_eq!(said + if is_v6 { 40 } else { 0 }, datagram.len());
            if enforcement == Enforcement::Drop {
                // All that went on before is in it.
                let before = gone.get(&key).filter(|gone| now.0 - gone.last.0 < nanoseconds(longest));
                for (&at, byte) in before.iter().flat_map(|gone| &gone.bytes) {
                    let payload = datagram.len() - before.and_then(|gone| gone.end).unwrap_or(fragment.end());
                    assert_eq!(datagram[payload + at], *byte);
                }
            }
            goes_on = flags & 0x10 == 0;
            let verdict = if goes_on { Verdict::Forward } else { Verdict::Drop(DropReason::Rule) };
            defrag.settle(ticket, verdict);
        }
        if goes_on && enforcement == Enforcement::Drop {
            let gone = gone.entry(key).or_default();
            if now.0 - gone.last.0 >= nanoseconds(longest) {
                *gone = Gone::default();
            }
            gone.last = now;
            for (at, &byte) in fragment.payload.iter().enumerate() {
                assert_eq!(*gone.bytes.entry(usize::from(offset) + at).or_insert(byte), byte);
            }
            if !fragment.more {
                assert_eq!(*gone.end.get_or_insert(fragment.end()), fragment.end());
            }
            assert!(gone.end.is_none_or(|end| gone.bytes.keys().all(|&at| at < end)));
        }
        if goes_on && matches!(fate, Fate::Complete(_)) {
            let closed = &mut closed[usize::from(is_v6)];
            closed.push_back((fragment.identification, now));
            while closed.front().is_some_and(|(_, since)| now.0 - since.0 >= nanoseconds(longest)) {
                closed.pop_front();
            }
            while closed.len() > settings.most_closed() {
                let given_up = closed.pop_front().map(|(identification, _)| (is_v6, identification));
                given_up.map(|key| gone.remove(&key));
            }
        }
    }
    for _ in 0..64 {
        defrag.tick(Timestamp(u64::MAX));
    }
    assert_eq!((defrag.memory(), defrag.datagrams()), (0, 0));
});

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap()
}
