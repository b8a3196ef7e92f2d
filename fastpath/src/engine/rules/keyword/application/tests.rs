use proptest::prelude::*;

use super::*;
use crate::engine::rules::{Variables, environment::Context, header::HeaderParser, keyword::entries, parser};

/// What comes of a rule: the protocol whose parser it needs, or what is wrong with it and where.
fn verdict(rule: &str) -> Result<&'static str, Fault> {
    match parser::parse(rule, &mut HeaderParser::new(&Variables::default()), Context::empty()) {
        Ok(_) => Err(Fault::new(0, "the rule counts as usable")),
        Err(unusable) => {
            let fault = unusable.into_fault();
            fault.missing.ok_or(fault)
        }
    }
}

/// A rule with these options.
fn rule(protocol: &str, options: &str) -> String {
    format!("alert {protocol} any any -> any any ({options} sid:1;)")
}

#[track_caller]
fn reason(protocol: &str, options: &str) -> String {
    let text = rule(protocol, options);
    let fault = verdict(&text).expect_err(options);
    assert!(fault.at <= text.len(), "{options}: {fault:?}");
    fault.reason
}

/// Keywords with values of their own: right ones and wrong ones.
const VALUES: &[(&str, &[&str], &[&str])] = &[
    (
        "app-layer-event",
        &["tls.invalid_record_type", "dns.z_flag_set", "applayer_unexpected_protocol", "file.z_data_error"],
        &["tls", "tls.nothing", "nothing.malformed_data", "x", "tls.", "."],
    ),
    (
        "app-layer-protocol",
        &["http", "!tls", "failed", "unknown", "ssh,final", "dns, either", "\"smb\"", "!http,to_server"],
        &["x", "!unknown", "http,x", "http,final,final", "", "!", "\"http"],
    ),
    (
        "app-layer-state",
        &["request_started", "<response_complete", ">request_complete"],
        &["x", "<", "request"],
    ),
    ("cip_service", &["10", "5,1", "5, 1, 2", "5,1,!2"], &["128", "x", "5,", "5,1,2,3", "!5"]),
    (
        "dce_iface",
        &["367abb81-9844-35f1-ad32-98f038001003", "367abb81-9844-35f1-ad32-98f038001003,<2,any_frag"],
        &["1", "x67abb81-9844-35f1-ad32-98f038001003"],
    ),
    (
        "dcerpc.iface",
        &[
            "367abb81-9844-35f1-ad32-98f038001003, =1",
            "367ABB81-9844-35f1-ad32-98f038001003,any_frag",
            "367abb81-9844-35f1-ad32-98f038001003,!1,any_frag",
        ],
        &[
            "367abb81-9844-35f1-ad32",
            "367abb81-9844-35f1-ad32-98f038001003,",
            "367abb81-9844-35f1-ad32-98f038001003,x",
            "367abb81-9844-35f1-ad32-98f038001003,1,2",
            "367abb81-9844-35f1-ad32-98f038001003,any_frag,1",
            "367abb81-9844-35f1-ad32-98f038001003,1,any_frag,1",
        ],
    ),
    ("dce_opnum", &["1", "1,2-4, 9"], &["x", "4-2", "1,"]),
    ("dcerpc.opnum", &["0", "15-20,30"], &["1-2-3", "65536", "-1", "!1"]),
    ("dhcp.leasetime", &["3600", ">3600", "1<>9"], &["x", "1s"]),
    ("dhcp.rebinding_time", &["<=5"], &["=<5"]),
    ("dhcp.renewal_time", &["!5"], &["5!"]),
    ("dnp3.func", &["2", "Write"], &["256", "writes"]),
    (
        "dnp3.ind",
        &["all_stations", "need_time, local_control", "0x8000", "17"],
        &["x", "0x", "0x12345", "need_time,", "70000"],
    ),
    ("dnp3.obj", &["1,2", "254, 1"], &["1", "1,256", "x,1", "1,2,3"]),
    ("dnp3_func", &["read"], &["!read"]),
    ("dnp3_ind", &["class_1_events,class_2_events"], &["class_4_events"]),
    ("dnp3_obj", &["0,0"], &["0;"]),
    ("dns.opcode", &["4", "!0", "1-5", ">2"], &["256", "query", "!"]),
    ("dns.rcode", &["3", "nxdomain", "!NOERROR", "7-15"], &["!asdf", "65536", "!", "3 4"]),
    ("dns.rrtype", &["1", "a", "!TXT", "A6", "> 50"], &["B", "!"]),
    ("enip.capabilities", &["32"], &["x"]),
    ("enip.cip_attribute", &[">1"], &["1>"]),
    ("enip.cip_class", &["68"], &["4294967296"]),
    ("enip.cip_extendedstatus", &["0x107"], &["0x10000"]),
    ("enip.cip_instance", &["1"], &["one"]),
    ("enip.cip_status", &["4"], &["256"]),
    ("enip.device_type", &["12"], &["a"]),
    ("enip.identity_status", &["&0x1=0x1"], &["&0x1=0x2"]),
    ("enip.product_code", &["118"], &["65536"]),
    ("enip.protocol_version", &["1"], &["v1"]),
    ("enip.revision", &["0x1402"], &["20.2"]),
    ("enip.serial", &["0x123"], &["123h"]),
    ("enip.state", &["3"], &["256"]),
    ("enip.status", &["100", ">106", "invalid_cmd"], &["invalid", "!"]),
    ("enip.vendor_id", &["1"], &[""]),
    ("enip_command", &["99", "list_identity", "!nop"], &["65536", "list"]),
    ("filemd5", &["md5.list", "!bad.md5"], &["", "!", "\"a\""]),
    ("filesha1", &["sha1.list"], &["!"]),
    ("filesha256", &["sha256.list"], &["\"x\""]),
    (
        "filesize",
        &["100", "100<>200", ">2kb", "to_client,>1MiB"],
        &["x", "both,1", "1,to_client", "200<>100"],
    ),
    ("filestore", &["request", "both,flow", "to_client, tx"], &["x", "both,x", "both,tx,1", ","]),
    (
        "frame",
        &["smb.smb2.data", "HTTP1.request", "sip.request.line", "tls.stream"],
        &["pdu", "tls.x", "x.pdu", ""],
    ),
    ("ftp.dynamic_port", &["59000", ">1024"], &["65536"]),
    ("ftp.mode", &["active", "passive"], &["both"]),
    ("ftp.reply_received", &["yes", "0"], &["maybe"]),
    ("ftpdata_command", &["stor", "retr"], &["put"]),
    ("http2.errorcode", &["NO_ERROR", "7"], &["NONE", ">7", "4294967296"]),
    ("http2.frametype", &["GOAWAY", "7"], &["GO", "256"]),
    ("http2.priority", &["2", ">100"], &["256"]),
    (
        "http2.settings",
        &["SETTINGS_ENABLE_PUSH", "SETTINGS_ENABLE_PUSH=0", "SETTINGS_MAX_FRAME_SIZE >20000"],
        &["ENABLE", "SETTINGS_ENABLE_PUSH=x", "SETTINGS_ENABLE_PUSH=0 0", "=0"],
    ),
    ("http2.size_update", &[">4096"], &["a"]),
    ("http2.window", &["1"], &["4294967296"]),
    (
        "ike.chosen_sa_attribute",
        &["alg_hash=2", "\"sa_key_length = 128\""],
        &["alg_hash", "alg=2", "alg_hash=x", "=2"],
    ),
    ("ike.exchtype", &["5", ">=2"], &["256"]),
    ("ike.key_exchange_payload_length", &[">132"], &["x"]),
    ("ike.nonce_payload_length", &["<200"], &["<"]),
    (
        "krb5.ticket_encryption",
        &["weak", "!weak", "rc4-hmac", "23", "des-cbc-crc , -128,2 257"],
        &["strong", "!rc4-hmac", "2147483648", "1,,2"],
    ),
    ("krb5_err_code", &["25", "-1", "!0", "\"6\""], &["x", "-x"]),
    ("krb5_msg_type", &["10"], &["256", "as-req"]),
    ("ldap.request.operation", &["0", "search_request", "!bind_request"], &["search", "256"]),
    ("ldap.responses.count", &[">3"], &["three"]),
    (
        "ldap.responses.operation",
        &["search_result_entry", "1,0", "1,-1", "1,any", "1,all"],
        &["x", "1,some", "1,0,0"],
    ),
    ("ldap.responses.result_code", &["success", "size_limit_exceeded,all", "4"], &["failure", "4,"]),
    (
        "modbus",
        &[
            "function 1",
            "function 8, subfunction 4",
            "function !assigned",
            "access read",
            "access write coils, address 500, value >200",
            "access read discretes, address 500<>600",
            "unit 10",
            "unit >10, function 21",
            "unit 10<>500, access read input, address 1",
            "\"function 1\"",
        ],
        &[
            "",
            "x",
            "function",
            "function 0",
            "function 256",
            "function some",
            "function1",
            "function user, subfunction 1",
            "function 8, subfunction x",
            "function 8, subfunction 4, 5",
            "access",
            "access seek",
            "access write input",
            "access read tables",
            "access read, value 1",
            "access read, address 1, value 1",
            "access write, address 1<>9, value 1",
            "access write, address 1, value 1, 2",
            "unit",
            "unit x",
            "unit 1,",
            "unit 1, unit 2",
        ],
    ),
    ("mqtt.connack.session_present", &["yes", "false"], &["2", "none"]),
    (
        "mqtt.connect.flags",
        &["username,password,!will", "0x80", "&0x80=0x80"],
        &["user", "will,!will", "will,!", ""],
    ),
    ("mqtt.flags", &["dup", "retain, !dup", "9"], &["ref", "dup,!dup", "dup,"]),
    ("mqtt.protocol_version", &["5", "<5"], &["five"]),
    ("mqtt.qos", &["0", "2"], &["3", "<1"]),
    ("mqtt.reason_code", &["16"], &["256"]),
    ("mqtt.type", &["CONNECT", "!pingreq", "3"], &["PING"]),
    ("nfs.version", &["4", "2<>4"], &["v4"]),
    ("nfs_procedure", &["17", ">=3"], &["lookup"]),
    ("nfs_version", &["3"], &["3.0"]),
    ("ntp.mode", &["server", "!client", "3"], &["peer", "256"]),
    ("ntp.stratum", &["0", ">2"], &["<0"]),
    ("ntp.version", &["4", ">=3"], &["v4"]),
    ("rfb.secresult", &["ok", "!fail", "2"], &["good"]),
    ("rfb.sectype", &["2", ">4"], &["vnc"]),
    ("smb.version", &["1", "2"], &["3", "!1"]),
    ("snmp.pdu_type", &["2"], &["get"]),
    ("snmp.trap_type", &["linkdown", "3"], &["link", "256"]),
    ("snmp.version", &["3", "<3"], &["v3"]),
    ("ssh.protoversion", &["2_compat", "1.99", "2", "\"2.0\""], &["x", "2.", ".0", "2.0.0"]),
    ("ssh.softwareversion", &["OpenSSH", "\"PuTTY\""], &["\"\"", "\"x", "!"]),
    (
        "ssl_state",
        &["client_hello", "!client_hello", "client_hello|server_hello", "!client_keyx,!unknown"],
        &["hello", "client_hello|", "client_hello,client_hello"],
    ),
    (
        "ssl_version",
        &["tls1.2", "!tls1.3,tls1.2", "SSLv3"],
        &["tls1.4", "tls1.2,tls1.2", "tls1.2,!tls1.3", ""],
    ),
    ("tls.cert_chain_len", &["3", ">0", "0<>2"], &["x"]),
    ("tls.issuerdn", &["\"CN=a\"", "!\"CN=a\"", "CN=a"], &["\"\"", "\"CN"]),
    ("tls.subject", &["!\"CN=*.example.com\""], &["!"]),
    ("tls.version", &["1.2", "\"1.3\"", "0x7f12"], &["1.4", "0x7f1", "0x7f123", "tls1.2", "0xzzzz"]),
    (
        "tls_cert_notafter",
        &[
            "2015-10-22",
            ">2015",
            "<2015-10",
            "2015-10-22T23:59:59",
            "2015-10-22 23:59",
            "1998-05-01<>2008-05-01",
            "1445852105",
        ],
        &[
            "x",
            "2015-13-01",
            "2015-1-1",
            "2015-10T10:00",
            "2015-10-22T24",
            "2015<>",
            "<>2015",
            "2015-10-22-1",
            "+12345",
            ">",
        ],
    ),
    ("tls_cert_notbefore", &["1998-05-01<>2008-05-01", ">1998"], &["98", "1998<>2008<>2018"]),
    (
        "urilen",
        &["10", "<100", "6<>15", ">20,raw", "5, norm", "!7"],
        &["x", "10,", "10,rw", "10,raw,raw", "<0", "65536"],
    ),
    ("websocket.flags", &["fin", "fin,!comp", "&0x40=0x40", "128"], &["x", "fin,fin", "256"]),
    ("websocket.mask", &[">0"], &["x"]),
    ("websocket.opcode", &["text", "!ping", "8"], &["txt", "256"]),
];

