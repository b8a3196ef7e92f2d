//! The checks: each a pure function over the facts, one file per family.

mod cores;
mod defects;
mod driver;
mod gates;
mod hardware;
mod kernel;
mod memory;
mod offloads;
mod privilege;
pub mod rss;

use std::fmt;

pub(super) use defects::avoids_zero_copy;
use serde::Serialize;

use super::{Purpose, facts::Facts};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// What it looks at cannot be read.
    Unknown,
    /// It works, but worse than it could.
    Warn,
    /// It does not work, or not rightly.
    Fail,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at; the names are a contract.
    pub name: &'static str,
    /// The port, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// How it ended.
    pub status: Status,
    /// What is.
    pub finding: String,
    /// Why it matters.
    pub meaning: &'static str,
    /// The command, or failing one the deed, that mends it; `None` where nothing is to be mended.
    pub fix: Option<String>,
}

impl fmt::Display for Check {
    /// `port: name: finding; fix`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(port) = &self.port {
            write!(f, "{port}: ")?;
        }
        write!(f, "{}: {}", self.name, self.finding)?;
        self.fix.iter().try_for_each(|fix| write!(f, "; {fix}"))
    }
}

impl Check {
    /// The same about `port`.
    #[must_use]
    fn on(self, port: &str) -> Self {
        Self { port: Some(port.into()), ..self }
    }
}

/// What a check is about.
#[derive(Debug)]
struct Topic {
    name: &'static str,
    meaning: &'static str,
}

impl Topic {
    const fn new(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning }
    }

    fn ended(&self, status: Status, finding: impl Into<String>, fix: Option<String>) -> Check {
        let Self { name, meaning } = *self;
        Check { name, port: None, status, finding: finding.into(), meaning, fix }
    }

    fn ok(&self, finding: impl Into<String>) -> Check {
        self.ended(Status::Ok, finding, None)
    }

    fn unknown(&self, finding: impl Into<String>) -> Check {
        self.ended(Status::Unknown, finding, None)
    }

    fn warn(&self, finding: impl Into<String>, fix: impl Into<String>) -> Check {
        self.ended(Status::Warn, finding, Some(fix.into()))
    }

    fn fail(&self, finding: impl Into<String>, fix: impl Into<String>) -> Check {
        self.ended(Status::Fail, finding, Some(fix.into()))
    }
}

/// Every check over the facts: those of the machine first, then port by port.
pub fn examine(purpose: &Purpose<'_>, facts: &Facts) -> Vec<Check> {
    let mut all = kernel::checks(facts);
    all.extend(privilege::checks(facts));
    all.extend(gates::checks(purpose, facts));
    all.extend(memory::checks(purpose, facts));
    all.extend(cores::checks(purpose, facts));
    all.extend(rss::checks(purpose, facts));
    for port in &facts.ports {
        all.extend(driver::checks(purpose, facts, port));
        all.extend(defects::checks(purpose, facts, port));
        all.extend(offloads::checks(purpose, facts, port));
        all.extend(hardware::checks(facts, port));
    }
    let ports: Vec<&str> = purpose.config.wires.iter().flat_map(|wire| wire.ports()).collect();
    all.sort_by_key(|check| {
        let at = check.port.as_ref().and_then(|port| ports.iter().position(|name| name == port));
        (check.port.is_some(), at)
    });
    all
}

/// Names by what a warning of that name is worth to who starts an inspection: wrong or lost packets first, then
/// what costs much speed, then what costs some. What is not named comes last; `cores` is the plan's own warning.
const BY_VALUE: &[&str] = &[
    "xdp-program",
    "known-defects",
    "driver",
    "vlan-stripping",
    "hw-gro",
    "veth-offloads",
    "frame-size",
    "promiscuity",
    "vlan-filter",
    "security",
    "clock-source",
    "bpf-jit",
    "af-xdp-mode",
    "link",
    "irq-sharing",
    "numa",
    "pcie",
    "huge-pages",
    "rss-symmetry",
    "gro",
    "isolated-cores",
    "lockdown",
];

/// The failures and warnings that are worth most, at most `most`, and of each name only the first.
pub fn most_valuable(checks: Vec<Check>, most: usize) -> Vec<Check> {
    let rank = |check: &Check| BY_VALUE.iter().position(|name| *name == check.name).unwrap_or(BY_VALUE.len());
    let mut worth: Vec<Check> = checks.into_iter().filter(|check| check.status >= Status::Warn).collect();
    worth.sort_by_key(|check| (std::cmp::Reverse(check.status), rank(check)));
    let mut seen = Vec::new();
    worth.retain(|check| !seen.contains(&check.name) && (seen.push(check.name), true).1);
    worth.truncate(most);
    worth
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: Topic = Topic::new("isolated-cores", "");
    const HIGH: Topic = Topic::new("known-defects", "");
    const MIDDLE: Topic = Topic::new("huge-pages", "");

    #[test]
    fn the_most_valuable_come_first_and_each_once() {
        let all = vec![
            LOW.warn("l", "f"),
            MIDDLE.warn("m", "f"),
            HIGH.ok("fine"),
            HIGH.warn("h", "f").on("a"),
            HIGH.warn("h", "f").on("b"),
            HIGH.unknown("u"),
            Topic::new("unranked", "").warn("x", "f"),
        ];
        let names = |most| {
            most_valuable(all.clone(), most).iter().map(|check| check.finding.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(3), ["h", "m", "l"]);
        assert_eq!(names(1), ["h"]);
        assert_eq!(names(9), ["h", "m", "l", "x"]);
        let failed = vec![HIGH.warn("h", "f"), LOW.fail("l", "f")];
        assert_eq!(most_valuable(failed, 1)[0].finding, "l", "a failure goes before any warning");
    }
}
