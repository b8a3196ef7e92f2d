//! LDAP (Suricata's "LDAP Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
    number::{Field, number},
};

const PAGE: &str = "ldap-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("ldap", Form::Sticky(buffer))
}

const fn check(check: fn(Token<'_>) -> Result<(), Fault>) -> Reader {
    reader("ldap", Form::Value(check))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("ldap.request.attribute_type", PAGE, sticky("ldap.request.attribute_type")),
    ("ldap.request.dn", PAGE, sticky("ldap.request.dn")),
    ("ldap.request.operation", PAGE, check(|value| value::named::<u8>(value, OPERATIONS))),
    ("ldap.responses.attribute_type", PAGE, sticky("ldap.responses.attribute_type")),
    ("ldap.responses.count", PAGE, check(value::integer::<u32>)),
    ("ldap.responses.dn", PAGE, sticky("ldap.responses.dn")),
    ("ldap.responses.message", PAGE, sticky("ldap.responses.message")),
    ("ldap.responses.operation", PAGE, check(|value| indexed::<u8>(value, OPERATIONS))),
    ("ldap.responses.result_code", PAGE, check(|value| indexed::<u32>(value, RESULTS))),
];

/// Operations (RFC 4511, section 4.2 and on).
const OPERATIONS: &str = "bind_request bind_response unbind_request search_request search_result_entry \
                          search_result_done search_result_reference modify_request modify_response add_request \
                          add_response del_request del_response mod_dn_request mod_dn_response compare_request \
                          compare_response abandon_request extended_request extended_response intermediate_response";
/// Result codes (IANA, "LDAP Result Codes").
const RESULTS: &str = "success operations_error protocol_error time_limit_exceeded size_limit_exceeded compare_false \
                       compare_true auth_method_not_supported stronger_auth_required referral admin_limit_exceeded \
                       unavailable_critical_extension confidentiality_required sasl_bind_in_progress \
                       no_such_attribute undefined_attribute_type inappropriate_matching constraint_violation \
                       attribute_or_value_exists invalid_attribute_syntax no_such_object alias_problem \
                       invalid_dns_syntax is_leaf alias_dereferencing_problem inappropriate_authentication \
                       invalid_credentials insufficient_access_rights busy unavailable unwilling_to_perform \
                       loop_detect sort_control_missing offset_range_error naming_violation object_class_violation \
                       not_allowed_on_non_leaf not_allowed_on_rdn entry_already_exists object_class_mods_prohibited \
                       results_too_large affects_multiple_dsas control_error other server_down local_error \
                       encoding_error decoding_error timeout auth_unknown filter_error user_canceled param_error \
                       no_memory connect_error not_supported control_not_found no_results_returned \
                       more_results_to_return client_loop referral_limit_exceeded invalid_response ambiguous_response \
                       tls_not_supported intermediate_response unknown_type canceled no_such_operation too_late \
                       cannot_cancel assertion_failed authorization_denied e_sync_refresh_required no_operation";

/// A number or a name, and of which response: a place (from the end when negative), `any` or `all`.
fn indexed<T: Field>(value: Token<'_>, names: &str) -> Result<(), Fault> {
    let mut parts = value.split(',');
    value::named::<T>(parts.next().unwrap_or(value), names)?;
    let Some(place) = parts.next() else { return Ok(()) };
    if !["any", "all"].contains(&place.text) {
        number(place, i32::MIN..=i32::MAX)?;
    }
    parts.next().map_or(Ok(()), |more| Err(more.fault("nothing may follow the response's place")))
}