/// A content that the buffer may hold.
fn content(buffer: &str) -> &'static str {
    match buffer {
        "ja3.hash" | "ja3s.hash" | "quic.cyu.hash" | "ssh.hassh" | "ssh.hassh.server" => {
            "content:\"0123456789abcdef0123456789abcdef\";"
        }
        "tls.cert_fingerprint" => "content:\"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33\";",
        _ => "content:\"a\";",
    }
}

/// Right and wrong options of one keyword.
fn forms(name: &str, form: Form) -> (Vec<String>, Vec<String>) {
    let valued = || {
        let (_, good, bad) = VALUES.iter().find(|(known, ..)| *known == name).expect(name);
        assert!(!good.is_empty() && !bad.is_empty(), "{name}");
        let all = |values: &[&str]| values.iter().map(|value| format!("{name}:{value};")).collect::<Vec<_>>();
        (all(good), all(bad))
    };
    match form {
        Form::Sticky(buffer) => {
            let content = content(buffer);
            (vec![format!("{name}; {content}")], vec![format!("{name};"), format!("{name}:x; {content}")])
        }
        Form::Directed(_) => {
            let good = ["", ":to_server", ":to_client"].map(|way| format!("{name}{way}; content:\"a\";"));
            (good.into(), vec![format!("{name};"), format!("{name}:both; content:\"a\";")])
        }
        Form::Modifier(_) => {
            let bad = vec![format!("{name};"), format!("content:\"a\"; {name}:x;")];
            (vec![format!("content:\"a\"; {name};")], bad)
        }
        Form::Content(buffer) => {
            let text = content(buffer).trim_start_matches("content:");
            let good = vec![format!("{name}:{text}"), format!("{name}:!{text} nocase;")];
            (good, vec![format!("{name};"), format!("{name}:\"\";"), format!("{name}:\"|4|\";")])
        }
        Form::Flag => (vec![format!("{name};")], vec![format!("{name}:1;")]),
        Form::Value(_) => {
            let (good, mut bad) = valued();
            bad.push(format!("{name};"));
            (good, bad)
        }
        Form::Optional(_) => {
            let (mut good, bad) = valued();
            good.push(format!("{name};"));
            (good, bad)
        }
        Form::Named(_) => {
            let (good, mut bad) = valued();
            bad.push(format!("{name};"));
            if name != "frame" {
                return (good, bad);
            }
            let asks = |options: Vec<String>| options.iter().map(|o| format!("{o} content:\"a\";")).collect();
            (asks(good), asks(bad))
        }
    }
}

