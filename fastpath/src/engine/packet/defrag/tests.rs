//! Each rule of the module's table, one by one.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

/// The IPv4 header of a datagram's first fragment, with options of `options` bytes.
fn header_v4(options: usize) -> Vec<u8> {
    let mut header = vec![0; 20 + options];
    header[0] = 0x45 + u8::try_from(options / 4).unwrap();
    header[6] = 0x20;
    (header[8], header[9]) = (64, 17);
    header[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
    header
}

/// The IPv6 header of a datagram's first fragment, with destination options of `options` bytes.
fn header_v6(options: usize) -> Vec<u8> {
    let mut header = vec![0; 40 + options];
    header[0] = 0x60;
    header[6] = 44;
    if options > 0 {
        header[6] = 60;
        (header[40], header[41]) = (44, u8::try_from(options / 8 - 1).unwrap());
    }
    header
}

pub(super) fn v4(offset: u16, more: bool, payload: &[u8]) -> Fragment<'_> {
    static HEADER: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| header_v4(0));
    Fragment {
        vlan: [None; 3],
        source: Ipv4Addr::new(10, 0, 0, 1).into(),
        destination: Ipv4Addr::new(10, 0, 0, 2).into(),
        identification: 1,
        protocol: 17,
        offset,
        more,
        header: &HEADER,
        payload,
    }
}

pub(super) fn v6(offset: u16, more: bool, payload: &[u8]) -> Fragment<'_> {
    static HEADER: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| header_v6(0));
    Fragment {
        source: Ipv6Addr::LOCALHOST.into(),
        destination: Ipv6Addr::LOCALHOST.into(),
        header: &HEADER,
        ..v4(offset, more, payload)
    }
}

pub(super) fn small() -> Settings {
    Settings { memcap: 1 << 20, trackers: 64, ..Settings::default() }
}

fn inline() -> Defragmenter {
    Defragmenter::new(small(), Enforcement::Drop)
}

fn report() -> Defragmenter {
    Defragmenter::new(small(), Enforcement::Report)
}

pub(super) fn seconds(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1_000_000_000)
}

/// A fragment at second 0 that is no numbered packet.
fn accept(defrag: &mut Defragmenter, fragment: &Fragment<'_>) -> Accepted {
    defrag.accept(fragment, Timestamp(0), 0)
}

fn fate(defrag: &mut Defragmenter, fragment: &Fragment<'_>) -> Fate {
    accept(defrag, fragment).fate
}

fn ticket(fate: Fate) -> Ticket {
    match fate {
        Fate::Complete(ticket) => ticket,
        other => panic!("{other:?} is not complete"),
    }
}

fn assembled(defrag: &Defragmenter, ticket: Ticket) -> Vec<u8> {
    let mut bytes = vec![0xee; 3];
    assert!(defrag.assemble(ticket, &mut bytes));
    bytes
}

/// The datagram that `fragment` completes.
fn complete(defrag: &mut Defragmenter, fragment: &Fragment<'_>) -> Vec<u8> {
    let found = ticket(fate(defrag, fragment));
    assembled(defrag, found)
}

#[test]
fn an_ipv4_datagram_gets_its_header_back() {
    let mut defrag = inline();
    let header = header_v4(8);
    let first = Fragment { header: &header, ..v4(0, true, &[1; 16]) };
    assert_eq!(accept(&mut defrag, &v4(16, false, &[2; 5])), Accepted { fate: Fate::Held, event: None });
    let bytes = complete(&mut defrag, &first);
    let (ip, rest) = etherparse::Ipv4Header::from_slice(&bytes).unwrap();
    assert_eq!((ip.total_len, ip.more_fragments, ip.fragment_offset.value()), (28 + 21, false, 0));
    assert_eq!((ip.time_to_live, ip.options.len()), (64, 8));
    assert_eq!(ip.header_checksum, ip.calc_header_checksum());
    assert_eq!(rest, [[1; 16].as_slice(), &[2; 5]].concat());
}

