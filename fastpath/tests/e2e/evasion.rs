//! What a split, reordered, contradicted or fragmented stream brings to the receiving process, with the kernel's TCP as the
//! judge: never the forbidden word.

use std::{
    collections::HashSet,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use fastpath_lab::{
    CLIENT_IP, Ended, Host, Lab, RAW_CLIENT_IP, RawHost, RawTcp, SERVER_IP, TcpRecorder, fragment,
    wait_until, with_wrong_checksum,
};

use crate::{
    handover::assert_handed_over,
    wire::{SOON, bridge, start, stats, stop},
};

const RULE: &str = r#"drop tcp any any -> any any (msg:"LAB forbidden"; content:"FORBIDDEN"; sid:1000001;)"#;
const WORD: &[u8] = b"FORBIDDEN";
/// Two streams of the same length that differ in the word.
const BAD: &[u8; 18] = b"say FORBIDDEN word";
const GOOD: &[u8; 18] = b"say harmless! word";
/// Where the word begins in them, and where what comes after it does.
const START: usize = 4;
const END: usize = 13;

/// Frames that bring a stream, one after the other; `text` is what an honest receiver should read.
type Frames = fn(&RawTcp, text: &[u8]) -> Vec<Vec<u8>>;

/// A segment with the bytes of `text` from `from` to `to`.
fn part(tcp: &RawTcp, text: &[u8], from: usize, to: usize) -> Vec<u8> {
    tcp.data(i32::try_from(from).unwrap(), &text[from..to])
}

/// The whole text in one segment, cut into these fragments of its IP packet. Its TCP header takes the first 20 bytes.
fn fragments(tcp: &RawTcp, text: &[u8], edges: &[usize]) -> Vec<Vec<u8>> {
    let frame = tcp.data(0, text);
    edges.windows(2).map(|edge| fragment(&frame, id(tcp), edge[0]..edge[1])).collect()
}

/// An identification for the fragments of a connection, of its own: who has seen a datagram remembers it for a while.
fn id(tcp: &RawTcp) -> u16 {
    tcp.address().port()
}

fn backwards(mut frames: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    frames.reverse();
    frames
}

/// The other one of the two texts, for contradictions.
fn other(text: &[u8]) -> &'static [u8; 18] {
    if text == BAD { GOOD } else { BAD }
}

/// Ways that any receiver reads as the text, without a contradiction.
const HONEST: &[(&str, Frames)] = &[
    ("in one piece", |tcp, text| vec![tcp.data(0, text)]),
    ("in two pieces", |tcp, text| vec![part(tcp, text, 0, 8), part(tcp, text, 8, 18)]),
    ("in two pieces, the second first", |tcp, text| vec![part(tcp, text, 8, 18), part(tcp, text, 0, 8)]),
    ("byte by byte", |tcp, text| (0..18).map(|at| part(tcp, text, at, at + 1)).collect()),
    ("byte by byte, backwards", |tcp, text| {
        backwards((0..18).map(|at| part(tcp, text, at, at + 1)).collect())
    }),
    ("overlapping with the same bytes", |tcp, text| {
        vec![part(tcp, text, 6, 18), part(tcp, text, 4, 9), part(tcp, text, 0, 5)]
    }),
    ("in fragments", |tcp, text| fragments(tcp, text, &[0, 24, 32, 38])),
    ("in fragments, backwards", |tcp, text| backwards(fragments(tcp, text, &[0, 24, 32, 38]))),
    ("in the smallest fragments", |tcp, text| fragments(tcp, text, &[0, 8, 16, 24, 32, 38])),
    ("a fragmented half and a whole one", |tcp, text| {
        let first = tcp.data(0, &text[..8]);
        vec![fragment(&first, id(tcp), 0..24), fragment(&first, id(tcp), 24..28), part(tcp, text, 8, 18)]
    }),
];

