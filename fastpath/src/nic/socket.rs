//! One AF_XDP socket: both directions of one queue of one port.

use std::{
    collections::VecDeque,
    ffi::CString,
    io,
    os::fd::{AsRawFd, RawFd},
    thread,
    time::Duration,
};

use xsk_rs::{
    CompQueue, FillQueue, FrameDesc, RxQueue, Socket, TxQueue,
    config::{BindFlags, Interface, LibxdpFlags, QueueSize, SocketConfig},
};

use super::{frame::Packet, options, pool::FramePool};

/// How to bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindOptions {
    /// Ask for `XDP_ZEROCOPY` (true) or `XDP_COPY`.
    pub zero_copy: bool,
    /// Ask for multi-buffer packets (`XDP_USE_SG`).
    pub multi_buffer: bool,
    /// Entries of the rx ring.
    pub rx: u32,
    /// Entries of the tx ring.
    pub tx: u32,
    /// Descriptors handled per call.
    pub batch: u32,
    /// Drive the driver from this socket (`SO_PREFER_BUSY_POLL`).
    pub busy_poll: bool,
}

/// Why a socket could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot bind an AF_XDP socket to {interface} queue {queue} ({mode}): {cause}; {fix}")]
pub struct BindError {
    /// Port.
    pub interface: String,
    /// Its rx queue.
    pub queue: u32,
    /// What was asked for.
    pub mode: &'static str,
    /// The system's reason.
    pub cause: io::Error,
    /// What the operator can do.
    pub fix: String,
}

impl BindError {
    /// True when zero-copy was asked for and the driver may lack it, so that copy mode may still do.
    /// Drivers have many words for it (EOPNOTSUPP, EINVAL, ENOENT, EPERM, ENOTSUPP …): it is whatever speaks
    /// neither of the queue, nor of the port, nor of memory.
    pub fn unsupported(&self) -> bool {
        self.mode == ZERO_COPY
            && !matches!(
                self.cause.raw_os_error(),
                None | Some(libc::EBUSY | libc::ENODEV | libc::ENETDOWN | libc::ENOBUFS | libc::ENOMEM)
            )
    }
}

/// A bound socket with its four rings. Everything produced on a ring leaves the worker's hands; everything
/// consumed is checked against the pool's owner table first.
pub struct QueueSocket {
    rx: RxQueue,
    tx: TxQueue,
    fill: FillQueue,
    completion: CompQueue,
    /// Descriptors on their way between a ring and the pool.
    descs: Box<[FrameDesc]>,
    /// A multi-frame packet of which the last frame has not come yet.
    partial: Option<Packet>,
    /// The frames up to the next end of a packet belong to one of which a descriptor was not believed.
    broken: bool,
    /// Descriptors taken from the rx ring per call.
    batch: usize,
    tx_entries: u32,
    /// Most chunks the kernel may hold for receiving.
    quota: u64,
    with_kernel: u64,
    in_tx: u64,
    invalid: u64,
    zero_copy: bool,
    busy_poll: bool,
    interface: String,
    queue: u32,
}

