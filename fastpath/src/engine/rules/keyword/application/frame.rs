//! `frame`: a unit of a protocol as a buffer.

use super::{ANY, Form, reader};
use crate::engine::rules::{buffer::Buffer, draft::Draft, fault::Fault, keyword::Entry, lexer::Token};

pub(super) const KEYWORDS: &[Entry] = &[("frame", "app-layer", reader(ANY, Form::Named(read)))];

/// Protocols and their units.
const FRAMES: [(&str, &str); 17] = [
    ("dcerpc", "pdu hdr data"),
    ("dns", "pdu"),
    ("enip", "pdu hdr data cip enip.item"),
    ("http1", "request response"),
    ("http2", "pdu hdr data"),
    ("ldap", "pdu"),
    ("mdns", "pdu"),
    ("mqtt", "pdu header data"),
    ("nfs", "rpc.pdu rpc.hdr rpc.data rpc.creds nfs.pdu nfs.status nfs4.pdu nfs4.hdr nfs4.ops nfs4.status"),
    ("rfb", "pdu"),
    ("sip", "pdu request.line response.line request.headers response.headers request.body response.body"),
    (
        "smb",
        "nbss.pdu nbss.hdr nbss.data smb1.pdu smb1.hdr smb1.data smb2.pdu smb2.hdr smb2.data smb3.pdu smb3.hdr smb3.data",
    ),
    ("smtp", "command_line data response_line"),
    ("ssh", "record.hdr record.data record.pdu"),
    ("telnet", "pdu ctl data"),
    ("tls", "pdu hdr data alert heartbeat ssl2.hdr ssl2.pdu"),
    ("websocket", "pdu header data"),
];

/// `protocol.frame`, or `frame` in a rule that is about a protocol.
fn read(draft: &mut Draft<'_>, name: Token<'_>, value: Token<'_>) -> Result<(), Fault> {
    let text = value.text.to_ascii_lowercase();
    let known = |protocol: &str| FRAMES.iter().find(|(known, _)| *known == protocol);
    let written = text.split_once('.').and_then(|(protocol, frame)| Some((known(protocol)?, frame)));
    let (&(protocol, frames), frame) = match (written, draft.application) {
        (Some((known, frame)), _) => (known, frame),
        (None, Some(protocol)) => {
            let protocol = if protocol == "http" { "http1" } else { protocol };
            let none = || value.fault(format!("no frames of `{protocol}` are known"));
            (known(protocol).ok_or_else(none)?, text.as_str())
        }
        (None, None) => {
            return Err(
                value.fault("in a rule that is about no application protocol, write `protocol.frame`")
            );
        }
    };
    let found = ["stream"].into_iter().chain(frames.split(' ')).find(|known| *known == frame);
    let Some(frame) = found else {
        return Err(value.fault(format!("`{protocol}` has no frame `{frame}`: use one of {frames}")));
    };
    draft.belong_to(protocol, name)?;
    draft.enter(Buffer::Application(frame), name)
}
