//! MQTT (Suricata's "MQTT Keywords").

use super::{Form, reader, value};
use crate::engine::rules::{
    fault::Fault,
    keyword::{Entry, Reader},
    lexer::Token,
};

const PAGE: &str = "mqtt-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("mqtt", Form::Sticky(buffer))
}

const fn check(check: fn(Token<'_>) -> Result<(), Fault>) -> Reader {
    reader("mqtt", Form::Value(check))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("mqtt.connack.session_present", PAGE, check(|value| value::one_of(value, "yes true no false"))),
    ("mqtt.connect.clientid", PAGE, sticky("mqtt.connect.clientid")),
    ("mqtt.connect.flags", PAGE, check(|value| value::flags::<u8>(value, CONNECT_FLAGS))),
    ("mqtt.connect.password", PAGE, sticky("mqtt.connect.password")),
    ("mqtt.connect.protocol_string", PAGE, sticky("mqtt.connect.protocol_string")),
    ("mqtt.connect.username", PAGE, sticky("mqtt.connect.username")),
    ("mqtt.connect.willmessage", PAGE, sticky("mqtt.connect.willmessage")),
    ("mqtt.connect.willtopic", PAGE, sticky("mqtt.connect.willtopic")),
    ("mqtt.flags", PAGE, check(|value| value::flags::<u8>(value, "dup retain"))),
    ("mqtt.protocol_version", PAGE, check(value::integer::<u8>)),
    ("mqtt.publish.message", PAGE, sticky("mqtt.publish.message")),
    ("mqtt.publish.topic", PAGE, sticky("mqtt.publish.topic")),
    ("mqtt.qos", PAGE, check(|value| value::at_most(value, 2))),
    ("mqtt.reason_code", PAGE, check(value::integer::<u8>)),
    ("mqtt.subscribe.topic", PAGE, sticky("mqtt.subscribe.topic")),
    ("mqtt.type", PAGE, check(|value| value::named::<u8>(value, TYPES))),
    ("mqtt.unsubscribe.topic", PAGE, sticky("mqtt.unsubscribe.topic")),
];

/// Control packets (MQTT 5.0, section 2.1.2).
const TYPES: &str = "UNASSIGNED CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK \
                     PINGREQ PINGRESP DISCONNECT AUTH";
/// Flags of CONNECT (MQTT 5.0, section 3.1.2.3).
const CONNECT_FLAGS: &str = "username password will will_retain clean_session";
