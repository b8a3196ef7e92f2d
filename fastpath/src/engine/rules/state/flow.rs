//! Bits, numbers and texts that rules set in a flow (`flowbits`, `flowint`, `flowvar`).

use super::{counts::Counts, texts::Texts};

/// What stands for a name, see [`super::Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::engine::rules) struct Number(pub(super) u16);

/// What rules have set in one flow. Empty, as it is for most flows, it takes two pointers' room and no memory beside.
///
/// There are no more bits and numbers than the rules have names for ([`super::Names`] has an end), so none is ever refused: one that
/// was not remembered could let pass what a later rule asks for. A flow's bits take an eighth of a byte for each name, at most 1 KiB;
/// its numbers eight bytes for each that is set, at most 64 KiB.
#[derive(Clone, Debug, Default)]
pub(in crate::engine::rules) struct FlowVariables {
    variables: Option<Box<Variables>>,
    /// Thresholds that are tracked by flow, and tags of the flow.
    pub(super) counts: Counts,
}

#[derive(Clone, Debug, Default)]
struct Variables {
    /// One bit per name, up to the last that was set.
    bits: Vec<u64>,
    /// In the order of their names.
    numbers: Vec<(Number, u32)>,
    texts: Texts,
}

/// What a `flowint` is compared with or changed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Operand {
    /// A number.
    Value(u32),
    /// Another `flowint`: 0 while it is not set.
    Variable(Number),
}

/// A bit's word and its place in it.
fn place(bit: Number) -> (usize, u64) {
    (usize::from(bit.0 / 64), 1 << (bit.0 % 64))
}

impl FlowVariables {
    /// Whether a bit is set.
    pub(in crate::engine::rules) fn has(&self, bit: Number) -> bool {
        let (word, mask) = place(bit);
        self.variables
            .as_ref()
            .and_then(|variables| variables.bits.get(word))
            .is_some_and(|bits| bits & mask != 0)
    }

    /// Sets a bit.
    pub(in crate::engine::rules) fn set(&mut self, bit: Number) {
        let (word, mask) = place(bit);
        let bits = &mut self.variables.get_or_insert_default().bits;
        if bits.len() <= word {
            bits.resize(word + 1, 0);
        }
        if let Some(bits) = bits.get_mut(word) {
            *bits |= mask;
        }
    }

    /// Unsets a bit.
    pub(in crate::engine::rules) fn unset(&mut self, bit: Number) {
        let (word, mask) = place(bit);
        if let Some(bits) = self.variables.as_mut().and_then(|variables| variables.bits.get_mut(word)) {
            *bits &= !mask;
        }
    }

    /// The value of a number; none while it is not set.
    pub(in crate::engine::rules) fn value(&self, name: Number) -> Option<u32> {
        let numbers = &self.variables.as_ref()?.numbers;
        let at = numbers.binary_search_by_key(&name, |&(name, _)| name).ok()?;
        numbers.get(at).map(|&(_, value)| value)
    }

    /// What an operand stands for in this flow.
    pub(in crate::engine::rules) fn resolve(&self, operand: Operand) -> u32 {
        match operand {
            Operand::Value(value) => value,
            Operand::Variable(name) => self.value(name).unwrap_or(0),
        }
    }

    /// What was captured under a name.
    pub(in crate::engine::rules) fn text(&self, name: Number) -> Option<&[u8]> {
        self.variables.as_ref()?.texts.get(name)
    }

    /// All that was captured.
    pub(in crate::engine::rules) fn texts(&self) -> impl Iterator<Item = (Number, &[u8])> {
        self.variables.iter().flat_map(|variables| variables.texts.iter())
    }

    /// Keeps what was captured under a name.
    pub(in crate::engine::rules) fn keep(&mut self, name: Number, text: &[u8]) {
        self.variables.get_or_insert_default().texts.keep(name, text);
    }

    /// Gives a number a value.
    pub(in crate::engine::rules) fn assign(&mut self, name: Number, value: u32) {
        let numbers = &mut self.variables.get_or_insert_default().numbers;
        match numbers.binary_search_by_key(&name, |&(name, _)| name) {
            Ok(at) => {
                if let Some(entry) = numbers.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(at) => numbers.insert(at, (name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_takes_no_memory() {
        assert_eq!(size_of::<FlowVariables>(), 2 * size_of::<usize>());
        let mut variables = FlowVariables::default();
        variables.unset(Number(700));
        assert!(!variables.has(Number(700)) && variables.value(Number(1)).is_none());
        assert!(variables.variables.is_none(), "asking and unsetting allocate nothing");
    }

    proptest! {
        #[test]
        fn bits_and_numbers_are_those_that_were_set(steps in prop::collection::vec((0_u8..4, 0_u16..200, any::<u32>()), 0..200)) {
            let mut variables = FlowVariables::default();
            let (mut bits, mut numbers) = (BTreeSet::new(), BTreeMap::new());
            for (what, name, value) in steps {
                match what {
                    0 => { variables.set(Number(name)); bits.insert(name); }
                    1 => { variables.unset(Number(name)); bits.remove(&name); }
                    _ => { variables.assign(Number(name), value); numbers.insert(name, value); }
                }
            }
            for name in 0..200 {
                prop_assert_eq!(variables.has(Number(name)), bits.contains(&name));
                prop_assert_eq!(variables.value(Number(name)), numbers.get(&name).copied());
                prop_assert_eq!(variables.resolve(Operand::Variable(Number(name))), numbers.get(&name).copied().unwrap_or(0));
            }
        }
    }
}
