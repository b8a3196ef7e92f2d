//! `threshold`, `detection_filter`, `noalert`, `alert` in a rule.

use super::{Kind, Limit, Track, pairs::Pairs};
use crate::engine::rules::{draft::Draft, fault::Fault, lexer::Token, number::number};

/// The largest count and multiplier of `backoff` (detect-threshold.c).
const MOST_BACKOFF: u32 = 65_535;

/// `threshold:type limit, track by_src, count 1, seconds 60;`
pub(in crate::engine::rules) fn threshold(draft: &mut Draft<'_>, value: Token<'_>) -> Result<(), Fault> {
    let mut pairs = Pairs::parse(value)?;
    let kind = pairs.need("type")?;
    let limit = match kind.text {
        "limit" => pairs.limit(Kind::Limit)?,
        "threshold" => pairs.limit(Kind::Threshold)?,
        "both" => pairs.limit(Kind::Both)?,
        "backoff" => back_off(&mut pairs, kind)?,
        other => {
            let known = "limit, threshold, both or backoff";
            return Err(kind.fault(format!("`{other}` is no type of threshold: use {known}")));
        }
    };
    pairs.finish("type, track, count and seconds; multiplier instead of seconds with type backoff")?;
    set(draft, limit, value)
}

fn back_off(pairs: &mut Pairs<'_>, kind: Token<'_>) -> Result<Limit, Fault> {
    let track = pairs.track()?;
    if track != Track::Flow {
        return Err(kind.fault("the type `backoff` goes with `track by_flow` only"));
    }
    let count = pairs.count(MOST_BACKOFF)?;
    let multiplier = number(pairs.need("multiplier")?, 2..=MOST_BACKOFF)?;
    Ok(Limit { kind: Kind::Backoff { multiplier }, track, count, seconds: 0 })
}

/// `detection_filter:track by_src, count 10, seconds 60;`
pub(in crate::engine::rules) fn detection_filter(
    draft: &mut Draft<'_>,
    value: Token<'_>,
) -> Result<(), Fault> {
    let mut pairs = Pairs::parse(value)?;
    let (track, count) = (pairs.track()?, pairs.count(u32::MAX)?);
    let limit = Limit { kind: Kind::DetectionFilter, track, count, seconds: pairs.seconds("seconds", 1)? };
    pairs.finish("track, count and seconds")?;
    set(draft, limit, value)
}

fn set(draft: &mut Draft<'_>, limit: Limit, value: Token<'_>) -> Result<(), Fault> {
    match draft.threshold.replace(limit) {
        None => Ok(()),
        Some(_) => Err(value.fault("a rule has one `threshold` or one `detection_filter`")),
    }
}

/// `noalert;`
pub(in crate::engine::rules) fn noalert(draft: &mut Draft<'_>, _: Token<'_>) -> Result<(), Fault> {
    draft.alert = Some(false);
    Ok(())
}

/// `alert;`, so that a pass rule alerts too.
pub(in crate::engine::rules) fn alert(draft: &mut Draft<'_>, _: Token<'_>) -> Result<(), Fault> {
    draft.alert = Some(true);
    Ok(())
}
