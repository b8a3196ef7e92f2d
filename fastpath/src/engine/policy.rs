//! Exception policies: what happens when the engine cannot do its work, per kind of failure
//! (<https://docs.suricata.io/en/latest/configuration/exception-policies.html>).

use super::verdict::{DropReason, Enforcement};

/// What happens to the packet and its flow when the engine cannot do its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExceptionPolicy {
    /// Inline: [`Self::DropFlow`], or [`Self::DropPacket`] where there is no flow. Otherwise: [`Self::Ignore`].
    #[default]
    Auto,
    /// Drop the packet and all that follow in its flow.
    DropFlow,
    /// Drop the packet.
    DropPacket,
    /// Drop the packet and its flow, and tell both ends (TCP RST, ICMP unreachable).
    Reject,
    /// Let the flow go uninspected; nothing of it is looked at any more.
    Bypass,
    /// Let the flow go without payload inspection.
    PassFlow,
    /// Let the packet go without payload inspection.
    PassPacket,
    /// Go on as well as it can be.
    Ignore,
}

impl ExceptionPolicy {
    /// The names that the configuration has for them, Suricata's.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("auto", Self::Auto),
        ("drop-flow", Self::DropFlow),
        ("drop-packet", Self::DropPacket),
        ("reject", Self::Reject),
        ("bypass", Self::Bypass),
        ("pass-flow", Self::PassFlow),
        ("pass-packet", Self::PassPacket),
        ("ignore", Self::Ignore),
    ];

    /// The policy called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, policy)| policy)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, policy)| *policy == self).map_or("", |(name, _)| name)
    }
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The packet's headers are malformed (`decoder.error-policy`, ours).
    Decode,
    /// No memory for another fragment (`defrag.memcap-policy`).
    DefragMemcap,
    /// No room for another flow (`flow.memcap-policy`).
    FlowMemcap,
    /// No memory for another TCP session (`stream.memcap-policy`).
    StreamMemcap,
    /// No memory for a TCP session's data (`stream.reassembly.memcap-policy`).
    ReassemblyMemcap,
    /// A TCP session that was not seen from its start (`stream.midstream-policy`).
    Midstream,
    /// An application protocol's parser failed (`app-layer.error-policy`).
    AppLayer,
    /// The limits of detection leave it open whether a rule that drops or replaces matches (`detect.limit-policy`, ours).
    Detection,
    /// The worker that owns the flow takes no more (`handover.full-policy`, ours).
    Handover,
}

impl Failure {
    /// All of them, in the order of their counters.
    pub const ALL: [Self; 9] = [
        Self::Decode,
        Self::DefragMemcap,
        Self::FlowMemcap,
        Self::StreamMemcap,
        Self::ReassemblyMemcap,
        Self::Midstream,
        Self::AppLayer,
        Self::Detection,
        Self::Handover,
    ];

    /// The reason of a drop because of it.
    pub fn drop_reason(self) -> DropReason {
        match self {
            Self::Decode => DropReason::Decode,
            Self::DefragMemcap => DropReason::DefragMemcap,
            Self::FlowMemcap => DropReason::FlowMemcap,
            Self::StreamMemcap => DropReason::StreamMemcap,
            Self::ReassemblyMemcap => DropReason::StreamReassembly,
            Self::Midstream => DropReason::StreamMidstream,
            Self::AppLayer => DropReason::AppLayer,
            Self::Detection => DropReason::Detection,
            Self::Handover => DropReason::Handover,
        }
    }

    /// Whether there is a flow to drop or pass when it happens.
    fn has_flow(self) -> bool {
        match self {
            Self::StreamMemcap | Self::ReassemblyMemcap | Self::Midstream => true,
            Self::AppLayer | Self::Detection => true,
            Self::Decode | Self::DefragMemcap | Self::FlowMemcap | Self::Handover => false,
        }
    }
}

/// The policy for each failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policies([ExceptionPolicy; Failure::ALL.len()]);

impl Policies {
    /// Sets the policy for `failure`.
    pub fn set(&mut self, failure: Failure, policy: ExceptionPolicy) {
        self.0[failure as usize] = policy;
    }

    /// What to do about `failure`; never [`ExceptionPolicy::Auto`].
    pub fn resolve(&self, failure: Failure, enforcement: Enforcement) -> ExceptionPolicy {
        match (self.0[failure as usize], enforcement) {
            (ExceptionPolicy::Auto, Enforcement::Report) => ExceptionPolicy::Ignore,
            (ExceptionPolicy::Auto, Enforcement::Drop) if failure.has_flow() => ExceptionPolicy::DropFlow,
            (ExceptionPolicy::Auto, Enforcement::Drop) => ExceptionPolicy::DropPacket,
            (policy, _) => policy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_fails_closed_inline_and_open_otherwise() {
        let policies = Policies::default();
        let inline = |failure| policies.resolve(failure, Enforcement::Drop);
        assert_eq!(inline(Failure::Midstream), ExceptionPolicy::DropFlow);
        assert_eq!(inline(Failure::FlowMemcap), ExceptionPolicy::DropPacket);
        for failure in Failure::ALL {
            assert_eq!(policies.resolve(failure, Enforcement::Report), ExceptionPolicy::Ignore);
        }
    }

    #[test]
    fn each_failure_has_a_policy_of_its_own() {
        let mut policies = Policies::default();
        policies.set(Failure::Midstream, ExceptionPolicy::PassFlow);
        assert_eq!(policies.resolve(Failure::Midstream, Enforcement::Drop), ExceptionPolicy::PassFlow);
        assert_eq!(policies.resolve(Failure::AppLayer, Enforcement::Drop), ExceptionPolicy::DropFlow);
    }

    #[test]
    fn names_go_both_ways() {
        for (name, policy) in ExceptionPolicy::NAMES {
            assert_eq!((ExceptionPolicy::from_name(name), policy.name()), (Some(policy), name));
        }
        assert_eq!(ExceptionPolicy::from_name("drop"), None);
    }
}
