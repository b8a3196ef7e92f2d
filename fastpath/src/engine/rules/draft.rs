//! A rule while its options come in.

use super::{
    Details, Target,
    buffer::Buffer,
    classification::Class,
    condition::Condition,
    effect::Effect,
    environment::Context,
    fault::Fault,
    header,
    lexer::Token,
    ordering::Ordering,
    payload::Sections,
    state::{tag::Extent, threshold::Limit},
};

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
    /// Application protocol that it is about.
    pub(super) application: Option<&'static str>,
    /// Application protocol whose parser it needs, and where it says so.
    pub(super) missing_parser: Option<(&'static str, usize)>,
    /// What is asked of bytes.
    pub(super) sections: Sections,
    /// `alert` (true), `noalert` (false); the last one counts.
    pub(super) alert: Option<bool>,
    /// `threshold`, `detection_filter`.
    pub(super) threshold: Option<Limit>,
    pub(super) tags: Vec<Extent>,
    /// `flow:only_stream` (true), `flow:no_stream` (false).
    pub(super) stream: Option<bool>,
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
            target: None,
            details: Details::default(),
            warnings: Vec::new(),
            conditions: Vec::new(),
            effects: Vec::new(),
            application: None,
            missing_parser: None,
            sections: Sections::new(),
            alert: None,
            threshold: None,
            tags: Vec::new(),
            stream: None,
            bypass: false,
            ordering: Ordering::default(),
        }
    }
}

impl Draft<'_> {
    /// `name` needs the parser of an application protocol.
    pub(super) fn need_parser(&mut self, protocol: &'static str, name: Token<'_>) {
        self.missing_parser.get_or_insert((protocol, name.at));
    }

    /// `name` says that the rule is about an application protocol (or one that it belongs with).
    pub(super) fn belong_to(&mut self, protocol: &'static str, name: Token<'_>) -> Result<(), Fault> {
        self.need_parser(protocol, name);
        match self.application {
            None => self.application = Some(protocol),
            Some(other) if header::belong_together(other, protocol) => {}
            Some(other) => {
                let reason =
                    format!("`{}` is about `{protocol}`, but the rule is about `{other}`", name.text);
                return Err(name.fault(reason));
            }
        }
        Ok(())
    }

    /// `name` is about what several application protocols have; of them it misses `protocol` first.
    pub(super) fn belong_to_one_of(
        &mut self,
        protocol: &'static str,
        others: &[&str],
        name: Token<'_>,
    ) -> Result<(), Fault> {
        self.need_parser(protocol, name);
        match self.application {
            Some(own) if own != protocol && !others.contains(&own) => {
                let reason =
                    format!("`{}` is about nothing that `{own}`, which the rule is about, has", name.text);
                Err(name.fault(reason))
            }
            _ => Ok(()),
        }
    }

    /// `name` is a sticky buffer: what follows is about `buffer`.
    pub(super) fn enter(&mut self, buffer: Buffer, name: Token<'_>) -> Result<(), Fault> {
        self.sections.enter(buffer, name)
    }
}

/// Sets an option that a rule may have once.
pub(super) fn set<T>(place: &mut Option<T>, value: T, name: &str, at: Token<'_>) -> Result<(), Fault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(at.fault(format!("`{name}` may stand in a rule once"))),
    }
}
