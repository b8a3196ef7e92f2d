//! DNP3 (Suricata's "DNP3 Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "dnp3-keywords";

const DATA: Reader = reader("dnp3", Form::Sticky("dnp3.data"));
const FUNCTION: Reader = reader("dnp3", Form::Value(function));
const INDICATORS: Reader = reader("dnp3", Form::Value(indicators));
const OBJECT: Reader = reader("dnp3", Form::Value(object));

pub(super) const KEYWORDS: &[Entry] = &[
    ("dnp3.data", PAGE, DATA),
    ("dnp3.func", PAGE, FUNCTION),
    ("dnp3.ind", PAGE, INDICATORS),
    ("dnp3.obj", PAGE, OBJECT),
    ("dnp3_data", PAGE, DATA),
    ("dnp3_func", PAGE, FUNCTION),
    ("dnp3_ind", PAGE, INDICATORS),
    ("dnp3_obj", PAGE, OBJECT),
];

const FUNCTIONS: &str = "confirm read write select operate direct_operate direct_operate_nr immed_freeze immed_freeze_nr \
                         freeze_clear freeze_clear_nr freeze_at_time freeze_at_time_nr cold_restart warm_restart \
                         initialize_data initialize_appl start_appl stop_appl save_config enable_unsolicited \
                         disable_unsolicited assign_class delay_measure record_current_time open_file close_file \
                         delete_file get_file_info authenticate_file abort_file activate_config authenticate_req \
                         authenticate_err response unsolicited_response authenticate_resp";
const FLAGS: &str = "device_restart device_trouble local_control need_time class_3_events class_2_events class_1_events \
                     all_stations reserved_1 reserved_2 config_corrupt already_executing event_buffer_overflow \
                     parameter_error object_unknown no_func_code_support";

/// A number or a name.
fn function(value: Token<'_>) -> Result<(), Fault> {
    match value.text.starts_with(|c: char| c.is_ascii_digit()) {
        true => value::at_most(value, u8::MAX.into()),
        false => value::one_of(value, FUNCTIONS),
    }
}

/// A number, decimal or as in `0x8000`, or names between commas.
fn indicators(value: Token<'_>) -> Result<(), Fault> {
    if let Some(digits) = value.strip_prefix("0x") {
        let is_hex = (1..=4).contains(&digits.text.len())
            && digits.text.bytes().all(|digit| digit.is_ascii_hexdigit());
        return if is_hex {
            Ok(())
        } else {
            Err(digits.fault("after `0x` come one to four hexadecimal digits"))
        };
    }
    match value.text.starts_with(|c: char| c.is_ascii_digit()) {
        true => value::at_most(value, u16::MAX.into()),
        false => value.split(',').try_for_each(|flag| value::one_of(flag, FLAGS)),
    }
}

/// `group,variation`
fn object(value: Token<'_>) -> Result<(), Fault> {
    let Some((group, variation)) = value.split_once(",") else {
        return Err(value.fault("an object is `group,variation`"));
    };
    value::at_most(group, u8::MAX.into())?;
    value::at_most(variation, u8::MAX.into())
}