/// All keywords that are about an application protocol.
fn applications() -> impl Iterator<Item = (&'static str, Application)> {
    entries().filter_map(|&(name, _, reader)| match reader {
        Reader::Application(application) => Some((name, application)),
        _ => None,
    })
}

#[test]
fn every_keyword_is_read_in_its_right_forms_and_in_no_others() {
    for (name, application) in applications() {
        let (good, bad) = forms(name, application.form);
        let about = if name == "app-layer-state" { "http" } else { "ip" };
        for options in good {
            match verdict(&rule(about, &options)) {
                Ok(protocol) if application.protocol == ANY => assert!(!protocol.is_empty()),
                Ok(protocol) => assert_eq!(protocol, application.protocol, "{options}"),
                Err(fault) => panic!("{options}: {fault:?}"),
            }
        }
        for options in bad {
            let text = rule(about, &options);
            let fault = verdict(&text).expect_err(&options);
            let least = text.find('(').unwrap();
            assert!(fault.at > least && fault.at <= text.len(), "{options}: {fault:?}");
            assert_ne!(fault.reason, "the rule counts as usable", "{options}");
        }
    }
}

#[test]
fn every_value_is_of_a_keyword() {
    for (name, ..) in VALUES {
        assert!(applications().any(|(known, _)| known == *name), "{name}");
    }
}

