//! Whatever a client or a server sends, the other end reads what was inspected. Both, and their receivers, are those of the property
//! tests.
#![no_main]

use fastpath::engine::{
    meta::{Direction, Timestamp},
    stream::{Fresh, Segment, SegmentOptions, Session, Settings, Streams, Tracked, UrgentPolicy, segment},
    verdict::Enforcement,
};
use libfuzzer_sys::fuzz_target;

#[path = "../../fastpath/src/engine/stream/tests/attack.rs"]
mod attack;
#[path = "../../fastpath/src/engine/stream/tests/inspection.rs"]
mod inspection;
#[path = "../../fastpath/src/engine/stream/tests/lure.rs"]
mod lure;
#[path = "../../fastpath/src/engine/stream/tests/receiver.rs"]
mod receiver;

fuzz_target!(|data: &[u8]| match data {
    [b'c', rest @ ..] => attack::attack(rest),
    [_, rest @ ..] => lure::lure(rest),
    [] => {}
});
