//! A packet's way through the rules: prefilter, header and conditions, contents in the stream and in the packet.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    Captures, RuleInfo,
    condition::Condition,
    inspection::Transformed,
    memory::{Memory, Remembered},
    parser::Rule,
    payload::{Cursors, Text},
    prefilter::{self, Group},
    set::{RuleSet, Scratch},
    state::{State, Texts},
    subject::{SeenBy, Stream, Subject},
};
use crate::engine::stream::Window;

/// A rule that has matched.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Match<'r> {
    /// The rule, with the action to take.
    pub(in crate::engine) rule: &'r Arc<RuleInfo>,
    /// What made it match.
    pub(in crate::engine) via: Via,
    /// Whether an alert is raised.
    pub(in crate::engine) report: bool,
    /// The rest of its flow goes uninspected.
    pub(in crate::engine) bypass: bool,
    /// Whether a rate filter has changed the action.
    pub(in crate::engine) filtered: bool,
}

/// What made a rule match; what is done because of it concerns the packet alone or its whole flow accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Via {
    /// This packet.
    Packet,
    /// The flow's data.
    Stream,
    /// The flow's addresses: asked of the first packet each way only (Suricata's IP-only rules).
    Addresses,
}

impl RuleSet {
    /// Gives each rule that matches to `each`, in the order of evaluation, until that breaks, and with it a way to what was captured
    /// until then. `memory` is the flow's. True when the limits have left it open whether a rule matches that drops, replaces or
    /// sets what such a one asks for.
    pub(in crate::engine) fn inspect<'s>(
        &'s self,
        subject: &Subject<'_>,
        memory: Option<&mut Memory>,
        scratch: &mut Scratch,
        mut each: impl FnMut(Match<'s>, &dyn Fn() -> Option<Box<Captures>>) -> ControlFlow<()>,
    ) -> bool {
        let Scratch { prefilter, cursors, transformed, texts, window, rewriting } = scratch;
        texts.clear();
        let (streams, variables) = memory.map(|memory| (&mut memory.streams, &mut memory.variables)).unzip();
        let mut state = State { flow: variables, packet: texts, shared: &self.shared };
        let group = self.prefilter.group(subject.packet);
        prefilter.clear();
        if subject.seen_by != SeenBy::InStream {
            group.search(subject.packet.payload, prefilter);
        }
        let mut look = match (&subject.stream, streams) {
            (Some(stream), Some(streams)) => {
                let end = stream.fresh.offset.saturating_add(stream.fresh.len());
                let remembered = streams.direction(stream.direction, self.generation, end);
                Some(Look::new(*stream, subject.packet.payload, remembered, group, prefilter, window))
            }
            _ => None,
        };
        let mut undecided = false;
        for index in group.candidates(prefilter) {
            let Some(rule) = self.rules.get(index as usize) else { continue };
            cursors.captured().clear();
            let via = rule.matches(index, subject, &state, look.as_mut(), cursors, transformed);
            // Of a rule that matches, what it captures may be left open.
            undecided |= cursors.take_exceeded() && rule.decisive;
            let Some(via) = via else { continue };
            if let Some((packet, start)) = subject.rewritable
                && rule.payload.replaces()
            {
                let payload = Text::whole(subject.packet.payload);
                cursors.replace(&rule.payload, payload, |at, new| rewriting.replace(packet, start + at, new));
            }
            let captured = &*cursors.captured();
            captured.iter().for_each(|(keep, text)| keep.happen(text, &mut state));
            rule.effects.iter().for_each(|effect| effect.happen(subject, &mut state));
            let Some(found) = rule.thresholding.judge(&rule.info, via, subject, &mut state) else { continue };
            rule.tags.iter().for_each(|tag| tag.attach(subject, &mut state));
            let captures = || Captures::of(captured, &state);
            if each(Match { bypass: rule.bypass, ..found }, &captures).is_break() {
                return false;
            }
        }
        undecided
    }
}

impl RuleSet {
    /// Whether a packet is to be reported because it follows a match. Asked once for each, after [`Self::inspect`].
    pub(in crate::engine) fn tags(&self, subject: &Subject<'_>, memory: Option<&mut Memory>) -> bool {
        if self.tags.is_empty() || subject.seen_by == SeenBy::InStream {
            return false;
        }
        let flow = memory.map(|memory| &mut memory.variables);
        let mut state = State { flow, packet: &mut Texts::default(), shared: &self.shared };
        // Each of them counts it.
        self.tags.iter().fold(false, |tagged, tag| tag.sees(subject, &mut state) | tagged)
    }
}

/// The stream data of one packet, as rules look at it.
struct Look<'a> {
    stream: Stream<'a>,
    payload: &'a [u8],
    remembered: &'a mut Remembered,
    /// Where the window begins.
    start: u64,
    /// The window, once a rule has asked for it. In general none does, so that nothing is copied.
    window: Option<Window<'a>>,
    /// Memory for it, until it is made.
    scratch: Option<&'a mut Vec<u8>>,
}

