//! The XDP program: frames of chosen rx queues go to the queue's AF_XDP socket, all others to the kernel.
//!
//! It never reads a byte of the frame, so it treats single- and multi-buffer frames alike. What a frame of a
//! chosen queue meets when no socket is there (a worker died, or has not started) is the port's
//! [`Fallback`]; it holds without any process of ours alive.
#![no_std]
#![no_main]

use aya_ebpf::{
    bindings::xdp_action::{XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_REDIRECT},
    btf_maps::{Array, DevMap, PerCpuArray, XskMap},
    macros::{btf_map, xdp},
    programs::XdpContext,
};
use fastpath_common::{Fallback, MAX_QUEUES, PortPolicy, QueueCounts};

const QUEUE_SLOTS: usize = MAX_QUEUES as usize;

// The loader finds the maps and the program by these identifiers: see `fastpath_common::map` and `PROGRAM`.

#[btf_map]
static QUEUES: Array<u32, QUEUE_SLOTS> = Array::new();
#[btf_map]
static SOCKETS: XskMap<QUEUE_SLOTS> = XskMap::new();
#[btf_map]
static PORT: Array<PortPolicy, 1> = Array::new();
#[btf_map]
static PEER: DevMap<1> = DevMap::new();
#[btf_map]
static COUNTS: PerCpuArray<QueueCounts, QUEUE_SLOTS> = PerCpuArray::new();

/// Entry point, once per received frame.
#[xdp(frags)]
pub fn redirect(ctx: XdpContext) -> u32 {
    let queue = ctx.rx_queue_index();
    // A queue that the maps have no slot for cannot have been chosen.
    let (Some(&chosen), Some(counts)) = (QUEUES.get(queue), COUNTS.get_ptr_mut(queue)) else {
        return XDP_PASS;
    };
    // SAFETY: the slot belongs to this CPU and to this run of the program, which the kernel neither
    // preempts by another XDP run on the same CPU nor migrates; nobody else writes it.
    let counts = unsafe { &mut *counts };

    if chosen == 0 {
        counts.not_chosen += 1;
        return XDP_PASS;
    }
    if SOCKETS.redirect(queue, u64::from(XDP_ABORTED)).is_ok() {
        counts.redirected += 1;
        return XDP_REDIRECT;
    }
    match PORT.get(0).map_or(Fallback::Pass as u32, |port| port.fallback) {
        FORWARD if PEER.redirect(0, u64::from(XDP_DROP)).is_ok() => {
            counts.fallback_forward += 1;
            XDP_REDIRECT
        }
        // Forwarding to a peer that is gone loses the frame: it was meant for the wire, not for this host.
        FORWARD | DROP => {
            counts.fallback_drop += 1;
            XDP_DROP
        }
        _ => {
            counts.fallback_pass += 1;
            XDP_PASS
        }
    }
}

// Patterns cannot be casts.
const DROP: u32 = Fallback::Drop as u32;
const FORWARD: u32 = Fallback::Forward as u32;

/// The kernel takes a program's licence from this section.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
