//! EtherNet/IP and CIP (Suricata's "ENIP/CIP Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "enip-keyword";

const fn check(check: fn(Token<'_>) -> Result<(), Fault>) -> Reader {
    reader("enip", Form::Value(check))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("cip_service", PAGE, check(service)),
    ("enip.capabilities", PAGE, check(value::integer::<u16>)),
    ("enip.cip_attribute", PAGE, check(value::integer::<u32>)),
    ("enip.cip_class", PAGE, check(value::integer::<u32>)),
    ("enip.cip_extendedstatus", PAGE, check(value::integer::<u16>)),
    ("enip.cip_instance", PAGE, check(value::integer::<u32>)),
    ("enip.cip_status", PAGE, check(value::integer::<u8>)),
    ("enip.device_type", PAGE, check(value::integer::<u16>)),
    ("enip.identity_status", PAGE, check(value::integer::<u16>)),
    ("enip.product_code", PAGE, check(value::integer::<u16>)),
    ("enip.product_name", PAGE, reader("enip", Form::Sticky("enip.product_name"))),
    ("enip.protocol_version", PAGE, check(value::integer::<u16>)),
    ("enip.revision", PAGE, check(value::integer::<u16>)),
    ("enip.serial", PAGE, check(value::integer::<u32>)),
    ("enip.service_name", PAGE, reader("enip", Form::Sticky("enip.service_name"))),
    ("enip.state", PAGE, check(value::integer::<u8>)),
    ("enip.status", PAGE, check(|value| value::named::<u32>(value, STATUSES))),
    ("enip.vendor_id", PAGE, check(value::integer::<u16>)),
    ("enip_command", PAGE, check(|value| value::named::<u16>(value, COMMANDS))),
];

const COMMANDS: &str = "nop list_services list_identity list_interfaces register_session unregister_session \
                        send_r_r_data send_unit_data indicate_status cancel";
const STATUSES: &str = "success invalid_cmd no_resources incorrect_data invalid_session invalid_length \
                        unsupported_prot_rev encap_header_error";

/// Services with this bit are answers.
const ANSWER: u64 = 0x80;

/// `service[,class[,[!]attribute]]`
fn service(value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    value::at_most(parts.next().unwrap_or(value), ANSWER - 1)?;
    parts.next().map_or(Ok(()), |class| value::at_most(class, u32::MAX.into()))?;
    parts.next().map_or(Ok(()), |attribute| {
        value::at_most(attribute.strip_prefix("!").unwrap_or(attribute), u32::MAX.into())
    })?;
    parts.next().map_or(Ok(()), |more| Err(more.fault("nothing may follow the attribute")))
}
