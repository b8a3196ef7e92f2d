//! A client that sends whatever it likes to a server, past the inspection: what the server reads was inspected. Also part of the fuzz
//! target.

use std::collections::VecDeque;

use super::{
    Direction, Segment, SegmentOptions,
    inspection::{Inspection, Sent, WINDOW, data},
    receiver::Receiver,
    segment::{ACK, FIN, PSH, RST, SYN},
};

/// What a client begins with. The numbers of one connection are also numbers of another.
const ISNS: [u32; 3] = [1000, u32::MAX - 20, 1200];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Listening,
    SynReceived,
    Established,
}

/// A server as RFC 9293 and 5961 have it, with each of the receivers.
struct Server {
    /// It takes the data of a SYN (RFC 7413).
    fast_open: bool,
    /// It believes a RST.
    obedient: bool,
    /// Shift of its windows.
    scale: Option<u8>,
    state: State,
    isn: u32,
    peer_isn: u32,
    receivers: Vec<Receiver>,
    peer_has_finished: bool,
    /// Sequence numbers that it used.
    sent: u32,
    has_finished: bool,
    /// What is under way to us.
    outbox: VecDeque<Sent>,
}

impl Server {
    fn read(&self) -> &[u8] {
        self.receivers.first().map_or(&[], |receiver| &receiver.read)
    }

    /// The next sequence number that it expects.
    fn expected(&self) -> u32 {
        let read = u32::try_from(self.read().len()).unwrap_or(u32::MAX);
        self.peer_isn.wrapping_add(1).wrapping_add(read).wrapping_add(self.peer_has_finished.into())
    }

    fn send(&mut self, flags: u8, length: u16) {
        let is_syn = flags & SYN != 0;
        let seq = if is_syn { self.isn } else { self.isn.wrapping_add(1).wrapping_add(self.sent) };
        self.outbox.push_back(Sent { seq, ack: self.expected(), flags: flags | ACK, length });
        self.sent += u32::from(length) + u32::from(flags & FIN != 0);
        self.has_finished |= flags & FIN != 0;
    }

    fn listen(&mut self) {
        self.state = State::Listening;
        self.receivers.clear();
        (self.sent, self.has_finished, self.peer_has_finished) = (0, false, false);
        self.isn = self.isn.wrapping_add(0x0123_4567);
    }

