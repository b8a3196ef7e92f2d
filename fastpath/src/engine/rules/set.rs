//! Rule texts -> [`RuleSet`], and the matches of a packet.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use super::{
    Action, Dataset, Environment, LoadReport, RuleError, RuleInfo, Variables,
    chain::{self, Variable},
    condition::Condition,
    effect::Effect,
    environment::{Context, Reading},
    fault::Fault,
    header::HeaderParser,
    inspection::Transformed,
    lexer::{Statement, Statements},
    parser::{self, Parsed, Rule, Unusable},
    payload::Cursors,
    prefilter::{self, Prefilter},
    state::{Shared, Texts, tag::Tag, threshold},
};
use crate::engine::packet::Rewriting;

/// A file with this many bad rules is taken for no rule file, and read no further.
const MAX_FAILURES: usize = 100_000;

/// Compiled rules, immutable and shared by all workers.
///
/// Order of evaluation: by action (pass, drop, alert), then who sets what others ask for (flow bits first), then by priority
/// (1 first), then as read.
#[derive(Debug, Default)]
pub struct RuleSet {
    pub(super) rules: Box<[Rule]>,
    pub(super) prefilter: Prefilter,
    /// The tags of its rules.
    pub(super) tags: Box<[Tag]>,
    /// What its rules remember for all workers.
    pub(super) shared: Arc<Shared>,
    /// The sets of values that its rules name.
    datasets: Box<[Arc<Dataset>]>,
    /// Tells this set from others that the same flows have seen; never 0.
    pub(super) generation: u32,
}

/// Memory that inspecting packets with a rule set needs; one per worker.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) prefilter: prefilter::Scratch,
    pub(super) cursors: Cursors,
    pub(super) transformed: Transformed,
    /// What was captured of the packet.
    pub(super) texts: Texts,
    /// Stream data as one piece.
    pub(super) window: Vec<u8>,
    /// What rules have put in the place of others' bytes in the packet at hand.
    pub(in crate::engine) rewriting: Rewriting,
}

impl RuleSet {
    /// Compiles rule texts, each with the name it is reported under. Never fails as a whole: bad rules are
    /// in the report, good ones in the set.
    ///
    /// Of rules with the same gid and sid the one with the highest rev counts, the first of equals; the others
    /// are reported as failed.
    pub fn parse<'a>(
        texts: impl IntoIterator<Item = (&'a Path, &'a str)>,
        variables: &Variables,
    ) -> (Self, LoadReport) {
        let environment = Environment { variables: variables.clone(), ..Environment::default() };
        Self::load(texts, &environment, None)
    }

    /// [`Self::parse`] against more than variables. What `previous`, the set that this one is to replace, remembers is taken over.
    pub fn load<'a>(
        texts: impl IntoIterator<Item = (&'a Path, &'a str)>,
        environment: &Environment,
        previous: Option<&Self>,
    ) -> (Self, LoadReport) {
        let shared = previous.map_or_else(Arc::default, |previous| Arc::clone(&previous.shared));
        let generation = previous.map_or(1, |previous| previous.generation.checked_add(1).unwrap_or(1));
        let reading = Reading::default();
        let mut loader =
            Loader::new(Context { environment, shared: &shared, reading: &reading, file: Path::new("") });
        for (file, text) in texts {
            loader.load(file, text);
        }
        let (rules, report) = loader.finish();
        shared.reserve(environment.hosts);
        let prefilter = Prefilter::new(&rules);
        let tags = rules.iter().flat_map(|rule| &rule.tags).copied().collect();
        let datasets = reading.datasets.into_inner().into_values().map(|defined| defined.set).collect();
        (Self { rules, prefilter, tags, shared, datasets, generation }, report)
    }

    /// Number of rules in the set.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// True when there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules in the order of evaluation.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<RuleInfo>> {
        self.rules.iter().map(|rule| &rule.info)
    }

    /// Entries of the host table that gave way to others before their time.
    pub(in crate::engine) fn shed(&self) -> u64 {
        self.shared.shed()
    }

    /// The sets of values that its rules name, with what was added to them. Those with [`Dataset::save`] are to be written in the end.
    pub fn datasets(&self) -> &[Arc<Dataset>] {
        &self.datasets
    }

    /// Tells this set from those before it, from 1 on; each that replaces another has the next number.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The memory that one engine needs to inspect with it.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            prefilter: prefilter::Scratch::new(&self.prefilter, self.rules.len()),
            cursors: Cursors::default(),
            transformed: Transformed::default(),
            texts: Texts::default(),
            window: Vec::new(),
            rewriting: Rewriting::default(),
        }
    }
}

