//! A server that sends whatever it likes to a client, past the inspection: what the client reads was inspected. Also part of the
//! fuzz target.

use std::collections::VecDeque;

use super::{
    Direction, Segment, SegmentOptions,
    inspection::{Inspection, Sent, WINDOW, data},
    receiver::Receiver,
    segment::{ACK, FIN, RST, SYN},
};

/// What a server begins with. The numbers of one connection are also numbers of another.
const ISNS: [u32; 3] = [1000, u32::MAX - 20, 1200];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    SynSent,
    Established,
}

/// A client as RFC 9293 and 5961 have it, with each of the receivers.
struct Client {
    /// It believes a RST.
    obedient: bool,
    /// It takes the data of a SYN/ACK.
    early: bool,
    state: State,
    isn: u32,
    peer_isn: u32,
    receivers: Vec<Receiver>,
    peer_has_finished: bool,
    /// Sequence numbers that it used behind the SYN.
    sent: u32,
    has_finished: bool,
    /// What is under way to us.
    outbox: VecDeque<Sent>,
}

impl Client {
    fn read(&self) -> &[u8] {
        self.receivers.first().map_or(&[], |receiver| &receiver.read)
    }

    /// The next sequence number that it expects.
    fn expected(&self) -> u32 {
        let read = u32::try_from(self.read().len()).unwrap_or(u32::MAX);
        self.peer_isn.wrapping_add(1).wrapping_add(read).wrapping_add(self.peer_has_finished.into())
    }

    fn send(&mut self, flags: u8, length: u16) {
        let seq = self.isn.wrapping_add(1).wrapping_add(self.sent);
        self.outbox.push_back(Sent { seq, ack: self.expected(), flags: flags | ACK, length });
        self.sent += u32::from(length) + u32::from(flags & FIN != 0);
        self.has_finished |= flags & FIN != 0;
    }

    /// It begins a connection, whatever became of the last one.
    fn open(&mut self, length: u16) {
        self.state = State::SynSent;
        self.isn = self.isn.wrapping_add(0x0123_4567);
        self.receivers.clear();
        (self.sent, self.has_finished, self.peer_has_finished) = (length.into(), false, false);
        self.outbox.push_back(Sent { seq: self.isn, ack: 0, flags: SYN, length });
    }

    /// It gets a segment.
    fn get(&mut self, segment: &Segment<'_>) {
        let acknowledged = segment.ack.wrapping_sub(self.isn.wrapping_add(1));
        match self.state {
            State::Closed => {}
            State::SynSent if !segment.has(ACK) || acknowledged > self.sent => {
                if segment.has(ACK) && !segment.has(RST) {
                    self.outbox.push_back(Sent { seq: segment.ack, ack: 0, flags: RST, length: 0 });
                }
            }
            State::SynSent if segment.has(RST) => self.state = State::Closed,
            State::SynSent if segment.has(SYN) => {
                self.state = State::Established;
                self.peer_isn = segment.seq;
                self.receivers = Receiver::all();
                if self.early {
                    self.take(0, segment.payload);
                }
                self.send(ACK, 0);
            }
            State::SynSent => {}
            State::Established if segment.has(RST) => {
                if self.obedient && segment.seq == self.expected() {
                    self.state = State::Closed;
                }
            }
            State::Established if segment.has(SYN) => self.send(ACK, 0),
            State::Established
                if segment.has(ACK) && acknowledged.cast_signed() <= self.sent.cast_signed() =>
            {
                self.receive(segment);
            }
            State::Established => {}
        }
    }

    fn receive(&mut self, segment: &Segment<'_>) {
        let offset = segment.seq.wrapping_sub(self.peer_isn.wrapping_add(1)).cast_signed();
        let before = usize::try_from(-i64::from(offset)).unwrap_or_default().min(segment.payload.len());
        if !self.peer_has_finished {
            self.take(usize::try_from(offset).unwrap_or_default(), &segment.payload[before..]);
        }
        let end = segment.seq.wrapping_add(u32::try_from(segment.payload.len()).unwrap_or(u32::MAX));
        self.peer_has_finished |= segment.has(FIN) && end == self.expected();
        if !segment.payload.is_empty() || segment.has(FIN) {
            self.send(ACK, 0);
        }
    }

    fn take(&mut self, offset: usize, bytes: &[u8]) {
        let edge = self.read().len() + WINDOW as usize;
        for receiver in &mut self.receivers {
            receiver.get(offset, bytes, edge);
        }
    }
}

