//! `flowbits` (Suricata's "Flow Keywords").

use super::Condition;
use crate::engine::rules::{
    draft::Draft,
    effect::{Change, Effect},
    fault::Fault,
    lexer::Token,
    state::{FlowVariables, Number},
};

/// `flowbits:isset` and `isnotset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test {
    /// Of several (`a|b`) one is enough.
    bits: Box<[Number]>,
    set: bool,
}

impl Test {
    /// A packet that belongs to no flow fulfils neither.
    pub(super) fn holds(&self, flow: Option<&FlowVariables>) -> bool {
        flow.is_some_and(|flow| self.bits.iter().any(|&bit| flow.has(bit) == self.set))
    }

    /// The bits of which one must be set.
    pub(super) fn wanted(&self) -> &[Number] {
        if self.set { &self.bits } else { &[] }
    }
}

pub(in crate::engine::rules) fn flowbits(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let (command, names) =
        value.split_once(",").map_or((value, None), |(command, names)| (command, Some(names)));
    let names = names.filter(|names| !names.text.is_empty());
    if command.text == "noalert" {
        if let Some(names) = names {
            return Err(names.fault("`flowbits:noalert` takes no name"));
        }
        draft.alert = Some(false);
        return Ok(());
    }
    let change = match command.text {
        "set" => Some(Change::Set),
        "unset" => Some(Change::Unset),
        "toggle" => Some(Change::Toggle),
        "isset" | "isnotset" => None,
        other => {
            return Err(command.fault(format!(
                "`{other}` is nothing that `flowbits` knows: use set, unset, toggle, isset, isnotset or noalert"
            )));
        }
    };
    let Some(names) = names else {
        return Err(command.fault(format!("`flowbits:{}` needs the name of a bit", command.text)));
    };
    match change {
        Some(change) => {
            if names.text.contains('|') {
                return Err(names.fault("only isset and isnotset may name several bits"));
            }
            let bit = bit(draft, names)?;
            draft.ordering.flowbits.write();
            draft.effects.push(Effect::FlowBit { bit, change });
        }
        None => {
            let bits = names.split('|').map(|name| bit(draft, name)).collect::<Result<Box<[_]>, _>>()?;
            let test = Test { bits, set: command.text == "isset" };
            let contrary = |other: &&Condition| matches!(other, Condition::FlowBits(other) if other.bits == test.bits && other.set != test.set);
            if draft.conditions.iter().any(|other| contrary(&other)) {
                return Err(names.fault(format!("`{}` cannot be both set and not set", names.text)));
            }
            draft.ordering.flowbits.read();
            draft.conditions.push(Condition::FlowBits(test));
        }
    }
    Ok(())
}

fn bit(draft: &Draft<'_>, name: Token<'_>) -> Result<Number, Fault> {
    if name.text.is_empty() || name.text.contains(char::is_whitespace) {
        return Err(name.fault("the name of a bit has at least one letter, and no space"));
    }
    let number = draft.context.shared.flowbits.number(name.text);
    number.map_err(|most| name.fault(format!("there are more than {most} names of flowbits")))
}