impl QueueSocket {
    /// Binds to `queue` of `interface` over the pool's UMEM. The rings are still empty: [`QueueSocket::fill`]
    /// comes next, and only then the entry in the XSKMAP.
    ///
    /// A queue whose last socket was closed a moment ago stays busy for some 20 ms: this waits for it.
    pub fn bind(
        pool: &FramePool,
        interface: &str,
        queue: u32,
        options: BindOptions,
    ) -> Result<Self, BindError> {
        let fail = |cause| bind_error(interface, queue, options, cause);
        let invalid = |e: String| fail(io::Error::new(io::ErrorKind::InvalidInput, e));
        let mut flags = BindFlags::XDP_USE_NEED_WAKEUP;
        flags |= if options.zero_copy { BindFlags::XDP_ZEROCOPY } else { BindFlags::XDP_COPY };
        flags.set(BindFlags::XDP_USE_SG, options.multi_buffer);
        let config = SocketConfig::builder()
            .rx_queue_size(QueueSize::new(options.rx).map_err(|e| invalid(e.to_string()))?)
            .tx_queue_size(QueueSize::new(options.tx).map_err(|e| invalid(e.to_string()))?)
            .libxdp_flags(LibxdpFlags::XSK_LIBXDP_FLAGS_INHIBIT_PROG_LOAD)
            .bind_flags(flags)
            .build();
        let name = Interface::new(CString::new(interface).map_err(|e| invalid(e.to_string()))?);
        let mut attempt = 0;
        let (tx, rx, rings) = loop {
            // SAFETY: INHIBIT_PROG_LOAD is set, which is what `Socket::new` asks for.
            match unsafe { Socket::new(config, pool.umem(), &name, queue) } {
                Ok(made) => break made,
                Err(error) => {
                    let cause = os_cause(&error);
                    if cause.raw_os_error() != Some(libc::EBUSY) || attempt == BUSY_ATTEMPTS {
                        return Err(fail(cause));
                    }
                    attempt += 1;
                    thread::sleep(BUSY_PAUSE);
                }
            }
        };
        let (fill, completion) = rings.ok_or_else(|| fail(io::Error::from_raw_os_error(libc::EBUSY)))?;
        if options.busy_poll {
            options::prefer_busy_poll(rx.fd().as_raw_fd(), options.batch).map_err(fail)?;
        }
        let zero_copy = options::zero_copy(rx.fd().as_raw_fd()).map_err(fail)?;
        Ok(Self {
            rx,
            tx,
            fill,
            completion,
            descs: vec![FrameDesc::default(); options.batch.max(LONGEST_PACKET) as usize].into(),
            partial: None,
            broken: false,
            batch: options.batch.max(1) as usize,
            tx_entries: options.tx,
            quota: 2 * u64::from(options.rx),
            with_kernel: 0,
            in_tx: 0,
            invalid: 0,
            zero_copy,
            busy_poll: options.busy_poll,
            interface: interface.into(),
            queue,
        })
    }

    /// Appends at most one batch of received packets to `packets`, each marked with `side`.
    pub fn receive(
        &mut self,
        pool: &mut FramePool,
        side: usize,
        packets: &mut Vec<(usize, Packet)>,
    ) -> usize {
        // SAFETY: this ring is tied to the pool's UMEM; `accept` below is what turns a descriptor into a frame.
        let received = unsafe { self.rx.consume(&mut self.descs[..self.batch]) };
        self.with_kernel -= (received as u64).min(self.with_kernel);
        for desc in &self.descs[..received] {
            let Some(frame) = pool.accept(*desc) else {
                self.invalid += 1;
                // The packet it was part of is none without it: neither what came before nor what follows.
                if let Some(packet) = self.partial.take() {
                    pool.release(packet);
                }
                self.broken = desc.has_more_frames();
                continue;
            };
            let continues = frame.continues();
            if self.broken {
                self.broken = continues;
                pool.release(pool.packet(frame));
                continue;
            }
            let packet = match self.partial.take() {
                None => pool.packet(frame),
                Some(mut packet) => {
                    pool.append(&mut packet, frame);
                    packet
                }
            };
            match continues {
                true => self.partial = Some(packet),
                false => packets.push((side, packet)),
            }
        }
        received
    }

    /// Puts free chunks on the fill ring, up to this socket's share of the pool, and wakes the driver when it
    /// asks for it.
    pub fn fill(&mut self, pool: &mut FramePool) -> io::Result<()> {
        let room = usize::try_from(self.quota.saturating_sub(self.with_kernel)).unwrap_or(0);
        if room >= self.batch {
            let slots = self.fill.nb_free(self.nb_descs()) as usize;
            let n = room.min(slots).min(pool.fillable());
            // SAFETY: the chunks are on the pool's free list, so nobody else holds them; `lend` gives them up.
            let produced = unsafe { self.fill.produce(pool.lendable(n)) };
            pool.lend(produced);
            self.with_kernel += produced as u64;
        }
        // A busy-polling driver runs only when it is called.
        match self.busy_poll || self.fill.needs_wakeup() {
            true => options::wake_rx(self.rx.fd().as_raw_fd()),
            false => Ok(()),
        }
    }

