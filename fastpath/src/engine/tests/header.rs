//! Keywords about packet headers.

use super::*;
use crate::engine::meta::ChecksumState;

/// Those of `options` that a rule with nothing else gives on `packet`.
#[track_caller]
fn hold<'a>(packet: &[u8], options: &[&'a str]) -> Vec<&'a str> {
    let rules: Vec<_> = (1..)
        .zip(options)
        .map(|(sid, options)| format!("alert ip any any -> any any ({options}; sid:{sid};)"))
        .collect();
    let sids = sids(&rules.join("\n"), packet.to_vec());
    options.iter().zip(1..).filter(|(_, sid)| sids.contains(sid)).map(|(options, _)| *options).collect()
}

/// An IPv4 packet whose header has these options, and bytes 6 and 7.
fn ipv4(fragment: [u8; 2], options: &[u8]) -> Vec<u8> {
    let mut bytes = udp(b"data");
    let total = 32 + options.len();
    bytes[14] = 0x45 + u8::try_from(options.len() / 4).unwrap();
    bytes[16..18].copy_from_slice(&u16::try_from(total).unwrap().to_be_bytes());
    bytes[18..20].copy_from_slice(&[0x12, 0x34]);
    bytes[20..22].copy_from_slice(&fragment);
    bytes.splice(34..34, options.iter().copied());
    let header: u32 = bytes[14..34 + options.len()]
        .chunks(2)
        .enumerate()
        .filter(|(at, _)| *at != 5)
        .map(|(_, pair)| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    let sum = !u16::try_from((header & 0xffff) + (header >> 16)).unwrap();
    bytes[24..26].copy_from_slice(&sum.to_be_bytes());
    bytes
}

#[test]
fn options_of_ipv4() {
    let all = [
        "ipopts:rr",
        "ipopts:lsrr",
        "ipopts:ssrr",
        "ipopts:eol",
        "ipopts:nop",
        "ipopts:ts",
        "ipopts:sec",
        "ipopts:esec",
        "ipopts:satid",
        "ipopts:qs",
        "ipopts:cipso",
        "ipopts:rtralt",
    ];
    let held = |options: &[u8]| {
        let packet = ipv4([0, 0], options);
        assert_eq!(hold(&packet, &["ipopts:any"]).is_empty(), options.is_empty());
        hold(&packet, &all)
    };
    assert!(held(&[]).is_empty());
    assert_eq!(held(&[7, 3, 4, 0]), ["ipopts:rr", "ipopts:eol"]);
    assert_eq!(held(&[1, 1, 1, 0, 148, 4, 0, 0]), ["ipopts:eol", "ipopts:nop"], "behind the end is nothing");
    assert_eq!(held(&[148, 4, 0, 0, 136, 4, 0, 0]), ["ipopts:satid", "ipopts:rtralt"]);
    assert_eq!(held(&[68, 8, 5, 0, 0, 0, 0, 0]), ["ipopts:ts"]);
    assert_eq!(
        held(&[130, 3, 0, 131, 3, 4, 137, 3, 4, 133, 3, 0]),
        ["ipopts:lsrr", "ipopts:ssrr", "ipopts:sec", "ipopts:esec"]
    );
    assert_eq!(held(&[25, 8, 0, 0, 0, 0, 0, 0]), ["ipopts:qs"]);
    assert!(hold(&tcp(b""), &["ipopts:any", "ipopts:eol"]).is_empty(), "IPv6 has none of them");
}

#[test]
fn the_identification_and_the_version() {
    let all = ["id:4660", "id:\"4660\"", "id:4661", "l3_proto:ip", "l3_proto:ip4", "l3_proto:IPv6"];
    assert_eq!(hold(&ipv4([0, 0], &[]), &all), ["id:4660", "id:\"4660\"", "l3_proto:ip", "l3_proto:ip4"]);
    assert_eq!(
        hold(&tcp(b""), &["id:0", "l3_proto:ip", "l3_proto:ip4", "l3_proto:IPv6"]),
        ["l3_proto:ip", "l3_proto:IPv6"]
    );
}

#[test]
fn fragments_are_seen_one_by_one() {
    let all = [
        "fragbits:D",
        "fragbits:M",
        "fragbits:MD",
        "fragbits:+D",
        "fragbits:*MD",
        "fragbits:!D",
        "fragbits:!MD",
        "fragbits:r",
        "fragoffset:0",
        "fragoffset:>0",
        "fragoffset:185",
    ];
    assert_eq!(
        hold(&ipv4([0x40, 0], &[]), &all),
        ["fragbits:D", "fragbits:*MD", "fragbits:!MD", "fragoffset:0"]
    );
    assert_eq!(
        hold(&ipv4([0x80, 0], &[]), &all),
        ["fragbits:!D", "fragbits:!MD", "fragbits:r", "fragoffset:0"]
    );
    assert_eq!(
        hold(&ipv4([0x60, 185], &[]), &all),
        ["fragbits:MD", "fragbits:+D", "fragbits:*MD", "fragoffset:>0", "fragoffset:185"]
    );
    assert_eq!(
        hold(&ipv4([0x20, 0], &[]), &all),
        ["fragbits:M", "fragbits:*MD", "fragbits:!D", "fragbits:!MD", "fragoffset:0"]
    );

    // IPv6: a fragment header in front of the TCP header, offset 8, more to come.
    let mut fragment = tcp(b"1234");
    fragment.splice(54..54, [6, 0, 0, 9, 0, 0, 0, 1]);
    fragment[20] = 44;
    fragment[19] += 8;
    assert_eq!(hold(&fragment, &["fragbits:M", "fragoffset:8", "fragoffset:<8"]), ["fragoffset:8"]);
    assert!(hold(&tcp(b""), &["fragbits:!M", "fragoffset:0"]).is_empty());
}

#[test]
fn options_of_tcp() {
    use etherparse::TcpOptionElement::{MaximumSegmentSize, WindowScale};
    let syn = |options: &[etherparse::TcpOptionElement]| {
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 1], [8, 8, 8, 8], 64);
        let mut bytes = Vec::new();
        builder.tcp(1000, 80, 1, 1024).syn().options(options).unwrap().write(&mut bytes, b"").unwrap();
        bytes
    };
    let all = [
        "tcp.mss:536",
        "tcp.mss:<537",
        "tcp.mss:500-600",
        "tcp.mss:>536",
        "tcp.wscale:7",
        "tcp.wscale:>6",
        "tcp.wscale:0",
    ];
    let both = [MaximumSegmentSize(536), WindowScale(7)];
    assert_eq!(
        hold(&syn(&both), &all),
        ["tcp.mss:536", "tcp.mss:<537", "tcp.mss:500-600", "tcp.wscale:7", "tcp.wscale:>6"]
    );
    assert!(hold(&syn(&[]), &all).is_empty());
    assert_eq!(hold(&syn(&[WindowScale(15)]), &all), ["tcp.wscale:0"]);
}