/// Does what `bytes` say.
pub(super) fn lure(bytes: &[u8]) {
    let Some((&kind, mut rest)) = bytes.split_first() else { return };
    let bit = |bit: u8| kind >> bit & 1 == 1;
    let mut inspection = Inspection::new(kind, Direction::ToClient);
    let mut client = Client {
        obedient: bit(5),
        early: bit(4),
        state: State::Closed,
        isn: if bit(3) { u32::MAX - 30 } else { 5000 },
        peer_isn: 0,
        receivers: Vec::new(),
        peer_has_finished: false,
        sent: 0,
        has_finished: false,
        outbox: VecDeque::new(),
    };
    // The client's sequence number that the server knows of.
    let mut known = 0;
    let is_silent = |client: &Client| client.state != State::Established || client.has_finished;
    client.open(if bit(6) { 10 } else { 0 });
    while let &[action, a, b, c, d, ref behind @ ..] = rest {
        rest = behind;
        match action % 8 {
            0..=4 => server(&mut inspection, &mut client, known, [action, a, b, c, d]),
            5 | 6 => {
                if let Some(sent) = client.outbox.pop_front()
                    && let Some(next) = answer(&mut inspection, sent)
                {
                    known = next;
                }
            }
            _ => match a % 8 {
                0 => client.open(u16::from(b) % 30),
                1 if client.state == State::SynSent => {
                    // The SYN once more.
                    let length = u16::try_from(client.sent).unwrap_or_default();
                    client.outbox.push_back(Sent { seq: client.isn, ack: 0, flags: SYN, length });
                }
                2 if client.state == State::Established => {
                    client.send(RST, 0);
                    client.state = State::Closed;
                }
                _ if is_silent(&client) => {}
                3 => client.send(FIN, u16::from(b)),
                _ => client.send(ACK, u16::from(b)),
            },
        }
    }
    inspection.end();
}

/// The server sends a segment.
fn server(inspection: &mut Inspection, client: &mut Client, known: u32, [action, a, b, c, d]: [u8; 5]) {
    let flags = match a % 16 {
        0..=5 => ACK,
        6..=9 => SYN | ACK,
        10 => SYN,
        11 => ACK | FIN,
        12 => RST,
        13 => RST | ACK,
        14 => 0,
        _ => a >> 4 | (d & 0x30),
    };
    let base = match b % 4 {
        3 => client.expected(),
        number => ISNS[usize::from(number)].wrapping_add((a >> 7).into()),
    };
    let distance = i32::from(b.cast_signed() >> 2) * if action & 0x80 == 0 { 1 } else { 50 };
    let seq = if flags & SYN == 0 { base.wrapping_add_signed(distance) } else { base };
    let ack = match d % 8 {
        0 => known.wrapping_add((d >> 3).into()),
        1 => known.wrapping_sub((d >> 3).into()),
        _ => known,
    };
    let length = if action & 0x40 == 0 { u16::from(c) % 8 } else { u16::from(c) * 8 };
    let payload = data(seq.wrapping_add((flags & SYN != 0).into()), length, d >> 6);
    let options = SegmentOptions::default();
    let segment = Segment { seq, ack, flags, window: 60_000, urgent: 0, options, payload: &payload };
    let tracked = inspection.track(true, &segment);
    let is_lost = action & 0x20 != 0 && c & 1 == 1;
    if !tracked.outcome.is_accepted() || is_lost {
        return;
    }
    let before = client.read().len();
    client.get(&segment);
    if client.read().len() > before {
        inspection.judge(&client.receivers);
    }
}

/// A segment of the client comes; the sequence number behind it, if the server gets it.
fn answer(inspection: &mut Inspection, sent: Sent) -> Option<u32> {
    let Sent { seq, ack, flags, length } = sent;
    let first = seq.wrapping_add((flags & SYN != 0).into());
    let payload = data(first, length, 0);
    let window = u16::try_from(WINDOW).unwrap_or(u16::MAX);
    let options = SegmentOptions::default();
    let segment = Segment { seq, ack, flags, window, urgent: 0, options, payload: &payload };
    let tracked = inspection.track(false, &segment);
    let next = first.wrapping_add(length.into()).wrapping_add((flags & FIN != 0).into());
    tracked.outcome.is_accepted().then_some(next)
}
