//! `flowint` (Suricata's "Flow Keywords").

use super::Condition;
use crate::engine::rules::{
    draft::Draft,
    effect::{Effect, Sum},
    fault::Fault,
    lexer::Token,
    number::number,
    state::{FlowVariables, Number, Operand},
};

/// What is asked of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test {
    name: Number,
    question: Question,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    IsSet,
    IsNotSet,
    /// Its relation to another number is one of these. One that is not set has none.
    Is(Relation, Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    NotEqual,
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Relation {
    fn holds(self, a: u32, b: u32) -> bool {
        match self {
            Self::Equal => a == b,
            Self::NotEqual => a != b,
            Self::Below => a < b,
            Self::AtMost => a <= b,
            Self::Above => a > b,
            Self::AtLeast => a >= b,
        }
    }
}

impl Test {
    /// The numbers that it asks for.
    pub(super) fn wanted(self) -> impl Iterator<Item = Number> {
        let (own, other) = match self.question {
            Question::IsSet => (Some(self.name), None),
            Question::IsNotSet => (None, None),
            Question::Is(_, Operand::Value(_)) => (Some(self.name), None),
            Question::Is(_, Operand::Variable(other)) => (Some(self.name), Some(other)),
        };
        own.into_iter().chain(other)
    }

    /// A packet that belongs to no flow fulfils none.
    pub(super) fn holds(self, flow: Option<&FlowVariables>) -> bool {
        let Some(flow) = flow else { return false };
        match (self.question, flow.value(self.name)) {
            (Question::IsSet, value) => value.is_some(),
            (Question::IsNotSet, value) => value.is_none(),
            (Question::Is(relation, operand), Some(value)) => relation.holds(value, flow.resolve(operand)),
            (Question::Is(..), None) => false,
        }
    }
}

pub(in crate::engine::rules) fn flowint(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let (first, operator) = (parts.next().unwrap_or(value), parts.next());
    let operand = parts.next().filter(|operand| !operand.text.is_empty());
    let Some(operator) = operator.filter(|_| parts.next().is_none()) else {
        return Err(value.fault("`flowint` is `name,operator[,number or name]`"));
    };
    let name = name(draft, first)?;
    let question = match operator.text {
        "isset" => Some(Question::IsSet),
        "notset" | "isnotset" => Some(Question::IsNotSet),
        _ => None,
    };
    if let Some(question) = question {
        if let Some(operand) = operand {
            return Err(operand.fault(format!("`{}` compares with nothing", operator.text)));
        }
        draft.ordering.flowints.read();
        draft.conditions.push(Condition::FlowInt(Test { name, question }));
        return Ok(());
    }
    let Some(operand) = operand else {
        return Err(operator.fault(format!("`{}` needs a number or a name behind it", operator.text)));
    };
    let operand = match operand.text.starts_with(|c: char| c.is_ascii_digit()) {
        true => Operand::Value(number(operand, 0..=u32::MAX)?),
        false => Operand::Variable(self::name(draft, operand)?),
    };
    let mut ask = |relation| {
        draft.ordering.flowints.read();
        draft.conditions.push(Condition::FlowInt(Test { name, question: Question::Is(relation, operand) }));
        Ok(())
    };
    let sum = match operator.text {
        "==" => return ask(Relation::Equal),
        "!=" => return ask(Relation::NotEqual),
        "<" => return ask(Relation::Below),
        "<=" => return ask(Relation::AtMost),
        ">" => return ask(Relation::Above),
        ">=" => return ask(Relation::AtLeast),
        "=" => Sum::Assign,
        "+" => Sum::Add,
        "-" => Sum::Subtract,
        other => {
            return Err(operator.fault(format!(
                "`{other}` is no operator of `flowint`: use =, +, -, ==, !=, <, <=, >, >=, isset or isnotset"
            )));
        }
    };
    draft.ordering.flowints.write();
    draft.effects.push(Effect::FlowInt { name, sum, operand });
    Ok(())
}

fn name(draft: &Draft<'_>, name: Token<'_>) -> Result<Number, Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/');
    if !name.text.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.text.chars().all(allowed) {
        return Err(name.fault(format!(
            "`{}` is no name of a `flowint`: a letter, then letters, digits, `_`, `.` and `/`",
            name.text
        )));
    }
    let number = draft.context.shared.flowints.number(name.text);
    number.map_err(|most| name.fault(format!("there are more than {most} names of flowints")))
}
