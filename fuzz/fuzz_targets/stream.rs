//! Whatever a client sends, a server reads what was inspected. The client, the server and its receivers are those of the property
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
#[path = "../../fastpath/src/engine/stream/tests/receiver.rs"]
mod receiver;

fuzz_target!(|data: &[u8]| attack::attack(data));