/// Ways in which the first bytes and later ones differ, or that a receiver does not take all of. The second one of a pair is
/// its reverse, so that one of them brings the text, whichever bytes a receiver keeps.
const DISHONEST: &[(&str, Frames)] = &[
    ("queued, then contradicted by all of it", |tcp, text| {
        vec![part(tcp, other(text), START, END), tcp.data(0, text)]
    }),
    ("the word twice ahead of the rest", |tcp, text| {
        vec![
            part(tcp, other(text), START, END),
            part(tcp, text, START, END),
            part(tcp, text, 0, START),
            part(tcp, text, END, 18),
        ]
    }),
    ("the word twice ahead of the rest, the other way round", |tcp, text| {
        vec![
            part(tcp, text, START, END),
            part(tcp, other(text), START, END),
            part(tcp, text, 0, START),
            part(tcp, text, END, 18),
        ]
    }),
    ("ahead of the rest, its end contradicted", |tcp, text| {
        vec![part(tcp, text, START, END), part(tcp, other(text), 8, 18), part(tcp, text, 0, START)]
    }),
    ("ahead of the rest, its middle contradicted", |tcp, text| {
        vec![part(tcp, text, 8, 18), part(tcp, other(text), 9, 12), part(tcp, text, 0, 8)]
    }),
    ("after a decoy with a wrong checksum", |tcp, text| {
        vec![with_wrong_checksum(tcp.data(0, other(text))), part(tcp, text, 0, 8), part(tcp, text, 8, 18)]
    }),
    ("after a decoy without ACK", |tcp, text| {
        let decoy = tcp.frame(0, other(text), |header| header.ack = false);
        vec![decoy, part(tcp, text, 0, 8), part(tcp, text, 8, 18)]
    }),
    ("after a decoy that acknowledges what was never sent", |tcp, text| {
        let decoy = tcp.frame(0, other(text), |header| header.acknowledgment_number ^= 1 << 30);
        vec![decoy, part(tcp, text, 0, 8), part(tcp, text, 8, 18)]
    }),
    ("after a RST that is outside the window", |tcp, text| {
        let reset = tcp.frame(1 << 29, &[], |header| header.rst = true);
        vec![part(tcp, text, 0, 8), reset, part(tcp, text, 8, 18)]
    }),
    ("after a FIN that is ahead of the data", |tcp, text| {
        let end = tcp.frame(18, &[], |header| header.fin = true);
        vec![part(tcp, text, 0, 8), end, part(tcp, text, 8, 18)]
    }),
    ("with an urgent byte that is not read in line", |tcp, text| {
        let with_byte = [&text[..7], b"x", &text[7..]].concat();
        vec![tcp.frame(0, &with_byte, |header| (header.urg, header.urgent_pointer) = (true, 8))]
    }),
];

/// Contradictions that this kernel answers by taking nothing of them; another receiver may take it.
const REFUSED: &[(&str, Frames)] = &[
    ("sent again with other bytes", |tcp, text| vec![tcp.data(0, other(text)), tcp.data(0, text)]),
    ("in fragments, one of them twice with other bytes", |tcp, text| {
        let (bad, good) = (tcp.data(0, text), tcp.data(0, other(text)));
        vec![
            fragment(&bad, id(tcp), 0..24),
            fragment(&good, id(tcp), 24..32),
            fragment(&bad, id(tcp), 24..32),
            fragment(&bad, id(tcp), 32..38),
        ]
    }),
    ("in fragments, one of them twice, the other way round", |tcp, text| {
        let (bad, good) = (tcp.data(0, text), tcp.data(0, other(text)));
        vec![
            fragment(&bad, id(tcp), 32..38),
            fragment(&bad, id(tcp), 24..32),
            fragment(&good, id(tcp), 24..32),
            fragment(&bad, id(tcp), 0..24),
        ]
    }),
    ("in fragments that overlap in part", |tcp, text| {
        let (bad, good) = (tcp.data(0, text), tcp.data(0, other(text)));
        vec![fragment(&good, id(tcp), 0..32), fragment(&bad, id(tcp), 24..38), fragment(&bad, id(tcp), 0..24)]
    }),
];

