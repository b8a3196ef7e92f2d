//! A TCP client made by hand, for segments and fragments that no kernel would send.

use std::{
    net::{Ipv4Addr, SocketAddr},
    ops::Range,
    time::Duration,
};

use etherparse::{PacketBuilder, SlicedPacket, TransportSlice};

use crate::{CLIENT_MAC, Capture, Lab, LabError, PacketSocket, SERVER_IP, SERVER_MAC};

/// Address of the clients made by hand. No kernel has it, so none answers in their name.
pub const RAW_CLIENT_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 99);
/// Where the IPv4 header of a frame starts, and where its payload does.
const IP: usize = 14;
const IP_PAYLOAD: usize = IP + 20;
/// Place of the checksum in a TCP header.
const TCP_CHECKSUM: usize = 16;
/// Flag and unit of the fragment offset (RFC 791).
const MORE_FRAGMENTS: u16 = 1 << 13;
const FRAGMENT_UNIT: usize = 8;

/// Sends frames in the name of [`RAW_CLIENT_IP`], and sees the answers.
pub struct RawHost {
    socket: PacketSocket,
    answers: Capture,
}

impl RawHost {
    /// Behind the client's port.
    ///
    /// # Errors
    /// When the server cannot be told of it, or its sockets cannot be opened.
    pub fn new(lab: &Lab) -> Result<Self, LabError> {
        let mac = CLIENT_MAC.map(|byte| format!("{byte:02x}")).join(":");
        lab.server.ip(&format!("neigh replace {RAW_CLIENT_IP} lladdr {mac} dev eth0 nud permanent"))?;
        Ok(Self {
            socket: PacketSocket::open(&lab.client, "eth0")?,
            answers: Capture::start(&lab.client, "eth0", &format!("tcp and dst host {RAW_CLIENT_IP}"))?,
        })
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the port is down.
    pub fn send(&self, frame: &[u8]) -> Result<(), LabError> {
        self.socket.send(frame)
    }

    /// Opens a connection from `port` to the server's `to`: SYN, and ACK to the server's answer.
    ///
    /// # Errors
    /// When there is no answer within `limit`.
    pub fn connect(&self, port: u16, to: u16, limit: Duration) -> Result<RawTcp, LabError> {
        // Of its own for each connection, so that an answer to another one is not taken for it.
        let first = u32::from(port) << 16;
        let opening = RawTcp { ports: (port, to), first, ack: 0 };
        self.send(&opening.frame(-1, &[], |tcp| {
            tcp.syn = true;
            tcp.ack = false;
        }))?;
        let sequence = |frame: &[u8]| match SlicedPacket::from_ethernet(frame).ok()?.transport? {
            TransportSlice::Tcp(tcp) => {
                let answers = tcp.syn() && tcp.ack() && tcp.destination_port() == port;
                (answers && tcp.acknowledgment_number() == first).then(|| tcp.sequence_number())
            }
            _ => None,
        };
        let answer = self.answers.wait_for(limit, |frame| sequence(frame).is_some());
        let answer = answer.as_deref().and_then(sequence).ok_or_else(|| LabError::Malformed {
            what: format!("connection from port {port}"),
            reason: "the server does not answer".into(),
        })?;
        let connection = RawTcp { ack: answer.wrapping_add(1), ..opening };
        self.send(&connection.data(0, &[]))?;
        Ok(connection)
    }
}

/// An open connection of a [`RawHost`]. Nothing is sent again, and nothing acknowledged, unless by hand.
#[derive(Clone, Copy, Debug)]
pub struct RawTcp {
    ports: (u16, u16),
    /// Sequence number of the first byte.
    first: u32,
    ack: u32,
}

impl RawTcp {
    /// Its end, as the server sees it.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((RAW_CLIENT_IP, self.ports.0))
    }

    /// A segment that brings `bytes` from place `at` of the stream on.
    pub fn data(&self, at: i32, bytes: &[u8]) -> Vec<u8> {
        self.frame(at, bytes, |_| ())
    }

    /// A segment whose header is changed before its checksum is made.
    pub fn frame(&self, at: i32, bytes: &[u8], change: impl FnOnce(&mut etherparse::TcpHeader)) -> Vec<u8> {
        let mut header = etherparse::TcpHeader::new(
            self.ports.0,
            self.ports.1,
            self.first.wrapping_add_signed(at),
            u16::MAX,
        );
        header.ack = true;
        header.acknowledgment_number = self.ack;
        change(&mut header);
        let builder = PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC)
            .ipv4(RAW_CLIENT_IP.octets(), SERVER_IP.octets(), 64)
            .tcp_header(header);
        let mut frame = Vec::with_capacity(builder.size(bytes.len()));
        // A vector takes all that is written, and what is longer than a packet no test sends.
        let _ = builder.write(&mut frame, bytes);
        frame
    }
}

/// The TCP segment in `frame` with a wrong checksum: no receiver takes it.
#[must_use]
pub fn with_wrong_checksum(mut frame: Vec<u8>) -> Vec<u8> {
    if let Some(byte) = frame.get_mut(IP_PAYLOAD + TCP_CHECKSUM) {
        *byte ^= 0x55;
    }
    frame
}

/// The fragment of the IPv4 packet in `frame` that has these bytes of its payload (RFC 791); all but the last begin and end at
/// a multiple of 8.
#[must_use]
pub fn fragment(frame: &[u8], id: u16, bytes: Range<usize>) -> Vec<u8> {
    let more = IP_PAYLOAD + bytes.end < frame.len();
    let offset = u16::try_from(bytes.start / FRAGMENT_UNIT).unwrap_or_default();
    let data = frame.get(IP_PAYLOAD + bytes.start..IP_PAYLOAD + bytes.end).unwrap_or_default();
    let mut fragment = frame.get(..IP_PAYLOAD).unwrap_or_default().to_vec();
    let length = u16::try_from(IP_PAYLOAD - IP + data.len()).unwrap_or_default();
    fragment[IP + 2..IP + 4].copy_from_slice(&length.to_be_bytes());
    fragment[IP + 4..IP + 6].copy_from_slice(&id.to_be_bytes());
    let flags = if more { MORE_FRAGMENTS } else { 0 };
    fragment[IP + 6..IP + 8].copy_from_slice(&(flags | offset).to_be_bytes());
    fragment[IP + 10..IP + 12].fill(0);
    let sum: u32 =
        fragment[IP..].chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or_default();
    fragment[IP + 10..IP + 12].copy_from_slice(&checksum.to_be_bytes());
    fragment.extend_from_slice(data);
    fragment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_have_a_right_header_and_their_part() {
        let tcp = RawTcp { ports: (1000, 80), first: 7, ack: 9 };
        let frame = tcp.data(3, b"twenty bytes of data");
        let all = [0..24, 24..40].map(|bytes| fragment(&frame, 5, bytes));
        let parsed = all.each_ref().map(|bytes| SlicedPacket::from_ethernet(bytes).unwrap());
        let headers = parsed.each_ref().map(|packet| match packet.net.as_ref().unwrap() {
            etherparse::NetSlice::Ipv4(ip) => ip.header().to_header(),
            other => panic!("{other:?}"),
        });
        assert_eq!(headers[0].fragment_offset.value() + headers[1].fragment_offset.value(), 3);
        assert!(headers[0].more_fragments && !headers[1].more_fragments);
        for header in &headers {
            assert_eq!(header.calc_header_checksum(), header.header_checksum);
        }
        let data = all.each_ref().map(|bytes| &bytes[IP_PAYLOAD..]).concat();
        assert_eq!(data, frame[IP_PAYLOAD..]);
    }
}
