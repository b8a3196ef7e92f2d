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

#[cfg(test)]
mod tests {
    use std::{
        fs,
        process::Command,
        thread,
        time::{Duration, Instant},
    };

    use fastpath_common::{Fallback, QueueCounts};
    use nix::sched::{CloneFlags, unshare};
    use xsk_rs::{
        Socket, Umem,
        config::{BindFlags, LibxdpFlags, SocketConfig, UmemConfig},
    };

    use super::{super::AttachMode, *};

    // Here and not in tests/xdp_program.rs because xsk-rs makes sockets only in `unsafe`.
    #[test]
    fn a_chosen_queue_with_a_live_socket_is_redirected() {
        let outcome = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("AF_XDP sockets need a namespace of their own: run as root");
            // Neighbour discovery would put frames of its own into the counts.
            fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").unwrap();
            let veth = "link add in0 numrxqueues 4 numtxqueues 4 type veth peer name out0 numrxqueues 4 numtxqueues 4";
            for arguments in [veth, "link set in0 up", "link set out0 up"] {
                let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
                assert!(status.success(), "ip {arguments}");
            }
            redirect_while_the_socket_lives();
        })
        .join();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }

    fn redirect_while_the_socket_lives() {
        let frame = [0xff; 64];
        let mut program = Program::load("in0", &[1, 2], Fallback::Drop, None).unwrap();
        program.attach(AttachMode::Native).unwrap();

        let (umem, _frames) = Umem::new(UmemConfig::default(), 64.try_into().unwrap(), false).unwrap();
        let config = SocketConfig::builder()
            .libxdp_flags(LibxdpFlags::XSK_LIBXDP_FLAGS_INHIBIT_PROG_LOAD)
            .bind_flags(BindFlags::XDP_COPY)
            .build();
        let interface = "in0".parse().unwrap();
        // SAFETY: one socket on its own UMEM; no frame is given to the kernel.
        let (tx, rx, rings) = unsafe { Socket::new(config, &umem, &interface, 2) }.unwrap();

        let error = program.insert(0, rx.fd()).unwrap_err();
        assert!(matches!(error, ProgramError::QueueNotChosen { queue: 0, .. }), "{error:?}");

        assert_eq!(program.test_run(2, &frame).unwrap(), Action::Drop);
        program.insert(2, rx.fd()).unwrap();
        assert_eq!(program.test_run(2, &frame).unwrap(), Action::Redirect);
        assert_eq!(program.test_run(2, &[0xff; 9000]).unwrap(), Action::Redirect);
        assert_eq!(program.test_run(1, &frame).unwrap(), Action::Drop, "the socket serves its queue only");
        program.remove(2).unwrap();
        program.remove(2).unwrap();
        assert_eq!(program.test_run(2, &frame).unwrap(), Action::Drop);

        program.insert(2, rx.fd()).unwrap();
        assert_eq!(program.test_run(2, &frame).unwrap(), Action::Redirect);
        let counts = program.counts(4).unwrap();
        assert_eq!(counts[2], QueueCounts { redirected: 3, fallback_drop: 2, ..Default::default() });
        assert_eq!(counts[1], QueueCounts { fallback_drop: 1, ..Default::default() });
        assert_eq!([counts[0], counts[3]], [QueueCounts::default(); 2]);

        // A socket that dies takes itself out; a child just forked by another test may hold it a little longer.
        drop((tx, rx, rings, umem));
        let end = Instant::now() + Duration::from_secs(5);
        while program.test_run(2, &frame).unwrap() != Action::Drop {
            assert!(Instant::now() < end, "the dead socket is still in the map");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
