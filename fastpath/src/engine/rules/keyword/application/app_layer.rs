//! What is known of a flow's protocol as such (Suricata's "Generic App Layer Keywords").

use super::{ANY, Form, event, reader, value};
use crate::engine::rules::{draft::Draft, fault::Fault, header, keyword::Entry, lexer::Token};

const PAGE: &str = "app-layer";

pub(super) const KEYWORDS: &[Entry] = &[
    ("app-layer-event", PAGE, reader(ANY, Form::Named(event::read))),
    ("app-layer-protocol", PAGE, reader(ANY, Form::Named(protocol))),
    ("app-layer-state", PAGE, reader(ANY, Form::Named(state))),
];

/// `[!]protocol[,mode]`; `failed` and `unknown` stand for flows without one.
fn protocol(draft: &mut Draft<'_>, name: Token<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (negated, rest) = value.negation();
    if let Some(protocol) = draft.application {
        return Err(name.fault(format!("the rule is about `{protocol}` already")));
    }
    let mut parts = rest.without_quotes()?.split(',');
    let protocol = parts.next().unwrap_or(rest);
    let needed = match protocol.text {
        "unknown" if negated => return Err(value.fault("`unknown` may not be negated")),
        "failed" | "unknown" => ANY,
        other => header::application(other)
            .ok_or_else(|| protocol.fault(format!("unknown application protocol `{other}`")))?,
    };
    if let Some(mode) = parts.next() {
        value::one_of(mode, "final original either to_server to_client direction")?;
    }
    if let Some(more) = parts.next() {
        return Err(more.fault("nothing may follow the mode"));
    }
    draft.need_parser(needed, name);
    Ok(())
}

/// States of every protocol's transactions.
const COMMON: &str = "request_started request_complete response_started response_complete";
/// Those that some have beside them.
const STATES: [(&str, &str); 4] = [
    ("http", HTTP),
    ("http1", HTTP),
    (
        "ssh",
        "request_in_progress request_banner_wait_eol request_banner_done request_finished \
         response_in_progress response_banner_wait_eol response_banner_done response_finished",
    ),
    (
        "tls",
        "client_in_progress client_hello_done client_cert_done client_handshake_done client_finished \
         server_in_progress server_hello server_cert_done server_hello_done server_handshake_done server_finished",
    ),
];
const HTTP: &str = "request_line request_headers request_body request_trailer \
                    response_line response_headers response_body response_trailer";

/// `state`, `<state` or `>state`, for a rule that is about a protocol.
fn state(draft: &mut Draft<'_>, name: Token<'_>, value: Token<'_>) -> Result<(), Fault> {
    let Some(protocol) = draft.application else {
        return Err(name.fault("`app-layer-state` is for rules about an application protocol"));
    };
    let state = value.strip_prefix("<").or_else(|| value.strip_prefix(">")).unwrap_or(value);
    let own = STATES.iter().find(|(known, _)| *known == protocol).map_or("", |(_, states)| *states);
    if COMMON.split(' ').chain(own.split(' ')).any(|known| known == state.text) {
        return Ok(());
    }
    Err(state.fault(format!("`{protocol}` has no state `{}`", state.text)))
}
