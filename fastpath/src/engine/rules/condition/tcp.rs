//! `flags`, `seq`, `ack`, `window`, `tcp.mss`, `tcp.wscale` (Suricata's "Header Keywords").

use super::Condition;
use crate::engine::{
    packet::{Packet, Transport},
    rules::{draft::Draft, fault::Fault, lexer::Token, number::Comparison, number::number},
};

/// A field of the TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Test {
    Flags(Flags),
    Sequence(Comparison<u32>),
    Acknowledgment(Comparison<u32>),
    Window {
        value: u16,
        negated: bool,
    },
    /// Of a segment that has the option.
    MaximumSegmentSize(Comparison<u16>),
    /// Of a segment that has the option; a shift above 14 counts as 0.
    WindowScale(Comparison<u8>),
}

/// `flags:[!+*]FLAGS[,IGNORED]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Flags {
    wanted: u8,
    /// Looked at: all that are not ignored.
    mask: u8,
    relation: Relation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// These and no others.
    Exactly,
    /// These and any others (`+`).
    All,
    /// One of these at least (`*`).
    Any,
    /// None of these (`!`).
    Not,
}

impl Flags {
    fn holds(self, flags: u8) -> bool {
        let flags = flags & self.mask;
        match self.relation {
            Relation::Exactly => flags == self.wanted,
            Relation::All => flags & self.wanted == self.wanted,
            Relation::Any => flags & self.wanted != 0,
            Relation::Not => flags & self.wanted == 0,
        }
    }
}

impl Test {
    pub(super) fn holds(self, packet: &Packet<'_>) -> bool {
        let Some(Transport::Tcp(tcp)) = &packet.transport else { return false };
        match self {
            // Byte 13 of the header (RFC 9293, section 3.1).
            Self::Flags(wanted) => tcp.slice().get(13).is_some_and(|&flags| wanted.holds(flags)),
            Self::Sequence(wanted) => wanted.holds(tcp.sequence_number()),
            Self::Acknowledgment(wanted) => wanted.holds(tcp.acknowledgment_number()),
            Self::Window { value, negated } => (tcp.window_size() == value) != negated,
            Self::MaximumSegmentSize(wanted) => tcp.options.mss.is_some_and(|mss| wanted.holds(mss)),
            Self::WindowScale(wanted) => tcp.options.window_scale.is_some_and(|shift| wanted.holds(shift)),
        }
    }
}

fn add(draft: &mut Draft<'_>, test: Test) {
    draft.conditions.push(Condition::Tcp(test));
}

/// The bits of letters such as `SA`; `0` is none.
fn bits(token: Token<'_>) -> Result<u8, Fault> {
    let mut bits = 0;
    for letter in token.text.chars() {
        bits |= match letter.to_ascii_uppercase() {
            'F' => 1,
            'S' => 2,
            'R' => 4,
            'P' => 8,
            'A' => 16,
            'U' => 32,
            'E' | '2' => 64,
            'C' | '1' => 128,
            '0' => 0,
            _ => {
                return Err(
                    token.fault(format!("`{letter}` is no TCP flag: use F, S, R, P, A, U, E, C or 0"))
                );
            }
        };
    }
    Ok(bits)
}

pub(in crate::engine::rules) fn flags(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let first = parts.next().unwrap_or(value);
    let ignored = match parts.next() {
        Some(part) => bits(part)?,
        None => 0,
    };
    if parts.next().is_some() {
        return Err(value.fault("`flags` is `[!+*]FLAGS[,IGNORED]`"));
    }
    // The sign may stand before or behind the letters.
    let (relation, letters) = match (first.text.chars().next(), first.text.chars().last()) {
        (Some(sign @ ('!' | '+' | '*')), _) => (Some(sign), Token::trimmed(&first.text[1..], first.at + 1)),
        (_, Some(sign @ ('!' | '+' | '*'))) => {
            (Some(sign), Token::trimmed(&first.text[..first.text.len() - 1], first.at))
        }
        _ => (None, first),
    };
    if letters.text.is_empty() {
        return Err(value.fault("`flags` needs at least one flag, or 0 for none"));
    }
    let relation = match relation {
        Some('+') => Relation::All,
        Some('*') => Relation::Any,
        Some(_) => Relation::Not,
        None => Relation::Exactly,
    };
    let mask = !ignored;
    add(draft, Test::Flags(Flags { wanted: bits(letters)? & mask, mask, relation }));
    Ok(())
}

pub(in crate::engine::rules) fn seq(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::Sequence(Comparison::parse(value, u32::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn ack(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::Acknowledgment(Comparison::parse(value, u32::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn window(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (negated, digits) = value.negation();
    add(draft, Test::Window { value: number(digits, 0..=u16::MAX)?, negated });
    Ok(())
}

pub(in crate::engine::rules) fn mss(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::MaximumSegmentSize(Comparison::parse(value, u16::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn window_scale(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::WindowScale(Comparison::parse(value, u8::MAX)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rules::environment::Context;

    fn test(text: &str) -> Result<Flags, Fault> {
        let mut draft = Draft::new(Context::empty());
        flags(&mut draft, Token { text, at: 0 })?;
        match draft.conditions.pop() {
            Some(Condition::Tcp(Test::Flags(flags))) => Ok(flags),
            _ => panic!("no flags"),
        }
    }

    #[test]
    fn flags_hold_as_suricata_documents_them() {
        const S: u8 = 0x02;
        const A: u8 = 0x10;
        const P: u8 = 0x08;
        const CE: u8 = 0xc0;
        let holds = |text: &str, flags: u8| test(text).unwrap().holds(flags);
        assert!(holds("S", S) && !holds("S", S | A));
        assert!(holds("S,CE", S | CE) && holds("S,12", S | CE) && !holds("S,CE", S | P));
        assert!(holds("+S", S | A) && holds("S+", S | A) && !holds("+SA", S));
        assert!(holds("*SA", A) && !holds("*SA", P));
        assert!(holds("!S", A) && !holds("!SA", A));
        assert!(holds("0", 0) && !holds("0", A));
        for bad in ["", "X", "+", "S,A,F"] {
            assert!(test(bad).is_err(), "{bad}");
        }
    }
}