    /// Moves packets from the front of `pending` onto the tx ring, as many as fit, in order. Returns
    /// `(packets, bytes)` moved.
    pub fn transmit(&mut self, pool: &mut FramePool, pending: &mut VecDeque<Packet>) -> (u64, u64) {
        let (mut sent, mut bytes) = (0, 0);
        while !pending.is_empty() {
            // Outstanding frames are capped at one ring's worth: a dead peer must not drain the fill ring.
            let slots = self.tx.nb_free(self.nb_descs()).min(self.tx_entries - self.outstanding());
            let room = (slots as usize).min(self.descs.len());
            let (mut packets, mut descs) = (0, 0);
            for packet in pending.iter() {
                if descs + packet.frames() > room {
                    break;
                }
                for desc in pool.descriptors(packet) {
                    self.descs[descs] = *desc;
                    descs += 1;
                }
                packets += 1;
            }
            // SAFETY: each descriptor is a frame of a packet in `pending`, owned by the worker and part of the
            // pool's UMEM; `submit` gives the packets up as soon as the ring has taken them.
            if packets == 0 || unsafe { self.tx.produce(&self.descs[..descs]) } != descs {
                break;
            }
            self.in_tx += descs as u64;
            for packet in pending.drain(..packets) {
                sent += 1;
                bytes += packet.len() as u64;
                pool.submit(packet);
            }
        }
        (sent, bytes)
    }

    /// Takes completed frames back into the pool; how many.
    pub fn complete(&mut self, pool: &mut FramePool) -> usize {
        let mut all = 0;
        while self.in_tx > 0 {
            // SAFETY: this ring is tied to the pool's UMEM; `reclaim` checks every address.
            let completed = unsafe { self.completion.consume(&mut self.descs) };
            self.in_tx -= (completed as u64).min(self.in_tx);
            for desc in &self.descs[..completed] {
                self.invalid += u64::from(!pool.reclaim(*desc));
            }
            all += completed;
            if completed < self.descs.len() {
                break;
            }
        }
        all
    }

    /// Asks the kernel to send what is on the tx ring, where it wants to be asked.
    ///
    /// In copy mode one call sends 32 descriptors, so this goes on while the ring shrinks: stopping earlier
    /// strands the tail of a burst until the next packet comes. A zero-copy driver is called once, and also
    /// when it has taken all: some complete what was sent only when they are called.
    pub fn kick(&mut self) -> io::Result<()> {
        if self.zero_copy {
            return if self.in_tx > 0 && self.tx.needs_wakeup() { self.tx.wakeup() } else { Ok(()) };
        }
        let mut waiting = self.untaken();
        while waiting > 0 && self.tx.needs_wakeup() {
            self.tx.wakeup()?;
            let left = self.untaken();
            if left >= waiting {
                break;
            }
            waiting = left;
        }
        Ok(())
    }

    /// Asks whether the port is still there (ENXIO: it was removed). One that is down may come back.
    pub fn alive(&self) -> io::Result<()> {
        options::wake_rx(self.rx.fd().as_raw_fd())
    }

    fn nb_descs(&self) -> u32 {
        u32::try_from(self.descs.len()).unwrap_or(u32::MAX)
    }

    fn outstanding(&self) -> u32 {
        u32::try_from(self.in_tx).unwrap_or(u32::MAX).min(self.tx_entries)
    }

    /// Descriptors on the tx ring that the kernel has not taken yet.
    fn untaken(&mut self) -> u32 {
        if self.in_tx == 0 { 0 } else { self.tx_entries - self.tx.nb_free_exact().min(self.tx_entries) }
    }

    /// Frames submitted to tx and not completed.
    pub fn in_tx(&self) -> u64 {
        self.in_tx
    }

    /// Chunks submitted to the fill ring and not received.
    pub fn with_kernel(&self) -> u64 {
        self.with_kernel
    }