/// Where a rule stands.
#[derive(Clone, Copy)]
struct Origin<'a> {
    file: &'a Path,
    /// Position of the file in the list.
    order: usize,
    line: u32,
}

struct Loader<'a, 'l> {
    context: Context<'l>,
    headers: HeaderParser<'l>,
    /// Rules in the order read, with where they and their sids stand.
    rules: Vec<(Rule, Origin<'a>, usize)>,
    /// Positions of replaced rules in `rules`.
    replaced: HashSet<usize>,
    /// Position in `rules` by gid and sid.
    known: HashMap<(u32, u32), usize>,
    failed: Vec<(Origin<'a>, RuleError)>,
    skipped: Vec<RuleError>,
    warnings: Vec<RuleError>,
    /// What was warned of, so that it is told once.
    warned: HashSet<String>,
    read: usize,
    files: usize,
}

impl<'a: 'l, 'l> Loader<'a, 'l> {
    fn new(context: Context<'l>) -> Self {
        Self {
            context,
            headers: HeaderParser::new(&context.environment.variables),
            rules: Vec::new(),
            replaced: HashSet::new(),
            known: HashMap::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            warnings: Vec::new(),
            warned: HashSet::new(),
            read: 0,
            files: 0,
        }
    }

    fn load(&mut self, file: &'a Path, text: &str) {
        let order = self.files;
        self.context.file = file;
        self.files += 1;
        let before = self.failed.len();
        for Statement { line, text } in Statements::new(text) {
            self.read += 1;
            let origin = Origin { file, order, line };
            if self.failed.len() - before >= MAX_FAILURES {
                let reason =
                    format!("more than {MAX_FAILURES} bad rules: this is no rule file, the rest is not read");
                self.fail(origin, None, &Fault::new(0, reason));
                return;
            }
            match parser::parse(&text, &mut self.headers, self.context) {
                Ok(Parsed { rule, sid_at, warnings }) => {
                    self.warn(origin, rule.info.sid, &warnings);
                    self.add(rule, origin, sid_at);
                }
                Err(Unusable::Faulty(fault)) => self.fail(origin, parser::guess_sid(&text), &fault),
                Err(Unusable::Unmet(unmet)) => {
                    self.skipped.push(error(origin, parser::guess_sid(&text), &unmet));
                }
            }
        }
    }

    fn fail(&mut self, origin: Origin<'a>, sid: Option<u32>, fault: &Fault) {
        self.failed.push((origin, error(origin, sid, fault)));
    }

    fn warn(&mut self, origin: Origin<'a>, sid: u32, warnings: &[Fault]) {
        for warning in warnings {
            if self.warned.insert(warning.reason.clone()) {
                self.warnings.push(error(origin, Some(sid), warning));
            }
        }
    }

    /// Takes a rule in, unless one with the same gid and sid and at least its rev is there.
    fn add(&mut self, rule: Rule, origin: Origin<'a>, sid_at: usize) {
        let (key, sid, rev) = ((rule.info.gid, rule.info.sid), rule.info.sid, rule.info.rev);
        let position = self.rules.len();
        if let Some(&other) = self.known.get(&key) {
            let (first, first_origin, first_at) = &self.rules[other];
            let (first_rev, first_origin, first_at) = (first.info.rev, *first_origin, *first_at);
            if rev <= first_rev {
                let (file, line) = (first_origin.file.display(), first_origin.line);
                let reason = format!(
                    "sid {sid} is already that of the rule at {file}:{line} with rev {first_rev}: give this one another \
                     sid, or a higher rev to replace that one"
                );
                self.fail(origin, Some(sid), &Fault::new(sid_at, reason));
                return;
            }
            let reason =
                format!("replaced by rev {rev} of sid {sid} at {}:{}", origin.file.display(), origin.line);
            self.fail(first_origin, Some(sid), &Fault::new(first_at, reason));
            self.replaced.insert(other);
        }
        self.known.insert(key, position);
        self.rules.push((rule, origin, sid_at));
    }

    fn finish(self) -> (Box<[Rule]>, LoadReport) {
        let Self { context, rules, replaced, mut failed, skipped, mut warnings, read, .. } = self;
        let kept = rules.into_iter().enumerate().filter(|(position, _)| !replaced.contains(position));
        let rules: Vec<_> = kept.map(|(_, rule)| rule).collect();
        warnings.extend(bits_never_set(&rules, context.shared));
        let mut rules: Vec<Rule> = rules.into_iter().map(|(rule, ..)| rule).collect();
        // Stable: as read among equals.
        rules.sort_by_key(|rule| (rank(rule.info.action), rule.ordering, rule.info.priority));
        failed.sort_by_key(|(origin, _)| (origin.order, origin.line));
        let failed = failed.into_iter().map(|(_, error)| error).collect();
        let mut report = LoadReport {
            rules: read,
            loaded: rules.len(),
            failed,
            skipped,
            warnings,
            ..LoadReport::default()
        };
        if let Some((file, text)) = &context.environment.thresholds {
            let refused;
            (report.thresholds, refused) = threshold::apply(text, context, &mut rules);
            for threshold::Refusal { line, sid, fault, idle: is_idle } in refused {
                let error = RuleError {
                    sid,
                    file: file.clone(),
                    line,
                    column: fault.column(),
                    reason: fault.reason,
                    missing_parser: None,
                };
                if is_idle { &mut report.idle } else { &mut report.failed }.push(error);
            }
        }
        // A rate filter may have made one drop.
        chain::mark_decisive(&mut rules);
        (rules.into(), report)
    }
}

/// A warning for each flow bit that is asked for and that no rule sets, at the first rule that asks.
fn bits_never_set(rules: &[(Rule, Origin<'_>, usize)], shared: &Shared) -> Vec<RuleError> {
    let effects = rules.iter().flat_map(|(rule, ..)| &rule.effects);
    let set: HashSet<_> = effects.filter_map(Effect::sets).collect();
    let mut told = HashSet::new();
    let mut warnings = Vec::new();
    for (rule, origin, sid_at) in rules {
        for wanted in rule.conditions.iter().flat_map(Condition::wants) {
            if let Variable::FlowBit(bit) = wanted
                && !set.contains(&wanted)
                && told.insert(bit)
            {
                let name = shared.flowbits.name(bit).unwrap_or_default();
                let fault =
                    Fault::new(*sid_at, format!("flow bit `{name}` is asked for, but no rule sets it"));
                warnings.push(error(*origin, Some(rule.info.sid), &fault));
            }
        }
    }
    warnings
}

fn error(origin: Origin<'_>, sid: Option<u32>, fault: &Fault) -> RuleError {
    RuleError {
        sid,
        file: origin.file.to_path_buf(),
        line: origin.line,
        column: fault.column(),
        reason: fault.reason.clone(),
        missing_parser: fault.missing,
    }
}

/// Suricata's default `action-order`.
fn rank(action: Action) -> u8 {
    match action {
        Action::Pass => 0,
        Action::Drop => 1,
        Action::Reject(_) => 2,
        Action::Alert => 3,
    }
}

#[cfg(test)]
mod tests;
