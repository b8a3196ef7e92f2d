//! Rules are replaced under traffic: nothing is lost by it, and what all sets drop never gets through.

use std::{
    fmt::Write as _,
    io::Write as _,
    net::{SocketAddr, TcpStream, UdpSocket},
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use fastpath_lab::{
    Fastpath, HttpServer, Lab, PORT_IN, PORT_OUT, SERVER_IP, Signal, Stats, TcpRecorder, download,
    pattern_digest, wait_until,
};
use nix::sys::socket::{setsockopt, sockopt};

use crate::wire::{SOON, assert_queues_received, bridge, end, start, stats, stop};

/// What every good set of rules has.
const FORBIDDEN: &str = r#"
drop udp any any -> any any (msg:"LAB forbidden datagram"; content:"FORBIDDEN"; sid:1000001;)
drop tcp any any -> any any (msg:"LAB forbidden stream"; content:"FORBIDDEN"; sid:1000002;)
"#;
const RELOADS: usize = 200;
/// Flows of the numbered datagrams.
const FLOWS: usize = 32;
/// Every so many of them is a forbidden one.
const FORBIDDEN_EVERY: u64 = 5;
/// Between two datagrams.
const PACE: Duration = Duration::from_micros(400);

/// A good set, different from the one before it: the forbidding rules have another place in each.
fn good(number: usize) -> String {
    let mut text = String::new();
    for rule in 0..100 + number % 7 * 50 {
        let action = if rule % 2 == 0 { "drop" } else { "alert" };
        let _ = writeln!(
            text,
            "{action} udp any any -> any any (msg:\"LAB filler\"; content:\"filler {number} {rule}\"; sid:{};)",
            2_000_000 + rule
        );
    }
    text + FORBIDDEN
}

/// Makes the rule file one that must be refused, each time in another way. None of them forbids anything.
fn break_file(path: &Path, number: usize) {
    let _ = std::fs::remove_dir(path);
    let alert = r#"alert udp any any -> any any (msg:"LAB"; content:"x"; sid:3;)"#;
    let text = match number % 6 {
        0 => return std::fs::remove_file(path).unwrap(),
        1 => {
            std::fs::remove_file(path).unwrap();
            return std::fs::create_dir(path).unwrap();
        }
        2 => format!("{alert}\nalert udp any any -> any any (msg:\"LAB\"; no-such-keyword; sid:4;)"),
        3 => format!("{alert}\n{alert}"),
        4 => format!("{alert}\nthis is no rule"),
        _ => format!("{alert}\nalert udp any any -> any any (content:\"unfinished"),
    };
    replace(path, &text);
}

fn replace(path: &Path, text: &str) {
    let _ = std::fs::remove_dir(path);
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, path).unwrap();
}

/// Replacements and refusals so far.
fn outcomes(fastpath: &Fastpath) -> (usize, usize) {
    let said = fastpath.process.stderr();
    (said.matches("rules reloaded").count(), said.matches("reload refused").count())
}

/// Asks for a reload and waits for what comes of it.
fn reload(fastpath: &Fastpath) {
    let before = outcomes(fastpath);
    fastpath.process.signal(Signal::SIGHUP).unwrap();
    assert!(wait_until(SOON, || outcomes(fastpath) != before), "no reload: {}", fastpath.process.stderr());
}

/// Resident memory, KiB.
fn resident(fastpath: &Fastpath) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", fastpath.process.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Datagrams at the server, by what they are.
#[derive(Default)]
struct Arrived {
    ordinary: AtomicU64,
    twice: AtomicU64,
    forbidden: AtomicU64,
}

/// Takes datagrams until `done`, and then what is still on its way.
fn receive(socket: &UdpSocket, done: &AtomicBool, arrived: &Arrived) {
    let mut seen = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let Ok(length) = socket.recv(&mut buffer) else {
            if done.load(Ordering::Relaxed) {
                return;
            }
            continue;
        };
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        let (kind, number) = text.rsplit_once(' ').unwrap();
        let number: usize = number.parse().unwrap();
        seen.resize(seen.len().max(number + 1), false);
        let counter = match (kind, std::mem::replace(&mut seen[number], true)) {
            ("ordinary", false) => &arrived.ordinary,
            ("ordinary", true) => &arrived.twice,
            _ => &arrived.forbidden,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends numbered datagrams at a steady pace until `done`; how many harmless and forbidden ones.
fn send(sockets: &[UdpSocket], done: &AtomicBool) -> (u64, u64) {
    let (mut ordinary, mut forbidden) = (0, 0);
    for (number, socket) in (0..).zip(sockets.iter().cycle()) {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let (kind, count) = match number % FORBIDDEN_EVERY {
            0 => ("FORBIDDEN", &mut forbidden),
            _ => ("ordinary", &mut ordinary),
        };
        socket.send(format!("{kind} {number}").as_bytes()).unwrap();
        *count += 1;
        thread::sleep(PACE);
    }
    (ordinary, forbidden)
}

/// Sets all of them in the end, be it a failed assertion: nobody waits for ever.
struct AtLast<'a>([&'a AtomicBool; 2]);

