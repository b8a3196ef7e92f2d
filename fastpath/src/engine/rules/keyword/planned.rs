//! Names of Suricata 8's keywords that are not supported yet, by documentation page.

/// Page and the keywords on it.
pub(super) const PLANNED: &[(&str, &[&str])] = &[
    ("header-keywords", &["geoip"]),
    ("payload-keywords", &["rpc"]),
    ("transforms", &["pcrexform", "luaxform"]),
    ("flow-keywords", &["flowvar", "pktvar", "flow.elephant"]),
    ("config", &["config"]),
    ("lua-detection", &["lua", "luajit"]),
    (
        "differences-from-snort",
        &[
            "ipv4-csum",
            "tcpv4-csum",
            "tcpv6-csum",
            "udpv4-csum",
            "udpv6-csum",
            "icmpv4-csum",
            "icmpv6-csum",
            "engine-event",
            "template",
        ],
    ),
];
