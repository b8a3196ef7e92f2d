//! The sets of values of all rule sets.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use super::dataset::{BadLine, Dataset, Definition};

/// The sets that some rule set has, by name. Only looked at when rules are read.
#[derive(Debug, Default)]
pub(in crate::engine::rules) struct Datasets(Mutex<BTreeMap<String, Weak<Dataset>>>);

impl Datasets {
    /// The set that `definition` and `text`, its file's, make: the one that another rule set has, with all that was added, if both
    /// are the same.
    pub(in crate::engine::rules) fn get(
        &self,
        definition: Definition,
        text: &str,
    ) -> Result<Arc<Dataset>, BadLine> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let live = known.get(&definition.name).and_then(Weak::upgrade);
        if let Some(set) = live.filter(|set| set.is_of(&definition, text)) {
            return Ok(set);
        }
        let name = definition.name.clone();
        let set = Arc::new(Dataset::new(definition, text)?);
        known.retain(|_, set| set.strong_count() > 0);
        known.insert(name, Arc::downgrade(&set));
        Ok(set)
    }
}
