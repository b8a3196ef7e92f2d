//! SNMP (Suricata's "SNMP keywords").

use super::{Form, reader, value};
use crate::engine::rules::keyword::Entry;

const PAGE: &str = "snmp-keywords";

pub(super) const KEYWORDS: &[Entry] = &[
    ("snmp.community", PAGE, reader("snmp", Form::Sticky("snmp.community"))),
    ("snmp.pdu_type", PAGE, reader("snmp", Form::Value(value::integer::<u32>))),
    ("snmp.trap_type", PAGE, reader("snmp", Form::Value(|value| value::named::<u8>(value, TRAPS)))),
    ("snmp.usm", PAGE, reader("snmp", Form::Sticky("snmp.usm"))),
    ("snmp.version", PAGE, reader("snmp", Form::Value(value::integer::<u32>))),
];

/// Generic traps (RFC 1157, section 4.1.6).
const TRAPS: &str =
    "COLDSTART WARMSTART LINKDOWN LINKUP AUTHENTICATIONFAILURE EGPNEIGHBORLOSS ENTERPRISESPECIFIC";
