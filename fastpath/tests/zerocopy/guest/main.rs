//! The cases of `make test-zerocopy`, run in a guest with emulated network cards: `zerocopy SET`. See ../README.md.

mod cases;
mod faults;
mod kernel;
mod refusals;
mod wire;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use fastpath_lab::{Lab, LabOptions};
use wire::Wire;

/// The cards of the guest and what is asked of them.
#[derive(Clone, Copy, ValueEnum)]
enum Set {
    /// Two igb ports of a kernel whose driver has zero-copy: everything.
    Igb,
    /// Two igb ports of a kernel whose driver has zero-copy and stalls.
    IgbStall,
    /// Two igb ports of a kernel whose driver has none: copy mode.
    IgbCopy,
    /// Two virtio-net ports with one queue.
    Virtio,
}

#[derive(Parser)]
struct Arguments {
    set: Set,
}

/// One case: what holds when it passes, and how that is found out.
type Case = (&'static str, fn(&Wire) -> anyhow::Result<()>);

fn cases(set: Set) -> &'static [Case] {
    match set {
        Set::Igb => &[
            ("bridge: ping, UDP flows and TCP arrive intact over every queue", cases::bridge),
            ("a drop rule drops and is reported", cases::drop_rule),
            ("VLAN tags stay in the frames, and stripping is put back", cases::vlan),
            ("hairpin over every queue", cases::hairpin),
            ("the link goes down at the start, and frames pass afterwards", faults::link_flap),
            ("kill -9, and a clean restart", faults::kill_and_restart),
            ("a queue out of range is refused", refusals::queue_out_of_range),
            ("a queue that RSS reaches and nobody inspects is refused", refusals::uncovered_queue),
            ("--mode zerocopy is refused where there is none", refusals::no_zero_copy),
            ("jumbo frames are refused with a clear word", refusals::jumbo),
            ("the kernel has logged no fault", kernel::log),
        ],
        Set::IgbStall => &[
            ("bridge in copy mode: ping, UDP flows and TCP arrive intact", cases::copy),
            ("zero-copy over 4 queues starts and ends in order, stall or not", faults::stall),
            ("bridge in zero-copy over 8 queues: ping, UDP flows and TCP arrive intact", cases::eight_queues),
            ("the kernel has logged no fault", kernel::log),
        ],
        Set::IgbCopy => &[
            ("bridge: ping, UDP flows and TCP arrive intact", cases::bridge),
            ("--mode zerocopy is refused where there is none", refusals::no_zero_copy_port),
            ("the kernel has logged no fault", kernel::log),
        ],
        Set::Virtio => &[
            ("bridge: ping, UDP flows and TCP arrive intact", cases::bridge),
            ("the kernel has logged no fault", kernel::log),
        ],
    }
}

fn main() -> ExitCode {
    let set = Arguments::parse().set;
    let wire = match wire(set) {
        Ok(wire) => wire,
        Err(error) => {
            println!("  FAILED  the lab over the cards: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut failed = 0;
    for (name, run) in cases(set) {
        let begin = Instant::now();
        let result = run(&wire);
        let took = begin.elapsed().as_secs_f32();
        match result {
            Ok(()) => println!("  ok      {name} ({took:.1} s)"),
            Err(error) => {
                failed += 1;
                println!("  FAILED  {name} ({took:.1} s): {error:#}");
            }
        }
    }
    println!("guest: {} passed, {failed} failed", cases(set).len() - failed);
    ExitCode::from(u8::from(failed > 0))
}

fn wire(set: Set) -> anyhow::Result<Wire> {
    let (queues, mode) = match set {
        Set::Igb | Set::IgbStall => (4, "zerocopy"),
        Set::IgbCopy => (4, "copy"),
        Set::Virtio => (1, "zerocopy"),
    };
    let lab = Lab::over_cards(LabOptions { queues, ..LabOptions::default() })?;
    let wire = Wire { lab, queues: queues.into(), mode: mode.into() };
    if queues > 1 {
        wire.spread_udp()?;
    }
    wire.settle(Duration::from_secs(20))?;
    Ok(wire)
}