impl Drop for AtLast<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|flag| flag.store(true, Ordering::Relaxed));
    }
}

/// Frames that rings of the kernel and the peer's backlog took no more of.
fn lost(lab: &Lab, stats: &Stats) -> u64 {
    let rings: u64 = stats
        .queues
        .iter()
        .filter(|queue| queue.port == PORT_IN)
        .map(|queue| queue.kernel["rx_dropped"] + queue.kernel["rx_ring_full"])
        .sum();
    let path = format!("/sys/class/net/{PORT_OUT}/statistics/tx_dropped");
    let backlog: u64 = lab.inspector.run("cat", &[path]).unwrap().trim().parse().unwrap();
    rings + backlog
}

#[test]
fn two_hundred_reloads_under_load_lose_and_miss_nothing() {
    let lab = Lab::new().unwrap();
    let any = SocketAddr::from((SERVER_IP, 0));
    let server = lab.server.enter(|| UdpSocket::bind(any)).unwrap().unwrap();
    setsockopt(&server, sockopt::RcvBufForce, &(8 << 20)).unwrap();
    server.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let to = server.local_addr().unwrap();
    let sockets = lab.client.enter(|| {
        let connected = |_| {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.connect(to).unwrap();
            socket
        };
        (0..FLOWS).map(connected).collect::<Vec<_>>()
    });
    let sockets = sockets.unwrap();
    let http = HttpServer::start(&lab.server, any).unwrap();
    let recorder = TcpRecorder::start(&lab.server, any).unwrap();
    let fastpath = start(&lab, &bridge(&lab).rules(&good(0)));
    let rules = fastpath.process.path("test.rules");
    let mut long = lab.client.enter(|| TcpStream::connect(recorder.address())).unwrap().unwrap();
    let long_address = long.local_addr().unwrap();

    let (done, sent_all) = (AtomicBool::new(false), AtomicBool::new(false));
    let arrived = Arrived::default();
    let mut written = Vec::new();
    let (ordinary, forbidden) = thread::scope(|scope| {
        scope.spawn(|| receive(&server, &sent_all, &arrived));
        let datagrams = scope.spawn(|| send(&sockets, &done));
        let downloads = scope.spawn(|| {
            let mut intact = 0;
            while !done.load(Ordering::Relaxed) {
                let body = download(&lab.client, http.address(), 100_000, "Accept: */*", SOON).unwrap();
                assert_eq!(body.digest, pattern_digest(100_000));
                intact += 1;
            }
            intact
        });
        let attacks = scope.spawn(|| {
            let mut attacks = 0;
            while !done.load(Ordering::Relaxed) {
                let connection = lab.client.enter(|| TcpStream::connect_timeout(&recorder.address(), SOON));
                // In two segments, so that a swap may come between them.
                let mut connection = connection.unwrap().unwrap();
                connection.set_nodelay(true).unwrap();
                connection.write_all(b"this is FORB").unwrap();
                thread::sleep(Duration::from_millis(20));
                connection.write_all(b"IDDEN here").unwrap();
                attacks += 1;
                thread::sleep(Duration::from_millis(50));
            }
            attacks
        });
        let _end = AtLast([&done, &sent_all]);
        let mut early = 0;
        for number in 1..=RELOADS {
            match number % 2 {
                0 => break_file(&rules, number / 2),
                _ => replace(&rules, &good(number)),
            }
            reload(&fastpath);
            let line = format!("the connection of before, after reload {number}\n");
            long.write_all(line.as_bytes()).unwrap();
            written.extend_from_slice(line.as_bytes());
            if number == RELOADS / 10 {
                early = resident(&fastpath);
            }
        }
        let late = resident(&fastpath);
        assert!(late < early + 16 * 1024, "resident memory grew from {early} to {late} KiB");
        done.store(true, Ordering::Relaxed);
        let sent = datagrams.join().unwrap();
        assert!(downloads.join().unwrap() > 0 && attacks.join().unwrap() > 0);
        sent
    });
    let half = RELOADS / 2;
    assert_eq!(outcomes(&fastpath), (half, half), "{}", fastpath.process.stderr());
    assert!(wait_until(SOON, || recorder
        .received(long_address)
        .is_some_and(|got| got.len() >= written.len())));
    assert_eq!(recorder.received(long_address).unwrap(), written, "the connection of before is damaged");
    for (peer, bytes) in recorder.all() {
        assert!(!bytes.windows(9).any(|window| window == b"FORBIDDEN"), "{peer} got it through");
    }
    let ended = stop(&lab, fastpath);
    let stats = stats(&ended);
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    assert!(forbidden > 500, "only {forbidden} forbidden datagrams were sent");
    assert_eq!((count(&arrived.forbidden), count(&arrived.twice)), (0, 0));
    let missing = ordinary - count(&arrived.ordinary);
    assert!(
        missing <= lost(&lab, stats),
        "{missing} of {ordinary} are missing, not all accounted for: {stats:?}"
    );
    assert_queues_received(stats, PORT_IN, 0..4);
    assert_eq!((stats.rules.reloads, stats.rules.reloads_refused), (half as u64, half as u64));
    assert_eq!(stats.rules.generation as usize, 1 + half);
    let last = ended.events.iter().rev().find(|event| event["event_type"] == "stats").unwrap();
    let engine = &last["stats"]["detect"]["engines"][0];
    let loaded = good(RELOADS - 1).lines().filter(|line| line.contains("sid")).count();
    assert_eq!((&engine["rules_loaded"], &engine["rules_failed"]), (&loaded.into(), &0.into()), "{last}");
    assert_refusals_say_why(&ended.stderr);
}

