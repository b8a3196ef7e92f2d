//! What an option's value may say once.

use super::{fault::Fault, lexer::Token};

/// Sets it; the fault is at `word`, the one that says it.
pub(super) fn once<T>(place: &mut Option<T>, value: T, word: Token<'_>) -> Result<(), Fault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(word.fault(format!("`{}` says again what was said before", word.text))),
    }
}