/// Sends `text` in each of `ways`, on a connection of its own, each frame on another queue, twice; what the server's process
/// read, by way.
fn send_all(
    lab: &Lab,
    server: &TcpRecorder,
    first_port: u16,
    ways: &[(&'static str, Frames)],
    text: &[u8],
) -> Vec<(&'static str, Vec<u8>)> {
    let host = RawHost::new(lab).unwrap();
    let mut queue = 0;
    let mut send = |frame: &[u8]| {
        queue = (queue + 1) % 4;
        lab.steer(Host::Client, queue).unwrap();
        host.send(frame).unwrap();
    };
    let connections: Vec<_> = (first_port..)
        .zip(ways)
        .map(|(port, &(way, frames))| {
            let tcp = host.connect(port, server.address().port(), SOON).unwrap();
            let frames = frames(&tcp, text);
            // What is dropped is sent again.
            frames.iter().chain(&frames).for_each(|frame| send(frame));
            (way, tcp.address())
        })
        .collect();
    let read = |address| server.received(address).unwrap_or_default();
    // As long as something may still come.
    wait_until(Duration::from_secs(1), || {
        connections.iter().all(|&(_, address)| read(address).len() >= text.len())
    });
    connections.into_iter().map(|(way, address)| (way, read(address))).collect()
}

fn has_word(stream: &[u8]) -> bool {
    stream.windows(WORD.len()).any(|window| window == WORD)
}

fn text(stream: &[u8]) -> String {
    String::from_utf8_lossy(stream).into_owned()
}

#[test]
fn the_receiver_never_reads_the_forbidden_word_however_it_is_sent() {
    let lab = Lab::new().unwrap();
    let server = TcpRecorder::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    // Over the kernel's bridge first: each way does bring the word, or nothing is shown by its not arriving.
    lab.linux_bridge().unwrap();
    for (ways, port) in [(HONEST, 2000), (DISHONEST, 2100)] {
        for (way, stream) in send_all(&lab, &server, port, ways, BAD) {
            let reversed = way.starts_with("the word twice");
            assert!(has_word(&stream) || reversed, "{way}: read `{}`", text(&stream));
        }
    }
    let twice: Vec<_> =
        DISHONEST.iter().copied().filter(|(way, _)| way.starts_with("the word twice")).collect();
    let streams = send_all(&lab, &server, 2200, &twice, BAD);
    assert!(streams.iter().any(|(_, stream)| has_word(stream)), "{streams:?}");
    lab.remove_linux_bridge().unwrap();

    let fastpath = start(&lab, &bridge(&lab).rules(RULE));
    for (ways, port) in [(HONEST, 3000), (DISHONEST, 3100), (REFUSED, 3200)] {
        for (way, stream) in send_all(&lab, &server, port, ways, BAD) {
            assert!(!has_word(&stream), "{way}: read `{}`", text(&stream));
        }
    }
    // Contradictions whose first bytes are the forbidden ones.
    for (ways, port) in [(DISHONEST, 3300), (REFUSED, 3400)] {
        for (way, stream) in send_all(&lab, &server, port, ways, GOOD) {
            assert!(!has_word(&stream), "{way}, harmless: read `{}`", text(&stream));
        }
    }
    // What contradicts nothing arrives.
    for (way, stream) in send_all(&lab, &server, 3500, HONEST, GOOD) {
        assert_eq!(text(&stream), text(GOOD), "{way}");
    }
    let ended = stop(&lab, fastpath);
    let told = ports_of_alerts(&ended, RAW_CLIENT_IP);
    for (port, (way, _)) in (3000..).zip(HONEST) {
        assert!(told.contains(&port), "{way}: no alert");
    }
    for port in 3500..3500 + HONEST.len() as u64 {
        assert!(!told.contains(&port), "an alert of what was harmless");
    }
}

/// Source ports of the alerts about a client.
fn ports_of_alerts(ended: &Ended, client: std::net::Ipv4Addr) -> HashSet<u64> {
    let of_rule = |event: &&serde_json::Value| event["alert"]["signature_id"] == 1_000_001;
    let alerts = ended.events.iter().filter(of_rule).filter(|e| e["src_ip"] == client.to_string());
    alerts.filter_map(|event| event["src_port"].as_u64()).collect()
}

#[test]
fn a_split_word_is_caught_in_each_of_1000_connections_at_once() {
    const BAD_ONES: usize = 1000;
    const GOOD_ONES: usize = 200;
    const THREADS: usize = 8;
    // Both ends of all of them are in this process.
    allow_files(2 * (BAD_ONES + GOOD_ONES) as u64 + 500);
    let lab = Lab::new().unwrap();
    let server = TcpRecorder::start(&lab.server, SocketAddr::from((SERVER_IP, 0))).unwrap();
    let fastpath = start(&lab, &bridge(&lab).rules(RULE));
    let address = server.address();
    let open = |count: usize| -> Vec<TcpStream> {
        let some = || {
            let stream = TcpStream::connect_timeout(&address, SOON).unwrap();
            stream.set_nodelay(true).unwrap();
            stream
        };
        lab.client.enter(|| (0..count).map(|_| some()).collect()).unwrap()
    };
    let mut streams: Vec<(bool, TcpStream)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| (open(BAD_ONES / THREADS), open(GOOD_ONES / THREADS))))
            .collect();
        let opened = threads.into_iter().map(|thread| thread.join().unwrap());
        opened
            .flat_map(|(bad, good)| {
                bad.into_iter()
                    .map(|stream| (true, stream))
                    .chain(good.into_iter().map(|stream| (false, stream)))
            })
            .collect()
    });
    let halves = |bad: bool| if bad { BAD.split_at(8) } else { GOOD.split_at(8) };
    for (bad, stream) in &mut streams {
        stream.write_all(halves(*bad).0).unwrap();
    }
    // The halves are segments of their own: the first one has arrived before the second is sent.
    let first_halves = || server.all().values().filter(|stream| stream.len() == 8).count();
    assert!(wait_until(SOON, || first_halves() == streams.len()), "{} of {}", first_halves(), streams.len());
    for (bad, stream) in &mut streams {
        stream.write_all(halves(*bad).1).unwrap();
    }
    let good: HashSet<SocketAddr> =
        streams.iter().filter(|(bad, _)| !bad).map(|(_, stream)| stream.local_addr().unwrap()).collect();
    let whole =
        || server.all().iter().filter(|(peer, stream)| good.contains(peer) && *stream == GOOD).count();
    assert!(wait_until(SOON, || whole() == good.len()), "{} of {} harmless ones", whole(), good.len());
    // Long enough for retransmissions of those that were dropped.
    thread::sleep(Duration::from_secs(1));
    let received = server.all();
    let caught = received.iter().filter(|(peer, stream)| !good.contains(peer) && !has_word(stream)).count();
    assert_eq!(caught, BAD_ONES, "the others have read the word");
    let ended = stop(&lab, fastpath);
    let told = ports_of_alerts(&ended, CLIENT_IP);
    let bad = streams.iter().filter(|(bad, _)| *bad).map(|(_, stream)| stream.local_addr().unwrap());
    let untold = bad.filter(|peer| !told.contains(&peer.port().into())).count();
    assert_eq!((untold, told.len()), (0, BAD_ONES));
    assert_eq!(stats(&ended).drops("handover"), 0);
    assert_handed_over(stats(&ended));
}

/// Lets this process open `files` files.
fn allow_files(files: u64) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if soft < files {
        setrlimit(Resource::RLIMIT_NOFILE, files, hard.max(files)).unwrap();
    }
}
