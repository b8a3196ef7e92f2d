//! A rule while its options come in.

use super::{Details, Target, classification::Class};
use super::{condition::Condition, content::ContentDraft, fault::Fault, lexer::Token};
use super::{effect::Effect, environment::Context};

/// What a rule's options have said so far.
pub(super) struct Draft<'l> {
    pub(super) context: Context<'l>,
    pub(super) msg: Option<String>,
    pub(super) sid: Option<u32>,
    /// Where `sid` stands.
    pub(super) sid_at: usize,
    pub(super) rev: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) class: Option<Class>,
    pub(super) priority: Option<u8>,
    pub(super) target: Option<Target>,
    pub(super) details: Details,
    /// What is odd about it and does not keep it from being used.
    pub(super) warnings: Vec<Fault>,
    pub(super) conditions: Vec<Condition>,
    pub(super) effects: Vec<Effect>,
    pub(super) contents: Vec<ContentDraft>,
    /// `flow:only_stream` (true), `flow:no_stream` (false).
    pub(super) stream: Option<bool>,
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
            target: None,
            details: Details::default(),
            warnings: Vec::new(),
            conditions: Vec::new(),
            effects: Vec::new(),
            contents: Vec::new(),
            stream: None,
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