/// Each way in which a file is broken is told with its place.
fn assert_refusals_say_why(said: &str) {
    for words in [
        "test.rules: cannot read the file: No such file",
        "test.rules: cannot read the file: Is a directory",
        "test.rules:2:42: sid 4: unknown keyword `no-such-keyword`",
        "test.rules:2:",
    ] {
        assert!(said.contains(words), "`{words}` is not in: {said}");
    }
}

#[test]
fn told_to_it_takes_what_is_good_of_a_bad_file() {
    let lab = Lab::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("fastpath.toml");
    std::fs::write(&config, "[bad-rules]\nstart = \"skip\"\nreload = \"skip\"\n").unwrap();
    let bad = "\nalert udp any any -> any any (no-such-keyword; sid:4;)\n";
    let command = bridge(&lab).args([Path::new("-c"), &config]).rules(&(good(1) + bad));
    let fastpath = start(&lab, &command);
    let rules = fastpath.process.path("test.rules");
    let running = fastpath.wait_stats(SOON, |stats| stats.rules.failed == 1).unwrap();
    replace(&rules, &(FORBIDDEN.to_owned() + bad + &bad.replace('4', "5")));
    reload(&fastpath);
    let after = fastpath.wait_stats(SOON, |stats| stats.rules.failed == 2).unwrap();
    assert!(running.rules.loaded > 2 && after.rules.loaded == 2, "{after:?}");
    break_file(&rules, 0);
    reload(&fastpath);
    let ended = stop(&lab, fastpath);
    assert_eq!((stats(&ended).rules.reloads, stats(&ended).rules.reloads_refused), (1, 1));
}

#[test]
fn a_stop_does_not_wait_for_a_reload() {
    let lab = Lab::new().unwrap();
    let fastpath = start(&lab, &bridge(&lab).rules(&good(1)));
    let rules: String = (0..200_000)
        .map(|n| format!("alert udp any any -> any any (content:\"many rules {n}\"; sid:{};)\n", n + 1))
        .collect();
    replace(&fastpath.process.path("test.rules"), &rules);
    fastpath.process.signal(Signal::SIGHUP).unwrap();
    // Long enough for it to have begun.
    thread::sleep(Duration::from_millis(300));
    let ended = end(&lab, fastpath, Signal::SIGTERM);
    assert_eq!(stats(&ended).rules.reloads, 0, "the load was over before: the test shows nothing");
}