#[test]
fn a_rule_is_about_one_protocol() {
    let needs = |protocol, options| verdict(&rule(protocol, options)).unwrap();
    assert_eq!(needs("tcp", "http.uri; content:\"a\";"), "http");
    assert_eq!(needs("smtp", "file_data; content:\"a\";"), "smtp");
    assert_eq!(needs("smb", "dcerpc.opnum:1;"), "smb");
    assert_eq!(needs("quic", "ja3.hash; content:\"0123456789abcdef0123456789abcdef\";"), "quic");
    assert_eq!(needs("http2", "http.uri; content:\"a\"; http2.window:1;"), "http2");
    assert_eq!(needs("tcp", "content:\"a\"; pcre:\"/a/U\";"), "http");
    assert_eq!(needs("tcp", "app-layer-protocol:!http; app-layer-protocol:!tls;"), "http");
    assert_eq!(needs("dns", "frame:pdu; content:\"a\";"), "dns");
    for (protocol, options) in [
        ("dns", "http.uri; content:\"a\";"),
        ("tcp", "http.uri; content:\"a\"; tls.sni; content:\"a\";"),
        ("dns", "file.data; content:\"a\";"),
        ("dns", "pcre:\"/a/U\";"),
        ("ssh", "app-layer-event:tls.invalid_record_type;"),
        ("ssh", "app-layer-event:file.z_data_error;"),
        ("smb", "frame:tls.pdu; content:\"a\";"),
    ] {
        assert!(
            reason(protocol, options).contains("which the rule is about")
                || reason(protocol, options).contains("the rule is about"),
            "{options}"
        );
    }
    assert!(reason("http", "app-layer-protocol:http;").contains("about `http` already"));
    assert!(
        reason("tcp", "app-layer-state:request_line;").contains("for rules about an application protocol")
    );
}

