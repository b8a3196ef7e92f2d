//! Keywords about application protocols, a file for each protocol. They are read and checked in full; a rule that uses one is
//! refused until the parser of its protocol is there.

mod app_layer;
mod content;
mod dcerpc;
mod dhcp;
mod dnp3;
mod dns;
mod enip;
mod event;
mod file;
mod frame;
mod ftp;
mod http;
mod http2;
mod ike;
mod krb5;
mod ldap;
mod modbus;
mod mqtt;
mod nfs;
mod ntp;
mod pgsql;
mod quic;
mod rfb;
mod sip;
mod smb;
mod smtp;
mod snmp;
mod ssh;
mod tls;
mod value;
mod websocket;

use super::{Entry, Reader};
use crate::engine::rules::{buffer::Buffer, draft::Draft, fault::Fault, lexer::Token, payload};

pub(in crate::engine::rules) use content::check;

pub(super) const FAMILIES: [&[Entry]; 28] = [
    app_layer::KEYWORDS,
    dcerpc::KEYWORDS,
    dhcp::KEYWORDS,
    dnp3::KEYWORDS,
    dns::KEYWORDS,
    enip::KEYWORDS,
    file::KEYWORDS,
    frame::KEYWORDS,
    ftp::KEYWORDS,
    http::KEYWORDS,
    http2::KEYWORDS,
    ike::KEYWORDS,
    krb5::KEYWORDS,
    ldap::KEYWORDS,
    modbus::KEYWORDS,
    mqtt::KEYWORDS,
    nfs::KEYWORDS,
    ntp::KEYWORDS,
    pgsql::KEYWORDS,
    quic::KEYWORDS,
    rfb::KEYWORDS,
    sip::KEYWORDS,
    smb::KEYWORDS,
    smtp::KEYWORDS,
    snmp::KEYWORDS,
    ssh::KEYWORDS,
    tls::KEYWORDS,
    websocket::KEYWORDS,
];

/// Stands for all protocols, where a keyword needs no more than that they are told apart.
pub(super) const ANY: &str = "any";

/// A keyword about an application protocol.
#[derive(Clone, Copy)]
pub(in crate::engine::rules) struct Application {
    /// The protocol whose parser has what the keyword is about; of several, the one that a rule misses first.
    pub(super) protocol: &'static str,
    /// The others, when several have it.
    others: &'static [&'static str],
    form: Form,
}

/// How it is written.
#[derive(Clone, Copy)]
enum Form {
    /// `name;`: what follows is about this buffer.
    Sticky(&'static str),
    /// `name;`, `name:to_server;`, `name:to_client;`: likewise.
    Directed(&'static str),
    /// `name;`: the content before is about this buffer.
    Modifier(&'static str),
    /// `name:"text";`: a content about this buffer.
    Content(&'static str),
    /// `name;`
    Flag,
    /// `name:value;`
    Value(fn(Token<'_>) -> Result<(), Fault>),
    /// `name;` or `name:value;`
    Optional(fn(Token<'_>) -> Result<(), Fault>),
    /// `name:value;`, where the value says which protocol is meant.
    Named(fn(&mut Draft<'_>, Token<'_>, Token<'_>) -> Result<(), Fault>),
}

impl Application {
    /// Reads `name` with its value into the draft.
    pub(super) fn read(
        self,
        draft: &mut Draft<'_>,
        name: Token<'_>,
        value: Option<Token<'_>>,
    ) -> Result<(), Fault> {
        let needed = || value.ok_or_else(|| super::needs_value(name));
        let unwanted = || value.map_or(Ok(()), |value| Err(super::takes_no_value(name, value)));
        match self.form {
            Form::Named(read) => return read(draft, name, needed()?),
            Form::Sticky(buffer) => {
                unwanted()?;
                draft.enter(Buffer::Application(buffer), name)?;
            }
            Form::Directed(buffer) => {
                value.map_or(Ok(()), value::direction)?;
                draft.enter(Buffer::Application(buffer), name)?;
            }
            Form::Modifier(buffer) => {
                unwanted()?;
                draft.sections.move_last_content(Buffer::Application(buffer), name)?;
            }
            Form::Content(buffer) => payload::content_of(draft, Buffer::Application(buffer), needed()?)?,
            Form::Flag => unwanted()?,
            Form::Value(check) => check(needed()?)?,
            Form::Optional(check) => value.map_or(Ok(()), check)?,
        }
        match self.others {
            [] => draft.belong_to(self.protocol, name),
            others => draft.belong_to_one_of(self.protocol, others, name),
        }
    }
}

const fn reader(protocol: &'static str, form: Form) -> Reader {
    Reader::Application(Application { protocol, others: &[], form })
}

const fn shared(protocol: &'static str, others: &'static [&'static str], form: Form) -> Reader {
    Reader::Application(Application { protocol, others, form })
}

#[cfg(test)]
mod tests;
