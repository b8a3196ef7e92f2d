//! Sets of numbers as sorted ranges that do not touch.

/// A number that ranges are made of.
pub(super) trait Bound: Copy + Ord {
    const MIN: Self;
    const MAX: Self;
    fn checked_next(self) -> Option<Self>;
    fn checked_previous(self) -> Option<Self>;
}

macro_rules! bound {
    ($($type:ty),*) => {$(
        impl Bound for $type {
            const MIN: Self = <$type>::MIN;
            const MAX: Self = <$type>::MAX;
            fn checked_next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn checked_previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    )*};
}
bound!(u16, u32, u128);

/// A set of numbers; both ends of a range belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges<T>(Box<[(T, T)]>);

impl<T: Bound> Ranges<T> {
    /// All of `included` but `excluded`, whatever their order and overlaps.
    pub(super) fn new(included: Vec<(T, T)>, excluded: Vec<(T, T)>) -> Self {
        let excluded = merge(excluded);
        let mut kept = Vec::new();
        for (mut first, last) in merge(included) {
            let mut open = true;
            let from = excluded.partition_point(|&(_, end)| end < first);
            for &(start, end) in excluded.iter().skip(from).take_while(|&&(start, _)| start <= last) {
                if let Some(before) = start.checked_previous().filter(|&before| first <= before) {
                    kept.push((first, before));
                }
                match end.checked_next() {
                    Some(next) if next <= last => first = next,
                    _ => {
                        open = false;
                        break;
                    }
                }
            }
            if open {
                kept.push((first, last));
            }
        }
        Self(kept.into())
    }

    pub(super) fn as_slice(&self) -> &[(T, T)] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        matches!(*self.0, [(first, last)] if first == T::MIN && last == T::MAX)
    }

    pub(super) fn contains(&self, number: T) -> bool {
        let after = self.0.partition_point(|&(first, _)| first <= number);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|&(_, last)| number <= last)
    }
}

fn merge<T: Bound>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(open) if open.1.checked_next().is_none_or(|next| first <= next) => open.1 = open.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges() -> impl Strategy<Value = Vec<(u16, u16)>> {
        let edge = prop_oneof![0..40_u16, u16::MAX - 20..=u16::MAX];
        prop::collection::vec((edge.clone(), edge).prop_map(|(a, b)| (a.min(b), a.max(b))), 0..6)
    }

    proptest! {
        #[test]
        fn holds_what_is_included_and_not_excluded(included in ranges(), excluded in ranges()) {
            let set = Ranges::new(included.clone(), excluded.clone());
            let within = |list: &[(u16, u16)], n| list.iter().any(|&(a, b)| a <= n && n <= b);
            for n in (0..60).chain(u16::MAX - 40..=u16::MAX) {
                prop_assert_eq!(set.contains(n), within(&included, n) && !within(&excluded, n), "{}", n);
            }
            prop_assert!(set.0.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }

    #[test]
    fn knows_full_and_empty() {
        assert!(!Ranges::new(vec![(1, u16::MAX)], vec![]).is_full());
        assert!(Ranges::<u16>::new(vec![(0, 9), (10, u16::MAX)], vec![]).is_full());
        assert!(Ranges::new(vec![(3_u32, 9)], vec![(0, 20)]).is_empty());
    }
}
