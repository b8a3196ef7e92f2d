//! Names that rules give to what they remember, and the numbers that stand for them.

use super::{flow::Number, numbers::Numbers};

/// Names of most kinds: what they number is remembered per flow, so this bounds a flow's memory.
const MOST: u16 = 8192;

/// The names of one kind, `LIMIT` at most, each with a number that stays the same through all rule sets of a run. Only read when rules are.
#[derive(Debug, Default)]
pub(in crate::engine::rules) struct Names<const LIMIT: u16 = MOST>(Numbers<String>);

impl<const LIMIT: u16> Names<LIMIT> {
    /// The number of `name`.
    ///
    /// # Errors
    /// There are too many names: how many there may be.
    pub(in crate::engine::rules) fn number(&self, name: &str) -> Result<Number, u16> {
        let number = self.0.of_at_most(name.to_string(), LIMIT.into());
        number.and_then(|number| u16::try_from(number).ok()).map(Number).ok_or(LIMIT)
    }

    /// What `number` stands for.
    pub(in crate::engine::rules) fn name(&self, number: Number) -> Option<String> {
        self.0.name(number.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_there_is_an_end() {
        let names: Names = Names::default();
        let all: Vec<_> = (0..MOST).map(|n| names.number(&format!("n{n}")).unwrap()).collect();
        assert_eq!(names.number("one too many"), Err(MOST));
        assert_eq!(names.number("n7"), Ok(all[7]));
        assert_eq!(names.name(all[7]).as_deref(), Some("n7"));
        let mut distinct = all.clone();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
    }
}
