//! Of every keyword that rules may use what is read and what is refused. Those of application protocols have tables of their own.

use std::collections::BTreeSet;

use super::*;
use crate::engine::rules::{Variables, environment::Context, header::HeaderParser, parser};

#[test]
fn every_name_stands_once() {
    let mut names = BTreeSet::new();
    for keyword in keywords() {
        assert!(names.insert(keyword.name), "{}", keyword.name);
    }
    assert!(names.contains("content") && names.contains("http.uri"));
}

/// Keyword, options that are read, options that are refused.
type Forms = (&'static str, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const FORMS: &[Forms] = &[
    ("absent", &["ip.src; absent;", "ip.src; absent:or_else; content:\"a\";"], &["absent;", "ip.src; absent:x;", "ip.src; absent; absent;"]),
    ("ack", &["ack:5;", "ack:>1;"], &["ack;", "ack:x;", "ack:4294967296;"]),
    ("alert", &["alert;"], &["alert:1;"]),
    ("asn1", &["asn1:bitstring_overflow;"], &["asn1;", "asn1:x;", "asn1:oversize_length x;"]),
    ("base64_data", &["base64_decode; base64_data; content:\"a\";"], &["base64_data; content:\"a\";", "base64_decode; base64_data;"]),
    ("base64_decode", &["base64_decode;", "base64_decode:bytes 4, offset 1, relative;"], &["base64_decode:x;", "base64_decode:bytes x;"]),
    ("bsize", &["ip.src; bsize:4;"], &["bsize:4;", "ip.src; bsize;", "ip.src; bsize:x;", "ip.src; content:\"abcde\"; bsize:4;"]),
    ("bypass", &["bypass;"], &["bypass:1;"]),
    ("byte_extract", &["byte_extract:1,0,v;", "byte_extract:2,0,v,relative,little;"], &["byte_extract;", "byte_extract:1,0;", "byte_extract:1,0,v; byte_extract:1,0,v;"]),
    ("byte_jump", &["byte_jump:1,0;", "byte_jump:2,0,relative,post_offset -1;"], &["byte_jump;", "byte_jump:1;", "byte_jump:9,0;", "byte_jump:1,v;"]),
    ("byte_math", &["byte_math:bytes 1, offset 0, oper +, rvalue 1, result v;"], &["byte_math;", "byte_math:bytes 1;", "byte_math:bytes 1, offset 0, oper ?, rvalue 1, result v;"]),
    ("byte_test", &["byte_test:1,>,5,0;", "byte_test:2,!&,1,0,relative,string,dec;"], &["byte_test;", "byte_test:1,?,5,0;", "byte_test:1,>,5;"]),
    ("classtype", &["classtype:attempted-admin;"], &["classtype;", "classtype:a b;"]),
    ("compress_whitespace", &["tcp.hdr; compress_whitespace; content:\"a\";"], &["compress_whitespace;", "tcp.hdr; compress_whitespace;", "tcp.hdr; compress_whitespace:1; content:\"a\";"]),
    ("content", &["content:\"a|20 62|c\";", "content:!\"a\";"], &["content;", "content:a;", "content:\"\";", "content:\"|4|\";"]),
    ("datarep", &[], &["datarep;", "ip.src; datarep:a;", "ip.src; datarep:a,?,1,type ip;", "datarep:a,>,1,type ip;"]),
    ("dataset", &["ip.src; dataset:isset,a,type ip;", "ip.src; dataset:set,a,type ipv4,memcap 1mb;"], &["dataset;", "dataset:isset,a,type ip;", "ip.src; dataset:isset,a;", "ip.src; dataset:x,a,type ip;", "ip.src; dataset:isset,a,type x;"]),
    ("decode-event", &["decode-event:ipv4.pkt_too_small;"], &["decode-event;", "decode-event:no.such;"]),
    ("depth", &["content:\"abc\"; depth:3;"], &["depth:3;", "content:\"abc\"; depth:2;", "content:\"abc\"; depth;", "content:\"abc\"; depth:x;"]),
    ("detection_filter", &["detection_filter:track by_src, count 5, seconds 10;"], &["detection_filter;", "detection_filter:track x, count 5, seconds 10;", "detection_filter:track by_src, seconds 10;"]),
    ("distance", &["content:\"abc\"; content:\"d\"; distance:-1;"], &["distance:1;", "content:\"abc\"; distance;", "content:\"abc\"; distance:x;"]),
    ("domain", &["tcp.hdr; domain; content:\"a\";"], &["domain;", "tcp.hdr; domain;", "tcp.hdr; domain:1; content:\"a\";"]),
    ("dotprefix", &["tcp.hdr; dotprefix; content:\"a\";"], &["dotprefix;", "tcp.hdr; dotprefix;", "tcp.hdr; dotprefix:1; content:\"a\";"]),
    ("dsize", &["dsize:>5;", "dsize:1<>5;"], &["dsize;", "dsize:x;", "dsize:5<>1;"]),
    ("endswith", &["content:\"abc\"; endswith;"], &["endswith;", "content:\"abc\"; endswith:1;", "content:\"abc\"; endswith; endswith;"]),
    ("engine-event", &["engine-event:decoder.ipv4.pkt_too_small;", "engine-event:stream.3whs_ack_in_wrong_dir;"], &["engine-event;", "engine-event:ipv4.pkt_too_small;", "engine-event:decoder.no.such;", "engine-event:stream.no_such;", "engine-event:stream.stream.3whs_ack_in_wrong_dir;"]),
    ("entropy", &["entropy:value > 4;", "entropy:bytes 10, offset 0, value < 2;"], &["entropy;", "entropy:x;", "entropy:value 9 > 1;"]),
    ("ether.hdr", &["ether.hdr; content:\"a\";"], &["ether.hdr;", "ether.hdr:1; content:\"a\";"]),
    ("fast_pattern", &["content:\"abc\"; fast_pattern;", "content:\"abc\"; fast_pattern:only;", "content:\"abc\"; fast_pattern:1,2;"], &["fast_pattern;", "content:\"abc\"; fast_pattern:2,2;", "content:\"abc\"; fast_pattern:x;"]),
    ("flags", &["flags:S;", "flags:SA,12;", "flags:!F;", "flags:0;"], &["flags;", "flags:X;"]),
    ("flow", &["flow:to_server,established;", "flow:stateless;"], &["flow;", "flow:x;", "flow:to_server,to_client;"]),
    ("flow.age", &["flow.age:5;", "flow.age:>1;", "flow.age:1<>5;"], &["flow.age;", "flow.age:x;", "flow.age:;", "flow.age:5<>1;"]),
    ("flow.bytes", &["flow.bytes:toclient,>5;", "flow.bytes:either,5;"], &["flow.bytes;", "flow.bytes:x,5;", "flow.bytes:toclient,x;"]),
    ("flow.bytes_toclient", &["flow.bytes_toclient:5;", "flow.bytes_toclient:>1;", "flow.bytes_toclient:1<>5;"], &["flow.bytes_toclient;", "flow.bytes_toclient:x;", "flow.bytes_toclient:;", "flow.bytes_toclient:5<>1;"]),
    ("flow.bytes_toserver", &["flow.bytes_toserver:5;", "flow.bytes_toserver:>1;", "flow.bytes_toserver:1<>5;"], &["flow.bytes_toserver;", "flow.bytes_toserver:x;", "flow.bytes_toserver:;", "flow.bytes_toserver:5<>1;"]),
    ("flow.pkts", &["flow.pkts:toclient,>5;"], &["flow.pkts;", "flow.pkts:x,5;", "flow.pkts:toclient,x;"]),
    ("flow.pkts_toclient", &["flow.pkts_toclient:5;", "flow.pkts_toclient:>1;", "flow.pkts_toclient:1<>5;"], &["flow.pkts_toclient;", "flow.pkts_toclient:x;", "flow.pkts_toclient:;", "flow.pkts_toclient:5<>1;"]),
    ("flow.pkts_toserver", &["flow.pkts_toserver:5;", "flow.pkts_toserver:>1;", "flow.pkts_toserver:1<>5;"], &["flow.pkts_toserver;", "flow.pkts_toserver:x;", "flow.pkts_toserver:;", "flow.pkts_toserver:5<>1;"]),
    ("flowbits", &["flowbits:set,a;", "flowbits:isset,a|b;", "flowbits:noalert;"], &["flowbits;", "flowbits:set;", "flowbits:x,a;"]),
    ("flowint", &["flowint:a,+,1;", "flowint:a,isset;", "flowint:a,>,b;"], &["flowint;", "flowint:a;", "flowint:a,?,1;"]),
    ("flowvar", &["flowvar:a,b;", "flowvar:a_1,\"b|20|\";"], &["flowvar;", "flowvar:a;", "flowvar:,b;", "flowvar:a b,c;", "flowvar:a,;", "flowvar:a,\"|4|\";"]),
    ("fragbits", &["fragbits:MD;", "fragbits:+D;", "fragbits:!R;"], &["fragbits;", "fragbits:X;"]),
    ("fragoffset", &["fragoffset:>0;", "fragoffset:0;"], &["fragoffset;", "fragoffset:x;"]),
    ("from_base64", &["tcp.hdr; from_base64; content:\"a\";", "tcp.hdr; from_base64:bytes 4, offset 1, mode strict; content:\"a\";"], &["from_base64;", "tcp.hdr; from_base64:x; content:\"a\";"]),
    ("gid", &["gid:1;"], &["gid;", "gid:x;"]),
    ("gunzip", &["tcp.hdr; gunzip; content:\"a\";", "tcp.hdr; gunzip:max-size 100; content:\"a\";"], &["gunzip;", "tcp.hdr; gunzip:x; content:\"a\";"]),
    ("header_lowercase", &["tcp.hdr; header_lowercase; content:\"a\";"], &["header_lowercase;", "tcp.hdr; header_lowercase;", "tcp.hdr; header_lowercase:1; content:\"a\";"]),
    ("hostbits", &["hostbits:set,a;", "hostbits:isset,a,dst;"], &["hostbits;", "hostbits:x,a;", "hostbits:set;"]),
    ("icmp_id", &["icmp_id:5;"], &["icmp_id;", "icmp_id:x;", "icmp_id:65536;"]),
    ("icmp_seq", &["icmp_seq:5;"], &["icmp_seq;", "icmp_seq:x;", "icmp_seq:65536;"]),
    ("icmpv4-csum", &["icmpv4-csum:valid;", "icmpv4-csum:\"INVALID\";"], &["icmpv4-csum;", "icmpv4-csum:x;", "icmpv4-csum:valid,invalid;"]),
    ("icmpv4.hdr", &["icmpv4.hdr; content:\"a\";"], &["icmpv4.hdr;", "icmpv4.hdr:1; content:\"a\";"]),
    ("icmpv6-csum", &["icmpv6-csum:valid;", "icmpv6-csum:\"INVALID\";"], &["icmpv6-csum;", "icmpv6-csum:x;", "icmpv6-csum:valid,invalid;"]),
    ("icmpv6.hdr", &["icmpv6.hdr; content:\"a\";"], &["icmpv6.hdr;", "icmpv6.hdr:1; content:\"a\";"]),
    ("icmpv6.mtu", &["icmpv6.mtu:>1280;"], &["icmpv6.mtu;", "icmpv6.mtu:x;"]),
    ("icode", &["icode:5;", "icode:>1;", "icode:1<>5;"], &["icode;", "icode:x;", "icode:;", "icode:5<>1;", "icode:256;"]),
    ("id", &["id:5;"], &["id;", "id:!5;", "id:x;", "id:65536;"]),
    ("ip.dst", &["ip.dst; content:\"a\";"], &["ip.dst;", "ip.dst:1; content:\"a\";"]),
    ("ip.src", &["ip.src; content:\"a\";"], &["ip.src;", "ip.src:1; content:\"a\";"]),
    ("ip_proto", &["ip_proto:6;", "ip_proto:!TCP;", "ip_proto:>5;"], &["ip_proto;", "ip_proto:nothing;", "ip_proto:256;"]),
    ("ipopts", &["ipopts:rr;", "ipopts:any;"], &["ipopts;", "ipopts:x;"]),
    ("iprep", &[], &["iprep;", "iprep:src,No,>,5;", "iprep:x,No,>,5;"]),
    ("ipv4-csum", &["ipv4-csum:valid;", "ipv4-csum:\"INVALID\";"], &["ipv4-csum;", "ipv4-csum:x;", "ipv4-csum:valid,invalid;"]),
    ("ipv4.hdr", &["ipv4.hdr; content:\"a\";"], &["ipv4.hdr;", "ipv4.hdr:1; content:\"a\";"]),
    ("ipv6.hdr", &["ipv6.hdr; content:\"a\";"], &["ipv6.hdr;", "ipv6.hdr:1; content:\"a\";"]),
    ("isdataat", &["isdataat:5;", "isdataat:!1,relative;"], &["isdataat;", "isdataat:x;", "isdataat:-1;"]),
    ("itype", &["itype:5;", "itype:>1;", "itype:1<>5;"], &["itype;", "itype:x;", "itype:;", "itype:5<>1;", "itype:256;"]),
    ("l3_proto", &["l3_proto:ipv4;"], &["l3_proto;", "l3_proto:x;"]),
    ("metadata", &["metadata:a b, c d;"], &["metadata;"]),
    ("msg", &["msg:\"a\";"], &["msg;", "msg:a;", "msg:\"\";"]),
    ("noalert", &["noalert;"], &["noalert:1;"]),
    ("nocase", &["content:\"abc\"; nocase;"], &["nocase;", "content:\"abc\"; nocase:1;", "content:\"abc\"; nocase; nocase;"]),
    ("offset", &["content:\"abc\"; offset:3;"], &["offset:3;", "content:\"abc\"; offset;", "content:\"abc\"; offset:x;", "content:\"abc\"; offset:-1;"]),
    ("pcre", &["pcre:\"/a+/i\";", "pcre:!\"/a/R\";", "pcre:/a/;", "pcre:\"/(a)(b)/i, flow:c,pkt:d\";", "pcre:\"/(?P<flow_a>b)(?P<x_y>c)/,alert:d\";"], &["pcre:\"/a/, flow:b\";", "pcre:\"/(a)/, flow:b, pkt:c\";", "pcre:\"/(a)/, b\";", "pcre:\"/(a)/, flow:\";", "pcre:\"/(a)(b)/, pkt:key, pkt:value\";", "pcre:\"/(a)/, host:b\";", "base64_decode; base64_data; pcre:\"/(a)/, flow:b\";", "pcre:\"/()()()()()()()()(?P<pkt_a>b)/\";", "pcre;", "pcre:\"a\";", "pcre:\"/(/\";", "pcre:\"/a/k\";"]),
    ("pcrexform", &["tcp.hdr; pcrexform:\"a(.)b\"; content:\"a\";"], &["pcrexform:\"(a)\";", "tcp.hdr; pcrexform; content:\"a\";", "tcp.hdr; pcrexform:(a); content:\"a\";", "tcp.hdr; pcrexform:\"a\"; content:\"a\";", "tcp.hdr; pcrexform:\"(a\"; content:\"a\";"]),
    ("pkt_data", &["pkt_data; content:\"a\";"], &["pkt_data;", "pkt_data:1; content:\"a\";"]),
    ("pktvar", &["pktvar:a,b;", "pktvar:a_1,\"b|20|\";"], &["pktvar;", "pktvar:a;", "pktvar:,b;", "pktvar:a b,c;", "pktvar:a,;", "pktvar:a,\"|4|\";"]),
    ("prefilter", &["content:\"abc\"; prefilter;", "dsize:1; prefilter;"], &["prefilter;", "content:\"abc\"; prefilter:1;"]),
    ("priority", &["priority:1;"], &["priority;", "priority:0;", "priority:256;"]),
    ("rawbytes", &["content:\"abc\"; rawbytes;"], &["rawbytes;", "content:\"abc\"; rawbytes:1;"]),
    ("reference", &["reference:url,example.com;"], &["reference;", "reference:url;"]),
    ("replace", &["content:\"abc\"; nocase; replace:\"x|20|z\";", "content:\"a\"; replace:\"b\"; content:\"c\"; distance:0; replace:\"d\";"], &["replace:\"a\";", "content:\"a\"; replace;", "content:\"a\"; replace:b;", "content:\"a\"; replace:\"bc\";", "content:!\"a\"; replace:\"b\";", "content:\"a\"; replace:\"b\"; replace:\"c\";", "content:\"a\"; fast_pattern:only; replace:\"b\";", "tcp.hdr; content:\"a\"; replace:\"b\";", "flow:only_stream; content:\"a\"; replace:\"b\";"]),
    ("requires", &["requires:version >= 7;"], &["requires;", "requires:x;"]),
    ("rev", &["rev:1;"], &["rev;", "rev:x;"]),
    ("rpc", &["rpc:100000;", "rpc:100000,2;", "rpc:100000, *, 3;", "rpc:100000,2,*;"], &["rpc;", "rpc:*;", "rpc:a,1,1;", "rpc:100000,,3;", "rpc:100000,x,3;", "rpc:4294967296;", "rpc:1,2,3,4;"]),
    ("sameip", &["sameip;"], &["sameip:1;"]),
    ("seq", &["seq:5;", "seq:<9;"], &["seq;", "seq:x;"]),
    ("sid", &[""], &["sid;", "sid:2;"]),
    ("startswith", &["content:\"abc\"; startswith;"], &["startswith;", "content:\"abc\"; startswith:1;", "content:\"abc\"; startswith; depth:4;"]),
    ("stream-event", &["stream-event:3whs_ack_in_wrong_dir;"], &["stream-event;", "stream-event:no_such;"]),
    ("stream_size", &["stream_size:server,>,5;"], &["stream_size;", "stream_size:x,>,5;", "stream_size:server,?,5;"]),
    ("strip_pseudo_headers", &["tcp.hdr; strip_pseudo_headers; content:\"a\";"], &["strip_pseudo_headers;", "tcp.hdr; strip_pseudo_headers;", "tcp.hdr; strip_pseudo_headers:1; content:\"a\";"]),
    ("strip_whitespace", &["tcp.hdr; strip_whitespace; content:\"a\";"], &["strip_whitespace;", "tcp.hdr; strip_whitespace;", "tcp.hdr; strip_whitespace:1; content:\"a\";"]),
    ("subslice", &["tcp.hdr; subslice:1,2; content:\"a\";"], &["subslice:1;", "tcp.hdr; subslice; content:\"a\";", "tcp.hdr; subslice:x; content:\"a\";"]),
    ("tag", &["tag:session,10,packets;", "tag:host,5,seconds,src;"], &["tag;", "tag:x;", "tag:session,10,x;"]),
    ("target", &["target:src_ip;"], &["target;", "target:x;"]),
    ("tcp.flags", &["tcp.flags:S;"], &["tcp.flags;", "tcp.flags:X;"]),
    ("tcp.hdr", &["tcp.hdr; content:\"a\";"], &["tcp.hdr;", "tcp.hdr:1; content:\"a\";"]),
    ("tcp.mss", &["tcp.mss:>500;"], &["tcp.mss;", "tcp.mss:x;"]),
    ("tcp.wscale", &["tcp.wscale:>5;"], &["tcp.wscale;", "tcp.wscale:x;"]),
    ("tcpv4-csum", &["tcpv4-csum:valid;", "tcpv4-csum:\"INVALID\";"], &["tcpv4-csum;", "tcpv4-csum:x;", "tcpv4-csum:valid,invalid;"]),
    ("tcpv6-csum", &["tcpv6-csum:valid;", "tcpv6-csum:\"INVALID\";"], &["tcpv6-csum;", "tcpv6-csum:x;", "tcpv6-csum:valid,invalid;"]),
    ("threshold", &["threshold:type limit, track by_src, count 1, seconds 60;", "threshold:type both, track by_rule, count 1, seconds 60;"], &["threshold;", "threshold:type x, track by_src, count 1, seconds 60;", "threshold:type limit, track by_src, seconds 60;"]),
    ("tld", &["tcp.hdr; tld; content:\"a\";"], &["tld;", "tcp.hdr; tld;", "tcp.hdr; tld:1; content:\"a\";"]),
    ("to_lowercase", &["tcp.hdr; to_lowercase; content:\"a\";"], &["to_lowercase;", "tcp.hdr; to_lowercase;", "tcp.hdr; to_lowercase:1; content:\"a\";"]),
    ("to_md5", &["tcp.hdr; to_md5; content:\"a\";"], &["to_md5;", "tcp.hdr; to_md5;", "tcp.hdr; to_md5:1; content:\"a\";"]),
    ("to_sha1", &["tcp.hdr; to_sha1; content:\"a\";"], &["to_sha1;", "tcp.hdr; to_sha1;", "tcp.hdr; to_sha1:1; content:\"a\";"]),
    ("to_sha256", &["tcp.hdr; to_sha256; content:\"a\";"], &["to_sha256;", "tcp.hdr; to_sha256;", "tcp.hdr; to_sha256:1; content:\"a\";"]),
    ("to_uppercase", &["tcp.hdr; to_uppercase; content:\"A\";"], &["to_uppercase;", "tcp.hdr; to_uppercase;", "tcp.hdr; to_uppercase:1; content:\"a\";"]),
    ("tos", &["tos:8;", "tos:!x08;"], &["tos;", "tos:256;", "tos:xzz;"]),
    ("ttl", &["ttl:5;", "ttl:>1;", "ttl:1<>5;"], &["ttl;", "ttl:x;", "ttl:;", "ttl:5<>1;", "ttl:256;"]),
    ("udp.hdr", &["udp.hdr; content:\"a\";"], &["udp.hdr;", "udp.hdr:1; content:\"a\";"]),
    ("udpv4-csum", &["udpv4-csum:valid;", "udpv4-csum:\"INVALID\";"], &["udpv4-csum;", "udpv4-csum:x;", "udpv4-csum:valid,invalid;"]),
    ("udpv6-csum", &["udpv6-csum:valid;", "udpv6-csum:\"INVALID\";"], &["udpv6-csum;", "udpv6-csum:x;", "udpv6-csum:valid,invalid;"]),
    ("url_decode", &["tcp.hdr; url_decode; content:\"a\";"], &["url_decode;", "tcp.hdr; url_decode;", "tcp.hdr; url_decode:1; content:\"a\";"]),
    ("vlan.id", &["vlan.id:5;", "vlan.id:5,0;"], &["vlan.id;", "vlan.id:x;", "vlan.id:5,9;"]),
    ("vlan.layers", &["vlan.layers:1;", "vlan.layers:>0;"], &["vlan.layers;", "vlan.layers:x;"]),
    ("window", &["window:5;", "window:!5;"], &["window;", "window:65536;"]),
    ("within", &["content:\"abc\"; content:\"d\"; within:1;"], &["within:1;", "content:\"abc\"; within:2;", "content:\"abc\"; within;"]),
    ("xbits", &["xbits:set,a,track ip_src;", "xbits:isset,a,track ip_pair;"], &["xbits;", "xbits:set,a;", "xbits:x,a,track ip_src;", "xbits:set,a,track x;"]),
    ("xor", &["tcp.hdr; xor:\"0a0b\"; content:\"a\";"], &["xor:\"0a\";", "tcp.hdr; xor; content:\"a\";", "tcp.hdr; xor:\"0x\"; content:\"a\";"]),
    ("zlib_deflate", &["tcp.hdr; zlib_deflate; content:\"a\";"], &["zlib_deflate;", "tcp.hdr; zlib_deflate:x; content:\"a\";"]),
];

