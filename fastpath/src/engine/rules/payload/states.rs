//! How far a program has come in a buffer.

use super::pcre::Pcre;
use crate::engine::rules::scan::pcre;

/// Choices of occurrences of what came before: for each the place where it ends, and the values of the variables. Without
/// variables the places stand in order and each once.
#[derive(Debug, Default)]
pub(super) struct States {
    pub(super) places: Vec<usize>,
    pub(super) values: Vec<u64>,
    /// Variables of each that have been set.
    pub(super) variables: usize,
}

impl States {
    pub(super) fn clear(&mut self, variables: usize) {
        self.places.clear();
        self.values.clear();
        self.variables = variables;
    }

    pub(super) fn push(&mut self, place: usize, values: &[u64]) {
        // Choices that come to the same are one.
        if self.places.last() == Some(&place) && self.values_of(self.places.len() - 1) == values {
            return;
        }
        self.places.push(place);
        self.values.extend_from_slice(values);
    }

    /// As [`Self::push`], with another value of one variable.
    pub(super) fn push_with(&mut self, place: usize, values: &[u64], changed: Option<(u8, u64)>) {
        self.places.push(place);
        let first = self.values.len();
        self.values.extend_from_slice(values);
        self.values.resize(first + self.variables, 0);
        if let Some((variable, value)) = changed
            && let Some(old) = self.values.get_mut(first + usize::from(variable))
        {
            *old = value;
        }
    }

    /// As [`Self::push`], of a match whose subject begins at `start`: with where its groups lie, when there are variables for that.
    pub(super) fn push_match(
        &mut self,
        place: usize,
        values: &[u64],
        pcre: &Pcre,
        start: usize,
        matched: &pcre::Scratch,
    ) {
        if pcre.captures.iter().all(|capture| capture.variable >= self.variables) {
            return self.push(place, values);
        }
        self.push_with(place, values, None);
        let first = self.values.len() - values.len();
        for capture in &pcre.captures {
            if let Some(old) = self.values.get_mut(first + capture.variable) {
                *old = capture.place(start, matched);
            }
        }
    }

    /// Without variables: in order, and each once.
    pub(super) fn put_in_order(&mut self) {
        if self.variables == 0 {
            self.places.sort_unstable();
            self.places.dedup();
        }
    }

    pub(super) fn values_of(&self, at: usize) -> &[u64] {
        self.values.get(at * self.variables..(at + 1) * self.variables).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[u64])> {
        self.places.iter().enumerate().map(|(at, &place)| (place, self.values_of(at)))
    }
}
