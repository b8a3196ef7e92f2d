//! Rules that depend on one another: what one sets, another asks for.

use std::collections::HashMap;

use super::{
    Action,
    condition::Condition,
    effect::Effect,
    parser::Rule,
    payload::Program,
    state::{Dataset, Number},
};

/// What a rule sets and another asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Variable {
    /// `flowbits`
    FlowBit(Number),
    /// `flowint`
    FlowInt(Number),
    /// `xbits`, `hostbits`: whoever has it.
    HostBit(u32),
    /// `flowvar`
    FlowText(Number),
    /// `pktvar`
    PacketText(Number),
    /// `dataset`: by where it lies, one for all rules that name it.
    Dataset(*const Dataset),
}

/// Marks the rules without which a packet may go on that must not as it is: those that drop or replace, and those that set what a
/// marked one asks for.
pub(super) fn mark_decisive(rules: &mut [Rule]) {
    let mut setters = HashMap::<_, Vec<usize>>::new();
    for (position, rule) in rules.iter().enumerate() {
        let programs = rule.programs().flat_map(Program::sets);
        for variable in rule.effects.iter().filter_map(Effect::sets).chain(programs) {
            setters.entry(variable).or_default().push(position);
        }
    }
    let drops = |rule: &Rule| {
        let actions = [Some(rule.info.action), rule.thresholding.filtered_action()];
        let drops = actions.iter().flatten().any(|action| matches!(action, Action::Drop | Action::Reject(_)));
        drops || rule.payload.replaces()
    };
    let mut decisive: Vec<usize> =
        rules.iter().enumerate().filter_map(|(position, rule)| drops(rule).then_some(position)).collect();
    while let Some(rule) = decisive.pop().and_then(|position| rules.get_mut(position)) {
        if std::mem::replace(&mut rule.decisive, true) {
            continue;
        }
        let programs = rule.programs().flat_map(Program::wants);
        let wanted = rule.conditions.iter().flat_map(Condition::wants).chain(programs);
        decisive.extend(wanted.filter_map(|variable| setters.remove(&variable)).flatten());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Environment, RuleSet, Variables};

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

    /// The sids of those that are.
    fn decisive(text: &str, thresholds: &str) -> Vec<u32> {
        let thresholds = Some(("threshold.config".into(), thresholds.into()));
        let environment = Environment { thresholds, ..Environment::default() };
        let (rules, report) = RuleSet::load([(Path::new("t"), text)], &environment, None);
        assert_eq!(report.failed, []);
        let mut sids: Vec<u32> =
            rules.rules.iter().filter(|rule| rule.decisive).map(|rule| rule.info.sid).collect();
        sids.sort_unstable();
        sids
    }

    #[test]
    fn who_captures_and_who_adds_to_a_set_is_decisive_too() {
        let text = "\
            alert udp any any -> any any (pcre:\"/(a)(b)(c)/, flow:f, pkt:p, alert:x\"; sid:1;)\n\
            alert udp any any -> any any (pcre:\"/(a)/, alert:f\"; pcre:\"/(a)/, pkt:f\"; sid:2;)\n\
            drop udp any any -> any any (flowvar:f,a; sid:3;)\n\
            alert udp any any -> any any (content:\"a\"; ip.src; dataset:set,s,type ip; pktvar:p,b; sid:4;)\n\
            alert udp any any -> any any (content:\"a\"; ip.src; dataset:set,other,type ip; sid:5;)\n\
            alert udp any any -> any any (content:\"a\"; ip.src; dataset:unset,s; sid:6;)\n\
            drop udp any any -> any any (ip.src; dataset:isset,s; sid:7;)\n\
            drop udp any any -> any any (ip.src; dataset:isnotset,other; sid:8;)\n";
        assert_eq!(decisive(text, ""), [1, 3, 4, 7, 8]);
    }

    #[test]
    fn who_replaces_and_who_drops_at_a_rate_is_decisive_too() {
        let text = "\
            alert udp any any -> any any (content:\"a\"; replace:\"b\"; sid:1;)\n\
            alert udp any any -> any any (content:\"a\"; sid:2;)\n\
            alert udp any any -> any any (content:\"a\"; sid:3;)\n\
            alert udp any any -> any any (content:\"a\"; sid:4;)\n";
        let filter = |sid, action| {
            format!(
                "rate_filter gen_id 1,sig_id {sid},track by_src,count 1,seconds 9,new_action {action},timeout 9\n"
            )
        };
        let thresholds = [filter(2, "drop"), filter(3, "reject"), filter(4, "pass")].concat();
        assert_eq!(decisive(text, &thresholds), [1, 2, 3]);
    }
}
