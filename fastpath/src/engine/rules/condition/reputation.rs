//! `iprep` (Suricata's "IP Reputation Rules").

use std::{net::IpAddr, sync::Arc};

use super::Condition;
use crate::engine::{
    packet::Packet,
    rules::{Reputation, draft::Draft, fault::Fault, lexer::Token, number::Comparison, reputation::MOST},
};

/// What a packet's addresses must be known for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test {
    known: Arc<Reputation>,
    of: End,
    category: u8,
    question: Question,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Source,
    Destination,
    Any,
    Both,
}

/// What is asked of an address's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    IsSet,
    IsNotSet,
    Is(Comparison<u8>),
}

impl Test {
    pub(super) fn holds(&self, packet: &Packet<'_>) -> bool {
        let Some(network) = &packet.network else { return false };
        let (source, destination) = network.addresses();
        let holds = |address: IpAddr| {
            let score = self.known.score(address, self.category);
            match self.question {
                Question::IsSet => score.is_some(),
                Question::IsNotSet => score.is_none(),
                Question::Is(wanted) => score.is_some_and(|score| wanted.holds(score)),
            }
        };
        match self.of {
            End::Source => holds(source),
            End::Destination => holds(destination),
            End::Any => holds(source) || holds(destination),
            End::Both => holds(source) && holds(destination),
        }
    }
}

pub(in crate::engine::rules) fn iprep(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let (end, name, operator) = (parts.next().unwrap_or(value), parts.next(), parts.next());
    let (score, None, Some(name), Some(operator)) = (parts.next(), parts.next(), name, operator) else {
        return Err(value.fault("`iprep` is `any`, `src`, `dst` or `both`, a category, an operator and a score: `any,BadHosts,>,10`"));
    };
    let of = match end.text {
        "any" => End::Any,
        "src" => End::Source,
        "dst" => End::Destination,
        "both" => End::Both,
        other => return Err(end.fault(format!("`{other}` is none of any, src, dst and both"))),
    };
    let known = Arc::clone(&draft.context.environment.reputation);
    let category = known.category(name.text).ok_or_else(|| {
        name.fault(format!(
            "no category is called `{}`: the file that `reputation-categories-file` names has them all",
            name.text
        ))
    })?;
    let question = match (operator.text, score) {
        ("isset", None) => Question::IsSet,
        ("isnotset", None) => Question::IsNotSet,
        ("=" | "!=" | "<" | "<=" | ">" | ">=", Some(score)) => {
            let text = format!("{}{}", operator.text, score.text);
            Question::Is(Comparison::parse(Token { text: &text, at: operator.at }, MOST)?)
        }
        ("isset" | "isnotset", Some(score)) => {
            return Err(score.fault("no score stands behind isset and isnotset"));
        }
        _ => {
            return Err(operator
                .fault("write isset, isnotset, or one of =, !=, <, <=, > and >= and a score behind it"));
        }
    };
    draft.conditions.push(Condition::Reputation(Test { known, of, category, question }));
    Ok(())
}
