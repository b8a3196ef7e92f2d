//! The program run by the kernel on one frame of our making, without a wire.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};

use super::{Program, ProgramError, xdp};

const CONTEXT_SIZE: u32 = 24;
const _: () = assert!(size_of::<libbpf_sys::xdp_md>() == CONTEXT_SIZE as usize);

/// What an XDP program says is to be done with a frame (`enum xdp_action` of linux/bpf.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the kernel's own names
pub enum Action {
    Aborted,
    Drop,
    Pass,
    Tx,
    Redirect,
    Other(u32),
}

impl From<u32> for Action {
    fn from(number: u32) -> Self {
        match number {
            libbpf_sys::XDP_ABORTED => Self::Aborted,
            libbpf_sys::XDP_DROP => Self::Drop,
            libbpf_sys::XDP_PASS => Self::Pass,
            libbpf_sys::XDP_TX => Self::Tx,
            libbpf_sys::XDP_REDIRECT => Self::Redirect,
            other => Self::Other(other),
        }
    }
}

impl Program {
    /// The program's verdict on `frame` as if its interface had received it on `queue`; the frame goes
    /// nowhere, but it is counted. For tests and self-checks (`BPF_PROG_TEST_RUN`).
    ///
    /// Frames that do not fit one page become multi-buffer frames. The calling thread must be in the
    /// interface's network namespace, and the driver must have registered its rx queues for XDP: a veth has
    /// while it is up and runs an XDP program.
    ///
    /// # Errors
    /// The kernel's: EINVAL for a queue that the interface does not have or has not registered, or a frame
    /// shorter than an Ethernet header.
    pub fn test_run(&mut self, queue: u32, frame: &[u8]) -> Result<Action, ProgramError> {
        let fail = |source| ProgramError::TestRun { interface: self.interface.clone(), source };
        let size = u32::try_from(frame.len()).map_err(|_| fail(io::Error::from_raw_os_error(libc::E2BIG)))?;
        let context = libbpf_sys::xdp_md {
            data_end: size,
            ingress_ifindex: self.ifindex,
            rx_queue_index: queue,
            ..Default::default()
        };
        let mut options = libbpf_sys::bpf_test_run_opts {
            sz: size_of::<libbpf_sys::bpf_test_run_opts>() as u64,
            data_in: frame.as_ptr().cast(),
            data_size_in: size,
            ctx_in: (&raw const context).cast(),
            ctx_size_in: CONTEXT_SIZE,
            repeat: 1,
            ..Default::default()
        };
        let program = xdp(&mut self.ebpf).and_then(|xdp| xdp.fd()?.try_clone().map_err(Into::into));
        let program = program.map_err(|e| fail(io::Error::other(e)))?;
        // SAFETY: `frame` and `context` outlive the call and have the sizes given; the kernel only reads them,
        // and writes to `options`, exclusively borrowed and of the size in `sz`. No output buffers are given.
        let result =
            unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_fd().as_raw_fd(), &raw mut options) };
        if result < 0 { Err(fail(io::Error::from_raw_os_error(-result))) } else { Ok(options.retval.into()) }
    }
}
