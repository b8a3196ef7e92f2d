//! Programs of any keywords, compared with the obvious way to evaluate them: try every occurrence of everything, one after the other.

// The slow reference counts in i64.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

use proptest::prelude::*;

use super::tests::found;

/// One keyword.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Part {
    Content { text: &'static str, negated: bool, place: Place },
    Pcre { class: bool, relative: bool, negated: bool },
    IsDataAt { offset: Number, relative: bool, negated: bool },
    Test { least: u8, offset: Number, relative: bool },
    Jump { offset: i64, relative: bool, post: i64 },
    Extract { offset: i64, relative: bool },
}

#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum Place {
    Absolute(Number, Option<Number>),
    Relative(Number, Option<Number>),
}

/// A number, or the variable that the last `byte_extract` before has set.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum Number {
    Is(i64),
    Extracted,
}

impl Number {
    fn value(self, extracted: Option<i64>) -> i64 {
        match self {
            Self::Is(number) => number,
            Self::Extracted => extracted.unwrap_or(0),
        }
    }

    /// Where no variable is set yet, 0.
    fn write(self, variables: usize) -> String {
        match self {
            Self::Is(number) => number.to_string(),
            Self::Extracted if variables == 0 => "0".into(),
            Self::Extracted => format!("v{}", variables - 1),
        }
    }
}

pub(in crate::engine) fn write(parts: &[Part]) -> String {
    let mut variables = 0;
    let mut text = String::new();
    let comma = |relative: bool| if relative { ",relative" } else { "" };
    let not = |negated: bool| if negated { "!" } else { "" };
    for part in parts {
        text += &match part {
            Part::Content { text, negated, place } => {
                let number = |number: Number| number.write(variables);
                let place = match place {
                    Place::Absolute(offset, depth) => {
                        let depth = depth.map_or(String::new(), |depth| format!(" depth:{};", number(depth)));
                        format!("offset:{};{depth}", number(*offset))
                    }
                    Place::Relative(distance, within) => {
                        let within =
                            within.map_or(String::new(), |within| format!(" within:{};", number(within)));
                        format!("distance:{};{within}", number(*distance))
                    }
                };
                format!("content:{}\"{text}\"; {place} ", not(*negated))
            }
            Part::Pcre { class, relative, negated } => {
                let (expression, flags) =
                    (if *class { "[ab]" } else { "^a" }, if *relative { "R" } else { "" });
                format!("pcre:{}\"/{expression}/{flags}\"; ", not(*negated))
            }
            Part::IsDataAt { offset, relative, negated } => {
                format!("isdataat:{}{}{}; ", not(*negated), offset.write(variables), comma(*relative))
            }
            Part::Test { least, offset, relative } => {
                format!("byte_test:1,>=,{least},{}{}; ", offset.write(variables), comma(*relative))
            }
            Part::Jump { offset, relative, post } => {
                format!("byte_jump:1,{offset}{},post_offset {post}; ", comma(*relative))
            }
            Part::Extract { offset, relative } => {
                variables += 1;
                format!("byte_extract:1,{offset},v{}{}; ", variables - 1, comma(*relative))
            }
        };
    }
    text
}

