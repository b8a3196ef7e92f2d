//! `flowvar:NAME,CONTENT` and `pktvar:NAME,CONTENT`: what an expression has captured (Suricata: detect-flowvar.c, detect-pktvar.c).

use super::Condition;
use crate::engine::rules::{
    chain::Variable,
    draft::Draft,
    fault::Fault,
    lexer::Token,
    payload::{check_name, pattern_bytes},
    state::{Number, State},
};

/// What must be in a text that was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test {
    of: Of,
    name: Number,
    content: Box<[u8]>,
}

/// What the text is kept of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Flow,
    Packet,
}

impl Test {
    /// What must have been captured.
    pub(super) fn wanted(&self) -> Variable {
        match self.of {
            Of::Flow => Variable::FlowText(self.name),
            Of::Packet => Variable::PacketText(self.name),
        }
    }

    /// Whether it may come to hold with a later packet.
    pub(super) fn is_about_the_flow(&self) -> bool {
        self.of == Of::Flow
    }

    pub(super) fn holds(&self, state: &State<'_>) -> bool {
        let text = match self.of {
            Of::Flow => state.flow.as_deref().and_then(|flow| flow.text(self.name)),
            Of::Packet => state.packet.get(self.name),
        };
        text.is_some_and(|text| memchr::memmem::find(text, &self.content).is_some())
    }
}

pub(in crate::engine::rules) fn flowvar(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    draft.ordering.flowvars.read();
    add(draft, Of::Flow, value)
}

pub(in crate::engine::rules) fn pktvar(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    draft.ordering.pktvars.read();
    add(draft, Of::Packet, value)
}

fn add(draft: &mut Draft<'_>, of: Of, value: Token<'_>) -> Result<(), Fault> {
    let form = || value.fault("write the name of what was captured, a comma and a content: `name,content`");
    let (name, content) = value.split_once(",").ok_or_else(form)?;
    check_name(name)?;
    let names = match of {
        Of::Flow => &draft.context.shared.flow_texts,
        Of::Packet => &draft.context.shared.packet_texts,
    };
    let number = names.number(name.text);
    let name = number.map_err(|most| name.fault(format!("there are more than {most} such names")))?;
    let content = pattern_bytes(content.without_quotes()?)?;
    draft.conditions.push(Condition::Texts(Test { of, name, content: content.into() }));
    Ok(())
}
