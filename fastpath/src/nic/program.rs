//! The user side of the XDP program: load it for one port, attach it, put sockets into it, read its counters.

mod attached;
mod error;
mod test_run;

use std::{ffi::CString, fmt, os::fd::AsRawFd};

use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, DevMap, Map, MapData, MapError, PerCpuArray, XskMap},
    programs::{Xdp, XdpMode, xdp::XdpLinkId},
    util::KernelVersion,
};
use fastpath_common::{Fallback, MAX_QUEUES, PROGRAM, PortPolicy, QueueCounts, map};

pub use attached::{AttachedProgram, Holder, XdpFeatures, attached, features};
pub use error::ProgramError;
pub use test_run::Action;

/// The committed object; `redirect-ebpf/compare.sh` proves that it agrees with its source.
static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../redirect-ebpf/redirect.o"));

/// Where in the receive path the kernel runs the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttachMode {
    /// In the driver, before a socket buffer exists (`XDP_FLAGS_DRV_MODE`). Needs a driver that supports it.
    #[default]
    Native,
    /// In the kernel's own stack (`XDP_FLAGS_SKB_MODE`): every driver, much slower, never zero-copy.
    Generic,
}

/// The XDP program of one port, with its maps.
///
/// Dropping it detaches it. The attachment is a BPF link where the kernel has them, so that it ends with the
/// process even on SIGKILL.
pub struct Program {
    interface: String,
    ifindex: u32,
    id: u32,
    chosen: Vec<u32>,
    sockets: XskMap<MapData>,
    counts: PerCpuArray<MapData, CountsValue>,
    link: Option<XdpLinkId>,
    ebpf: Ebpf,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, id, chosen, link, .. } = self;
        f.debug_struct("Program")
            .field("interface", interface)
            .field("id", id)
            .field("chosen", chosen)
            .field("attached", &link.is_some())
            .finish_non_exhaustive()
    }
}

/// [`QueueCounts`] as aya reads it out of a map.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct CountsValue(QueueCounts);
// SAFETY: QueueCounts is repr(C) and five u64 (asserted beside it): no padding, every bit pattern valid.
unsafe impl aya::Pod for CountsValue {}

/// [`PortPolicy`] as aya writes it into a map.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct PolicyValue(PortPolicy);
// SAFETY: PortPolicy is repr(C) and one u32 (asserted beside it): no padding, every bit pattern valid.
unsafe impl aya::Pod for PolicyValue {}

impl Program {
    /// Loads the program into the kernel for `interface`, without attaching it.
    ///
    /// Frames of the `chosen` queues go to the queue's socket; as long as there is none, to the `fallback`.
    /// `peer` is the interface that [`Fallback::Forward`] sends to; its driver must implement
    /// `ndo_xdp_xmit` (a veth's only does while its own other end runs XDP), otherwise forwarded frames are
    /// lost in the kernel.
    ///
    /// # Errors
    /// An interface that does not exist, a queue from [`MAX_QUEUES`] up, forwarding without a peer, no
    /// permission (CAP_BPF and CAP_NET_ADMIN), a kernel before 5.18 (multi-buffer XDP).
    pub fn load(
        interface: &str,
        chosen: &[u32],
        fallback: Fallback,
        peer: Option<&str>,
    ) -> Result<Self, ProgramError> {
        let ifindex = index(interface)?;
        let peer = peer.map(index).transpose()?;
        if fallback == Fallback::Forward && peer.is_none() {
            return Err(ProgramError::ForwardWithoutPeer { interface: interface.into() });
        }
        if let Some(&queue) = chosen.iter().find(|&&queue| queue >= MAX_QUEUES) {
            return Err(ProgramError::QueueOutOfRange { interface: interface.into(), queue });
        }
        raise_memlock_limit();

        let fail = |error| ProgramError::from_load(interface, error);
        // No kernel BTF: the program reads no kernel structure, and parsing it would cost milliseconds.
        let mut ebpf = EbpfLoader::new().btf(None).load(OBJECT).map_err(fail)?;

        // A map that is taken out and dropped before the program is loaded is gone: borrow, until then.
        let mut queues: Array<_, u32> = borrow(&mut ebpf, map::QUEUES).map_err(|e| fail(e.into()))?;
        for &queue in chosen {
            queues.set(queue, 1, 0).map_err(|e| fail(e.into()))?;
        }
        let mut port: Array<_, PolicyValue> = borrow(&mut ebpf, map::PORT).map_err(|e| fail(e.into()))?;
        let policy = PolicyValue(PortPolicy { fallback: fallback as u32 });
        port.set(0, policy, 0).map_err(|e| fail(e.into()))?;
        if let Some(peer) = peer {
            let mut slot: DevMap<_> = borrow(&mut ebpf, map::PEER).map_err(|e| fail(e.into()))?;
            let unfit = |source| ProgramError::Peer { interface: interface.into(), source };
            slot.set(0, peer, None, 0).map_err(unfit)?;
        }
        let sockets = take(&mut ebpf, map::SOCKETS).map_err(|e| fail(e.into()))?;
        let counts = take(&mut ebpf, map::COUNTS).map_err(|e| fail(e.into()))?;

        let xdp = xdp(&mut ebpf).map_err(|e| fail(e.into()))?;
        xdp.load().map_err(|e| fail(e.into()))?;
        let id = xdp.info().map_err(|e| fail(e.into()))?.id();
        Ok(Self {
            interface: interface.into(),
            ifindex,
            id,
            chosen: chosen.into(),
            sockets,
            counts,
            link: None,
            ebpf,
        })
    }

