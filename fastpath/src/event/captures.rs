//! What expressions have captured, in EVE: `alert.context`, and `metadata.flowvars` and `metadata.pktvars` (Suricata's output-json.c).

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::alert::Printable;
use crate::engine::rules::{Captures, Text};

/// One member for each text.
pub(super) struct Texts<'a>(&'a [Text]);

impl<'a> Texts<'a> {
    /// None when there is no text.
    pub(super) fn new(texts: &'a [Text]) -> Option<Self> {
        (!texts.is_empty()).then_some(Self(texts))
    }
}

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, text)| (name, Printable(text))))
    }
}

/// One object for each text.
struct List<'a>(&'a [Text]);

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.chunks(1).map(Texts))
    }
}

/// The `metadata` object.
pub(super) struct MetadataObject<'a>(&'a Captures);

impl<'a> MetadataObject<'a> {
    /// None when nothing was captured of flow or packet.
    pub(super) fn new(captures: &'a Captures) -> Option<Self> {
        (!captures.flow.is_empty() || !captures.packet.is_empty()).then_some(Self(captures))
    }
}

impl Serialize for MetadataObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, texts) in [("flowvars", &self.0.flow), ("pktvars", &self.0.packet)] {
            if !texts.is_empty() {
                map.serialize_entry(name, &List(texts))?;
            }
        }
        map.end()
    }
}