/// Those whose good forms need files, which the engine has none of: their own tests have them.
const WITH_FILES: [&str; 2] = ["datarep", "iprep"];

#[test]
fn every_supported_keyword_has_good_and_bad_forms() {
    let mut missing: BTreeSet<_> =
        keywords().filter(|keyword| keyword.state == State::Supported).map(|keyword| keyword.name).collect();
    let mut wrong = Vec::new();
    for &(name, good, bad) in FORMS {
        assert!(missing.remove(name), "`{name}` is no supported keyword, or stands here twice");
        assert!(!bad.is_empty() && (!good.is_empty() || WITH_FILES.contains(&name)), "{name}");
        for (options, is_good) in
            good.iter().map(|good| (good, true)).chain(bad.iter().map(|bad| (bad, false)))
        {
            let text = format!("alert tcp any any -> any any ({options} sid:1;)");
            let parsed =
                parser::parse(&text, &mut HeaderParser::new(&Variables::default()), Context::empty());
            match parsed.map_err(parser::Unusable::into_fault) {
                Ok(_) if is_good => {}
                Ok(_) => wrong.push(format!("{text}: is read")),
                Err(fault) if is_good => wrong.push(format!("{text}: {}", fault.reason)),
                Err(fault) => assert!(fault.at <= text.len() && fault.missing.is_none(), "{text}: {fault:?}"),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(missing.is_empty(), "without forms: {missing:?}");
}