#[test]
fn an_ipv6_datagram_gets_the_protocol_in_the_place_of_the_fragment_header() {
    for options in [0, 16] {
        let mut defrag = inline();
        let header = header_v6(options);
        let first = Fragment { header: &header, ..v6(0, true, &[1; 8]) };
        assert_eq!(fate(&mut defrag, &first), Fate::Held);
        // The next header of a later fragment means nothing (RFC 8200, section 4.5).
        let last = Fragment { protocol: 6, ..v6(8, false, &[2; 1]) };
        let bytes = complete(&mut defrag, &last);
        let (ip, rest) = etherparse::Ipv6Header::from_slice(&bytes).unwrap();
        assert_eq!(usize::from(ip.payload_length), options + 9);
        let named = if options > 0 { bytes[40] } else { ip.next_header.0 };
        assert_eq!(named, 17);
        assert_eq!(rest[options..], [1, 1, 1, 1, 1, 1, 1, 1, 2]);
    }
}

#[test]
fn a_dropped_datagram_is_condemned_until_no_receiver_waits_for_it() {
    let mut defrag = inline();
    assert_eq!(fate(&mut defrag, &v4(0, true, &[1; 8])), Fate::Held);
    let found = ticket(defrag.accept(&v4(8, false, &[2; 8]), seconds(40), 0).fate);
    defrag.settle(found, Verdict::Drop(DropReason::Rule));
    assert!(!defrag.assemble(found, &mut Vec::new()));
    for second in [40, 100, 104] {
        for fragment in [v4(0, true, &[1; 8]), v4(8, false, &[2; 8]), v4(8, false, &[3; 8])] {
            let fate = defrag.accept(&fragment, seconds(second), 0).fate;
            assert_eq!(fate, Fate::Condemned(DropReason::Rule));
            assert_eq!(fate.drop_reason(), Some(DropReason::Rule));
        }
    }
    assert_eq!(defrag.accept(&v4(8, false, &[2; 8]), seconds(105), 0).fate, Fate::Held);
}

#[test]
fn a_forwarded_datagram_is_closed_until_no_receiver_has_a_rest_of_it() {
    let mut defrag = inline();
    fate(&mut defrag, &v4(0, true, &[1; 8]));
    let found = ticket(fate(&mut defrag, &v4(8, false, &[2; 8])));
    assert_eq!(fate(&mut defrag, &v4(8, false, &[2; 8])), Fate::Late, "the verdict is still awaited");
    defrag.settle(found, Verdict::Forward);
    for second in [0, 64] {
        assert_eq!(defrag.accept(&v4(0, true, &[9; 8]), seconds(second), 0).fate, Fate::Late);
    }
    assert_eq!(defrag.accept(&v4(0, true, &[9; 8]), seconds(65), 0).fate, Fate::Held);
    // A verdict that comes much too late changes nothing any more.
    defrag.settle(found, Verdict::Drop(DropReason::Rule));
    assert_eq!(defrag.accept(&v4(0, true, &[9; 8]), seconds(65), 0).fate, Fate::Held);
}

#[test]
fn with_no_reuse_time_the_identification_is_free_at_once() {
    let v4_timeouts = Timeouts { reuse: Duration::ZERO, ..Timeouts::default() };
    let mut defrag = Defragmenter::new(Settings { v4: v4_timeouts, ..small() }, Enforcement::Drop);
    for byte in 0..10 {
        assert_eq!(fate(&mut defrag, &v4(0, true, &[byte; 8])), Fate::Held);
        let found = ticket(fate(&mut defrag, &v4(8, false, &[byte; 8])));
        defrag.settle(found, Verdict::Forward);
        assert_eq!((defrag.datagrams(), defrag.memory()), (0, 0));
    }
}

/// Three times through all identifications of IPv4, with no time between.
#[test]
fn a_sender_never_meets_its_own_identifications() {
    let mut defrag = Defragmenter::new(Settings::default(), Enforcement::Drop);
    for identification in (0..65_536).cycle().take(3 * 65_536) {
        let of = |fragment| Fragment { identification, ..fragment };
        assert_eq!(fate(&mut defrag, &of(v4(0, true, &[1; 8]))), Fate::Held);
        let found = ticket(fate(&mut defrag, &of(v4(8, false, &[2; 8]))));
        defrag.settle(found, Verdict::Forward);
    }
    assert_eq!(defrag.datagrams(), 32_768);
    // The younger half of them is closed.
    for (identification, expected) in [(32_767, Fate::Held), (32_768, Fate::Late), (65_535, Fate::Late)] {
        let fragment = Fragment { identification, ..v4(0, true, &[9; 8]) };
        assert_eq!(fate(&mut defrag, &fragment), expected, "{identification}");
    }
}