#[test]
fn contents_fit_their_buffers() {
    let md5 = "0123456789abcdef0123456789abcdef";
    let cases = [
        ("http.host; content:\"Example.com\";".to_string(), "lower case"),
        ("http.host; content:\"example.com\"; nocase;".into(), "`nocase`"),
        ("content:\"EXAMPLE\"; http_host;".into(), "lower case"),
        ("http.method; content:\"GET \";".into(), "white space"),
        ("content:\"|09|GET\"; http_method;".into(), "white space"),
        ("http.protocol; content:\"HTTP/1.1 \";".into(), "a space"),
        (format!("ja3.hash; content:\"{}\";", &md5[1..]), "32 hexadecimal digits"),
        (format!("ssh.hassh; content:\"x{}\";", &md5[1..]), "32 hexadecimal digits"),
        ("tls.cert_fingerprint; content:\"aa:bb\";".into(), "20 bytes"),
        ("tls.fingerprint:\"aa:bb\";".into(), "20 bytes"),
        ("tls.cert_serial; content:\"5C19B7\";".into(), "colons"),
    ];
    for (options, part) in cases {
        let reason = reason("ip", &options);
        assert!(reason.contains(part), "{options}: {reason}");
    }
    let text = rule("ip", "http.uri; content:\"A\"; nocase; http.host; content:!\"b\"; content:\"B\";");
    assert_eq!(verdict(&text).unwrap_err().at, text.find("\"B\"").unwrap());
}

#[test]
fn modifiers_go_with_what_they_stand_behind() {
    let needs = |options| verdict(&rule("tcp", options)).unwrap();
    assert_eq!(needs("content:\"a\"; http_uri; content:\"b\"; distance:1; http_uri; nocase;"), "http");
    assert_eq!(needs("filename:\"a\"; nocase; fileext:exe; uricontent:\"b\"; depth:4;"), "http");
    assert!(reason("tcp", "file_data; content:\"a\"; http_uri;").contains("another buffer"));
    assert!(reason("tcp", "http.uri; http.method; content:\"a\";").contains("nothing is asked"));
    assert!(reason("tcp", "content:\"a\"; http_uri; offset:1; distance:1;").contains("either `offset`"));
}

/// A faulty rule is told as faulty, even when it needs a parser too.
#[test]
fn faults_go_before_missing_parsers() {
    assert!(reason("http", "http.uri; content:\"a\"; nonsense:1;").contains("unknown keyword"));
    assert!(reason("http", "http.uri; content:\"a\"; depth:x;").contains("sets a variable `x`"));
    assert!(reason("http", "http.uri; pcre:\"/(/\";").contains("parenthesis"));
    assert!(reason("http", "http.uri; content:\"a\"; content:\"abc\"; within:2;").contains("shorter"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// Whatever stands where a value should, a place inside the rule is told.
    #[test]
    fn any_value_of_any_keyword_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        valid in any::<prop::sample::Index>(),
        noise in r#"([!<>=&,.|:" \-x0-9a-z]|to_client|any|é|\PC){0,24}"#,
        way in 0..4_u8,
    ) {
        let all: Vec<_> = entries().collect();
        let (name, ..) = all[which.index(all.len())];
        let mended = VALUES.iter().find(|(known, ..)| known == name).map_or("1", |(_, good, _)| good[valid.index(good.len())]);
        let option = match way {
            0 => format!("{name}:{noise};"),
            1 => format!("{name}:{mended}{noise};"),
            2 => format!("{name}:{noise}{mended};"),
            _ => format!("{name};"),
        };
        let text = rule("ip", &format!("content:\"a\"; {option} content:\"b\";"));
        let parsed = parser::parse(&text, &mut HeaderParser::new(&Variables::default()), Context::empty());
        if let Err(fault) = parsed.map_err(parser::Unusable::into_fault) {
            prop_assert!(fault.at <= text.len(), "{}: {:?}", text, fault);
            prop_assert!(!fault.reason.is_empty());
        }
    }
}
