//! SIP and the session descriptions in it (Suricata's "SIP Keywords", "SDP Keywords").

use super::{Form, reader};
use crate::engine::rules::keyword::{Entry, Reader};

const PAGE: &str = "sip-keywords";
const SDP: &str = "sdp-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("sip", Form::Sticky(buffer))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("sdp.attribute", SDP, sticky("sdp.attribute")),
    ("sdp.bandwidth", SDP, sticky("sdp.bandwidth")),
    ("sdp.connection_data", SDP, sticky("sdp.connection_data")),
    ("sdp.email", SDP, sticky("sdp.email")),
    ("sdp.encryption_key", SDP, sticky("sdp.encryption_key")),
    ("sdp.media.connection_data", SDP, sticky("sdp.media.connection_data")),
    ("sdp.media.encryption_key", SDP, sticky("sdp.media.encryption_key")),
    ("sdp.media.media", SDP, sticky("sdp.media.media")),
    ("sdp.media.media_info", SDP, sticky("sdp.media.media_info")),
    ("sdp.origin", SDP, sticky("sdp.origin")),
    ("sdp.phone_number", SDP, sticky("sdp.phone_number")),
    ("sdp.repeat_time", SDP, sticky("sdp.repeat_time")),
    ("sdp.session_info", SDP, sticky("sdp.session_info")),
    ("sdp.session_name", SDP, sticky("sdp.session_name")),
    ("sdp.time", SDP, sticky("sdp.time")),
    ("sdp.timezone", SDP, sticky("sdp.timezone")),
    ("sdp.uri", SDP, sticky("sdp.uri")),
    ("sip.content_length", PAGE, sticky("sip.content_length")),
    ("sip.content_type", PAGE, sticky("sip.content_type")),
    ("sip.from", PAGE, sticky("sip.from")),
    ("sip.method", PAGE, sticky("sip.method")),
    ("sip.protocol", PAGE, sticky("sip.protocol")),
    ("sip.request_line", PAGE, sticky("sip.request_line")),
    ("sip.response_line", PAGE, sticky("sip.response_line")),
    ("sip.stat_code", PAGE, sticky("sip.stat_code")),
    ("sip.stat_msg", PAGE, sticky("sip.stat_msg")),
    ("sip.to", PAGE, sticky("sip.to")),
    ("sip.uri", PAGE, sticky("sip.uri")),
    ("sip.user_agent", PAGE, sticky("sip.user_agent")),
    ("sip.via", PAGE, sticky("sip.via")),
];