#[test]
fn only_the_closed_are_given_up_and_each_ip_version_by_itself() {
    let mut defrag = Defragmenter::new(Settings { closed: 2, ..small() }, Enforcement::Drop);
    let of = |identification, fragment| Fragment { identification, ..fragment };
    fate(&mut defrag, &of(1, v4(0, true, &[1; 8])));
    fate(&mut defrag, &of(2, v4(0, true, &[1; 8])));
    let condemned = ticket(fate(&mut defrag, &of(2, v4(8, false, &[1; 8]))));
    defrag.settle(condemned, Verdict::Drop(DropReason::Rule));
    for (make, identifications) in [(v6 as fn(_, _, _) -> _, 10..12), (v4, 20..40)] {
        for identification in identifications {
            fate(&mut defrag, &of(identification, make(0, true, &[1; 8])));
            let found = ticket(fate(&mut defrag, &of(identification, make(8, false, &[1; 8]))));
            defrag.settle(found, Verdict::Forward);
        }
    }
    assert_eq!(defrag.datagrams(), 2 + 2 + 2);
    assert_eq!(fate(&mut defrag, &of(2, v4(0, true, &[1; 8]))), Fate::Condemned(DropReason::Rule));
    for fragment in [of(10, v6(0, true, &[1; 8])), of(38, v4(0, true, &[1; 8])), of(39, v4(0, true, &[1; 8]))]
    {
        assert_eq!(fate(&mut defrag, &fragment), Fate::Late);
    }
    assert!(matches!(fate(&mut defrag, &of(1, v4(8, false, &[1; 8]))), Fate::Complete(_)));
}

/// Half of the trackers and of the memory stay for datagrams that are open.
#[test]
fn the_closed_take_at_most_half() {
    assert_eq!(Settings::default().most_closed(), 32_768);
    assert_eq!(Settings { trackers: 100, ..small() }.most_closed(), 25);
    let memcap = 80 * size_of::<Tracker>();
    assert_eq!(Settings { memcap, trackers: 1000, ..small() }.most_closed(), 20);
}

#[test]
fn other_bytes_condemn_the_datagram() {
    let mut defrag = inline();
    fate(&mut defrag, &v4(0, true, &[1; 24]));
    let other = Accepted { fate: Fate::Contradiction, event: Some(DefragEvent::Overlap) };
    assert_eq!(accept(&mut defrag, &v4(16, true, &[2; 16])), other);
    let condemned = Accepted { fate: Fate::Condemned(DropReason::Defrag), event: None };
    assert_eq!(accept(&mut defrag, &v4(24, false, &[1; 8])), condemned);
}

#[test]
fn the_same_bytes_are_no_contradiction() {
    let mut defrag = inline();
    fate(&mut defrag, &v4(8, true, &[1; 16]));
    let same = Accepted { fate: Fate::Held, event: Some(DefragEvent::Overlap) };
    assert_eq!(accept(&mut defrag, &v4(8, true, &[1; 16])), same);
    assert_eq!(accept(&mut defrag, &v4(16, true, &[1; 16])), same);
    assert_eq!(accept(&mut defrag, &v4(0, true, &[1; 40])), same);
    // Another TTL, other options: only the first one's headers are used.
    let header = header_v4(4);
    assert_eq!(accept(&mut defrag, &Fragment { header: &header, ..v4(0, true, &[1; 8]) }), same);
    let bytes = complete(&mut defrag, &v4(40, false, &[1]));
    assert_eq!(bytes[20..], [1; 41]);
}