    /// Frames held here: those of a packet whose end has not come.
    pub fn held(&self) -> u64 {
        self.partial.as_ref().map_or(0, |packet| packet.frames() as u64)
    }

    /// Descriptors from the kernel that were not believed.
    pub fn invalid(&self) -> u64 {
        self.invalid
    }

    /// Whether the kernel says it is zero-copy (`XDP_OPTIONS`).
    pub fn zero_copy(&self) -> bool {
        self.zero_copy
    }

    /// Port the socket is bound to.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Queue the socket is bound to.
    pub fn queue(&self) -> u32 {
        self.queue
    }

    /// The kernel's counters of this socket (`XDP_STATISTICS`).
    pub fn statistics(&self) -> io::Result<xsk_rs::socket::XdpStatistics> {
        self.rx.fd().xdp_statistics()
    }
}

impl AsRawFd for QueueSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.rx.fd().as_raw_fd()
    }
}

/// Frames of the longest packet there is: MAX_SKB_FRAGS (45 at most) and the head.
const LONGEST_PACKET: u32 = 46;
const BUSY_ATTEMPTS: u32 = 10;
const BUSY_PAUSE: Duration = Duration::from_millis(20);

fn os_cause(error: &xsk_rs::socket::SocketCreateError) -> io::Error {
    let cause = std::error::Error::source(error).and_then(|e| e.downcast_ref::<io::Error>());
    match cause.and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::other(error.to_string()),
    }
}

const ZERO_COPY: &str = "zero-copy";

fn bind_error(interface: &str, queue: u32, options: BindOptions, cause: io::Error) -> BindError {
    let fix = match cause.raw_os_error() {
        Some(libc::EBUSY) => {
            "another AF_XDP socket holds this queue: stop that process (it may be another fastpath)".into()
        }
        Some(libc::EOPNOTSUPP) if options.zero_copy => {
            "the driver has no AF_XDP zero-copy: use --mode auto or --mode copy".into()
        }
        // Also virtio_net's word for a device without IOMMU (VIRTIO_F_ACCESS_PLATFORM), which rules zero-copy out.
        Some(libc::EINVAL) if options.zero_copy => format!(
            "does {interface} have queue {queue}? (ethtool -l {interface}) Then its driver has no AF_XDP zero-copy \
             here, or not for frames of this size at this MTU: use --mode auto or --mode copy"
        ),
        Some(libc::EINVAL) => format!(
            "does {interface} have queue {queue}, and does its driver take frames of this size? \
             (ethtool -l {interface})"
        ),
        Some(libc::EPERM | libc::EACCES) => "run as root or give CAP_NET_RAW and CAP_NET_ADMIN".into(),
        Some(libc::ENODEV) => format!("there is no interface {interface} here"),
        Some(libc::ENETDOWN) => format!("ip link set {interface} up"),
        Some(libc::ENOBUFS | libc::ENOMEM) => {
            "make the rings smaller (--rx-ring, --tx-ring) or raise the memlock limit".into()
        }
        _ => "see the kernel's log".into(),
    };
    let mode = if options.zero_copy { ZERO_COPY } else { "copy" };
    BindError { interface: interface.into(), queue, mode, cause, fix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refused_zero_copy_leaves_copy_mode_to_try() {
        let options =
            BindOptions { zero_copy: true, multi_buffer: false, rx: 64, tx: 64, batch: 64, busy_poll: false };
        let refused = |options, code| bind_error("a", 0, options, io::Error::from_raw_os_error(code));
        // virtio_net says ENOENT where its buffers do not suit.
        for code in [libc::EOPNOTSUPP, libc::EINVAL, libc::ENOENT] {
            assert!(refused(options, code).unsupported());
            assert!(!refused(BindOptions { zero_copy: false, ..options }, code).unsupported());
        }
        for code in [libc::EBUSY, libc::ENODEV, libc::ENETDOWN, libc::ENOMEM] {
            assert!(!refused(options, code).unsupported());
        }
    }
}
