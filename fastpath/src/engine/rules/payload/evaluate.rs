//! Whether the bytes of a buffer satisfy a program.
//!
//! Relative contents ask whether *some* choice of occurrences satisfies all of them. Instead of trying choices one
//! after the other, which a hostile payload can make exponential, each content turns the sorted set of places where
//! the one before may end into the set of places where it may end itself: the same answer, in time proportional to
//! payload length times contents. (Suricata backtracks, up to a limit.)

use std::ops::Range;

use super::{
    base64::Base64Decode,
    capture::Captured,
    content::{Content, Window},
    pcre::Pcre,
    program::{Program, Step},
    states::States,
    text::Text,
    variable::Operand,
    view::View,
};
use crate::engine::rules::scan::pcre::{self, Found};

/// A worker's memory for running programs; reused from packet to packet.
#[derive(Debug, Default)]
pub(in crate::engine::rules) struct Cursors {
    now: States,
    next: States,
    budget: Budget,
    pcre: pcre::Scratch,
    captured: Captured,
    /// What `base64_decode` decodes, and the memory for what is asked of that.
    decoded: Vec<u8>,
    inner: Option<Box<Cursors>>,
}

/// Work that one program may cause in one buffer, in steps of about ten nanoseconds. What would take more does not match, and is told
/// ([`Cursors::take_exceeded`]).
const BUDGET: usize = 1 << 17;
/// What looking for an expression takes of it at least, ...
const PCRE_COST: usize = 256;
/// ... one that can be at one place only, ...
const ANCHORED_PCRE_COST: usize = 32;
/// ... and one that runs into its own limit.
const PCRE_LIMIT_COST: usize = 2048;

/// What is left of [`BUDGET`].
#[derive(Debug, Default)]
struct Budget {
    left: usize,
    /// Something would have taken more, so that it is not known whether it matches.
    exceeded: bool,
}

