//! How much more a packet costs with many flows than with few, on a machine that others use too: both are measured in turn, many
//! times, and what is told is the middle of the rounds and how far they lie apart.

use std::time::{Duration, Instant};

/// Rounds; each gives one ratio.
const ROUNDS: usize = 1001;
/// Packets per round, whole batches: less than a millisecond, so that most rounds are not interrupted.
const PACKETS: u32 = 64 * 32;
/// Packets before those, so that what the other case has put into the caches is gone.
const WARM_UP: u32 = 64 * 32;

/// Nanoseconds per packet and their ratio: the lower quartile of the rounds, the middle, the upper quartile.
pub(super) struct Ratio {
    pub(super) few: [f64; 3],
    pub(super) many: [f64; 3],
    pub(super) ratio: [f64; 3],
}

pub(super) fn measure(few: &mut dyn FnMut(), many: &mut dyn FnMut()) -> Ratio {
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (time(few), time(many))).collect();
    let of = |value: &dyn Fn(&(f64, f64)) -> f64| quartiles(rounds.iter().map(value).collect());
    Ratio { few: of(&|round| round.0), many: of(&|round| round.1), ratio: of(&|round| round.1 / round.0) }
}

fn time(case: &mut dyn FnMut()) -> f64 {
    (0..WARM_UP).for_each(|_| case());
    let start = Instant::now();
    (0..PACKETS).for_each(|_| case());
    per_packet(start.elapsed())
}

fn per_packet(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9 / f64::from(PACKETS)
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[values.len() * quarter / 4])
}