#[test]
fn another_end_is_a_contradiction() {
    let cases: [(Fragment<'_>, Fragment<'_>, DefragEvent); 5] = [
        // A second last fragment, longer and shorter.
        (v4(8, false, &[1; 8]), v4(8, false, &[1; 9]), DefragEvent::Overlap),
        (v4(8, false, &[1; 8]), v4(8, false, &[1; 7]), DefragEvent::Overlap),
        // Data behind the end, known before or after.
        (v4(8, false, &[1; 8]), v4(16, true, &[1; 8]), DefragEvent::Ignored),
        (v4(16, true, &[1; 8]), v4(8, false, &[1; 8]), DefragEvent::Ignored),
        // Only a unit, cut short.
        (v4(8, true, &[1; 8]), v4(8, false, &[1; 7]), DefragEvent::Overlap),
    ];
    for (one, other, event) in cases {
        let mut defrag = inline();
        assert_eq!(fate(&mut defrag, &one), Fate::Held);
        let refused = Accepted { fate: Fate::Contradiction, event: Some(event) };
        assert_eq!(accept(&mut defrag, &other), refused, "{one:?} {other:?}");
        assert_eq!(fate(&mut defrag, &one), Fate::Condemned(DropReason::Defrag));
        // In detect mode it is not taken, and what was there stays.
        let mut defrag = report();
        fate(&mut defrag, &one);
        assert_eq!(accept(&mut defrag, &other), refused);
        assert_eq!(fate(&mut defrag, &one), Fate::Held);
    }
}

#[test]
fn another_protocol_is_a_contradiction_in_ipv6_and_another_datagram_in_ipv4() {
    let mut defrag = inline();
    fate(&mut defrag, &v6(0, true, &[1; 8]));
    assert_eq!(fate(&mut defrag, &Fragment { protocol: 6, ..v6(0, true, &[1; 8]) }), Fate::Contradiction);
    fate(&mut defrag, &v4(0, true, &[1; 8]));
    assert_eq!(fate(&mut defrag, &Fragment { protocol: 6, ..v4(0, true, &[2; 8]) }), Fate::Held);
    assert_eq!(defrag.datagrams(), 3);
}

#[test]
fn networks_and_identifications_are_kept_apart() {
    let mut defrag = inline();
    fate(&mut defrag, &v4(0, true, &[1; 8]));
    let others = [
        Fragment { vlan: [Some(5), None, None], ..v4(0, true, &[2; 8]) },
        Fragment { identification: 2, ..v4(0, true, &[2; 8]) },
        Fragment { destination: Ipv4Addr::new(10, 0, 0, 3).into(), ..v4(0, true, &[2; 8]) },
    ];
    for other in others {
        assert_eq!(fate(&mut defrag, &other), Fate::Held);
    }
}

#[test]
fn impossible_fragments_are_refused() {
    let long = vec![0; 65_535];
    let too_large =
        [v4(65_528, false, &long[..8]), v6(65_528, true, &long[..8]), v4(0, true, &long[..65_520])];
    for fragment in too_large {
        for mut defrag in [inline(), report()] {
            let refused = Accepted { fate: Fate::Malformed, event: Some(DefragEvent::PacketTooLarge) };
            assert_eq!(accept(&mut defrag, &fragment), refused);
        }
    }
    let refused = |event| Accepted { fate: Fate::Malformed, event: Some(event) };
    assert_eq!(accept(&mut inline(), &v4(8, true, &[1; 9])), refused(DefragEvent::InvalidLength));
    assert_eq!(accept(&mut report(), &v6(8, true, &[1; 9])), refused(DefragEvent::InvalidLength));
    assert_eq!(accept(&mut inline(), &v4(8, true, &[])), refused(DefragEvent::Ignored));
    assert_eq!(accept(&mut report(), &v4(8, true, &[])), refused(DefragEvent::Ignored));
    assert_eq!(accept(&mut inline(), &v6(8, false, &[])), refused(DefragEvent::Ignored));
    // Headers of which no datagram can be made.
    for header in [&[][..], &[0; 39], &[0; 41], &[0; 300]] {
        let fragment = Fragment { header, ..v6(0, true, &[1; 8]) };
        assert_eq!(accept(&mut inline(), &fragment), refused(DefragEvent::Ignored));
    }
    let fragment = Fragment { header: &[0x45; 19], ..v4(0, true, &[1; 8]) };
    assert_eq!(accept(&mut inline(), &fragment), refused(DefragEvent::Ignored));
}

