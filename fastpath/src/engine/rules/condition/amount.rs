//! `flow.age`, `flow.pkts`, `flow.bytes`, `stream_size`: how much a flow has had (Suricata's "Flow Keywords"). The packet itself is
//! counted.

use super::Condition;
use crate::engine::{
    meta::Direction,
    rules::{
        draft::Draft,
        fault::Fault,
        lexer::Token,
        number::Comparison,
        subject::{FlowFacts, Subject},
    },
};

/// An amount, and what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test {
    amount: Amount,
    of: Side,
    wanted: Comparison<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    /// Whole seconds between the packet and the flow's first.
    Age,
    Packets,
    /// From the link layer on.
    Bytes,
    /// Sequence numbers of a TCP stream.
    Stream,
}

/// Which direction is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    One(Direction),
    Either,
    Both,
}

impl Test {
    /// A packet that belongs to no flow has none.
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        let Some(flow) = &subject.flow else { return false };
        if self.amount == Amount::Stream && !flow.is_tcp() {
            return false;
        }
        let holds = |direction| self.wanted.holds(self.amount.of(flow, direction, subject));
        match self.of {
            Side::One(direction) => holds(direction),
            Side::Either => holds(Direction::ToServer) || holds(Direction::ToClient),
            Side::Both => holds(Direction::ToServer) && holds(Direction::ToClient),
        }
    }

    /// Whether it is about the single packet, as far as Suricata takes it for that.
    pub(super) fn is_about_the_packet(&self) -> bool {
        self.amount != Amount::Stream
    }
}

impl Amount {
    fn of(self, flow: &FlowFacts<'_>, direction: Direction, subject: &Subject<'_>) -> u64 {
        match self {
            // Suricata subtracts the seconds of two times, not the times.
            Self::Age => subject.time.seconds().saturating_sub(flow.record.first().seconds()),
            Self::Packets => flow.record.packets(direction),
            Self::Bytes => flow.record.bytes(direction),
            Self::Stream => flow.session.sequence_numbers(direction),
        }
    }
}

fn add(draft: &mut Draft<'_>, amount: Amount, of: Side, wanted: Token<'_>, max: u64) -> Result<(), Fault> {
    let wanted = Comparison::parse(wanted, max)?;
    draft.conditions.push(Condition::Amount(Test { amount, of, wanted }));
    Ok(())
}

pub(in crate::engine::rules) fn age(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Amount::Age, Side::Either, value, u32::MAX.into())
}

pub(in crate::engine::rules) fn packets(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (of, wanted) = side(value)?;
    add(draft, Amount::Packets, of, wanted, u32::MAX.into())
}

pub(in crate::engine::rules) fn packets_to_client(
    draft: &mut Draft<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    add(draft, Amount::Packets, Side::One(Direction::ToClient), value, u32::MAX.into())
}

pub(in crate::engine::rules) fn packets_to_server(
    draft: &mut Draft<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    add(draft, Amount::Packets, Side::One(Direction::ToServer), value, u32::MAX.into())
}

pub(in crate::engine::rules) fn bytes(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (of, wanted) = side(value)?;
    add(draft, Amount::Bytes, of, wanted, u64::MAX)
}

pub(in crate::engine::rules) fn bytes_to_client(
    draft: &mut Draft<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    add(draft, Amount::Bytes, Side::One(Direction::ToClient), value, u64::MAX)
}

pub(in crate::engine::rules) fn bytes_to_server(
    draft: &mut Draft<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    add(draft, Amount::Bytes, Side::One(Direction::ToServer), value, u64::MAX)
}

/// `toclient,>3`.
fn side(value: Token<'_>) -> Result<(Side, Token<'_>), Fault> {
    let mut parts = value.split(',');
    let (side, Some(wanted), None) = (parts.next().unwrap_or(value), parts.next(), parts.next()) else {
        return Err(
            value.fault("write `toserver`, `toclient` or `either`, a comma and a comparison: `toclient,>3`")
        );
    };
    let side = match side.text {
        "toserver" => Side::One(Direction::ToServer),
        "toclient" => Side::One(Direction::ToClient),
        "either" => Side::Either,
        other => return Err(side.fault(format!("`{other}` is none of toserver, toclient and either"))),
    };
    Ok((side, wanted))
}

/// `server,>,1000`.
pub(in crate::engine::rules) fn stream_size(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let (side, operator, number) = (parts.next().unwrap_or(value), parts.next(), parts.next());
    let (Some(operator), Some(number), None) = (operator, number, parts.next()) else {
        return Err(value.fault("`stream_size` is `server`, `client`, `both` or `either`, an operator and a number: `server,>,1000`"));
    };
    let side = match side.text {
        // What the server has sent.
        "server" => Side::One(Direction::ToClient),
        "client" => Side::One(Direction::ToServer),
        "both" => Side::Both,
        "either" => Side::Either,
        other => return Err(side.fault(format!("`{other}` is none of server, client, both and either"))),
    };
    if !matches!(operator.text, "=" | "!=" | "<" | "<=" | ">" | ">=") {
        return Err(operator.fault(format!("`{}` is none of =, !=, <, <=, > and >=", operator.text)));
    }
    let text = format!("{}{}", operator.text, number.text);
    let wanted = Token { text: &text, at: operator.at };
    add(draft, Amount::Stream, side, wanted, u32::MAX.into()).map_err(|fault| number.fault(fault.reason))
}
