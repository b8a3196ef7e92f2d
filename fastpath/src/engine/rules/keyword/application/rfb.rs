//! RFB, the protocol of VNC (Suricata's "RFB Keywords").

use super::{Form, reader, value};
use crate::engine::rules::keyword::Entry;

const PAGE: &str = "rfb-keywords";

pub(super) const KEYWORDS: &[Entry] = &[
    ("rfb.name", PAGE, reader("rfb", Form::Sticky("rfb.name"))),
    (
        "rfb.secresult",
        PAGE,
        reader("rfb", Form::Value(|value| value::named::<u32>(value, "ok fail too_many toomany unknown"))),
    ),
    ("rfb.sectype", PAGE, reader("rfb", Form::Value(value::integer::<u32>))),
];
