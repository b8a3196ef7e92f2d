//! Rules that depend on one another: what one sets, another asks for.

use std::collections::HashMap;

use super::{Action, condition::Condition, effect::Effect, parser::Rule, state::Number};

/// What a rule sets and another asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Variable {
    /// `flowbits`
    FlowBit(Number),
    /// `flowint`
    FlowInt(Number),
    /// `xbits`, `hostbits`: whoever has it.
    HostBit(u32),
}

/// Marks the rules without which a drop may fail to come: those that drop, and those that set what a marked one asks for.
pub(super) fn mark_decisive(rules: &mut [Rule]) {
    let mut setters = HashMap::<_, Vec<usize>>::new();
    for (position, rule) in rules.iter().enumerate() {
        for variable in rule.effects.iter().filter_map(Effect::sets) {
            setters.entry(variable).or_default().push(position);
        }
    }
    let drops = |rule: &Rule| matches!(rule.info.action, Action::Drop | Action::Reject(_));
    let mut decisive: Vec<usize> =
        rules.iter().enumerate().filter_map(|(position, rule)| drops(rule).then_some(position)).collect();
    while let Some(rule) = decisive.pop().and_then(|position| rules.get_mut(position)) {
        if std::mem::replace(&mut rule.decisive, true) {
            continue;
        }
        let wanted = rule.conditions.iter().flat_map(Condition::wants);
        decisive.extend(wanted.filter_map(|variable| setters.remove(&variable)).flatten());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{RuleSet, Variables};

    #[test]
    fn who_sets_what_a_drop_asks_for_is_decisive() {
        let text = "\
            alert tcp any any -> any any (flowbits:set,a; sid:1;)\n\
            alert tcp any any -> any any (flowbits:isset,a; flowbits:set,b; sid:2;)\n\
            drop tcp any any -> any any (flowbits:isset,x|b; sid:3;)\n\
            alert tcp any any -> any any (flowbits:set,c; flowbits:isset,b; sid:4;)\n\
            alert tcp any any -> any any (flowint:n,+,1; sid:5;)\n\
            alert tcp any any -> any any (flowint:m,=,n; xbits:set,h,track ip_src; sid:6;)\n\
            reject tcp any any -> any any (flowint:n,>,3; xbits:isset,h,track ip_dst; sid:7;)\n\
            drop tcp any any -> any any (flowbits:isnotset,d; flowint:k,notset; sid:8;)\n\
            alert tcp any any -> any any (flowbits:set,d; flowint:k,=,1; sid:9;)\n\
            alert tcp any any -> any any (flowbits:unset,b; xbits:unset,h,track ip_src; sid:10;)\n";
        let (rules, report) = RuleSet::parse([(Path::new("t"), text)], &Variables::default());
        assert_eq!(report.failed, []);
        let mut decisive: Vec<u32> =
            rules.rules.iter().filter(|rule| rule.decisive).map(|rule| rule.info.sid).collect();
        decisive.sort_unstable();
        assert_eq!(decisive, [1, 2, 3, 5, 6, 7, 8]);
    }
}
