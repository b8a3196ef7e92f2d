//! What a rule does beside its action when it has matched: it sets a flow's bits, counts, adds to a set.
//!
//! Effects are done at once, in the order of evaluation, so that rules that come later see them for the same packet.

use super::{
    chain::Variable,
    state::{FlowVariables, Number, Operand, State, bits},
    subject::Subject,
};

/// One such keyword of a rule.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// A bit of a host or of a pair of them.
    Bit(bits::Bit, bits::Change),
    /// `flowbits`.
    FlowBit { bit: Number, change: Change },
    /// `flowint`.
    FlowInt { name: Number, sum: Sum, operand: Operand },
}

/// What becomes of a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Set,
    Unset,
    Toggle,
}

/// What becomes of a number: it counts modulo 2^32, as with Suricata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    Assign,
    /// One that is not set counts from 0.
    Add,
    /// One that is not set stays so.
    Subtract,
}

impl Effect {
    /// What it may set.
    pub(super) fn sets(&self) -> Option<Variable> {
        match *self {
            Self::FlowBit { change: Change::Unset, .. } | Self::Bit(_, bits::Change::Unset) => None,
            Self::FlowBit { bit, .. } => Some(Variable::FlowBit(bit)),
            Self::Bit(bit, _) => Some(Variable::HostBit(bit.number())),
            Self::FlowInt { name, .. } => Some(Variable::FlowInt(name)),
        }
    }

    /// Does it.
    pub(super) fn happen(&self, subject: &Subject<'_>, state: &mut State<'_>) {
        match *self {
            Self::Bit(bit, change) => bit.change(change, subject, state.shared),
            Self::FlowBit { bit, change } => {
                if let Some(flow) = state.flow.as_deref_mut() {
                    change.happen(flow, bit);
                }
            }
            Self::FlowInt { name, sum, operand } => {
                if let Some(flow) = state.flow.as_deref_mut() {
                    sum.happen(flow, name, operand);
                }
            }
        }
    }
}

impl Change {
    fn happen(self, flow: &mut FlowVariables, bit: Number) {
        let set = match self {
            Self::Set => true,
            Self::Unset => false,
            Self::Toggle => !flow.has(bit),
        };
        if set { flow.set(bit) } else { flow.unset(bit) }
    }
}

impl Sum {
    fn happen(self, flow: &mut FlowVariables, name: Number, operand: Operand) {
        let by = flow.resolve(operand);
        let value = match (self, flow.value(name)) {
            (Self::Assign, _) => by,
            (Self::Add, before) => before.unwrap_or(0).wrapping_add(by),
            (Self::Subtract, Some(before)) => before.wrapping_sub(by),
            (Self::Subtract, None) => return,
        };
        flow.assign(name, value);
    }
}