    /// It gets a segment.
    fn get(&mut self, segment: &Segment<'_>) {
        if self.state == State::Listening {
            if segment.has(SYN) && !segment.has(ACK | RST) {
                self.peer_isn = segment.seq;
                self.receivers = Receiver::all();
                if self.fast_open {
                    self.take(0, segment.payload);
                }
                self.state = State::SynReceived;
                self.send(SYN, 0);
            } else if !segment.has(RST) {
                self.outbox.push_back(Sent { seq: segment.ack, ack: segment.seq, flags: RST, length: 0 });
            }
            return;
        }
        if segment.has(RST) {
            if self.obedient && segment.seq == self.expected() {
                self.listen();
            }
            return;
        }
        if segment.has(SYN) {
            let again = self.state == State::SynReceived && segment.seq == self.peer_isn;
            self.send(if again { SYN } else { ACK }, 0);
            return;
        }
        let all = self.isn.wrapping_add(1).wrapping_add(self.sent);
        let unsent = segment.ack.wrapping_sub(all).cast_signed() > 0;
        let unfit = self.state == State::SynReceived && segment.ack != self.isn.wrapping_add(1);
        if !segment.has(ACK) || unsent || unfit {
            return;
        }
        self.state = State::Established;
        let offset = segment.seq.wrapping_sub(self.peer_isn.wrapping_add(1)).cast_signed();
        let before = usize::try_from(-i64::from(offset)).unwrap_or_default().min(segment.payload.len());
        if !self.peer_has_finished {
            self.take(usize::try_from(offset).unwrap_or_default(), &segment.payload[before..]);
        }
        let end = i64::from(offset) + segment.payload.len().cast_signed() as i64;
        self.peer_has_finished |= segment.has(FIN) && end == self.read().len().cast_signed() as i64;
        if self.has_finished && self.peer_has_finished && segment.ack == all {
            self.send(ACK, 0);
            self.listen();
        } else if !segment.payload.is_empty() || segment.has(FIN) {
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
pub(super) fn attack(bytes: &[u8]) {
    let Some((&kind, mut rest)) = bytes.split_first() else { return };
    let bit = |bit: u8| kind >> bit & 1 == 1;
    let mut inspection = Inspection::new(kind, Direction::ToServer);
    let mut server = Server {
        fast_open: bit(4),
        obedient: bit(5),
        scale: bit(6).then_some(3),
        state: State::Listening,
        isn: if bit(3) { u32::MAX - 30 } else { 5000 },
        peer_isn: 0,
        receivers: Vec::new(),
        peer_has_finished: false,
        sent: 0,
        has_finished: false,
        outbox: VecDeque::new(),
    };
    // The server's sequence number that the client knows of.
    let mut known = 0;
    while let &[action, a, b, c, d, ref behind @ ..] = rest {
        rest = behind;
        match action % 8 {
            0..=4 => client(&mut inspection, &mut server, known, [action, a, b, c, d]),
            5 | 6 => {
                if let Some(sent) = server.outbox.pop_front()
                    && let Some(next) = answer(&mut inspection, &server, sent)
                {
                    known = next;
                }
            }
            _ if server.state == State::Established && !server.has_finished => match a % 4 {
                0 => server.send(ACK, u16::from(b)),
                1 => server.send(FIN, u16::from(b)),
                2 => server.send(RST, 0),
                _ => {}
            },
            _ => {}
        }
        // It forgets all about the connection.
        if action == 255 || (action % 8 == 7 && a % 4 == 2) {
            server.listen();
        }
    }
    inspection.end();
}

/// The client sends a segment.
fn client(inspection: &mut Inspection, server: &mut Server, known: u32, [action, a, b, c, d]: [u8; 5]) {
    let flags = match a % 16 {
        0..=5 => ACK,
        6 => ACK | PSH,
        7..=9 => SYN,
        10 => SYN | ACK,
        11 => ACK | FIN,
        12 => RST,
        13 => RST | ACK,
        14 => 0,
        _ => a >> 4 | (d & 0x30),
    };
    let base = match b % 4 {
        3 => server.expected(),
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
    let options = SegmentOptions {
        window_scale: (a & 0x20 != 0).then_some(2),
        fast_open: flags & SYN != 0,
        ..SegmentOptions::default()
    };
    let segment = Segment { seq, ack, flags, window: 60_000, urgent: 0, options, payload: &payload };
    let tracked = inspection.track(true, &segment);
    let is_lost = action & 0x20 != 0 && c & 1 == 1;
    if !tracked.outcome.is_accepted() || is_lost {
        return;
    }
    let before = server.read().len();
    server.get(&segment);
    if server.read().len() > before {
        inspection.judge(&server.receivers);
    }
}

/// A segment of the server comes; the sequence number behind it, if the client gets it.
fn answer(inspection: &mut Inspection, server: &Server, sent: Sent) -> Option<u32> {
    let Sent { seq, ack, flags, length } = sent;
    let is_syn = flags & SYN != 0;
    let scale = server.scale.unwrap_or_default();
    let payload = data(seq, length, 0);
    let segment = Segment {
        seq,
        ack,
        flags,
        // A receiver never says less than what it takes.
        window: u16::try_from(if is_syn { WINDOW } else { WINDOW.div_ceil(1 << scale) }).unwrap_or(u16::MAX),
        urgent: 0,
        options: SegmentOptions { window_scale: server.scale, ..SegmentOptions::default() },
        payload: &payload,
    };
    let tracked = inspection.track(false, &segment);
    let used = u32::from(length) + u32::from(is_syn) + u32::from(flags & FIN != 0);
    tracked.outcome.is_accepted().then(|| seq.wrapping_add(used))
}
