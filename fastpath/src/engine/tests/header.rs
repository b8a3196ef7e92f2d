//! Keywords about packet headers.

use super::*;

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
