//! EVE's `stats` object: counters nested by their dotted names.

use serde_json::{Map, Value, json};

use super::Stamp;
use crate::engine::event::{RulesRecord, StatsRecord};

/// The object of one record.
pub(super) fn object(record: &StatsRecord, null_values: bool) -> Value {
    let mut root = Map::new();
    root.insert("uptime".into(), record.uptime.as_secs().into());
    record.counters.each(&mut |name: &[&'static str], value: u64| {
        if value > 0 || null_values {
            let path: Vec<_> = name.iter().flat_map(|part| part.split('.')).collect();
            insert(&mut root, &path, value);
        }
    });
    if let Value::Object(detect) = root.entry("detect").or_insert_with(|| Map::new().into()) {
        detect.insert("engines".into(), json!([engine(&record.rules)]));
    }
    Value::Object(root)
}

/// Suricata has one for each tenant. It skips rules that say by `requires` that they are for another version.
fn engine(rules: &RulesRecord) -> Value {
    let RulesRecord { loaded, failed, skipped, since } = *rules;
    json!({
        "id": 0,
        "last_reload": Stamp(since),
        "rules_loaded": loaded,
        "rules_failed": failed,
        "rules_skipped": skipped,
    })
}

fn insert(object: &mut Map<String, Value>, name: &[&str], value: u64) {
    match name {
        [] => {}
        [last] => {
            object.insert((*last).into(), value.into());
        }
        [first, rest @ ..] => {
            if let Value::Object(inner) = object.entry(*first).or_insert_with(|| Map::new().into()) {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::{counters::Counters, meta::Timestamp};

    #[test]
    fn counters_are_nested_and_zeros_left_out_when_asked() {
        let mut counters = Counters::default();
        counters.decoder.ipv4 = 4;
        counters.flow_end.new = 1;
        let rules = RulesRecord { loaded: 7, failed: 2, skipped: 1, since: Timestamp(1_000) };
        let record = StatsRecord { uptime: Duration::from_secs(7), counters, rules };
        let whole = object(&record, true);
        assert_eq!((&whole["uptime"], &whole["decoder"]["ipv4"]), (&7.into(), &4.into()));
        assert_eq!(whole["flow"]["end"]["state"]["new"], 1);
        assert_eq!(whole["decoder"]["ipv6"], 0);
        let short = object(&record, false);
        assert_eq!(short["decoder"], json!({"ipv4": 4}));
        let engine = json!([{"id": 0, "last_reload": "1970-01-01T00:00:00.000001+0000", "rules_loaded": 7,
            "rules_failed": 2, "rules_skipped": 1}]);
        assert_eq!(short["detect"], json!({"engines": engine}));
        assert_eq!((&whole["detect"]["alert"], &whole["detect"]["engines"]), (&json!(0), &engine));
    }
}
