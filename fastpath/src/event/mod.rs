//! EVE JSON: the records and their writers.

mod record;

/// Which kinds of events are written (`outputs.eve-log.types`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTypes {
    /// `alert`.
    pub alert: bool,
}

impl Default for EventTypes {
    fn default() -> Self {
        Self { alert: true }
    }
}

impl EventTypes {
    /// The kinds there are.
    pub const NAMES: &[&str] = &["alert"];

    /// Exactly the named kinds, and the names that are none of [`Self::NAMES`].
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> (Self, Vec<String>) {
        let mut types = Self { alert: false };
        let mut unknown = Vec::new();
        for name in names {
            match name {
                "alert" => types.alert = true,
                _ => unknown.push(name.into()),
            }
        }
        (types, unknown)
    }
}
