//! Names of Suricata 8's keywords that are not supported, by documentation page. `template`, its example for those who write new
//! ones, is none.

/// Page and the keywords on it.
pub(super) const UNSUPPORTED: &[(&str, &[&str])] = &[
    ("header-keywords", &["geoip"]),
    ("transforms", &["luaxform"]),
    ("flow-keywords", &["flow.elephant"]),
    ("config", &["config"]),
    ("lua-detection", &["lua", "luajit"]),
];
