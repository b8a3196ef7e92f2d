//! DCE/RPC (Suricata's "DCERPC Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "dcerpc-keywords";

const IFACE: Reader = reader("dcerpc", Form::Value(interface));
const OPNUM: Reader = reader("dcerpc", Form::Value(operations));
const STUB_DATA: Reader = reader("dcerpc", Form::Sticky("dcerpc.stub_data"));

pub(super) const KEYWORDS: &[Entry] = &[
    ("dce_iface", PAGE, IFACE),
    ("dce_opnum", PAGE, OPNUM),
    ("dce_stub_data", PAGE, STUB_DATA),
    ("dcerpc.iface", PAGE, IFACE),
    ("dcerpc.opnum", PAGE, OPNUM),
    ("dcerpc.stub_data", PAGE, STUB_DATA),
];

/// `uuid[,version][,any_frag]`
fn interface(value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    uuid(parts.next().unwrap_or(value))?;
    let Some(second) = parts.next() else { return Ok(()) };
    if second.text != "any_frag" {
        value::integer::<u16>(second)?;
        let Some(third) = parts.next() else { return Ok(()) };
        value::one_of(third, "any_frag")?;
    }
    parts.next().map_or(Ok(()), |more| Err(more.fault("nothing may follow `any_frag`")))
}

/// Hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn uuid(value: Token<'_>) -> Result<(), Fault> {
    let groups = value.text.split('-').map(|group| {
        let is_hex = group.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_hex { group.len() } else { 0 }
    });
    if groups.eq([8, 4, 4, 4, 12]) {
        return Ok(());
    }
    Err(value.fault("an interface is a UUID as in 367abb81-9844-35f1-ad32-98f038001003"))
}

/// Numbers and ranges between commas.
fn operations(value: Token<'_>) -> Result<(), Fault> {
    value.split(',').try_for_each(|part| {
        let mut bounds = part.split('-');
        let first = bounds.next().unwrap_or(part);
        value::at_most(first, u16::MAX.into())?;
        if let Some(last) = bounds.next() {
            value::at_most(last, u16::MAX.into())?;
            if last.text.parse::<u16>().ok() < first.text.parse::<u16>().ok() {
                return Err(part.fault("the range ends before it begins"));
            }
        }
        bounds.next().map_or(Ok(()), |more| Err(more.fault("a range has two ends")))
    })
}
