//! Each transformation against the obvious.

use std::io::Write;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
use proptest::prelude::*;

use super::*;

/// `name` or `name:value`.
fn parse(text: &str) -> Result<Transform, Fault> {
    let token = |text, at| Token { text, at };
    match text.split_once(':') {
        Some((name, value)) => Transform::parse(token(name, 0), Some(token(value.trim(), name.len() + 1))),
        None => Transform::parse(token(text, 0), None),
    }
}

fn apply(text: &str, input: &[u8]) -> Vec<u8> {
    let transform = parse(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.reason));
    let mut out = b"what was there before".to_vec();
    transform.apply(input, &mut out, &mut Scratch::default());
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn dotprefix() {
    assert_eq!(apply("dotprefix", b"hello.google.com"), b".hello.google.com");
}

#[test]
fn hashes_are_raw() {
    assert_eq!(hex(&apply("to_md5", b"abc")), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(hex(&apply("to_sha1", b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(
        hex(&apply("to_sha256", b"abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn names_of_headers() {
    let input = b"Host: Example.COM\r\nX-A:B:C\r\nNoColon\r\n\r\nLast: X";
    assert_eq!(apply("header_lowercase", input), b"host: Example.COM\r\nx-a:B:C\r\nnocolon\r\n\r\nlast: X");
    let input = b":method: GET\r\nhost: a\r\n:path: /\r\n\r\n:x";
    assert_eq!(apply("strip_pseudo_headers", input), b"host: a\r\n\r\n");
}

#[test]
fn url_decode_keeps_what_is_none() {
    for (input, expected) in [
        ("a+b%20c", "a b c"),
        ("%41%6a%6A", "Ajj"),
        ("%zz%4g%", "%zz%4g%"),
        ("%%41", "%%41"),
        ("%4%41", "%4%41"),
        ("%+", "%+"),
        ("%4", "%4"),
        ("%u0041", "%u0041"),
    ] {
        assert_eq!(apply("url_decode", input.as_bytes()), expected.as_bytes(), "{input}");
    }
}

#[test]
fn xor_with_a_key() {
    assert_eq!(apply("xor:\"0d0ac8ff\"", b"\x7d\x6b\xbb\x8c\x7a"), b"passw");
    assert_eq!(apply("xor:0D0AC8FF", b"\x7d\x6b\xbb\x8c\x7a"), b"passw");
    assert_eq!(apply("xor:offset 1,extract 1 0", b"\x01abc"), b"\x01`cb");
    assert_eq!(apply("xor:extract 2 1", b"abc"), [b'a' ^ b'b', 1, 1]);
    assert_eq!(apply("xor:offset 4, \"ff\"", b"abc"), b"abc", "outside");
    assert_eq!(apply("xor:extract 2 2", b"abc"), b"abc", "outside");
}

#[test]
fn from_base64_where_it_is_told() {
    let uri = b"/?arg=dGhpc2lzYXRlc3QK";
    assert_eq!(apply("from_base64: offset 6, mode rfc4648", uri), b"thisisatest\n");
    assert_eq!(apply("from_base64: mode strict,offset 6", uri), b"thisisatest\n");
    assert_eq!(apply("from_base64: bytes 6, offset 6", uri), b"this");
    assert_eq!(apply("from_base64: bytes 16, offset 6", uri), b"thisisatest\n");
    assert_eq!(apply("from_base64", b"VGhpcyBpcyBTdXJpY2F0YQ=="), b"This is Suricata");
    assert_eq!(apply("from_base64: offset 6, mode rfc2045", b"/?arg=Zm 9v Ym Fy"), b"foobar");
    for unchanged in ["from_base64: offset 6, mode strict", "from_base64: offset 17", "from_base64: bytes 18"]
    {
        assert_eq!(apply(unchanged, b"/?arg=Zm 9v Ym Fy"), b"/?arg=Zm 9v Ym Fy", "{unchanged}");
    }
}

#[test]
fn domain_and_tld() {
    for (name, domain, tld) in [
        ("www.bbc.co.uk", "bbc.co.uk", "co.uk"),
        ("a.b.suricata.io", "suricata.io", "io"),
        ("suricata.io", "suricata.io", "io"),
        ("co.uk", "", ""),
        ("localhost", "", ""),
    ] {
        assert_eq!(apply("domain", name.as_bytes()), domain.as_bytes(), "{name}");
        assert_eq!(apply("tld", name.as_bytes()), tld.as_bytes(), "{name}");
    }
}

#[test]
fn pcrexform_leaves_the_group() {
    let line = b"GET /dropper.php HTTP/1.1";
    assert_eq!(apply(r#"pcrexform:"[a-zA-Z]+\s+(.*)\s+HTTP""#, line), b"/dropper.php");
    assert_eq!(apply(r#"pcrexform:"^(?:POST)\s+(.*)\s+HTTP""#, line), line, "without a match");
    assert_eq!(apply(r#"pcrexform:"GET|(POST)""#, line), line, "a match without the group");
    assert_eq!(apply(r#"pcrexform:"(x*)GET""#, line), b"", "an empty group");
    let mut hostile = vec![b'a'; 4000];
    hostile.push(b'!');
    assert_eq!(apply(r#"pcrexform:"^(a+)+$""#, &hostile), hostile, "a limit");
    assert_eq!(parse(r#"pcrexform:"a""#).unwrap_err().at, 11);
    let same = |one: &str, other: &str| parse(one).unwrap() == parse(other).unwrap();
    assert!(
        same(r#"pcrexform:"(a)""#, r#"pcrexform:"(a)""#) && !same(r#"pcrexform:"(a)""#, r#"pcrexform:"(b)""#)
    );
}

/// The examples of Suricata's documentation.
#[test]
fn subslice() {
    let text = b"This is Suricata";
    for (option, expected) in [
        ("1", "his is Suricata"),
        ("0, 13", "This is Suric"),
        ("10, -5", "r"),
        ("-3", "ata"),
        ("-17", ""),
        ("-17, truncate", "This is Suricata"),
        ("-20, 5, truncate", "This "),
        ("0, -30, truncate", ""),
        ("0, -8, TRUNCATE", "This is "),
        ("16", ""),
        ("17", ""),
        ("0, 17", ""),
        ("0, 17, truncate", "This is Suricata"),
        ("12, -8", "Suri"),
    ] {
        assert_eq!(apply(&format!("subslice:{option}"), text), expected.as_bytes(), "{option}");
    }
    for (option, strict, truncated) in [
        ("5", "7.64.1", "7.64.1"),
        ("-20", "", "curl/7.64.1"),
        ("-20, 5", "", "curl/"),
        ("0, -30", "", ""),
        ("0, -8", "cur", "cur"),
        ("-20, -30", "", ""),
        ("0, 30", "", "curl/7.64.1"),
    ] {
        assert_eq!(apply(&format!("subslice:{option}"), b"curl/7.64.1"), strict.as_bytes(), "{option}");
        let option = format!("subslice:{option}, truncate");
        assert_eq!(apply(&option, b"curl/7.64.1"), truncated.as_bytes(), "{option}");
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn inflates_up_to_the_largest_size() {
    let plain = vec![b'a'; 100_000];
    assert_eq!(apply("gunzip", &gzip(&plain)), plain[..1024]);
    assert_eq!(apply("zlib_deflate", &zlib(&plain)), plain[..1024]);
    assert_eq!(apply("gunzip: max-size 8KiB", &gzip(&plain)), plain[..8192]);
    assert_eq!(apply("zlib_deflate: max-size 1MB", &zlib(&plain)), plain);
    assert_eq!(apply("gunzip: max-size 100000", &gzip(&plain)), plain);
    let twice = [gzip(b"first"), gzip(b"second")].concat();
    assert_eq!(apply("gunzip", &twice), b"first", "one member");
}

#[test]
fn inflates_what_there_is_of_input_that_ends_early() {
    let plain: Vec<u8> = (0..3000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    for (transform, packed) in [("gunzip", gzip(&plain)), ("zlib_deflate", zlib(&plain))] {
        let out = apply(&format!("{transform}: max-size 1MiB"), &packed[..packed.len() / 2]);
        assert!(out.len() > 4096 && plain.starts_with(&out), "{transform} {}", out.len());
        assert_eq!(apply(transform, &packed[..1]), b"");
        assert_eq!(apply(transform, b"no packed data at all"), b"");
    }
}

#[test]
fn gzip_headers_may_have_parts() {
    let body = &gzip(b"plain")[10..];
    let with = |flags: u8, parts: &[u8]| {
        apply("gunzip", &[&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3][..], parts, body].concat())
    };
    assert_eq!(with(0, b""), b"plain");
    assert_eq!(with(1, b""), b"plain");
    assert_eq!(with(2, b"cc"), b"plain");
    assert_eq!(with(4, b"\x02\x00xx"), b"plain");
    assert_eq!(with(8, b"name\0"), b"plain");
    assert_eq!(with(4 | 8 | 16 | 2, b"\x01\x00xname\0comment\0cc"), b"plain");
    assert_eq!(with(0x20, b""), b"");
    assert_eq!(apply("gunzip", &[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 1]), b"");
    assert_eq!(apply("gunzip", &[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, b'x']), b"");
}

#[test]
fn a_scratch_serves_one_buffer_after_another() {
    let mut scratch = Scratch::default();
    let mut out = Vec::new();
    let (gunzip, unzlib) = (parse("gunzip").unwrap(), parse("zlib_deflate").unwrap());
    for _ in 0..2 {
        gunzip.apply(&gzip(b"one"), &mut out, &mut scratch);
        assert_eq!(out, b"one");
        unzlib.apply(b"\x78\x9c\x00\x01\x00\xfe\xffa\x07", &mut out, &mut scratch);
        assert_eq!(out, b"", "a stored `a`, and a block of no type");
        unzlib.apply(&zlib(b"two"), &mut out, &mut scratch);
        assert_eq!(out, b"two");
    }
}

/// One of each, for what holds of all.
const ALL: [&str; 20] = [
    "dotprefix",
    "strip_whitespace",
    "compress_whitespace",
    "to_lowercase",
    "to_uppercase",
    "header_lowercase",
    "strip_pseudo_headers",
    "to_md5",
    "to_sha1",
    "to_sha256",
    "url_decode",
    "domain",
    "tld",
    "xor:offset 1,0aff",
    "subslice:1,-1",
    "from_base64",
    "from_base64:mode rfc2045",
    "gunzip",
    "zlib_deflate",
    "pcrexform:\"[a-z](.*):\"",
];

#[test]
fn of_nothing_becomes_nothing() {
    for text in ALL {
        assert_eq!(apply(text, b""), b"", "{text}");
    }
}

#[test]
fn in_steady_state_nothing_is_allocated() {
    let mut scratch = Scratch::default();
    let mut out = Vec::new();
    let inputs = [gzip(&[b'x'; 3000]), zlib(&[b'y'; 3000]), b"www.Example.co.uk: a+b%20 aGFsbG8=".to_vec()];
    let transforms = ALL.map(|text| parse(text).unwrap());
    let mut all = || {
        for transform in &transforms {
            inputs.iter().for_each(|input| transform.apply(input, &mut out, &mut scratch));
        }
    };
    all();
    assert_eq!(allocation_counter::measure(all).count_total, 0);
}

#[test]
fn bad_forms_fault() {
    for bad in [
        "to_md6",
        "dotprefix:1",
        "to_md5:x",
        "domain:x",
        "xor",
        "xor:0",
        "xor:0g",
        "xor:\"",
        "xor:\"\"",
        "xor:ä0",
        "xor:offset 1",
        "xor:offset x,00",
        "xor:offset 1,00,00",
        "xor:extract 0 1",
        "xor:extract 1",
        "xor:extract 256 1",
        "subslice",
        "subslice:x",
        "subslice:1,0",
        "subslice:1,x",
        "subslice:1,2,3",
        "subslice:truncate",
        "subslice:1,truncate,2",
        "from_base64:mode rfc1",
        "from_base64:bytes 65536",
        "from_base64:offset x",
        "from_base64:offset 1,offset 1",
        "from_base64:strict",
        "gunzip:max-size",
        "gunzip:max-size 0",
        "gunzip:max-size 17MiB",
        "gunzip:max-size 1GiB",
        "gunzip:max-size 1x",
        "gunzip:size 1",
        "zlib_deflate:max-size 1,max-size 1",
        "pcrexform",
        "pcrexform:(a)",
        "pcrexform:\"\"",
        "pcrexform:\"a\"",
        "pcrexform:\"(a)(b)\"",
        "pcrexform:\"(a\"",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert_eq!(parse("subslice:1,x").unwrap_err().at, 11);
    assert!(parse(&format!("xor:{}", "00".repeat(255))).is_ok());
    assert!(parse(&format!("xor:{}", "00".repeat(256))).is_err());
}

#[test]
fn knows_what_cannot_come_out() {
    let can = |text: &str, content: &str| parse(text).unwrap().can_yield(content.as_bytes(), false);
    assert!(!can("strip_whitespace", "a b") && can("strip_whitespace", "ab"));
    assert!(!can("compress_whitespace", "a \tb") && can("compress_whitespace", " a b "));
    assert!(!can("to_lowercase", "aB") && can("to_lowercase", "ab1"));
    assert!(!can("to_uppercase", "aB") && can("to_uppercase", "AB1"));
    assert!(parse("to_uppercase").unwrap().can_yield(b"aB", true));
    assert!(!can("to_md5", "12345678901234567") && can("to_sha1", "12345678901234567"));
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(b"aB1 \t\r\n:.%+4=\x0b\x0c\xff".to_vec());
    prop_oneof![prop::collection::vec(any::<u8>(), 1..60), prop::collection::vec(byte, 1..60)]
}

proptest! {
    #[test]
    fn simple_ones_do_the_obvious(input in text()) {
        let space = |byte: u8| b" \t\n\x0b\x0c\r".contains(&byte);
        let map = |change: fn(char) -> char| input.iter().map(|&b| change(b as char) as u8).collect::<Vec<_>>();
        prop_assert_eq!(apply("to_lowercase", &input), map(|c| if c.is_ascii() { c.to_ascii_lowercase() } else { c }));
        prop_assert_eq!(apply("to_uppercase", &input), map(|c| if c.is_ascii() { c.to_ascii_uppercase() } else { c }));
        let stripped: Vec<u8> = input.iter().copied().filter(|&byte| !space(byte)).collect();
        prop_assert_eq!(apply("strip_whitespace", &input), stripped);
        let first = |at: usize| at == 0 || !space(input[at]) || !space(input[at - 1]);
        let compressed: Vec<u8> = (0..input.len()).filter(|&at| first(at)).map(|at| input[at]).collect();
        prop_assert_eq!(apply("compress_whitespace", &input), compressed);
    }

    #[test]
    fn header_names_are_those_before_a_colon(input in text()) {
        let mut in_name = true;
        let lowered: Vec<u8> = input.iter().map(|&byte| {
            in_name = if in_name { byte != b':' } else { byte == b'\n' };
            if in_name { byte.to_ascii_lowercase() } else { byte }
        }).collect();
        prop_assert_eq!(apply("header_lowercase", &input), lowered);
    }

    #[test]
    fn encoded_urls_are_decoded(plain in text()) {
        let encoded: Vec<u8> = plain.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect();
        prop_assert_eq!(apply("url_decode", &encoded), plain);
    }

    #[test]
    fn xor_twice_is_nothing(plain in text(), key in prop::collection::vec(any::<u8>(), 1..9), offset in 0..60_usize) {
        let option = format!("xor:offset {offset},{}", hex(&key));
        let once = apply(&option, &plain);
        for (at, (&before, &after)) in plain.iter().zip(&once).enumerate() {
            let key = at.checked_sub(offset).map_or(0, |at| key[at % key.len()]);
            prop_assert_eq!(before ^ key, after);
        }
        prop_assert_eq!(apply(&option, &once), plain);
    }

    #[test]
    fn packed_is_unpacked(plain in prop::collection::vec(any::<u8>(), 1..9000)) {
        prop_assert_eq!(&apply("gunzip: max-size 9000", &gzip(&plain)), &plain);
        prop_assert_eq!(&apply("zlib_deflate: max-size 9000", &zlib(&plain)), &plain);
        prop_assert_eq!(&apply("from_base64", STANDARD.encode(&plain).as_bytes()), &plain);
    }

    #[test]
    fn any_input_is_taken(input: Vec<u8>, option in "[a-z0-9 ,:\"-]{0,20}") {
        for text in ALL {
            let out = apply(text, &input);
            let transform = parse(text).unwrap();
            prop_assert!(out.len() <= (input.len() + 1).max(1024));
            prop_assert!(transform.can_yield(&out, false), "{} {:?}", text, out);
        }
        for name in ["xor", "subslice", "from_base64", "gunzip"] {
            let _ = parse(&format!("{name}:{option}"));
        }
    }

    /// Against slicing with signed positions, one case at a time.
    #[test]
    fn subslice_cuts(input in text(), offset in -70..70_i64, count in prop::option::of(-70..70_i64), truncate: bool) {
        prop_assume!(count != Some(0));
        let counted = count.map_or(String::new(), |count| format!(", {count}"));
        let option = format!("subslice:{offset}{counted}{}", if truncate { ", truncate" } else { "" });
        let length = i64::try_from(input.len()).unwrap();
        let mut start = if offset < 0 { length + offset } else { offset };
        let outside = start < 0 || start > length;
        start = start.max(0).min(length);
        let mut end = match count {
            None => length,
            Some(count) if count < 0 => length + count,
            Some(count) => start + count,
        };
        let outside = outside || end < 0 || end > length;
        end = end.max(0).min(length);
        if end < start {
            std::mem::swap(&mut start, &mut end);
        }
        let expected = if outside && !truncate { &[][..] } else { &input[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()] };
        prop_assert_eq!(apply(&option, &input), expected);
    }
}
