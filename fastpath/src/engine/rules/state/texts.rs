//! Texts that expressions capture, kept under names: of a flow and of a packet.

use super::flow::Number;

/// Texts by the numbers of their names, in the order in which they were first kept.
///
/// There are no more than the rules have names for, at most [`MOST_TEXTS`], and none has more than [`LONGEST_TEXT`] bytes: together
/// 128 KiB.
#[derive(Clone, Debug, Default)]
pub(in crate::engine::rules) struct Texts(Vec<(Number, Box<[u8]>)>);

/// Names of one kind of text.
pub(in crate::engine::rules) const MOST_TEXTS: u16 = 128;
/// Bytes that are kept of a text (65,535 by Suricata).
pub(in crate::engine::rules) const LONGEST_TEXT: usize = 1024;

impl Texts {
    /// Keeps the beginning of `text`, in place of what was kept under the name before.
    pub(in crate::engine::rules) fn keep(&mut self, name: Number, text: &[u8]) {
        let text = text.get(..LONGEST_TEXT).unwrap_or(text).into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = text,
            None => self.0.push((name, text)),
        }
    }

    /// What is kept under the name.
    pub(in crate::engine::rules) fn get(&self, name: Number) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, text)| &**text)
    }

    /// All of them.
    pub(in crate::engine::rules) fn iter(&self) -> impl Iterator<Item = (Number, &[u8])> {
        self.0.iter().map(|(name, text)| (*name, &**text))
    }

    /// Forgets all.
    pub(in crate::engine::rules) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_text_of_a_name_counts() {
        let mut texts = Texts::default();
        let (a, b) = (Number(7), Number(3));
        texts.keep(a, b"one");
        texts.keep(b, &[b'x'; 5000]);
        texts.keep(a, b"");
        assert_eq!(texts.get(a), Some(&b""[..]));
        assert_eq!(
            texts.iter().map(|(name, text)| (name, text.len())).collect::<Vec<_>>(),
            [(a, 0), (b, 1024)]
        );
        texts.clear();
        assert_eq!((texts.get(a), texts.iter().count()), (None, 0));
    }
}
