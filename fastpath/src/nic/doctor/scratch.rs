//! A socket bound to a queue for a moment, to see what the kernel makes of it. No program is attached and the
//! socket never stands in an XSKMAP, so no frame comes to it.

use super::{
    super::{
        gate,
        pool::{FramePool, PoolError},
        socket::{BindOptions, QueueSocket},
    },
    facts::Port,
};
use crate::config::RunConfig;

/// What binding showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scratch {
    /// It was not tried, because …
    Untried(&'static str),
    /// The kernel gave a socket.
    Bound {
        /// Queue it was bound to.
        queue: u32,
        /// Zero-copy by the kernel's own word; never without a probe.
        zero_copy: bool,
    },
    /// The kernel refused.
    Refused {
        /// Zero-copy was asked for, and a copy-mode socket may still do.
        zero_copy: bool,
        /// Why.
        reason: String,
        /// What to do about it.
        fix: String,
    },
}

/// Frames and entries of every ring: the least that is a UMEM.
const SMALL: u32 = 64;

/// Binds to the first chosen queue of `port`, where that harms nobody: in copy mode, which no driver notices,
/// or in zero-copy when `zero_copy` asks for it.
pub fn bind(config: &RunConfig, port: &Port, zero_copy: bool) -> Scratch {
    let rx_queues = port.link.rx_queues;
    let Some(queue) = config.queues.as_slice().iter().copied().find(|&queue| queue < rx_queues) else {
        return Scratch::Untried("the port has none of the chosen queues");
    };
    match &port.attached {
        Ok(None) => {}
        Ok(Some(_)) => return Scratch::Untried("an XDP program is on the port, and perhaps its sockets"),
        Err(_) => return Scratch::Untried("whether an XDP program is on the port cannot be asked"),
    }
    if !port.link.up {
        return Scratch::Untried("the port is down");
    }
    let pool = match FramePool::new(SMALL, config.rings.frame_size, SMALL, SMALL, false) {
        Ok(pool) => pool,
        Err(PoolError::Register { reason, fix, .. }) => {
            let reason = format!("the kernel takes no packet memory: {reason}");
            return Scratch::Refused { zero_copy: false, reason, fix: fix.into() };
        }
        // Small, and of a frame size that the configuration has checked.
        Err(PoolError::Geometry { .. }) => return Scratch::Untried("libxdp takes no UMEM of this shape"),
    };
    let options = BindOptions {
        zero_copy,
        multi_buffer: gate::needs_multi_buffer(port.link.mtu, config.rings.frame_size),
        rx: SMALL,
        tx: SMALL,
        batch: SMALL,
        busy_poll: false,
    };
    match QueueSocket::bind(&pool, &port.link.name, queue, options) {
        Ok(socket) => Scratch::Bound { queue, zero_copy: socket.zero_copy() },
        Err(error) => Scratch::Refused {
            zero_copy: error.unsupported(),
            reason: format!("queue {queue} refuses a {} socket: {}", error.mode, error.cause),
            fix: error.fix,
        },
    }
}
