//! The cases of `make test-zerocopy`, run in a guest with emulated network cards: `zerocopy SET`. See ../README.md.

mod cases;
mod doctor;
mod faults;
mod kernel;
mod refusals;
mod tuning;
mod wire;

use std::{process::ExitCode, time::Instant};

use clap::{Parser, ValueEnum};
use fastpath_lab::{Lab, LabOptions};
use wire::{SOON, Wire};

/// The cards of the guest and what is asked of them.
#[derive(Clone, Copy, ValueEnum)]
enum Set {
    /// Two igb ports of a kernel whose driver has zero-copy: everything.
    Igb,
    /// The same ports, and the scripts of tuning/.
    IgbTuning,
    /// Two igb ports of a kernel whose driver has zero-copy and stalls.
    IgbStall,
    /// Two igb ports of a kernel whose driver has none: copy mode.
    IgbCopy,
    /// Two virtio-net ports with four queues.
    Virtio,
}

#[derive(Parser)]
struct Arguments {
    set: Set,
}

/// On every kernel once.
const PROGRAM: &str = "the XDP program loads, attaches, gives each verdict to a frame, and detaches";

/// One case: what holds when it passes, and how that is found out.
type Case = (&'static str, fn(&Wire) -> anyhow::Result<()>);

fn cases(set: Set) -> &'static [Case] {
    match set {
        Set::Igb => &[
            (PROGRAM, kernel::program),
            ("doctor --probe: zero-copy on igb, and what cannot be known", doctor::igb),
            ("bridge: ping, UDP flows and TCP arrive intact over every queue", cases::bridge),
            ("a drop rule drops and is reported", cases::drop_rule),
            ("VLAN tags stay in the frames, and stripping is put back", cases::vlan),
            ("hairpin over every queue", cases::hairpin),
            (
                "workers stand still until the fill rings are dry, and frames pass afterwards",
                faults::overload,
            ),
            ("the link goes down at the start, and frames pass afterwards", faults::link_flap),
            ("kill -9, and a clean restart", faults::kill_and_restart),
            ("a queue out of range is refused", refusals::queue_out_of_range),
            ("a queue that RSS reaches and nobody inspects is refused", refusals::uncovered_queue),
            ("--mode zerocopy is refused where there is none", refusals::no_zero_copy),
            ("jumbo frames are refused with a clear word", refusals::jumbo),
            ("the kernel has logged no fault", kernel::log),
        ],
        Set::IgbTuning => &[
            ("the table of RSS: the chosen queues only, restored byte for byte", tuning::table),
            ("throughput: applied, frames pass in zero-copy, restored byte for byte", tuning::throughput),
            ("latency: applied, frames pass in zero-copy, restored byte for byte", tuning::latency),
            ("shared-host: only the chosen queues, restored byte for byte", tuning::shared_host),
            ("apply killed half-way: restored byte for byte", tuning::killed),
            ("the machine's sysctls: applied, restored byte for byte", tuning::sysctls),
            ("the kernel has logged no fault", kernel::log),
        ],
        Set::IgbStall => &[
            (PROGRAM, kernel::program),
            ("doctor --probe: the known defect of igb", doctor::igb_stall),
            ("auto takes copy mode over 4 queues and says why: all arrives intact", cases::auto_copy),
            ("--mode zerocopy over 4 queues starts and ends in order, stall or not", faults::stall),
            ("bridge in zero-copy over 8 queues: ping, UDP flows and TCP arrive intact", cases::eight_queues),
            ("the kernel has logged no fault", kernel::log),
        ],
        Set::IgbCopy => &[
            (PROGRAM, kernel::program),
            ("doctor --probe: copy mode, and since when igb has more", doctor::igb_copy),
            ("bridge: ping, UDP flows and TCP arrive intact", cases::bridge),
            ("--mode zerocopy is refused where there is none", refusals::no_zero_copy_port),
            ("the kernel has logged no fault", kernel::log),
        ],
        Set::Virtio => &[
            ("doctor --probe: zero-copy on virtio-net", doctor::virtio),
            ("bridge: ping, UDP flows and TCP arrive intact over every queue", cases::bridge),
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
    let options = LabOptions::default();
    let mode = if matches!(set, Set::IgbCopy) { "copy" } else { "zerocopy" };
    wire::await_cards(SOON)?;
    let wire = Wire { lab: Lab::over_cards(options)?, queues: options.queues.into(), mode: mode.into() };
    // virtio-net has queues, and nothing to say which frame comes on which.
    if !matches!(set, Set::Virtio) {
        wire.spread_udp()?;
    }
    wire.settle(SOON)?;
    Ok(wire)
}
