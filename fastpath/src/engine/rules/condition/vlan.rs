//! `vlan.id`, `vlan.layers` (Suricata's "Vlan Keywords").

use super::Condition;
use crate::engine::{
    packet::Packet,
    rules::{draft::Draft, fault::Fault, lexer::Token, number::Comparison, number::number},
};

/// VLAN tags of a packet: how many, or their ids. More than three are not taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Test {
    Layers(Comparison<u8>),
    Id(Comparison<u16>, Layer),
}

/// Which tags are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Layer {
    /// One of them, whichever.
    Any,
    /// All, and there is one.
    All,
    /// The one with this number, from the outermost in.
    FromOutermost(u8),
    /// The one with this number, from the innermost out.
    FromInnermost(u8),
}

impl Test {
    pub(super) fn holds(self, packet: &Packet<'_>) -> bool {
        let mut ids = packet.vlan.iter().flatten().copied();
        match self {
            Self::Layers(wanted) => wanted.holds(u8::try_from(ids.count()).unwrap_or(u8::MAX)),
            Self::Id(wanted, layer) => match layer {
                Layer::Any => ids.any(|id| wanted.holds(id)),
                Layer::All => packet.vlan != [None; 3] && ids.all(|id| wanted.holds(id)),
                Layer::FromOutermost(n) => ids.nth(n.into()).is_some_and(|id| wanted.holds(id)),
                Layer::FromInnermost(n) => {
                    packet.vlan.iter().rev().flatten().nth(n.into()).is_some_and(|&id| wanted.holds(id))
                }
            },
        }
    }
}

pub(in crate::engine::rules) fn vlan_layers(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    draft.conditions.push(Condition::Vlan(Test::Layers(Comparison::parse(value, 3)?)));
    Ok(())
}

pub(in crate::engine::rules) fn vlan_id(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let (id, layer) = (parts.next().unwrap_or(value), parts.next());
    if parts.next().is_some() {
        return Err(value.fault("`vlan.id` is `[operator]id[,layer]`"));
    }
    let layer = match layer {
        None => Layer::Any,
        Some(layer) => match (layer.text, layer.strip_prefix("-")) {
            ("any", _) => Layer::Any,
            ("all", _) => Layer::All,
            (_, Some(behind)) => Layer::FromInnermost(number::<u8>(behind, 1..=3)? - 1),
            _ => Layer::FromOutermost(number(layer, 0..=2).map_err(|_| {
                layer.fault(format!(
                    "`{}` is no layer: use any, all, 0 (the outermost) to 2, or -1 (the innermost) to -3",
                    layer.text
                ))
            })?),
        },
    };
    draft.conditions.push(Condition::Vlan(Test::Id(Comparison::parse(id, 0xfff)?, layer)));
    Ok(())
}
