//! NTP (Suricata's "NTP Keywords").

use super::{Form, reader, value};
use crate::engine::rules::keyword::Entry;

const PAGE: &str = "ntp-keywords";

pub(super) const KEYWORDS: &[Entry] = &[
    ("ntp.mode", PAGE, reader("ntp", Form::Value(|value| value::named::<u8>(value, MODES)))),
    ("ntp.reference_id", PAGE, reader("ntp", Form::Sticky("ntp.reference_id"))),
    ("ntp.stratum", PAGE, reader("ntp", Form::Value(value::integer::<u8>))),
    ("ntp.version", PAGE, reader("ntp", Form::Value(value::integer::<u8>))),
];

/// Modes (RFC 5905, figure 10).
const MODES: &str = "reserved symmetric_active symmetric_passive client server broadcast control private";
