//! threshold.config: thresholds, rate filters and suppressions beside the rules.
//!
//! The grammar is Suricata's ("Global-Thresholds"): one entry a line, `#` starts a comment line, a `\` at a line's end joins the next
//! line to it.

use std::sync::Arc;

use super::{Counter, End, Kind, Limit, Suppression, pairs::Pairs};
use crate::engine::rules::{
    Action, Recipients, address::AddressSet, environment::Context, fault::Fault, lexer::Statements,
    lexer::Token, number::number, parser::Rule,
};

/// What an entry says.
enum Entry {
    /// `suppress` without addresses: never an alert.
    Silence,
    Suppress(Suppression),
    Threshold(Limit),
    RateFilter(Limit, Action),
}

/// Which rules an entry is about; 0 stands for all.
#[derive(Clone, Copy)]
struct Selector {
    gid: u32,
    sid: u32,
    /// Where the sid stands.
    at: usize,
}

/// What an entry could not be used for.
pub(in crate::engine::rules) struct Refusal {
    /// Line from 1 on which it starts.
    pub(in crate::engine::rules) line: u32,
    /// The sid it names.
    pub(in crate::engine::rules) sid: Option<u32>,
    pub(in crate::engine::rules) fault: Fault,
    /// It is well-formed, but there is nothing that it changes.
    pub(in crate::engine::rules) idle: bool,
}

/// Applies a file's entries to `rules` in order, and says how many there were, good or bad, and which were of no use.
pub(in crate::engine::rules) fn apply(
    text: &str,
    context: Context<'_>,
    rules: &mut [Rule],
) -> (usize, Vec<Refusal>) {
    let (mut read, mut refused) = (0, Vec::new());
    for statement in Statements::new(text) {
        read += 1;
        let line = statement.line;
        let mut sid = None;
        let outcome = match parse(Token::trimmed(&statement.text, 0), context, &mut sid) {
            Ok((selector, entry)) => install(selector, &entry, context, rules).map_err(|fault| (fault, true)),
            Err(fault) => Err((fault, false)),
        };
        if let Err((fault, idle)) = outcome {
            refused.push(Refusal { line, sid, fault, idle });
        }
    }
    (read, refused)
}

fn parse(line: Token<'_>, context: Context<'_>, sid: &mut Option<u32>) -> Result<(Selector, Entry), Fault> {
    let (word, rest) = line.word();
    if !["threshold", "event_filter", "rate_filter", "suppress"].contains(&word.text) {
        return Err(word.fault(format!(
            "`{}` begins no entry: use threshold, event_filter, rate_filter or suppress",
            word.text
        )));
    }
    let mut pairs = Pairs::parse(rest)?;
    let gid = pairs.need("gen_id")?;
    let named = pairs.need("sig_id")?;
    let selector =
        Selector { gid: number(gid, 0..=u32::MAX)?, sid: number(named, 0..=u32::MAX)?, at: named.at };
    *sid = (selector.sid != 0).then_some(selector.sid);
    if selector.gid == 0 && selector.sid != 0 {
        return Err(gid.fault("the generator 0 stands for all rules and goes with sig_id 0 only"));
    }
    let entry = match word.text {
        "suppress" => suppress(&mut pairs, context)?,
        "rate_filter" => rate_filter(&mut pairs)?,
        _ => Entry::Threshold(threshold(&mut pairs)?),
    };
    pairs.finish(match word.text {
        "suppress" => "gen_id and sig_id, or with them track and ip",
        "rate_filter" => "gen_id, sig_id, track, count, seconds, new_action and timeout",
        _ => "gen_id, sig_id, type, track, count and seconds",
    })?;
    Ok((selector, entry))
}

fn threshold(pairs: &mut Pairs<'_>) -> Result<Limit, Fault> {
    let kind = pairs.need("type")?;
    let kind = match kind.text {
        "limit" => Kind::Limit,
        "threshold" => Kind::Threshold,
        "both" => Kind::Both,
        other => {
            return Err(
                kind.fault(format!("`{other}` is no type of threshold here: use limit, threshold or both"))
            );
        }
    };
    pairs.limit(kind)
}

fn rate_filter(pairs: &mut Pairs<'_>) -> Result<Entry, Fault> {
    let action = pairs.need("new_action")?;
    let new = match action.text {
        "alert" => Action::Alert,
        "drop" => Action::Drop,
        "pass" => Action::Pass,
        "reject" => Action::Reject(Recipients::Source),
        "log" | "sdrop" => {
            return Err(action.fault(format!(
                "`{}` does nothing in Suricata: use alert, drop, pass or reject",
                action.text
            )));
        }
        other => {
            return Err(action.fault(format!("`{other}` is no new action: use alert, drop, pass or reject")));
        }
    };
    let timeout = pairs.seconds("timeout", 0)?;
    Ok(Entry::RateFilter(pairs.limit(Kind::Rate { timeout })?, new))
}

fn suppress(pairs: &mut Pairs<'_>, context: Context<'_>) -> Result<Entry, Fault> {
    let Some(track) = pairs.take("track") else {
        return match pairs.take("ip") {
            Some(ip) => {
                Err(ip.fault("which of a packet's addresses is meant is missing: write `track by_src, ip …`"))
            }
            None => Ok(Entry::Silence),
        };
    };
    let end = match track.text {
        "by_src" => End::Source,
        "by_dst" => End::Destination,
        "by_either" => End::Either,
        other => return Err(track.fault(format!("`{other}` is no address: use by_src, by_dst or by_either"))),
    };
    let addresses = AddressSet::parse(pairs.need("ip")?, &context.environment.variables.addresses)?;
    Ok(Entry::Suppress(Suppression { end, addresses: Arc::new(addresses) }))
}

/// Changes the rules that the entry is about. As with Suricata, a suppression goes with everything; a threshold for one rule
/// replaces what the rule has, one for many spares those that have something; a rate filter spares them always.
fn install(selector: Selector, entry: &Entry, context: Context<'_>, rules: &mut [Rule]) -> Result<(), Fault> {
    let one = selector.sid != 0;
    let (mut met, mut changed) = (false, false);
    for rule in rules.iter_mut().filter(|rule| selector.includes(rule)) {
        met = true;
        let counter = |limit, action| Counter::new(limit, &rule.info, action, context.shared);
        let free = rule.thresholding.counter.is_none();
        match entry {
            Entry::Silence => rule.thresholding.alert = false,
            Entry::Suppress(suppression) => rule.thresholding.suppressions.push(suppression.clone()),
            Entry::Threshold(limit) if free || one => rule.thresholding.counter = Some(counter(*limit, None)),
            Entry::RateFilter(limit, action) if free => {
                rule.thresholding.counter = Some(counter(*limit, Some(*action)));
            }
            Entry::Threshold(_) | Entry::RateFilter(..) => continue,
        }
        changed = true;
    }
    let fault = |reason: String| Err(Fault::new(selector.at, reason));
    match (met, changed) {
        (false, _) if one => {
            fault(format!("there is no rule with gid {} and sid {}", selector.gid, selector.sid))
        }
        (true, false) => {
            fault("each of these rules has a threshold or filter of its own, which goes before this".into())
        }
        _ => Ok(()),
    }
}

impl Selector {
    fn includes(self, rule: &Rule) -> bool {
        (self.gid == 0 || rule.info.gid == self.gid) && (self.sid == 0 || rule.info.sid == self.sid)
    }
}