#[test]
fn the_mtu_of_packet_too_big() {
    let icmp = |kind: u8| {
        let kind = etherparse::Icmpv6Type::Unknown { type_u8: kind, code_u8: 0, bytes5to8: [0, 0, 5, 0] };
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv6([1; 16], [2; 16], 64).icmpv6(kind);
        builder.write(&mut bytes, &tcp(b"quoted")[14..]).unwrap();
        bytes
    };
    let all = ["icmpv6.mtu:1280", "icmpv6.mtu:<1281", "icmpv6.mtu:>1280"];
    assert_eq!(hold(&icmp(2), &all), ["icmpv6.mtu:1280", "icmpv6.mtu:<1281"]);
    assert!(hold(&icmp(128), &all).is_empty());
}

#[test]
fn tags() {
    let tagged = |ids: &[u16]| {
        let mut bytes = udp(b"");
        for id in ids.iter().rev() {
            let [high, low] = id.to_be_bytes();
            bytes.splice(12..12, [0x81, 0, high, low]);
        }
        bytes
    };
    let ids = [
        "vlan.id:5",
        "vlan.id:5,any",
        "vlan.id:5,all",
        "vlan.id:5,0",
        "vlan.id:5,-1",
        "vlan.id:>6,1",
        "vlan.id:!5",
        "vlan.id:7,-2",
    ];
    let layers = ["vlan.layers:0", "vlan.layers:>1", "vlan.layers:!1", "vlan.layers:3"];
    assert!(hold(&tagged(&[]), &ids).is_empty());
    assert_eq!(hold(&tagged(&[]), &layers), ["vlan.layers:0", "vlan.layers:!1"]);
    assert_eq!(
        hold(&tagged(&[5]), &ids),
        ["vlan.id:5", "vlan.id:5,any", "vlan.id:5,all", "vlan.id:5,0", "vlan.id:5,-1"]
    );
    assert!(hold(&tagged(&[5]), &layers).is_empty());
    assert_eq!(
        hold(&tagged(&[7, 5]), &ids),
        ["vlan.id:5", "vlan.id:5,any", "vlan.id:5,-1", "vlan.id:!5", "vlan.id:7,-2"]
    );
    assert_eq!(
        hold(&tagged(&[5, 7, 9]), &ids),
        ["vlan.id:5", "vlan.id:5,any", "vlan.id:5,0", "vlan.id:>6,1", "vlan.id:!5", "vlan.id:7,-2"]
    );
    assert_eq!(hold(&tagged(&[5, 7, 9]), &layers), ["vlan.layers:>1", "vlan.layers:!1", "vlan.layers:3"]);
}

