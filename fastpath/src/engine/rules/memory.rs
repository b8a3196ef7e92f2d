//! What a flow remembers of the rules that looked into its streams.
//!
//! Each piece of a stream is searched for fast patterns once, when it becomes inspectable. A rule whose fast pattern was found
//! but whose other contents were not must be asked again when more data comes; and a rule that has matched must not match again
//! on the same bytes. Both are remembered as a rule and a place, a few per direction. When there are more, the whole remembered
//! data is searched again for a while, so that nothing is missed; what has matched is remembered before what waits, so that it is told
//! once all the same.

use super::{prefilter, state::FlowVariables};
use crate::engine::meta::Direction;

/// Remembered rules per direction.
const ENTRIES: usize = 4;

/// A place in a stream: the low half of its offset from the stream's start. Compared within a window, which is far smaller than
/// half of what it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place(u32);

impl Place {
    fn new(offset: u64) -> Self {
        Self((offset & 0xffff_ffff) as u32)
    }

    fn is_behind(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }
}

/// What one flow remembers.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub(super) streams: StreamMemory,
    pub(super) variables: FlowVariables,
}

/// What it remembers of its streams.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamMemory {
    directions: [Remembered; 2],
}

/// What it remembers of one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    /// Rule set that the numbers are of; 0 when there are none yet.
    generation: u32,
    entries: [Option<Entry>; ENTRIES],
    /// While the window begins before this, rules that could not be remembered may wait in it.
    crowded_until: Option<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    rule: u32,
    /// End of the data that it is about: of no use any more when the window begins behind.
    end: Place,
    /// The rule has matched in the data before this; none when it has not.
    matched_until: Option<Place>,
    /// Its fast pattern was found behind that, its other contents were not.
    waits: bool,
    /// The fast pattern is in the data that is being looked at, not only in what was before.
    found: bool,
}

impl StreamMemory {
    /// What is remembered of one direction under rule set `generation`. Of another set nothing is, so that all
    /// data remembered up to `end` has to be searched.
    pub(super) fn direction(&mut self, direction: Direction, generation: u32, end: u64) -> &mut Remembered {
        let remembered = &mut self.directions[direction as usize];
        if remembered.generation != generation {
            let crowded_until = (remembered.generation != 0).then(|| Place::new(end));
            *remembered = Remembered { generation, crowded_until, ..Remembered::default() };
        }
        remembered
    }
}

impl Remembered {
    /// Forgets what lies before the window, which begins at stream offset `start`.
    pub(super) fn forget_before(&mut self, start: u64) {
        let start = Place::new(start);
        for entry in &mut self.entries {
            if entry.is_some_and(|entry| !entry.end.is_behind(start)) {
                *entry = None;
            }
        }
        self.crowded_until = self.crowded_until.filter(|until| until.is_behind(start));
    }

    /// Adds the rules that wait for more data to those whose fast pattern was found in it.
    pub(super) fn add_waiting(&mut self, candidates: &mut prefilter::Scratch) {
        for entry in self.entries.iter_mut().flatten().filter(|entry| entry.waits) {
            entry.found = candidates.has(entry.rule);
            if !entry.found {
                candidates.add(entry.rule);
            }
        }
    }

    /// Whether the window has to be searched as a whole.
    pub(super) fn is_crowded(&self) -> bool {
        self.crowded_until.is_some()
    }

    /// How many bytes of the window, which begins at `start`, `rule` has matched in already.
    pub(super) fn matched_in(&self, rule: u32, start: u64) -> usize {
        let start = Place::new(start);
        let until = self.entry(rule).and_then(|entry| entry.matched_until);
        until.filter(|until| until.is_behind(start)).map_or(0, |until| until.0.wrapping_sub(start.0) as usize)
    }

    /// `rule`'s fast pattern is in the data up to `end`, its other contents are not all. A rule that only waits on does so no longer than
    /// its fast pattern is in the window.
    pub(super) fn wait(&mut self, rule: u32, end: u64) {
        let known = self.entry(rule);
        let matched_until = known.and_then(|entry| entry.matched_until);
        let end =
            known.filter(|entry| entry.waits && !entry.found).map_or(Place::new(end), |entry| entry.end);
        match self.place_for(rule) {
            Some(place) => *place = Some(Entry { rule, end, matched_until, waits: true, found: true }),
            None => self.crowded_until = Some(end),
        }
    }

    /// `rule` has matched in the data up to `end`. It takes the place of one that waits, which is found again in what is searched
    /// as a whole, or of the one that has matched longest ago.
    pub(super) fn matched(&mut self, rule: u32, end: u64) {
        let end = Place::new(end);
        let new = Entry { rule, end, matched_until: Some(end), waits: false, found: true };
        if let Some(place) = self.place_for(rule) {
            *place = Some(new);
            return;
        }
        let age = |entry: &Entry| entry.matched_until.map_or(u32::MAX, |until| end.0.wrapping_sub(until.0));
        let oldest = self.entries.iter_mut().flatten().max_by_key(|entry| age(entry));
        if let Some(given_up) = oldest.map(|place| std::mem::replace(place, new))
            && given_up.waits
        {
            self.crowded_until = Some(end);
        }
    }

