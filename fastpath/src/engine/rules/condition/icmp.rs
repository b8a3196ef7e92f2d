//! `itype`, `icode`, `icmp_id`, `icmp_seq`, `icmpv6.mtu` (Suricata's "Header Keywords").

use super::Condition;
use crate::engine::{
    packet::{Packet, Transport},
    rules::{draft::Draft, fault::Fault, lexer::Token, number::Comparison, number::number},
};

/// A field of an ICMP or ICMPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Test {
    Type(Comparison<u8>),
    Code(Comparison<u8>),
    /// Identifier of an echo and its like.
    Id(u16),
    /// Sequence number of an echo and its like.
    Sequence(u16),
    /// MTU of "packet too big" of ICMPv6 (RFC 4443, section 3.2).
    Mtu(Comparison<u32>),
}

impl Test {
    pub(super) fn holds(self, packet: &Packet<'_>) -> bool {
        match self {
            Self::Type(wanted) => packet.icmp().is_some_and(|(kind, _)| wanted.holds(kind)),
            Self::Code(wanted) => packet.icmp().is_some_and(|(_, code)| wanted.holds(code)),
            Self::Id(wanted) => echo(packet).is_some_and(|(id, _)| id == wanted),
            Self::Sequence(wanted) => echo(packet).is_some_and(|(_, sequence)| sequence == wanted),
            Self::Mtu(wanted) => match &packet.transport {
                Some(Transport::Icmpv6(icmp)) if icmp.type_and_code().0 == 2 => {
                    let [_, _, _, _, mtu @ ..] = *icmp.header();
                    wanted.holds(u32::from_be_bytes(mtu))
                }
                _ => false,
            },
        }
    }
}

/// Identifier and sequence number of the messages that have them (RFC 792, RFC 950, RFC 4443).
fn echo(packet: &Packet<'_>) -> Option<(u16, u16)> {
    let icmp = match packet.transport.as_ref()? {
        Transport::Icmpv4(icmp) if matches!(icmp.type_and_code().0, 0 | 8 | 13..=18) => icmp,
        Transport::Icmpv6(icmp) if matches!(icmp.type_and_code().0, 128 | 129) => icmp,
        _ => return None,
    };
    let [_, _, _, _, id @ .., a, b] = *icmp.header();
    Some((u16::from_be_bytes(id), u16::from_be_bytes([a, b])))
}

fn add(draft: &mut Draft<'_>, test: Test) {
    draft.conditions.push(Condition::Icmp(test));
}

pub(in crate::engine::rules) fn itype(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::Type(Comparison::parse(value, u8::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn icode(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::Code(Comparison::parse(value, u8::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn icmp_id(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::Id(number(value.without_quotes()?, 0..=u16::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn icmp_seq(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::Sequence(number(value.without_quotes()?, 0..=u16::MAX)?));
    Ok(())
}

pub(in crate::engine::rules) fn icmpv6_mtu(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    add(draft, Test::Mtu(Comparison::parse(value, u32::MAX)?));
    Ok(())
}