impl<'a> Look<'a> {
    /// Adds to the candidates what only the stream shows: fast patterns that lie across segments or in data that was remembered,
    /// and rules that wait for the rest of their contents. What is in the payload was found before.
    fn new(
        stream: Stream<'a>,
        payload: &'a [u8],
        remembered: &'a mut Remembered,
        group: &Group,
        candidates: &mut prefilter::Scratch,
        scratch: &'a mut Vec<u8>,
    ) -> Self {
        let start = stream.streams.window_start(stream.session, stream.direction, stream.fresh);
        remembered.forget_before(start);
        let seam = group.longest().saturating_sub(1);
        let only_payload = stream.fresh.buffered == 0 && stream.fresh.plain && !remembered.is_crowded();
        if only_payload {
            if seam > 0 && start < stream.fresh.offset {
                let head = payload.get(stream.fresh.in_segment.clone()).unwrap_or_default();
                stream.streams.seam(stream.session, stream.direction, stream.fresh, seam, scratch);
                scratch.extend_from_slice(head.get(..seam).unwrap_or(head));
                group.search(scratch, candidates);
            }
            remembered.add_waiting(candidates);
            return Self { stream, payload, remembered, start, window: None, scratch: Some(scratch) };
        }
        let mut look = Self { stream, payload, remembered, start, window: None, scratch: Some(scratch) };
        let Window { bytes, fresh_at, .. } = look.window();
        let from = if look.remembered.is_crowded() { 0 } else { fresh_at.saturating_sub(seam) };
        group.search(bytes.get(from..).unwrap_or_default(), candidates);
        look.remembered.add_waiting(candidates);
        look
    }

    fn window(&mut self) -> Window<'a> {
        if let Some(scratch) = self.scratch.take() {
            let Stream { streams, session, direction, fresh } = self.stream;
            self.window = Some(streams.window(session, direction, fresh, self.payload, scratch));
        }
        self.window.unwrap_or(Window { bytes: &[], start: self.start, fresh_at: 0 })
    }

    /// Whether `rule`'s contents are in the stream, some of the fresh data among them.
    fn satisfies(&mut self, index: u32, rule: &Rule, cursors: &mut Cursors) -> bool {
        let Window { bytes, start, fresh_at } = self.window();
        let end = self.end();
        let seen = self.remembered.matched_in(index, start);
        let seen = match rule.payload.only_content() {
            // With one byte at least it lies in what is new to the rule.
            Some(length) => {
                let known = if rule.depends_on_state() { seen } else { fresh_at };
                (known + 1).saturating_sub(length)
            }
            None => seen,
        };
        let text = Text { bytes, before: start }.skip(seen);
        let satisfied = !text.bytes.is_empty() && cursors.satisfy(&rule.payload, text);
        if satisfied {
            self.remembered.matched(index, end);
        } else if rule.may_wait() {
            self.remembered.wait(index, end);
        }
        satisfied
    }

    /// What `rule` asks beside its contents may come to hold while they are still in the window.
    fn wait(&mut self, index: u32) {
        let end = self.end();
        self.remembered.wait(index, end);
    }

    /// Where it ends.
    fn end(&self) -> u64 {
        self.stream.fresh.offset.saturating_add(self.stream.fresh.len())
    }
}

impl Rule {
    /// Whether more data may complete the contents although its fast pattern was found before: there are others, or the fast
    /// pattern is only a part of the one.
    fn may_wait(&self) -> bool {
        let Some(pattern) = &self.fast_pattern else { return false };
        let searched = prefilter::searched(pattern).len();
        self.payload.len() > 1 || self.payload.longest_content() > searched
    }

    /// Whether it asks for what may come to hold later.
    fn depends_on_state(&self) -> bool {
        self.conditions.iter().any(Condition::may_come_to_hold)
    }

    /// What makes the rule match, if it does.
    fn matches(
        &self,
        index: u32,
        subject: &Subject<'_>,
        state: &State<'_>,
        look: Option<&mut Look<'_>>,
        cursors: &mut Cursors,
        transformed: &mut Transformed,
    ) -> Option<Via> {
        match subject.seen_by {
            SeenBy::AboutEvents if !self.is_about_events() => return None,
            SeenBy::InStream if self.payload.is_empty() => return None,
            _ => {}
        }
        let only_addresses = self.is_about_addresses_only();
        if only_addresses && subject.flow.is_some_and(|flow| !flow.first) {
            return None;
        }
        if !self.header.matches(subject.packet) {
            return None;
        }
        let mut failed =
            self.conditions.iter().filter(|condition| !condition.holds(subject, state)).peekable();
        if failed.peek().is_some() {
            if self.fast_pattern.is_some()
                && self.scope.includes_stream()
                && let Some(look) = look
                && failed.all(Condition::may_come_to_hold)
            {
                look.wait(index);
            }
            return None;
        }
        if !self.buffers.iter().all(|buffer| buffer.holds(subject.packet, cursors, transformed)) {
            return None;
        }
        let via = if only_addresses {
            Via::Addresses
        } else {
            self.payload_matches(index, subject, look, cursors)?
        };
        let mut changing = self.changing.iter();
        changing.all(|buffer| buffer.holds(subject.packet, cursors, transformed)).then_some(via)
    }

    /// Where the payload or the stream has what is asked of it.
    fn payload_matches(
        &self,
        index: u32,
        subject: &Subject<'_>,
        look: Option<&mut Look<'_>>,
        cursors: &mut Cursors,
    ) -> Option<Via> {
        if self.payload.is_empty() {
            return Some(Via::Packet);
        }
        if self.scope.includes_stream()
            && let Some(look) = look
            && look.satisfies(index, self, cursors)
        {
            return Some(Via::Stream);
        }
        let payload = subject.packet.payload;
        let here = subject.seen_by != SeenBy::InStream
            && self.scope.includes_packet(subject.in_stream)
            && !payload.is_empty()
            && cursors.satisfy(&self.payload, Text::whole(payload));
        here.then_some(Via::Packet)
    }
}
