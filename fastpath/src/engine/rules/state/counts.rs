//! What thresholds that are tracked by flow count.

use super::hosts::Record;

/// Rules that count in one flow at the same time; one more takes the place of the one whose count began first.
const MOST: usize = 64;

/// One record for each rule that counts in the flow.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts(Option<Box<Records>>);

/// By the rules' numbers.
#[derive(Clone, Debug, Default)]
struct Records(Vec<(u32, Record)>);

impl Counts {
    /// Replaces the record of `rule` by what `change` makes of it.
    pub(super) fn update<R>(&mut self, rule: u32, change: impl FnOnce(Option<Record>) -> (Record, R)) -> R {
        let Records(records) = &mut **self.0.get_or_insert_default();
        if let Some((_, record)) = records.iter_mut().find(|(known, _)| *known == rule) {
            let (new, result) = change(Some(*record));
            *record = new;
            return result;
        }
        let (new, result) = change(None);
        if records.len() < MOST {
            records.push((rule, new));
        } else if let Some(oldest) = records.iter_mut().min_by_key(|(_, record)| record.since) {
            *oldest = (rule, new);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_own_and_their_number_is_bounded() {
        let mut counts = Counts::default();
        assert_eq!(size_of_val(&counts), size_of::<usize>());
        let mut count = |rule, since| {
            counts.update(rule, |old| {
                let count = old.map_or(1, |old| old.count + 1);
                (Record { since, count, ..Record::default() }, count)
            })
        };
        assert_eq!((count(1, 5), count(2, 6), count(1, 5)), (1, 1, 2));
        for rule in 3..=64 {
            assert_eq!(count(rule, 10), 1);
        }
        assert_eq!(count(65, 20), 1);
        assert_eq!((count(2, 6), count(1, 30)), (2, 1), "rule 1 began first");
    }
}