#[test]
fn protocols_have_the_names_of_iana() {
    let names =
        ["ip_proto:UDP", "ip_proto:udp", "ip_proto:17", "ip_proto:!tcp", "ip_proto:<SCTP", "ip_proto:>Icmp"];
    assert_eq!(hold(&udp(b""), &names), names);
    let mut other = udp(b"");
    for (protocol, name) in
        [(103, "pim"), (94, "ipip"), (112, "VRRP"), (89, "OSPF"), (115, "L2TP"), (0, "ip"), (143, "Ethernet")]
    {
        other[23] = protocol;
        let option = format!("ip_proto:{name}");
        assert_eq!(hold(&other, &[&option]), [option.as_str()]);
    }
}

#[test]
fn bad_forms_are_refused() {
    let cases = [
        ("ipopts:x;", "`x` is no IP option"),
        ("ipopts:;", "needs a value"),
        ("id:65536;", "from 0 to 65535"),
        ("id:\"1;", "closing quote"),
        ("fragbits:X;", "`X` is no flag"),
        ("fragbits:+;", "at least one of M, D and R"),
        ("fragoffset:a;", "`a` is no whole number"),
        ("tcp.mss:70000;", "from 0 to 65535"),
        ("tcp.wscale:256;", "from 0 to 255"),
        ("icmpv6.mtu:>;", "no whole number"),
        ("l3_proto:tcp;", "`tcp` is none of"),
        ("vlan.id:4096;", "from 0 to 4095"),
        ("vlan.id:1,3;", "`3` is no layer"),
        ("vlan.id:1,-4;", "from 1 to 3"),
        ("vlan.id:1,2,3;", "`[operator]id[,layer]`"),
        ("vlan.layers:4;", "from 0 to 3"),
        ("ip_proto:nonsense;", "IANA's name"),
        ("ip_proto:256;", "IANA's name"),
        ("ip_proto:;", "needs a value"),
    ];
    for (options, part) in cases {
        let (_, report) = load(&format!("alert ip any any -> any any ({options} sid:1;)"));
        let reason = report.failed.first().map(|error| error.reason.clone()).unwrap_or_default();
        assert!(reason.contains(part), "{options}: {reason}");
    }
}

#[test]
fn a_header_is_transformed_by_an_expression() {
    let all = [
        "ipv4.hdr; pcrexform:\"^E\\x00(..)\"; content:\"|00 20|\"; bsize:2",
        "ipv4.hdr; pcrexform:\"^E\\x00(..)\"; content:\"|00 20|\"; offset:1",
        "ipv4.hdr; pcrexform:\"^F(..)\"; content:\"E|00|\"; startswith; bsize:20",
        "ipv4.hdr; pcrexform:\"(\\x0a.{3})\"; pcrexform:\"(\\x01)\"; content:\"|01|\"; bsize:1",
    ];
    assert_eq!(hold(&udp(b"data"), &all), [all[0], all[2], all[3]]);
}

/// A packet of each kind, with the place of its last checksum.
fn with_checksums() -> [(&'static str, Vec<u8>, usize); 6] {
    let (v4, v6) = ([[10, 0, 0, 1], [8, 8, 8, 8]], [[1; 16], [2; 16]]);
    let ethernet = || PacketBuilder::ethernet2([1; 6], [2; 6]);
    let over_v4 = || ethernet().ipv4(v4[0], v4[1], 64);
    let over_v6 = || ethernet().ipv6(v6[0], v6[1], 64);
    let packet = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        write(&mut bytes);
        bytes
    };
    [
        ("tcpv4-csum", packet(&|to| over_v4().tcp(1, 2, 3, 4).write(to, b"data").unwrap()), 34 + 16),
        ("tcpv6-csum", packet(&|to| over_v6().tcp(1, 2, 3, 4).write(to, b"data").unwrap()), 54 + 16),
        ("udpv4-csum", packet(&|to| over_v4().udp(1, 2).write(to, b"data").unwrap()), 34 + 6),
        ("udpv6-csum", packet(&|to| over_v6().udp(1, 2).write(to, b"data").unwrap()), 54 + 6),
        ("icmpv4-csum", ping(8, 0), 34 + 2),
        (
            "icmpv6-csum",
            packet(&|to| over_v6().icmpv6_echo_request(1, 2).write(to, b"data").unwrap()),
            54 + 2,
        ),
    ]
}