fn reference(parts: &[Part], bytes: &[u8], cursor: i64, extracted: Option<i64>) -> bool {
    let Some((part, rest)) = parts.split_first() else { return true };
    let length = bytes.len() as i64;
    let byte = |offset: i64, relative: bool| {
        let at = if relative { cursor + offset } else { offset };
        usize::try_from(at).ok().and_then(|at| bytes.get(at)).map(|&byte| (i64::from(byte), at + 1))
    };
    let go = |holds: bool| holds && reference(rest, bytes, cursor, extracted);
    match part {
        Part::Content { text, negated, place } => {
            let value = |number: Number| number.value(extracted);
            let (from, to) = match *place {
                Place::Absolute(offset, depth) => {
                    (value(offset), depth.map(|depth| value(offset) + value(depth)))
                }
                Place::Relative(distance, within) => {
                    let from = cursor + value(distance);
                    (from, within.map(|within| from + value(within)))
                }
            };
            let is = |&at: &i64| {
                let end = at + text.len() as i64;
                at >= from && end <= to.unwrap_or(length) && bytes[at as usize..].starts_with(text.as_bytes())
            };
            let mut ends = (0..length).filter(is).map(|at| at + text.len() as i64);
            if *negated {
                go(ends.next().is_none())
            } else {
                ends.any(|end| reference(rest, bytes, end, extracted))
            }
        }
        Part::Pcre { class, relative, negated } => {
            let start = if *relative { cursor } else { 0 };
            let is = |&at: &i64| match class {
                true => matches!(bytes[at as usize], b'a' | b'b'),
                false => at == start && bytes[at as usize] == b'a',
            };
            let mut ends = (start..length).filter(is).map(|at| at + 1);
            if *negated {
                go(ends.next().is_none())
            } else {
                ends.any(|end| reference(rest, bytes, end, extracted))
            }
        }
        Part::IsDataAt { offset, relative, negated } => {
            let offset = offset.value(extracted);
            let there = if *relative { cursor + offset <= length } else { offset < length };
            go(there != *negated)
        }
        Part::Test { least, offset, relative } => {
            go(byte(offset.value(extracted), *relative).is_some_and(|(value, _)| value >= i64::from(*least)))
        }
        Part::Jump { offset, relative, post } => byte(*offset, *relative).is_some_and(|(value, end)| {
            let to = end + value + post;
            (0..=length).contains(&to) && reference(rest, bytes, to, extracted)
        }),
        Part::Extract { offset, relative } => {
            byte(*offset, *relative).is_some_and(|(value, end)| reference(rest, bytes, end, Some(value)))
        }
    }
}

fn number(from: i64, to: i64) -> impl Strategy<Value = Number> {
    prop_oneof![3 => (from..to).prop_map(Number::Is), 1 => Just(Number::Extracted)]
}

pub(in crate::engine) fn part() -> impl Strategy<Value = Part> {
    let text = prop::sample::select(vec!["a", "b", "ab", "ba"]);
    let place = prop_oneof![
        (number(0, 4), prop::option::of((2..8_i64).prop_map(Number::Is)))
            .prop_map(|(at, depth)| Place::Absolute(at, depth)),
        (number(-2, 4), prop::option::of((2..8_i64).prop_map(Number::Is)))
            .prop_map(|(at, within)| Place::Relative(at, within)),
    ];
    let negated = || prop::bool::weighted(0.2);
    prop_oneof![
        4 => (text, negated(), place).prop_map(|(text, negated, place)| Part::Content { text, negated, place }),
        1 => (any::<bool>(), any::<bool>(), negated())
            .prop_map(|(class, relative, negated)| Part::Pcre { class, relative, negated }),
        1 => (number(0, 5), any::<bool>(), any::<bool>())
            .prop_map(|(offset, relative, negated)| Part::IsDataAt { offset, relative, negated }),
        1 => (0..4_u8, number(0, 4), any::<bool>())
            .prop_map(|(least, offset, relative)| Part::Test { least, offset, relative }),
        1 => (0..3_i64, any::<bool>(), 0..2_i64).prop_map(|(offset, relative, post)| Part::Jump { offset, relative, post }),
        1 => (0..3_i64, any::<bool>()).prop_map(|(offset, relative)| Part::Extract { offset, relative }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]

    #[test]
    fn any_program_agrees_with_the_obvious_evaluator(
        parts in prop::collection::vec(part(), 1..6),
        bytes in prop::collection::vec(prop::sample::select(b"\x00\x01\x02\x03abab".to_vec()), 1..12),
    ) {
        let options = write(&parts);
        prop_assert_eq!(found(&options, &bytes), reference(&parts, &bytes, 0, None), "{}", options);
    }
}

#[test]
fn the_reference_knows_both_answers() {
    let parts = [
        Part::Extract { offset: 0, relative: false },
        Part::Content {
            text: "a",
            negated: false,
            place: Place::Relative(Number::Extracted, Some(Number::Is(2))),
        },
    ];
    assert_eq!(write(&parts), "byte_extract:1,0,v0; content:\"a\"; distance:v0; within:2; ");
    for (bytes, expected) in [(b"\x02..a", true), (b"\x02.a.", false), (b"\x03..a", false)] {
        assert_eq!(reference(&parts, bytes, 0, None), expected);
        assert_eq!(found(&write(&parts), bytes), expected);
    }
}
