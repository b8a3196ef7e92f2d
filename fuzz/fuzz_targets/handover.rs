//! Any interleaving of the turns of several workers: every promise of the hand-over is kept at every step.
#![no_main]

#[path = "../../fastpath/tests/handover/model.rs"]
mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&[shape, sizes], script)) = data.split_first_chunk() else { return };
    let setup = model::Setup {
        workers: u16::from(shape % 3) + 2,
        capacity: usize::from(sizes & 7) + 1,
        batch: usize::from(sizes >> 3 & 7) + 1,
        detect: shape & 0x80 != 0,
    };
    model::run(setup, script);
});