#[test]
fn checksums_are_right_or_wrong() {
    let kinds = with_checksums();
    let all: Vec<_> = kinds.iter().map(|(name, ..)| *name).chain(["ipv4-csum"]).collect();
    let rules = |word: &str| all.iter().map(|name| format!("{name}:{word}")).collect::<Vec<_>>();
    let (valid, invalid) = (rules("valid"), rules("invalid"));
    let options: Vec<_> = valid.iter().chain(&invalid).map(String::as_str).collect();
    for (name, mut packet, at) in kinds {
        let of_ip = packet[12] == 8;
        let mut expected = vec![format!("{name}:valid")];
        expected.extend(of_ip.then(|| "ipv4-csum:valid".into()));
        assert_eq!(hold(&packet, &options), expected, "{name}");
        packet[at] ^= 0x11;
        // A packet like that is part of no flow; the rules see it.
        expected.remove(0);
        expected.push(format!("{name}:invalid"));
        assert_eq!(hold(&packet, &options), expected, "{name}");
        if of_ip {
            packet[22] ^= 1; // TTL
            assert_eq!(
                hold(&packet, &options),
                [format!("{name}:invalid"), "ipv4-csum:invalid".into()],
                "{name}"
            );
        }
    }
    let (mut none, mut wrong) = (udp(b"data"), with_checksums()[3].1.clone());
    none[40..42].fill(0);
    wrong[60..62].fill(0);
    assert_eq!(hold(&none, &options), ["ipv4-csum:valid"], "the sender has made none");
    assert_eq!(hold(&wrong, &options), ["udpv6-csum:invalid"], "over IPv6 it must make one");
}

#[test]
fn trusted_checksums_are_right_and_unvalidated_ones_are_not() {
    let rules = "alert tcp any any -> any any (tcpv4-csum:invalid; sid:1;)
alert tcp any any -> any any (tcpv4-csum:valid; sid:2;)
drop tcp any any -> any any (tcpv4-csum:invalid; flow:to_server; sid:3;)";
    let [(_, mut packet, at), ..] = with_checksums();
    packet[at] ^= 0x11;
    packet[47] = 2; // SYN instead of nothing
    let mut sids = |checksums, validation| {
        let mut settings = Settings::new(Enforcement::Report);
        settings.stream.checksum_validation = validation;
        let mut engine = Engine::new(Arc::new(load(rules).0), settings);
        let mut events: Vec<Event> = Vec::new();
        engine.inspect(&mut packet, &Meta { checksums, ..Meta::default() }, &mut events);
        let alerts = events.iter().filter_map(|event| match &event.kind {
            EventKind::Alert { rule, .. } => Some((rule.sid, event.flow.is_some())),
            _ => None,
        });
        alerts.collect::<Vec<_>>()
    };
    assert_eq!(sids(ChecksumState::Unverified, true), [(1, false)]);
    assert_eq!(sids(ChecksumState::Trusted, true), [(2, true)]);
    assert_eq!(sids(ChecksumState::Unverified, false), [(3, true), (1, true)]);
}

#[test]
fn calls_of_rpc() {
    let all = [
        "rpc:100000,2,3",
        "rpc:100000,2,*",
        "rpc:100000,*,3",
        "rpc:100000",
        "rpc:100001,2,3",
        "rpc:100000,1,*",
        "rpc:100000,*,4",
    ];
    // GETPORT of portmap, version 2 (RFC 1833).
    let mut call = Vec::new();
    for word in [0x64b2_b375_u32, 0, 2, 100_000, 2, 3] {
        call.extend(word.to_be_bytes());
    }
    assert_eq!(hold(&udp(&call), &all), all[..4]);
    assert!(hold(&udp(&call[..23]), &all).is_empty(), "cut short");
    assert!(hold(&tcp(&call), &all).is_empty(), "without the length of the record");
    let record = [&[0x80, 0, 0, 24], &call[..]].concat();
    assert_eq!(hold(&tcp(&record), &all), all[..4]);
    assert!(hold(&tcp(&record[..27]), &all).is_empty(), "cut short");
    assert!(hold(&udp(&record), &all).is_empty());
    call[7] = 1;
    assert!(hold(&udp(&call), &all).is_empty(), "a reply");
    assert!(hold(&ping(8, 0), &all).is_empty());
}

#[test]
fn events_by_their_whole_names() {
    let all = [
        "engine-event:decoder.ipv4.opt_unknown",
        "engine-event:decoder.ipv4.opt_pad_required",
        "engine-event:stream.pkt_broken_ack",
        "decode-event:ipv4.opt_pad_required",
    ];
    assert_eq!(hold(&ipv4([0, 0], &[99, 4, 0, 0]), &all), [all[1], all[3]]);
    let broken = etherparse::TcpHeader {
        acknowledgment_number: 1,
        syn: true,
        ..etherparse::TcpHeader::new(1, 2, 3, 4)
    };
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 1], [8, 8, 8, 8], 64);
    let mut segment = Vec::new();
    builder.tcp_header(broken).write(&mut segment, b"").unwrap();
    assert_eq!(hold(&segment, &all), [all[2]]);
}
