//! `hostbits` and `xbits` (Suricata's "Xbits Keyword"): what is asked of bits of hosts, and what is done with them.

use super::Condition;
use crate::engine::rules::{
    draft::Draft,
    effect::Effect,
    fault::Fault,
    lexer::Token,
    number::number,
    ordering::{Ordering, Use},
    state::{
        State,
        bits::{Bit, Change, Owner},
    },
    subject::Subject,
};

/// A bit that must be set, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Test {
    bit: Bit,
    set: bool,
}

impl Test {
    /// The number of the bit that must be set.
    pub(super) fn wanted(self) -> Option<u32> {
        self.set.then(|| self.bit.number())
    }

    pub(super) fn holds(self, subject: &Subject<'_>, state: &State<'_>) -> bool {
        self.bit.is_set(subject, state.shared).unwrap_or(false) == self.set
    }
}

/// Seconds for which a bit of `hostbits` is set (detect-hostbits.c).
const HOSTBITS_EXPIRE: u32 = 300;
/// Seconds for which a bit of `xbits` is set when it does not say (detect-xbits.h).
const XBITS_EXPIRE: u32 = 30;

/// `xbits:set,name,track ip_src,expire 60;`
pub(in crate::engine::rules) fn xbits(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let Some((command, name)) = command(draft, "xbits", value, &mut parts)? else { return Ok(()) };
    let (mut owner, mut expire) = (None, None);
    for part in parts {
        let (Token { text: key, .. }, argument) = part.word();
        let twice =
            match key {
                "track" => owner.replace(tracked(argument)?).is_some(),
                "expire" => expire.replace(number(argument, 1..=u32::MAX)?).is_some(),
                _ => return Err(part.fault(
                    "after the name comes `track ip_src`, `ip_dst` or `ip_pair`, and `expire` with seconds",
                )),
            };
        if twice {
            return Err(part.fault(format!("`{key}` stands here twice")));
        }
    }
    let owner = owner.ok_or_else(|| {
        value.fault("whose bit it is is missing: write `track ip_src`, `track ip_dst` or `track ip_pair`")
    })?;
    add(draft, |order| &mut order.xbits, command, name, owner, expire.unwrap_or(XBITS_EXPIRE));
    Ok(())
}

/// `hostbits:set,name,src;`
pub(in crate::engine::rules) fn hostbits(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut parts = value.split(',');
    let Some((command, name)) = command(draft, "hostbits", value, &mut parts)? else { return Ok(()) };
    let owner = match parts.next() {
        // Suricata leaves its zero in place, which is the source.
        None => Owner::Source,
        Some(Token { text: "src", .. }) => Owner::Source,
        Some(Token { text: "dst", .. }) => Owner::Destination,
        Some(other) => return Err(other.fault("a bit of a host is that of `src` or `dst`")),
    };
    match parts.next() {
        Some(rest) => Err(rest.fault("nothing may follow the direction")),
        None => {
            add(draft, |order| &mut order.hostbits, command, name, owner, HOSTBITS_EXPIRE);
            Ok(())
        }
    }
}

/// What a keyword asks or does.
#[derive(Clone, Copy)]
enum Command {
    IsSet,
    IsNotSet,
    Set,
    Unset,
    Toggle,
}

/// The first two parts; none after `noalert`.
fn command<'a>(
    draft: &mut Draft<'_>,
    keyword: &str,
    value: Token<'a>,
    parts: &mut impl Iterator<Item = Token<'a>>,
) -> Result<Option<(Command, Token<'a>)>, Fault> {
    let first = parts.next().unwrap_or(value);
    let command = match first.text {
        "isset" => Command::IsSet,
        "isnotset" => Command::IsNotSet,
        "set" => Command::Set,
        "unset" => Command::Unset,
        "toggle" => Command::Toggle,
        "noalert" => {
            draft.alert = Some(false);
            return match parts.next() {
                Some(more) => Err(more.fault("nothing may follow `noalert`")),
                None => Ok(None),
            };
        }
        other => {
            return Err(first.fault(format!(
                "`{other}` is nothing that `{keyword}` does: use set, unset, toggle, isset, isnotset or noalert"
            )));
        }
    };
    match parts.next() {
        Some(name) if !name.text.is_empty() && !name.text.contains(char::is_whitespace) => {
            Ok(Some((command, name)))
        }
        Some(bad) => Err(bad.fault("a bit's name is one word")),
        None => Err(value.fault(format!("the bit's name is missing: `{keyword}:{},name,…`", first.text))),
    }
}

fn tracked(argument: Token<'_>) -> Result<Owner, Fault> {
    match argument.text {
        "ip_src" => Ok(Owner::Source),
        "ip_dst" => Ok(Owner::Destination),
        "ip_pair" => Ok(Owner::Pair),
        "tx" => Err(argument.fault("`track tx` is not supported yet: there are no transactions")),
        _ => Err(argument.fault("a bit is tracked by `ip_src`, `ip_dst` or `ip_pair`")),
    }
}

/// Which of the two keywords it is decides when the rule is asked.
type Kind = fn(&mut Ordering) -> &mut Use;

fn add(draft: &mut Draft<'_>, kind: Kind, command: Command, name: Token<'_>, owner: Owner, expire: u32) {
    let order = kind(&mut draft.ordering);
    match command {
        Command::IsSet | Command::IsNotSet => order.read(),
        Command::Set | Command::Unset | Command::Toggle => order.write(),
    }
    let bit = Bit::named(name.text, owner, draft.context.shared);
    let change = match command {
        Command::IsSet | Command::IsNotSet => {
            let set = matches!(command, Command::IsSet);
            draft.conditions.push(Condition::Bits(Test { bit, set }));
            return;
        }
        Command::Set => Change::Set(expire),
        Command::Unset => Change::Unset,
        Command::Toggle => Change::Toggle(expire),
    };
    draft.effects.push(Effect::Bit(bit, change));
}