    fn entry(&self, rule: u32) -> Option<&Entry> {
        self.entries.iter().flatten().find(|entry| entry.rule == rule)
    }

    /// The rule's own place, or an empty one.
    fn place_for(&mut self, rule: u32) -> Option<&mut Option<Entry>> {
        let own = self.entries.iter().position(|entry| entry.is_some_and(|entry| entry.rule == rule));
        let place = own.or_else(|| self.entries.iter().position(Option::is_none))?;
        self.entries.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules that wait when the fast patterns of `found` are found.
    fn waiting(remembered: &mut Remembered, found: &[u32]) -> Vec<u32> {
        let mut candidates = prefilter::Scratch::default();
        found.iter().for_each(|&rule| candidates.add(rule));
        remembered.add_waiting(&mut candidates);
        remembered.entries.iter().flatten().filter(|entry| entry.waits).map(|entry| entry.rule).collect()
    }

    #[test]
    fn waits_until_the_window_has_moved_on() {
        let mut memory = StreamMemory::default();
        let to_server = memory.direction(Direction::ToServer, 1, 0);
        to_server.wait(7, 100);
        assert_eq!(waiting(to_server, &[]), [7]);
        to_server.forget_before(99);
        assert_eq!(waiting(to_server, &[]), [7]);
        to_server.forget_before(100);
        assert!(waiting(to_server, &[]).is_empty());
        assert!(waiting(memory.direction(Direction::ToClient, 1, 0), &[]).is_empty());
    }

    #[test]
    fn what_only_waits_does_not_wait_for_ever() {
        let mut remembered = Remembered::default();
        remembered.wait(7, 100);
        assert_eq!(waiting(&mut remembered, &[7]), [7]);
        remembered.wait(7, 200);
        for end in [300, 400] {
            assert_eq!(waiting(&mut remembered, &[8]), [7]);
            remembered.wait(7, end);
        }
        remembered.forget_before(199);
        assert_eq!(waiting(&mut remembered, &[]), [7]);
        remembered.forget_before(200);
        assert!(waiting(&mut remembered, &[]).is_empty());
    }

    #[test]
    fn a_rule_that_has_matched_may_wait_again_behind_that() {
        let mut remembered = Remembered::default();
        remembered.matched(7, u64::from(u32::MAX));
        remembered.wait(7, u64::from(u32::MAX) + 20);
        assert_eq!(waiting(&mut remembered, &[]), [7]);
        assert_eq!(remembered.matched_in(7, u64::from(u32::MAX) - 5), 5);
        assert_eq!(remembered.matched_in(7, u64::from(u32::MAX) + 5), 0);
        assert_eq!(remembered.matched_in(8, 0), 0);
    }

    #[test]
    fn too_many_make_it_crowded_and_none_is_missed() {
        let mut remembered = Remembered::default();
        remembered.matched(1, 10);
        (2..=4).for_each(|rule| remembered.wait(rule, 20));
        assert!(!remembered.is_crowded());
        remembered.wait(5, 30);
        assert_eq!(remembered.matched_in(1, 0), 10, "what has matched is not forgotten for one that waits");
        remembered.forget_before(9);
        assert!(remembered.is_crowded());
        remembered.forget_before(30);
        assert!(!remembered.is_crowded());
    }

    #[test]
    fn what_has_matched_takes_the_place_of_what_waits_and_then_of_the_oldest() {
        let mut remembered = Remembered::default();
        (1..=3).for_each(|rule| remembered.matched(rule, 10 + u64::from(rule)));
        remembered.wait(4, 20);
        remembered.matched(5, 30);
        assert!(remembered.is_crowded(), "the one that waited is searched for");
        remembered.matched(6, 31);
        assert_eq!([1, 2, 3, 5, 6].map(|rule| remembered.matched_in(rule, 0)), [0, 12, 13, 30, 31]);
    }

    #[test]
    fn another_rule_set_forgets_and_searches_anew() {
        let mut memory = StreamMemory::default();
        let first = memory.direction(Direction::ToServer, 1, 50);
        assert!(!first.is_crowded(), "there was no data before");
        first.wait(7, 100);
        let remembered = memory.direction(Direction::ToServer, 2, 150);
        assert!(waiting(remembered, &[]).is_empty());
        assert!(remembered.is_crowded());
    }

    #[test]
    fn each_direction_is_searched_anew_up_to_its_own_end() {
        let mut memory = StreamMemory::default();
        memory.direction(Direction::ToServer, 1, 100);
        memory.direction(Direction::ToClient, 1, 50_000);
        memory.direction(Direction::ToServer, 2, 110);
        let to_client = memory.direction(Direction::ToClient, 2, 50_010);
        to_client.forget_before(48_000);
        assert!(to_client.is_crowded());
        to_client.forget_before(50_010);
        assert!(!to_client.is_crowded());
    }
}
