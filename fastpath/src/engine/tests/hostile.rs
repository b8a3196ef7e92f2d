//! Rules that somebody has written to do harm: each is refused, or loaded and harmless.

use super::*;

/// Options, and whether they are refused.
fn options() -> Vec<(bool, String)> {
    let many = |n: usize, part: &dyn Fn(usize) -> String| (0..n).map(part).collect::<String>();
    vec![
        (true, r#"pcre:"/(((a{1,255}){1,255}){1,255}){1,255}/";"#.into()),
        (false, r#"pcre:"/(?:(?:x{0,1000}){0,60}y){0,60}/";"#.into()),
        (false, format!("pcre:\"/{}/\";", "a{0,65535}".repeat(6000))),
        (true, format!("pcre:\"/{}/\";", "[a-z]{1,99}".repeat(5000))),
        (true, format!("pcre:\"/{}a{}/\";", "(".repeat(30_000), ")".repeat(30_000))),
        (false, format!("pcre:\"/{}a{}/\";", "(".repeat(200), "+)".repeat(200))),
        (true, format!("pcre:\"/({}z)/\";", "a|".repeat(30_000))),
        (true, format!("pcre:\"/{}/\";", "(a)?".repeat(12_000))),
        (false, r#"pcre:"/(a(?1)?b|(?R))*c/";"#.into()),
        (false, r#"pcre:"/(?R)?a/";"#.into()),
        (true, format!("pcre:\"/(?<={})b/\";", "a".repeat(60_000))),
        (false, format!("pcre:\"/{}/\";", "(?C1)a?".repeat(8000))),
        (true, r#"pcre:"/(*UTF)(*UCP)\w+/";"#.into()),
        (
            true,
            r#"pcre:"/(*LIMIT_MATCH=4294967295)(*LIMIT_DEPTH=4294967295)(*LIMIT_HEAP=4294967295)(a+)+$/";"#
                .into(),
        ),
        (false, r#"pcre:"/(*NO_JIT)(a+)+$/";"#.into()),
        (true, r#"pcre:"/(?=ab\K)/"; content:"b"; within:3;"#.into()),
        (false, r#"pcre:"/(?:)/"; content:"b"; within:3;"#.into()),
        (false, many(3500, &|_| "content:\"a\"; ".into())),
        (false, many(2200, &|_| "content:\"a\"; distance:0; ".into())),
        (false, format!("content:\"{}\";", "a".repeat(65_000))),
        (false, format!("content:\"{}b\";", "a".repeat(2000))),
        (false, many(2000, &|_| "content:!\"b\"; within:1; ".into())),
        (false, many(2000, &|_| "byte_test:1,>,0,0,relative; ".into())),
        (false, format!("content:\"a\"; {}", many(2000, &|_| "byte_test:1,>,0,-1,relative; ".into()))),
        (false, format!("content:\"a\"; {}", many(2000, &|_| "entropy: value >= 0; ".into()))),
        (
            false,
            format!(
                "content:\"a\"; {}",
                many(1200, &|_| "asn1:oversize_length 99999,relative_offset 0; ".into())
            ),
        ),
        (false, many(2000, &|_| "pcre:\"/a.{1,9}b/R\"; ".into())),
        (
            false,
            format!(
                "content:\"a\"; {}",
                many(1500, &|_| "byte_jump:1,-1,relative,multiplier 65535; ".into())
            ),
        ),
        (
            false,
            format!(
                "content:\"a\"; {}",
                many(250, &|n| format!(
                    "byte_math:bytes 4,offset -1,oper <<,rvalue 4294967295,result v{n},relative,bitmask 0xffffffff; "
                ))
            ),
        ),
        (false, format!("content:\"a\"; {}", many(1500, &|_| "base64_decode:relative; ".into()))),
        (false, r#"content:"a"; base64_decode:relative; base64_data; pcre:"/(i+)+\d/";"#.into()),
        (false, many(2500, &|n| format!("flowbits:isset,b{n}; "))),
        (false, many(2000, &|n| format!("flowint:i{n},+,4294967295; "))),
        (false, "threshold:type both,track by_both,count 4294967295,seconds 4294967295;".into()),
        (false, "detection_filter:track by_src,count 4294967295,seconds 4294967295;".into()),
        (true, "tag:session,4294967295,seconds,4294967295,packets;".into()),
        (false, "xbits:set,a,track ip_pair,expire 4294967295;".into()),
        (
            false,
            format!(
                "tcp.hdr; {} content:\"a\";",
                "to_sha256; gunzip:max-size 16mb; url_decode; ".repeat(1200)
            ),
        ),
        (false, format!("tcp.hdr; {} content:\"a\";", "dotprefix; ".repeat(5000))),
        (false, format!("metadata:{};", "a b, ".repeat(12_000) + "c d")),
        (false, "reference:url,a; ".repeat(3500)),
        (
            false,
            many(600, &|n| {
                format!(
                    "ip.src; dataset:set,d{n},type ip,memcap 18446744073709551615,hashsize 18446744073709551615; "
                )
            }),
        ),
    ]
}

/// Payloads that give each of them much to do.
#[test]
fn a_rule_is_refused_or_harmless() {
    for (refused, options) in options() {
        let text = format!("drop tcp any any -> any any ({options} sid:1;)");
        let name: String = options.chars().take(80).collect();
        let (rules, report) = load(&text);
        assert_eq!(!report.failed.is_empty(), refused, "{name}: {:?}", report.failed);
        assert!(report.failed.iter().all(|error| error.column as usize <= text.len()), "{:?}", report.failed);
        let mut engine = Engine::new(Arc::new(rules), Settings::new(Enforcement::Report));
        for payload in [b"a".repeat(1400), b"ab".repeat(700), b"\0".repeat(1400)] {
            inspect(&mut engine, tcp(&payload));
        }
    }
}

/// The fault is at what is wrong, in the middle of a rule.
#[test]
fn faults_are_where_they_are() {
    let good = "content:\"abc\"; ";
    for (options, wrong) in [
        ("flow.pkts:toclient,3<>x;", "x"),
        ("dsize:3<>x;", "x"),
        ("dsize:x<>3;", "x"),
        ("dsize:!70000<>3;", "70000"),
        ("dsize:>70000;", "70000"),
        ("ttl:&0xzz=1;", "0xzz"),
        ("flow.age:&1=x;", "x"),
        ("flow.bytes:toserver,&1=2;", "&1=2"),
        ("itype:1-x;", "x"),
        ("content:\"a\"; depth:zz;", "zz"),
        ("content:\"abcd\"; depth:3;", "3"),
        ("content:\"a\"; within:zz;", "zz"),
        ("content:\"a|4z|\";", "|4z|"),
        ("content:\"a\\q\";", "\\q"),
        ("content:\"abc\"; fast_pattern:1,zz;", "1,zz"),
        ("content:\"abc\"; fast_pattern:zz,1;", "zz"),
        ("content:\"abc\"; fast_pattern:2,2;", "2,2"),
        ("byte_test:1,>,5,zz;", "zz"),
        ("byte_test:1,zz,5,0;", "zz"),
        ("byte_test:zz,>,5,0;", "zz"),
        ("byte_test:1,>,zz,0;", "zz"),
        ("byte_test:1,>,5,0,zz;", "zz"),
        ("byte_test:1,>,5,0,bitmask 0xzz;", "0xzz"),
        ("byte_jump:1,zz;", "zz"),
        ("byte_jump:9,0;", "9"),
        ("byte_jump:1,0,multiplier zz;", "zz"),
        ("byte_jump:1,0,post_offset zz;", "zz"),
        ("byte_jump:1,0,zz;", "zz"),
        ("byte_extract:1,0,v,zz;", "zz"),
        ("byte_extract:1,zz,v;", "zz"),
        ("byte_extract:1,0,9v;", "9v"),
        ("byte_math:bytes 1,offset zz,oper +,rvalue 1,result v;", "zz"),
        ("byte_math:bytes 1,offset 0,oper zz,rvalue 1,result v;", "zz"),
        ("byte_math:bytes 1,offset 0,oper +,rvalue zz,result v;", "zz"),
        ("byte_math:bytes zz,offset 0,oper +,rvalue 1,result v;", "zz"),
        ("pcre:\"/a(b/\";", "/\""),
        ("pcre:\"/ab/zz\";", "zz"),
        ("pcre:\"/a[z-b]/\";", "b]"),
        ("isdataat:zz;", "zz"),
        ("isdataat:5,zz;", "zz"),
        ("flow:to_server,zz;", "zz"),
        ("flowbits:zz,a;", "zz"),
        ("flowbits:set,a b;", "a b"),
        ("flowint:a,zz,1;", "zz"),
        ("flowint:a,+,1 zz;", "1 zz"),
        ("threshold:type zz,track by_src,count 1,seconds 1;", "zz"),
        ("threshold:type limit,track zz,count 1,seconds 1;", "zz"),
        ("threshold:type limit,track by_src,count zz,seconds 1;", "zz"),
        ("threshold:type limit,track by_src,count 1,seconds zz;", "zz"),
        ("tag:session,zz,packets;", "zz"),
        ("tag:session,1,zz;", "zz"),
        ("tag:zz,1,packets;", "zz"),
        ("xbits:set,a,track zz;", "zz"),
        ("xbits:set,a,track ip_src,expire zz;", "zz"),
        ("base64_decode:bytes zz;", "zz"),
        ("entropy:value > zz;", "> zz"),
        ("entropy:bytes zz, value > 1;", "zz"),
        ("asn1:oversize_length zz;", "zz"),
        ("ip.src; dataset:isset,a,type zz;", "zz"),
        ("ip.src; dataset:isset,a,type ip,memcap zz;", "zz"),
        ("ip.src; dataset:zz,a,type ip;", "zz"),
        ("stream_size:server,zz,3;", "zz"),
        ("stream_size:zz,>,3;", "zz"),
        ("stream_size:server,>,zz;", "zz"),
        ("tcp.hdr; xor:zz; content:\"a\";", "zz"),
        ("tcp.hdr; subslice:1,zz; content:\"a\";", "zz"),
        ("tcp.hdr; gunzip:max-size zz; content:\"a\";", "zz"),
        ("tcp.hdr; from_base64:mode zz; content:\"a\";", "mode zz"),
        ("reference:zz;", "zz"),
        ("classtype:a zz;", "a zz"),
        ("priority:zz;", "zz"),
        ("rev:zz;", "zz"),
        ("msg:zz;", "zz"),
        ("metadata:;", "metadata"),
        ("target:zz;", "zz"),
        ("tos:zz;", "zz"),
        ("id:zz;", "zz"),
        ("ip_proto:zz;", "zz"),
        ("flags:zz;", "z"),
        ("fragbits:zz;", "z"),
        ("window:zz;", "zz"),
        ("seq:zz;", "zz"),
        ("requires:version >= zz;", "zz"),
        ("noalert:zz;", "zz"),
        ("zz:1;", "zz"),
        ("zz;", "zz"),
        ("tcp.mss:1<>zz;", "zz"),
        ("vlan.id:1,zz;", "zz"),
        ("vlan.id:zz;", "zz"),
        ("iprep:any,zz,>,3;", "zz"),
        ("bsize:zz;", "zz"),
        ("ip.src; bsize:1<>zz; ", "zz"),
    ] {
        let text = format!("alert tcp any any -> any any ({good}{options} sid:1;)");
        let (_, report) = load(&text);
        let expected = text.find(good).unwrap() + good.len() + options.find(wrong).unwrap() + 1;
        let error = report.failed.first().unwrap_or_else(|| panic!("{options} is read"));
        assert_eq!(error.column as usize, expected, "{options}: {}", error.reason);
    }
}
