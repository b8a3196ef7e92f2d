//! Drops of one queue of one port, by reason.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::counter::{Counter, Counts};
use crate::engine::verdict::DropReason;

/// Each reason under its name: those of the engine, `tx_full` (meant to leave here, but the port takes no more) and
/// `invalid` (descriptors from the kernel that were not believed: no packets).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops(Counts);

impl Drops {
    /// The drops among `counts`.
    pub(super) fn of(counts: &Counts) -> Self {
        Self(*counts)
    }

    /// Packets dropped, for whatever reason.
    pub fn packets(&self) -> u64 {
        self.0.dropped() + self.0.get(Counter::DropTxFull)
    }
}

/// Name of a reason in the stats JSON: the engine's, but for two that were there before it.
fn key(reason: DropReason) -> &'static str {
    match reason {
        DropReason::Rule => "rule",
        DropReason::Handover => "handover",
        reason => reason.counter_name(),
    }
}

impl Serialize for Drops {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(DropReason::ALL.len() + 2))?;
        for reason in DropReason::ALL {
            map.serialize_entry(key(reason), &self.0.get(Counter::Drop(reason)))?;
        }
        map.serialize_entry("tx_full", &self.0.get(Counter::DropTxFull))?;
        map.serialize_entry("invalid", &self.0.get(Counter::Invalid))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_name_and_is_counted_once() {
        let mut counts = Counts::default();
        for reason in DropReason::ALL {
            counts.set(Counter::Drop(reason), 1);
        }
        counts.set(Counter::DropTxFull, 5);
        counts.set(Counter::Invalid, 100);
        let drops = Drops::of(&counts);
        assert_eq!(drops.packets(), DropReason::ALL.len() as u64 + 5);
        let json = serde_json::to_value(drops).unwrap();
        assert_eq!(json.as_object().unwrap().len(), DropReason::ALL.len() + 2);
        assert_eq!((&json["rule"], &json["handover"], &json["invalid"]), (&1.into(), &1.into(), &100.into()));
    }
}
