//! A rule while its options come in.

use super::{condition::Condition, content::ContentDraft, fault::Fault, lexer::Token};
use super::{effect::Effect, environment::Context, ordering::Ordering};

/// What a rule's options have said so far.
pub(super) struct Draft<'l> {
    pub(super) context: Context<'l>,
    pub(super) msg: Option<String>,
    pub(super) sid: Option<u32>,
    /// Where `sid` stands.
    pub(super) sid_at: usize,
    pub(super) rev: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) class: Option<String>,
    pub(super) priority: Option<u8>,
    pub(super) conditions: Vec<Condition>,
    pub(super) effects: Vec<Effect>,
    pub(super) contents: Vec<ContentDraft>,
    /// `flow:only_stream` (true), `flow:no_stream` (false).
    pub(super) stream: Option<bool>,
    /// A match gives no alert, but has all other consequences.
    pub(super) noalert: bool,
    /// A match lets the rest of the flow go uninspected.
    pub(super) bypass: bool,
    pub(super) ordering: Ordering,
}

impl<'l> Draft<'l> {
    pub(super) fn new(context: Context<'l>) -> Self {
        Self {
            context,
            msg: None,
            sid: None,
            sid_at: 0,
            rev: None,
            gid: None,
            class: None,
            priority: None,
            conditions: Vec::new(),
            effects: Vec::new(),
            contents: Vec::new(),
            stream: None,
            noalert: false,
            bypass: false,
            ordering: Ordering::default(),
        }
    }
}

/// Sets an option that a rule may have once.
pub(super) fn set<T>(place: &mut Option<T>, value: T, name: &str, at: Token<'_>) -> Result<(), Fault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(at.fault(format!("`{name}` may stand in a rule once"))),
    }
}
