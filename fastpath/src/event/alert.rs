//! The `alert` object of EVE and the bytes beside it (Suricata's output-json-alert.c).

use std::fmt;

use base64::{display::Base64Display, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{AlertOptions, captures::Texts, record::Address};
use crate::engine::{
    event::{Excerpt, Outcome, PacketFacts},
    meta::LinkType,
    rules::{Captures, Details, Metadata, Reference, RuleInfo, Target},
};

/// The `alert` object.
#[derive(Serialize)]
pub(super) struct AlertObject<'a> {
    action: &'static str,
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: &'a str,
    category: &'a str,
    severity: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    references: Option<References<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<RuleMetadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    /// What expressions have captured for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Texts<'a>>,
}

/// An attacker, or what is attacked.
#[derive(Serialize)]
struct End {
    ip: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

struct References<'a>(&'a [Reference]);

impl Serialize for References<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

/// One member for each key.
struct RuleMetadata<'a>(&'a [Metadata]);

impl Serialize for RuleMetadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for Metadata { key, values } in self.0 {
            map.serialize_entry(key, values)?;
        }
        map.end()
    }
}

impl<'a> AlertObject<'a> {
    /// Of a rule that matched a packet, with what an alert is asked to say.
    pub(super) fn new(
        rule: &'a RuleInfo,
        outcome: Outcome,
        packet: &PacketFacts,
        options: &AlertOptions,
    ) -> Self {
        let details = rule.details.as_deref();
        let list = |on: bool| details.filter(|_| on);
        Self {
            references: list(options.references)
                .map(|Details { references, .. }| References(references))
                .filter(|references| !references.0.is_empty()),
            metadata: list(options.rule_metadata)
                .map(|Details { metadata, .. }| RuleMetadata(metadata))
                .filter(|metadata| !metadata.0.is_empty()),
            rule: list(options.rule_text).and_then(|details| details.text.as_deref()),
            ..Self::short(rule, outcome, packet)
        }
    }

    /// With what was captured for it.
    pub(super) fn with(self, captures: Option<&'a Captures>) -> Self {
        Self { context: captures.and_then(|captures| Texts::new(&captures.alert)), ..self }
    }

    /// The same without what is only said when it is asked for, as in a `drop` record.
    pub(super) fn short(rule: &'a RuleInfo, outcome: Outcome, packet: &PacketFacts) -> Self {
        let (source, target) = ends(rule.target, packet).unzip();
        Self {
            action: if outcome == Outcome::Blocked { "blocked" } else { "allowed" },
            gid: rule.gid,
            signature_id: rule.sid,
            rev: rule.rev,
            signature: &rule.msg,
            category: &rule.category,
            severity: rule.priority,
            source,
            target,
            references: None,
            metadata: None,
            rule: None,
            context: None,
        }
    }
}

/// Who attacks and who is attacked.
fn ends(target: Option<Target>, packet: &PacketFacts) -> Option<(End, End)> {
    let (sender, receiver) = packet.addresses?;
    let (from, to) = packet.ports.unzip();
    let (sender, receiver) =
        (End { ip: Address(sender), port: from }, End { ip: Address(receiver), port: to });
    match target? {
        Target::Destination => Some((sender, receiver)),
        Target::Source => Some((receiver, sender)),
    }
}

/// What stands beside the `alert` object of the packet and its data.
#[derive(Default, Serialize)]
pub(super) struct ExcerptObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_printable: Option<Printable<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet_info: Option<PacketInfo>,
}

#[derive(Serialize)]
struct PacketInfo {
    linktype: u16,
    linktype_name: &'static str,
}

impl<'a> ExcerptObject<'a> {
    pub(super) fn new(excerpt: &'a Excerpt, options: &AlertOptions) -> Self {
        let payload = excerpt.payload.as_ref().filter(|_| options.wants_payload());
        let bytes = payload.map(|payload| &*payload.bytes);
        Self {
            payload: bytes.filter(|_| options.payload).map(Base64),
            payload_length: bytes.filter(|_| options.payload_length).map(<[u8]>::len),
            payload_printable: bytes.filter(|_| options.payload_printable).map(Printable),
            stream: payload.map(|payload| u8::from(payload.in_stream)),
            ..if options.packet { Self::of_packet(excerpt) } else { Self::default() }
        }
    }

    /// The packet alone.
    pub(super) fn of_packet(excerpt: &'a Excerpt) -> Self {
        excerpt.packet.as_ref().map_or_else(Self::default, |(bytes, link)| Self::of_bytes(bytes, *link))
    }

    /// A packet that begins with `link`'s header.
    pub(super) fn of_bytes(bytes: &'a [u8], link: LinkType) -> Self {
        let info = link.number_and_name();
        Self {
            packet: Some(Base64(bytes)),
            packet_info: info.map(|(linktype, linktype_name)| PacketInfo { linktype, linktype_name }),
            ..Self::default()
        }
    }
}

struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// Bytes as text: what is neither printable ASCII nor a line end is a dot.
pub(super) struct Printable<'a>(pub(super) &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        self.0.iter().try_for_each(|&byte| {
            let shown = matches!(byte, b'\r' | b'\n' | b' '..=b'~');
            f.write_char(if shown { char::from(byte) } else { '.' })
        })
    }
}

impl Serialize for Printable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
