//! `--set key=value`: settings by Suricata's names.

use std::collections::BTreeMap;

use crate::{engine::rules::Variables, event::EventTypes};

/// What a list of `--set` arguments sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `vars.address-groups.NAME`.
    pub addresses: BTreeMap<String, String>,
    /// `vars.port-groups.NAME`.
    pub ports: BTreeMap<String, String>,
    /// `outputs.eve-log.types`.
    pub event_types: Option<EventTypes>,
}

/// One `--set` argument, as split by the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The part before the first `=`.
    pub key: String,
    /// The rest.
    pub value: String,
}

impl std::str::FromStr for Override {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Self { key: key.trim().into(), value: value.trim().into() })
            }
            _ => Err("write key=value, such as vars.address-groups.HOME_NET=[10.0.0.0/8]"),
        }
    }
}

/// Why a `--set` argument has no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// Nothing here honours the key.
    #[error(
        "--set {key}={value}: unknown key; known are vars.address-groups.NAME, vars.port-groups.NAME and \
         outputs.eve-log.types"
    )]
    Key {
        /// The key.
        key: String,
        /// Its value.
        value: String,
    },
    /// The list names a kind of event that is not written.
    #[error("--set outputs.eve-log.types={value}: `{unknown}` events are not written; known are: {}", EventTypes::NAMES.join(", "))]
    EventType {
        /// The value.
        value: String,
        /// The first kind that is unknown.
        unknown: String,
    },
}

impl Overrides {
    /// Applies `all` in order, the last one of a key wins. What cannot be honoured comes back beside it:
    /// an error in `run`, a warning in `replay`.
    pub fn apply<'a>(all: impl IntoIterator<Item = &'a Override>) -> (Self, Vec<OverrideError>) {
        let mut set = Self::default();
        let mut refused = Vec::new();
        for Override { key, value } in all {
            let name =
                |prefix: &str| key.strip_prefix(prefix).filter(|name| !name.is_empty()).map(String::from);
            if let Some(name) = name("vars.address-groups.") {
                set.addresses.insert(name, value.clone());
            } else if let Some(name) = name("vars.port-groups.") {
                set.ports.insert(name, value.clone());
            } else if key == "outputs.eve-log.types" {
                let (types, unknown) = EventTypes::from_names(value.split(',').map(str::trim));
                set.event_types = Some(types);
                refused.extend(
                    unknown
                        .into_iter()
                        .map(|unknown| OverrideError::EventType { value: value.clone(), unknown }),
                );
            } else {
                refused.push(OverrideError::Key { key: key.clone(), value: value.clone() });
            }
        }
        (set, refused)
    }

    /// Sets the variables among `variables`.
    pub fn extend(&self, variables: &mut Variables) {
        variables.addresses.extend(self.addresses.clone());
        variables.ports.extend(self.ports.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(texts: &[&str]) -> (Overrides, Vec<String>) {
        let all: Vec<Override> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let (set, refused) = Overrides::apply(&all);
        (set, refused.iter().map(OverrideError::to_string).collect())
    }

    #[test]
    fn known_keys_are_set_and_the_last_one_wins() {
        let (set, refused) = apply(&[
            "vars.address-groups.HOME_NET=[10.0.0.0/8]",
            "vars.port-groups.HTTP_PORTS = 80",
            "vars.port-groups.HTTP_PORTS=[80,81]",
            "outputs.eve-log.types=alert",
        ]);
        assert_eq!(refused, [""; 0]);
        assert_eq!(set.addresses["HOME_NET"], "[10.0.0.0/8]");
        assert_eq!(set.ports["HTTP_PORTS"], "[80,81]");
        assert_eq!(set.event_types, Some(EventTypes { alert: true }));
    }

    #[test]
    fn what_is_not_honoured_is_named_and_the_rest_is_set() {
        let (set, refused) = apply(&[
            "vars.address-groups.=x",
            "a.b=c=d",
            "outputs.eve-log.types=alert, drop",
            "vars.port-groups.P=1",
        ]);
        assert_eq!(refused.len(), 3);
        assert!(refused[0].contains("vars.address-groups.=x"), "{}", refused[0]);
        assert!(refused[1].contains("a.b=c=d") && refused[1].contains("unknown key"), "{}", refused[1]);
        assert!(refused[2].contains("`drop`") && refused[2].contains("alert, drop"), "{}", refused[2]);
        assert_eq!(set.ports["P"], "1");
        assert_eq!(set.event_types, Some(EventTypes { alert: true }));
        assert!("no value".parse::<Override>().is_err() && "=v".parse::<Override>().is_err());
    }
}
