//! How a stream is sent.

use std::ops::Range;

use proptest::prelude::*;

use crate::rules::LONG;
use crate::wire::{Ends, Frame, Part, Tunnel, ends, fragment, segment, tunnels};

/// One stream and the way it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) payload: Vec<u8>,
    ends: Ends,
    tunnel: Tunnel,
    /// Sequence numbers before the first data byte, of who sends it and of the other.
    numbers: (u32, u32),
    /// Which of the two ends sends the data.
    from_server: bool,
    /// Segments in the order they are sent. Together they are the whole stream.
    segments: Vec<Sent>,
}

#[derive(Clone, Debug)]
struct Sent {
    data: Range<usize>,
    /// Where the datagram is cut, in its payload of 8-byte units; nowhere for most.
    cuts: Vec<usize>,
    /// Fragments in another order, and some twice.
    order: Vec<usize>,
    /// Whether the tunnel's packet is fragmented rather than the one in it.
    outside: bool,
    /// Whether both are.
    both: bool,
    /// The receiver acknowledges what it has.
    acknowledged: bool,
}

/// Words that make and break matches.
const WORDS: [&str; 14] = [
    "evil",
    "word",
    "evilword",
    "HEAD",
    "TAIL",
    "ev",
    "il",
    "EvIl",
    "wor",
    " ",
    "x",
    "................",
    LONG,
    "0123456789abcdef",
];

fn payloads() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::collection::vec(prop::sample::select(&WORDS[..]), 1..24);
    words.prop_map(|words| words.concat().into_bytes())
}

/// Pieces that cover `length` bytes, and some that overlap them, in any order.
fn pieces(length: usize) -> impl Strategy<Value = Vec<Range<usize>>> {
    let cuts = prop_oneof![
        3 => prop::collection::vec(0..=length, 0..8).boxed(),
        1 => prop::collection::vec(0..=length, 0..64).boxed(),
    ];
    let extra = prop::collection::vec((0..length, 1..=length), 0..4);
    (cuts, extra, 0..3_u8).prop_flat_map(move |(mut cuts, extra, disorder)| {
        cuts.extend([0, length]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut pieces: Vec<_> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        pieces.extend(extra.into_iter().map(|(start, size)| start..length.min(start + size)));
        match disorder {
            0 => Just(pieces).boxed(),
            _ => Just(pieces).prop_shuffle().boxed(),
        }
    })
}

fn sent(data: Range<usize>) -> impl Strategy<Value = Sent> {
    // TCP header and data in units of 8 bytes, the last one excluded.
    let units = (20 + data.len()).div_ceil(8);
    let cuts = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(1..units, 1..4),
    ];
    (
        cuts,
        any::<(bool, bool, bool)>(),
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        any::<u64>(),
    )
        .prop_map(move |(mut cuts, (outside, both, acknowledged), twice, seed)| {
            cuts.sort_unstable();
            cuts.dedup();
            let mut order: Vec<usize> = (0..=cuts.len()).collect();
            order.extend(twice.iter().map(|index| index.index(cuts.len() + 1)));
            // Any order will do; it need not shrink well.
            order.sort_by_key(|&at| (at as u64 + 1).wrapping_mul(seed | 1) >> 3);
            Sent { data: data.clone(), cuts, order, outside, both, acknowledged }
        })
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let numbers = prop_oneof![any::<u32>(), (0..600_u32).prop_map(|below| 0_u32.wrapping_sub(below))];
    (payloads(), ends(), tunnels(), (numbers, any::<u32>()), any::<bool>()).prop_flat_map(
        |(payload, ends, tunnel, numbers, from_server)| {
            let segments = pieces(payload.len())
                .prop_flat_map(|pieces| pieces.into_iter().map(sent).collect::<Vec<_>>());
            segments.prop_map(move |segments| Case {
                payload: payload.clone(),
                ends,
                tunnel,
                numbers,
                from_server,
                segments,
            })
        },
    )
}

const SYN: u8 = 2;
const ACK: u8 = 16;

impl Case {
    /// All frames in the order they are sent, the handshake and the receiver's acknowledgements among them.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        let (own, other) = self.numbers;
        let (client, server) = if self.from_server { (other, own) } else { (own, other) };
        let mut frames = Vec::new();
        frames.push(self.whole(false, client, 0, SYN));
        frames.push(self.whole(true, server, client.wrapping_add(1), SYN | ACK));
        frames.push(self.whole(false, client.wrapping_add(1), server.wrapping_add(1), ACK));
        let mut has = vec![false; self.payload.len()];
        for (number, sent) in self.segments.iter().enumerate() {
            let seq = own.wrapping_add(1).wrapping_add(u32::try_from(sent.data.start).unwrap());
            let data = &self.payload[sent.data.clone()];
            let segment = segment(self.ends, self.from_server, seq, other.wrapping_add(1), ACK, data);
            frames.extend(self.packets(number, sent, &segment));
            has[sent.data.clone()].fill(true);
            if sent.acknowledged {
                let read = has.iter().take_while(|&&there| there).count();
                let ack = own.wrapping_add(1).wrapping_add(u32::try_from(read).unwrap());
                frames.push(self.whole(!self.from_server, other.wrapping_add(1), ack, ACK));
            }
        }
        frames
    }

    /// A segment without data, in one packet.
    fn whole(&self, from_server: bool, seq: u32, ack: u32, flags: u8) -> Frame {
        let segment = segment(self.ends, from_server, seq, ack, flags, &[]);
        let packet = self.ends.datagram(from_server, &segment);
        Frame { bytes: self.tunnel.wrap(&packet), part: None }
    }

    fn packets(&self, number: usize, sent: &Sent, segment: &[u8]) -> Vec<Frame> {
        let id = u32::try_from(number).unwrap() + 1;
        let packet = self.ends.datagram(self.from_server, segment);
        let outside = sent.outside && self.tunnel.is_ip();
        let carried = if outside { self.tunnel.packet(&packet) } else { packet };
        let fragments = fragment(&carried, &sent.cuts, id);
        let length = fragments.iter().map(|(bytes, _)| bytes.end).max().unwrap();
        let frames = |(turn, (bytes, fragment)): (u32, &(Range<usize>, Vec<u8>))| {
            let part =
                Some(Part { datagram: number, bytes: bytes.clone(), length, stream: sent.data.clone() });
            let frame = |packet: &[u8], part| Frame { bytes: self.tunnel.link(packet), part };
            match (outside, sent.both && self.tunnel.is_ip()) {
                (true, _) => vec![frame(fragment, part)],
                (false, false) => vec![Frame { bytes: self.tunnel.wrap(fragment), part }],
                (false, true) => {
                    // Of a datagram of its own each time; the second half brings it to the receiver.
                    let halves = self::fragment(&self.tunnel.packet(fragment), &[2], id << 8 | turn);
                    let [(_, first), (_, second)] = halves.try_into().unwrap();
                    vec![frame(&first, None), frame(&second, part)]
                }
            }
        };
        let fragments = sent.order.iter().filter_map(|&at| fragments.get(at));
        (0..).zip(fragments).flat_map(frames).collect()
    }
}