#[test]
fn the_whole_can_be_too_large_though_no_fragment_is() {
    for (mut defrag, after) in [(inline(), Fate::Condemned(DropReason::Defrag)), (report(), Fate::Held)] {
        let (payload, header) = (vec![0; 65_528], header_v4(40));
        assert_eq!(fate(&mut defrag, &v4(8, false, &payload[..65_500])), Fate::Held);
        let first = Fragment { header: &header, ..v4(0, true, &[0; 8]) };
        let refused = Accepted { fate: Fate::Malformed, event: Some(DefragEvent::PacketTooLarge) };
        assert_eq!(accept(&mut defrag, &first), refused);
        assert_eq!(fate(&mut defrag, &first), after);
    }
}

#[test]
fn the_largest_datagram_in_the_smallest_fragments() {
    let payload: Vec<u8> = (0..65_535_u32 - 20).map(|at| (at % 251) as u8).collect();
    let mut defrag = inline();
    // From the end, and each but the first twice.
    for (number, unit) in payload.chunks(8).enumerate().skip(1).collect::<Vec<_>>().into_iter().rev() {
        let offset = u16::try_from(number * 8).unwrap();
        let fragment = v4(offset, usize::from(offset) + unit.len() < payload.len(), unit);
        assert_eq!(accept(&mut defrag, &fragment), Accepted { fate: Fate::Held, event: None });
        assert_eq!(fate(&mut defrag, &fragment), Fate::Held);
    }
    let bytes = complete(&mut defrag, &v4(0, true, &payload[..8]));
    assert_eq!(bytes.len(), 65_535);
    assert_eq!(bytes[20..], payload);
}

#[test]
fn a_transport_header_in_two_fragments_is_read_whole() {
    // A TCP header cut after its ports and sequence number.
    let tcp: Vec<u8> = (0..30).collect();
    let mut defrag = inline();
    assert_eq!(fate(&mut defrag, &v6(0, true, &tcp[..8])), Fate::Held);
    let bytes = complete(&mut defrag, &v6(8, false, &tcp[8..]));
    assert_eq!(bytes[40..], tcp);
}

#[test]
fn an_atomic_fragment_is_a_datagram_by_itself() {
    let mut defrag = inline();
    assert_eq!(fate(&mut defrag, &v6(0, false, &[1; 8])), Fate::Atomic);
    assert_eq!(defrag.datagrams(), 0);
    // But an old receiver would take it for the end of what it has: other bytes there were never inspected as a datagram.
    fate(&mut defrag, &v6(0, true, &[2; 8]));
    assert_eq!(fate(&mut defrag, &v6(0, false, &[1; 8])), Fate::Contradiction);
    let mut defrag = report();
    fate(&mut defrag, &v6(0, true, &[2; 8]));
    assert_eq!(fate(&mut defrag, &v6(0, false, &[1; 8])), Fate::Atomic);
}

#[test]
fn detect_mode_reads_what_linux_reads_of_odd_fragments() {
    let mut defrag = report();
    // Trimmed to 8 bytes; an empty last fragment tells the end.
    assert_eq!(fate(&mut defrag, &v4(0, true, &[1; 13])), Fate::Held);
    assert_eq!(fate(&mut defrag, &v4(16, false, &[])), Fate::Held);
    let found = ticket(fate(&mut defrag, &v4(8, true, &[2; 8])));
    assert_eq!(assembled(&defrag, found)[20..], [[1; 8], [2; 8]].concat());
}

#[test]
fn detect_mode_keeps_the_first_bytes_and_goes_on() {
    let mut defrag = report();
    fate(&mut defrag, &v4(8, true, &[1; 8]));
    let other = Accepted { fate: Fate::Held, event: Some(DefragEvent::Overlap) };
    assert_eq!(accept(&mut defrag, &v4(0, true, &[2; 16])), other);
    let found = ticket(fate(&mut defrag, &v4(16, false, &[3; 8])));
    assert_eq!(assembled(&defrag, found)[20..], [[2; 8], [1; 8], [3; 8]].concat());
    defrag.settle(found, Verdict::WouldDrop(DropReason::Rule));
    assert_eq!((defrag.datagrams(), defrag.memory()), (0, 0), "nothing is closed");
}

