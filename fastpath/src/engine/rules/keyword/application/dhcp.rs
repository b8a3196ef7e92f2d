//! DHCP (Suricata's "DHCP keywords").

use super::{Form, reader, value};
use crate::engine::rules::keyword::{Entry, Reader};

const PAGE: &str = "dhcp-keywords";
const SECONDS: Reader = reader("dhcp", Form::Value(value::integer::<u64>));

pub(super) const KEYWORDS: &[Entry] = &[
    ("dhcp.leasetime", PAGE, SECONDS),
    ("dhcp.rebinding_time", PAGE, SECONDS),
    ("dhcp.renewal_time", PAGE, SECONDS),
];
