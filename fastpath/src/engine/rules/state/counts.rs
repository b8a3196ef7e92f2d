//! What is counted in one flow: thresholds that are tracked by it, and its tags.

use super::hosts::{Record, What};

/// Records of one flow; one more takes the place of the one that began first.
const MOST: usize = 64;

/// Records by what they are and the number of the rule or tag.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts(Option<Box<Records>>);

#[derive(Clone, Debug, Default)]
struct Records(Vec<((What, u32), Record)>);

impl Counts {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|records| records.0.is_empty())
    }

    /// Replaces the record of `key` by what `change` makes of it.
    pub(super) fn update<R>(
        &mut self,
        key: (What, u32),
        change: impl FnOnce(Option<Record>) -> (Option<Record>, R),
    ) -> R {
        let Records(records) = &mut **self.0.get_or_insert_default();
        let known = records.iter().position(|(known, _)| *known == key);
        let (new, result) = change(known.and_then(|at| records.get(at)).map(|(_, record)| *record));
        match (known, new) {
            (Some(at), Some(new)) => {
                if let Some(place) = records.get_mut(at) {
                    *place = (key, new);
                }
            }
            (Some(at), None) => {
                records.swap_remove(at);
            }
            (None, Some(new)) if records.len() < MOST => records.push((key, new)),
            (None, Some(new)) => {
                if let Some(oldest) = records.iter_mut().min_by_key(|(_, record)| record.since) {
                    *oldest = (key, new);
                }
            }
            (None, None) => {}
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_its_own_and_there_are_not_too_many() {
        let mut counts = Counts::default();
        assert!(counts.is_empty() && size_of_val(&counts) == size_of::<usize>());
        let mut count = |number, since| {
            counts.update((What::Tag, number), |old| {
                let count = old.map_or(1, |old| old.count + 1);
                (Some(Record { since, count, ..Record::default() }), count)
            })
        };
        assert_eq!((count(1, 5), count(2, 6), count(1, 5)), (1, 1, 2));
        for number in 3..=64 {
            assert_eq!(count(number, 10), 1);
        }
        assert_eq!(count(65, 20), 1);
        assert_eq!((count(2, 6), count(1, 30)), (2, 1), "1 began first");
        for number in 1..=65 {
            counts.update((What::Tag, number), |_| (None, ()));
        }
        assert!(counts.is_empty());
        counts.update((What::Tag, 2), |_| (Some(Record::default()), ()));
        counts.update((What::ByFlow, 2), |old| {
            assert_eq!(old, None, "another kind");
            (None, ())
        });
    }
}