#[test]
fn the_clock_counts_from_the_last_fragment_and_may_jump_back() {
    let mut defrag = inline();
    defrag.accept(&v4(0, true, &[1; 8]), seconds(1000), 0);
    defrag.accept(&v4(16, true, &[1; 8]), seconds(1060), 0);
    defrag.accept(&v4(24, true, &[1; 8]), seconds(10), 0);
    defrag.tick(seconds(1124));
    assert_eq!(defrag.datagrams(), 1);
    defrag.tick(seconds(1125));
    assert_eq!((defrag.datagrams(), defrag.memory()), (0, 0));
    assert_eq!(defrag.accept(&v4(0, true, &[1; 8]), Timestamp(u64::MAX), 0).fate, Fate::Held);
}

#[test]
fn what_has_expired_is_let_go_piece_by_piece() {
    let mut defrag = Defragmenter::new(Settings { trackers: 1000, ..Settings::default() }, Enforcement::Drop);
    for identification in 0..1000 {
        fate(&mut defrag, &Fragment { identification, ..v4(0, true, &[1; 8]) });
    }
    defrag.tick(seconds(65));
    assert_eq!(defrag.datagrams(), 1000 - EXPIRED_PER_TICK);
    let other = Fragment { identification: 1, ..v6(0, true, &[1; 8]) };
    defrag.accept(&other, seconds(65), 0);
    assert_eq!(defrag.datagrams(), 1000 - EXPIRED_PER_TICK - EXPIRED_PER_FRAGMENT + 1);
    // One that nobody let go yet has expired all the same.
    let again = Fragment { identification: 999, ..v4(0, true, &[2; 8]) };
    assert_eq!(defrag.accept(&again, seconds(65), 0), Accepted { fate: Fate::Held, event: None });
}

#[test]
fn the_new_is_refused_when_memory_is_short_and_what_is_known_stays() {
    let refused = Accepted { fate: Fate::NoMemory, event: Some(DefragEvent::Ignored) };
    let one = size_of::<Tracker>() + size_of::<Assembly>() + size_of::<Page>();
    let settings = Settings { memcap: 2 * one + size_of::<Page>(), ..small() };
    let mut defrag = Defragmenter::new(settings, Enforcement::Drop);
    let of = |identification, fragment| Fragment { identification, ..fragment };
    assert_eq!(fate(&mut defrag, &of(1, v4(0, true, &[1; 8]))), Fate::Held);
    assert_eq!(fate(&mut defrag, &of(2, v4(0, true, &[1; 8]))), Fate::Held);
    assert_eq!(accept(&mut defrag, &of(3, v4(0, true, &[1; 8]))), refused);
    assert_eq!(accept(&mut defrag, &of(1, v4(8, true, &[1; 2048]))), refused, "more pages than there are");
    assert_eq!(fate(&mut defrag, &of(1, v4(8, true, &[1; 504 + 512]))), Fate::Held);
    assert_eq!(accept(&mut defrag, &of(2, v4(512, true, &[1; 8]))), refused);
    assert_eq!(defrag.memory(), settings.memcap);
    assert!(matches!(fate(&mut defrag, &of(2, v4(8, false, &[1; 8]))), Fate::Complete(_)));
    // Neither is there a tracker more than allowed.
    let mut defrag = Defragmenter::new(Settings { trackers: 1, ..small() }, Enforcement::Drop);
    assert_eq!(fate(&mut defrag, &of(1, v4(0, true, &[1; 8]))), Fate::Held);
    assert_eq!(accept(&mut defrag, &of(2, v4(0, true, &[1; 8]))), refused);
    for settings in [Settings { trackers: 0, ..small() }, Settings { memcap: 0, ..small() }] {
        let mut defrag = Defragmenter::new(settings, Enforcement::Drop);
        assert_eq!(accept(&mut defrag, &v4(0, true, &[1; 8])), refused);
    }
}

#[test]
fn the_memcap_can_be_simulated_for_a_packet() {
    let settings = Settings { simulate_memcap_at: Some(2), ..small() };
    let mut defrag = Defragmenter::new(settings, Enforcement::Drop);
    let fates = [1, 2, 3].map(|number| defrag.accept(&v4(0, true, &[1; 8]), Timestamp(0), number).fate);
    assert_eq!(fates, [Fate::Held, Fate::NoMemory, Fate::Held]);
}

#[test]
fn events_have_suricatas_names() {
    assert_eq!(DefragEvent::Overlap.name(false), "ipv4.frag_overlap");
    assert_eq!(DefragEvent::InvalidLength.name(true), "ipv6.frag_invalid_length");
}
