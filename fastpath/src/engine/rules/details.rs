//! What alerts can say of a rule beside its message.

use super::Reference;

/// What alerts can say of a rule beside its message, as far as it is kept ([`Kept`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// `metadata`, in the order of the rule.
    pub metadata: Vec<Metadata>,
    /// `reference`, in the order of the rule.
    pub references: Vec<Reference>,
    /// The rule itself, its lines joined.
    pub text: Option<Box<str>>,
}

/// One key of a rule's `metadata`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Its name, as it first stands; case does not count.
    pub key: Box<str>,
    /// Its values, in the order of the rule.
    pub values: Vec<Box<str>>,
}

/// What of it is kept, because alerts are to say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// `metadata`.
    pub metadata: bool,
    /// `reference`.
    pub references: bool,
    /// The rule itself.
    pub text: bool,
}

/// Which end of a packet is the target of what a rule finds (`target`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Its sender (`src_ip`).
    Source,
    /// Its receiver (`dest_ip`).
    Destination,
}

impl Details {
    /// Adds a value of a key.
    pub(super) fn add_metadata(&mut self, key: &str, value: &str) {
        match self.metadata.iter_mut().find(|known| known.key.eq_ignore_ascii_case(key)) {
            Some(known) => known.values.push(value.into()),
            None => self.metadata.push(Metadata { key: key.into(), values: vec![value.into()] }),
        }
    }

    /// None when there is nothing to say.
    pub(super) fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}