impl Budget {
    /// Takes from it; false when there is not so much left.
    fn spend(&mut self, work: usize) -> bool {
        let left = self.left.checked_sub(work);
        self.exceeded |= left.is_none();
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

impl Cursors {
    /// Whether there is a choice of occurrences that satisfies all steps.
    pub(in crate::engine::rules) fn satisfy(&mut self, program: &Program, text: Text<'_>) -> bool {
        self.budget.left = BUDGET;
        let satisfied = self.run_all(program, 0, text);
        if satisfied {
            // What was left open has made no difference.
            self.budget.exceeded = false;
            if !program.captures.is_empty() {
                self.capture(program, text);
            }
        }
        satisfied
    }

    /// Takes note of what the expressions capture in the first choice. Choices that differ in that alone are told apart, which may be
    /// too much work: then nothing is captured, and that is told where others may ask for it.
    fn capture(&mut self, program: &Program, text: Text<'_>) {
        self.budget.left = BUDGET;
        if self.run_all(program, program.variables + program.captures.len(), text) {
            let values = self.now.values_of(0);
            let texts = program.captures.iter().filter_map(|capture| capture.text(text.bytes, values));
            texts.for_each(|(keep, text)| self.captured.add(keep, text));
        }
        self.budget.exceeded &= program.captures.iter().any(|capture| capture.keep.sets().is_some());
    }

    /// Gives `each` what the program, which the text satisfies, puts in place of its contents: where, and the bytes. An occurrence is
    /// replaced when it is one of any choice that satisfies all steps; what is not found out within the budget is taken for that.
    /// (Suricata replaces the first choice that it finds.)
    pub(in crate::engine::rules) fn replace<'p>(
        &mut self,
        program: &'p Program,
        text: Text<'_>,
        mut each: impl FnMut(usize, &'p [u8]),
    ) {
        for (at, content, replacement) in program.replaced() {
            self.budget.left = BUDGET;
            self.begin(0);
            if !self.run(program, 0..at + 1, text) {
                continue;
            }
            let found = std::mem::take(&mut self.now);
            let cost = (program.steps.len() - at) * (1 + text.bytes.len() / 32);
            let mut ends = Vec::new();
            for (end, values) in found.iter() {
                self.now.clear(found.variables);
                self.now.push(end, values);
                let further = at + 1..program.steps.len();
                if !self.budget.spend(cost) || self.run(program, further, text) || self.take_exceeded() {
                    ends.push(end);
                }
            }
            self.now = found;
            ends.sort_unstable();
            let mut done_to = 0;
            for end in ends {
                let start = end.saturating_sub(content.needle.len());
                if start >= done_to {
                    each(start, replacement);
                    done_to = end;
                }
            }
        }
        // That it matches is known, whatever this took.
        self.budget.exceeded = false;
    }

    /// Nothing has been found.
    fn begin(&mut self, variables: usize) {
        self.now.clear(variables);
        self.now.places.push(0);
        self.now.values.resize(variables, 0);
    }

    /// Takes all steps from the start, with what is left of the budget, and with so many variables that are there already.
    fn run_all(&mut self, program: &Program, variables: usize, text: Text<'_>) -> bool {
        self.begin(variables);
        self.run(program, 0..program.steps.len(), text)
    }

    /// Takes the steps numbered `range`, one after the other, as long as there is a choice that satisfies them.
    fn run(&mut self, program: &Program, range: Range<usize>, text: Text<'_>) -> bool {
        let steps = program.steps.get(range.clone()).unwrap_or_default();
        range.zip(steps).all(|(at, step)| match step {
            Step::Content(content) if self.now.variables == 0 => self.find_content(content, text),
            Step::Content(content) => self.find_content_of_each(content, text),
            Step::Pcre(pcre) => self.find_pcre(pcre, text),
            // It would be relative to the start of a stream, which is not remembered any more.
            step if at < program.lead && text.before > 0 && step.is_relative() => false,
            Step::Size(size) => size.holds(text.before.saturating_add(text.bytes.len() as u64)),
            Step::IsDataAt(test) => self.keep(text, |view| test.holds(view)),
            Step::Test(test) => self.keep(text, |view| test.holds(view)),
            Step::Asn1(asn1) => self.keep(text, |view| asn1.holds(view)),
            Step::Entropy(entropy) => entropy.holds(&text.view(0, &[])),
            // They were asked before, and one may have added to its set.
            Step::Set(_) | Step::Reputation(_) if self.now.variables > program.variables => true,
            Step::Set(lookup) => lookup.matches(text.bytes),
            Step::Reputation(reputed) => reputed.matches(text.bytes),
            Step::Jump(jump) => self.go(text, None, |view| Some((0, jump.jump(view)?))),
            Step::Extract(extract) => self.go(text, Some(extract.variable), |view| extract.extract(view)),
            Step::Math(math) => self.go(text, Some(math.variable), |view| math.calculate(view)),
            Step::Base64(decode, program) => self.decode(*decode, program, text),
        })
    }

    /// Whether the limits have left it open, since this was asked last, whether something matches, or what it captures.
    pub(in crate::engine::rules) fn take_exceeded(&mut self) -> bool {
        std::mem::take(&mut self.budget.exceeded)
    }

    /// What expressions have captured since this was last cleared, each time for the first choice that satisfied its program.
    pub(in crate::engine::rules) fn captured(&mut self) -> &mut Captured {
        &mut self.captured
    }

    /// Keeps the states that pass a test.
    fn keep(&mut self, text: Text<'_>, test: impl Fn(&View<'_>) -> bool) -> bool {
        if !self.budget.spend(self.now.places.len() / 4 + self.now.values.len()) {
            return false;
        }
        self.next.clear(self.now.variables);
        for (place, values) in self.now.iter() {
            if test(&text.view(place, values)) {
                self.next.push(place, values);
            }
        }
        self.step()
    }

    /// Moves each state to where `next` says, and gives `variable` the value that it says; drops those of which it says nothing.
    fn go(
        &mut self,
        text: Text<'_>,
        variable: Option<u8>,
        next: impl Fn(&View<'_>) -> Option<(u64, usize)>,
    ) -> bool {
        if !self.budget.spend(self.now.places.len() / 4 + self.now.values.len()) {
            return false;
        }
        self.next.clear(variable.map_or(0, |variable| usize::from(variable) + 1).max(self.now.variables));
        for (place, values) in self.now.iter() {
            let Some((value, place)) = next(&text.view(place, values)) else { continue };
            self.next.push_with(place, values, variable.map(|variable| (variable, value)));
        }
        self.next.put_in_order();
        self.step()
    }

    /// Keeps the states from which something is decoded that is as wanted.
    fn decode(&mut self, decode: Base64Decode, program: &Program, text: Text<'_>) -> bool {
        self.next.clear(self.now.variables);
        for (place, values) in self.now.iter() {
            let decodes = decode.decode(&text.view(place, values), &mut self.decoded);
            if !self.budget.spend(1 + values.len() + self.decoded.len() / 2) {
                return false;
            }
            let inner = self.inner.get_or_insert_default();
            // It is one budget for all of it.
            std::mem::swap(&mut self.budget, &mut inner.budget);
            if decodes && (program.is_empty() || inner.run_all(program, 0, Text::whole(&self.decoded))) {
                self.next.push(place, values);
            }
            std::mem::swap(&mut self.budget, &mut inner.budget);
        }
        self.step()
    }

    /// Goes on with the next states; false when there are none.
    fn step(&mut self) -> bool {
        std::mem::swap(&mut self.now, &mut self.next);
        !self.now.places.is_empty()
    }

    fn find_content(&mut self, content: &Content, text: Text<'_>) -> bool {
        let payload = text.bytes;
        let value = |operand| value(operand, &[]);
        match (content.window, content.negated) {
            (Window::Payload { offset, depth }, negated) => {
                let (from, end) = text.window(value(offset), depth.map(value));
                if content.anchors {
                    self.next.clear(0);
                    let ends = content.occurrences(payload, from, end).map(|at| at + content.needle.len());
                    self.next.places.extend(ends);
                    self.step()
                } else {
                    content.occurrences(payload, from, end).next().is_some() != negated
                }
            }
            (Window::Relative { distance, within }, false) => {
                self.follow(content, payload, value(distance), within.map(value))
            }
            (Window::Relative { distance, within }, true) => {
                self.avoid(content, payload, value(distance), within.map(value))
            }
        }
    }

    /// Finds a relative content behind any cursor.
    fn follow(&mut self, content: &Content, payload: &[u8], distance: i64, within: Option<i64>) -> bool {
        let (Some(&first), Some(&last)) = (self.now.places.first(), self.now.places.last()) else {
            return false;
        };
        let (from, _) = window(first, distance, within, payload);
        let (_, to) = window(last, distance, within, payload);
        self.next.clear(0);
        let mut candidates = self.now.places.iter().copied().peekable();
        for at in content.occurrences(payload, from, to) {
            let end = at + content.needle.len();
            // Windows move with their cursors: one that ends before this occurrence does is done with.
            while candidates.next_if(|&cursor| window(cursor, distance, within, payload).1 < end).is_some() {}
            let Some(&cursor) = candidates.peek() else {
                break;
            };
            if window(cursor, distance, within, payload).0 <= at {
                if !content.anchors {
                    return true;
                }
                self.next.places.push(end);
            }
        }
        self.step()
    }

    /// Keeps the cursors behind which a negated relative content is not found.
    fn avoid(&mut self, content: &Content, payload: &[u8], distance: i64, within: Option<i64>) -> bool {
        // The first occurrence that starts at or behind the window of the cursor at hand.
        let mut found: Option<usize> = None;
        let mut searched = false;
        self.now.places.retain(|&cursor| {
            let (from, to) = window(cursor, distance, within, payload);
            if !searched || found.is_some_and(|at| at < from) {
                found = content.occurrences(payload, from, payload.len()).next();
                searched = true;
            }
            found.is_none_or(|at| at + content.needle.len() > to)
        });
        !self.now.places.is_empty()
    }

    /// As [`Self::find_content`] where windows may depend on variables: each state by itself.
    fn find_content_of_each(&mut self, content: &Content, text: Text<'_>) -> bool {
        self.next.clear(self.now.variables);
        for at in 0..self.now.places.len() {
            let cursor = self.now.places.get(at).copied().unwrap_or(0);
            let values = self.now.values_of(at);
            let value = |operand| value(operand, values);
            let (from, to) = match content.window {
                Window::Payload { offset, depth } => text.window(value(offset), depth.map(value)),
                Window::Relative { distance, within } => {
                    window(cursor, value(distance), within.map(value), text.bytes)
                }
            };
            if !self.budget.spend(1 + values.len() + to.saturating_sub(from) / 32) {
                return false;
            }
            let mut ends = content.occurrences(text.bytes, from, to).map(|at| at + content.needle.len());
            if content.negated {
                if ends.next().is_none() {
                    self.next.push(cursor, values);
                }
            } else if !content.anchors {
                if ends.next().is_some() {
                    self.next.push(cursor, values);
                }
            } else {
                for end in ends {
                    if !self.budget.spend(1 + values.len()) {
                        return false;
                    }
                    self.next.push(end, values);
                }
            }
        }
        self.step()
    }

    /// Finds an expression behind any cursor, or anywhere.
    fn find_pcre(&mut self, pcre: &Pcre, text: Text<'_>) -> bool {
        let (payload, anchored) = (text.bytes, pcre.regex.is_anchored());
        if anchored && !pcre.relative && text.before > 0 {
            // The start is not there any more.
            return pcre.negated;
        }
        self.next.clear(self.now.variables);
        for at in 0..self.now.places.len() {
            let cursor = self.now.places.get(at).copied().unwrap_or(0);
            let start = if pcre.relative { cursor.min(payload.len()) } else { 0 };
            let subject = payload.get(start..).unwrap_or_default();
            let mut from = 0;
            loop {
                let cost = match anchored {
                    true => ANCHORED_PCRE_COST,
                    false => PCRE_COST + (subject.len() - from) / 32,
                };
                if !self.budget.spend(cost + self.now.variables) {
                    return false;
                }
                let found = pcre.regex.find(subject, from, &mut self.pcre);
                if found == Found::TooMuch {
                    if !self.budget.spend(PCRE_LIMIT_COST) {
                        return false;
                    }
                    self.budget.exceeded |= !pcre.negated;
                }
                let values = self.now.values_of(at);
                match found {
                    // As in Suricata: what takes too long is not there; it is told all the same.
                    Found::Nowhere | Found::TooMuch if pcre.negated => self.next.push(cursor, values),
                    Found::Nowhere | Found::TooMuch => {}
                    Found::At(..) if pcre.negated => {}
                    Found::At(begin, end) if pcre.anchors => {
                        self.next.push_match(start + end, values, pcre, start, &self.pcre);
                        from = begin + 1;
                        // One that is anchored PCRE2 would look for at `from`.
                        if from <= subject.len() && !anchored {
                            continue;
                        }
                    }
                    Found::At(..) => self.next.push_match(cursor, values, pcre, start, &self.pcre),
                }
                break;
            }
            // From the start it is the same for all.
            if !pcre.relative && self.now.variables == 0 {
                if !pcre.anchors {
                    return !self.next.places.is_empty();
                }
                break;
            }
        }
        self.next.put_in_order();
        self.step()
    }
}

/// What an operand stands for, far enough for any buffer.
fn value(operand: Operand, variables: &[u64]) -> i64 {
    let value = operand.value(variables).unwrap_or(0);
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// First byte of a window relative to `cursor`, and the end of its last.
fn window(cursor: usize, distance: i64, within: Option<i64>, payload: &[u8]) -> (usize, usize) {
    let from = i64::try_from(cursor).unwrap_or(i64::MAX).saturating_add(distance);
    let place = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX);
    // Not from the place of `from`: a negative distance that reaches before the payload does not move the end.
    let to = within.map_or(payload.len(), |within| place(from.saturating_add(within)).min(payload.len()));
    (place(from), to)
}

impl Content {
    /// Starts of the occurrences that lie within `from..to`, in order.
    fn occurrences<'p>(
        &'p self,
        payload: &'p [u8],
        from: usize,
        to: usize,
    ) -> impl Iterator<Item = usize> + 'p {
        let mut from = from;
        let text = payload.get(..to).unwrap_or(payload);
        std::iter::from_fn(move || {
            let at = if self.at_end {
                let at = payload.len().checked_sub(self.needle.len()).filter(|&at| at >= from)?;
                self.needle.is(text.get(at..payload.len())?).then_some(at)?
            } else {
                from + self.needle.find(text.get(from..)?)?
            };
            from = at + 1;
            Some(at)
        })
    }
}

#[cfg(test)]
pub(in crate::engine) mod programs;
#[cfg(test)]
mod replace;
#[cfg(test)]
mod tests;