    /// Attaches the program to its interface; does nothing when it is attached already.
    ///
    /// # Errors
    /// Never replaces a program: [`ProgramError::AlreadyAttached`] names the one that is there and who holds
    /// it. Otherwise the driver's refusal, with its cause where the kernel tells it.
    pub fn attach(&mut self, mode: AttachMode) -> Result<(), ProgramError> {
        if self.link.is_some() {
            return Ok(());
        }
        self.refuse_if_occupied()?;
        let flags = match mode {
            AttachMode::Native => XdpMode::Driver,
            AttachMode::Generic => XdpMode::Skb,
        };
        let result = xdp(&mut self.ebpf).and_then(|xdp| xdp.attach_to_if_index(self.ifindex, flags));
        match result {
            Ok(link) => {
                self.link = Some(link);
                Ok(())
            }
            Err(error) => {
                // Another program may have come in between.
                self.refuse_if_occupied()?;
                Err(ProgramError::from_attach(&self.interface, mode, error))
            }
        }
    }

    fn refuse_if_occupied(&self) -> Result<(), ProgramError> {
        match attached(self.ifindex) {
            Ok(None) => Ok(()),
            Ok(Some(program)) => {
                Err(ProgramError::AlreadyAttached { interface: self.interface.clone(), program })
            }
            Err(source) => Err(ProgramError::Query { interface: self.interface.clone(), source }),
        }
    }

    /// Redirects the frames of `queue` into `socket` from now on, an AF_XDP socket bound to that queue.
    ///
    /// Its fill ring should be filled before. The kernel takes the socket out of the map when it is closed.
    ///
    /// # Errors
    /// A queue that was not chosen at [`load`](Self::load) (it would never see a frame), or the kernel's
    /// refusal of the descriptor.
    pub fn insert(&mut self, queue: u32, socket: &impl AsRawFd) -> Result<(), ProgramError> {
        if !self.chosen.contains(&queue) {
            return Err(ProgramError::QueueNotChosen { interface: self.interface.clone(), queue });
        }
        self.sockets.set(queue, socket.as_raw_fd(), 0).map_err(|source| self.socket_error(queue, source))
    }

    /// Takes the socket of `queue` out again: its frames meet the fallback from now on. Does nothing when there
    /// is none.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn remove(&mut self, queue: u32) -> Result<(), ProgramError> {
        match self.sockets.unset(queue) {
            Err(MapError::SyscallError(e)) if e.io_error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            result => result.map_err(|source| self.socket_error(queue, source)),
        }
    }

    fn socket_error(&self, queue: u32, source: MapError) -> ProgramError {
        ProgramError::Socket { interface: self.interface.clone(), queue, source }
    }

    /// Frames received since [`load`](Self::load) by queue, for queues 0 to `queues` - 1, summed over the CPUs.
    /// One system call per queue.
    ///
    /// # Errors
    /// The kernel's refusal, or more than [`MAX_QUEUES`] queues asked for.
    pub fn counts(&self, queues: u32) -> Result<Vec<QueueCounts>, ProgramError> {
        (0..queues)
            .map(|queue| match self.counts.get(&queue, 0) {
                Ok(cpus) => Ok(cpus.iter().fold(QueueCounts::default(), |sum, cpu| add(sum, cpu.0))),
                Err(source) => Err(ProgramError::Counts { interface: self.interface.clone(), source }),
            })
            .collect()
    }

    /// Takes the program off its interface; does nothing when it is not attached. It stays loaded.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn detach(&mut self) -> Result<(), ProgramError> {
        let Some(link) = self.link.take() else { return Ok(()) };
        xdp(&mut self.ebpf)
            .and_then(|xdp| xdp.detach(link))
            .map_err(|source| ProgramError::Detach { interface: self.interface.clone(), source })
    }

    /// The kernel's id of the program, as `bpftool prog` shows it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }
}

fn xdp(ebpf: &mut Ebpf) -> Result<&mut Xdp, aya::programs::ProgramError> {
    let name = || aya::programs::ProgramError::InvalidName { name: PROGRAM.into() };
    ebpf.program_mut(PROGRAM).ok_or_else(name)?.try_into()
}

fn borrow<'a, M: TryFrom<&'a mut Map, Error = MapError>>(
    ebpf: &'a mut Ebpf,
    name: &str,
) -> Result<M, MapError> {
    ebpf.map_mut(name).ok_or_else(|| MapError::InvalidName { name: name.into() })?.try_into()
}

fn take<M: TryFrom<Map, Error = MapError>>(ebpf: &mut Ebpf, name: &str) -> Result<M, MapError> {
    ebpf.take_map(name).ok_or_else(|| MapError::InvalidName { name: name.into() })?.try_into()
}

fn add(a: QueueCounts, b: QueueCounts) -> QueueCounts {
    QueueCounts {
        redirected: a.redirected + b.redirected,
        not_chosen: a.not_chosen + b.not_chosen,
        fallback_pass: a.fallback_pass + b.fallback_pass,
        fallback_drop: a.fallback_drop + b.fallback_drop,
        fallback_forward: a.fallback_forward + b.fallback_forward,
    }
}

fn index(interface: &str) -> Result<u32, ProgramError> {
    let unknown = || ProgramError::UnknownInterface { interface: interface.into() };
    let name = CString::new(interface).map_err(|_| unknown())?;
    // SAFETY: `name` is a NUL-terminated string that outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(unknown()),
        index => Ok(index),
    }
}

/// Before 5.11 maps counted against RLIMIT_MEMLOCK; vendor kernels that old may carry multi-buffer XDP.
/// Where raising is refused, loading fails with the better message.
fn raise_memlock_limit() {
    if KernelVersion::current().is_ok_and(|version| version < KernelVersion::new(5, 11, 0)) {
        let unlimited = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: `unlimited` is a valid rlimit that outlives the call.
        unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited) };
    }
}
