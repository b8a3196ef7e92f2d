//! `flow` (Suricata's "Flow Keywords").

use super::Condition;
use crate::engine::{
    meta::Direction,
    rules::{draft::Draft, fault::Fault, lexer::Token, subject::Subject},
};

/// What a rule asks of its packet's flow. All that is said must hold; nothing said holds without a flow too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test {
    direction: Option<Direction>,
    established: Option<bool>,
}

impl Test {
    pub(super) fn holds(self, subject: &Subject<'_>) -> bool {
        let direction = subject.flow.map(|flow| flow.direction);
        // Without a flow nothing is established.
        let established = subject.flow.is_some_and(|flow| flow.established);
        self.direction.is_none_or(|wanted| direction == Some(wanted))
            && self.established.is_none_or(|wanted| established == wanted)
    }
}

pub(in crate::engine::rules) fn flow(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    if draft.conditions.iter().any(|condition| matches!(condition, Condition::Flow(_))) {
        return Err(value.fault("`flow` may stand in a rule once"));
    }
    let mut test = Test::default();
    let (mut stateless, mut stream) = (false, None);
    for word in value.split(',') {
        let mut direction = |direction| test.direction.replace(direction).is_some();
        let twice = match word.text {
            "to_server" | "from_client" => direction(Direction::ToServer),
            "to_client" | "from_server" => direction(Direction::ToClient),
            "established" => test.established.replace(true).is_some() || stateless,
            "not_established" => test.established.replace(false).is_some() || stateless,
            "stateless" => std::mem::replace(&mut stateless, true) || test.established.is_some(),
            "only_stream" => stream.replace(true).is_some(),
            "no_stream" => stream.replace(false).is_some(),
            // Suricata takes these two and looks at fragments or whole datagrams accordingly; a fragment has no flow here, so
            // only the second can hold beside anything else.
            "no_frag" => false,
            "only_frag" => {
                return Err(
                    word.fault("`only_frag` is not supported: fragments are judged as whole datagrams")
                );
            }
            other => {
                return Err(word.fault(format!(
                    "`{other}` is nothing that `flow` knows: use to_server, to_client, from_server, from_client, \
                     established, not_established, stateless, only_stream, no_stream or no_frag"
                )));
            }
        };
        if twice {
            return Err(word.fault(format!("`{}` contradicts or repeats what stands before it", word.text)));
        }
    }
    draft.stream = stream;
    draft.conditions.push(Condition::Flow(test));
    Ok(())
}
