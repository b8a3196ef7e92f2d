//! Socket options and system calls of an AF_XDP socket that xsk-rs does not have.

use std::{
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
    time::Duration,
};

const SOL_XDP: libc::c_int = 283;
/// Size of the `u32` that every option here is.
const U32_LEN: libc::socklen_t = 4;
/// `getsockopt` name of the bound socket's options (linux/if_xdp.h).
const XDP_OPTIONS: libc::c_int = 8;
const XDP_OPTIONS_ZEROCOPY: u32 = 1;
// asm-generic/socket.h
const SO_BUSY_POLL: libc::c_int = 46;
const SO_PREFER_BUSY_POLL: libc::c_int = 69;
const SO_BUSY_POLL_BUDGET: libc::c_int = 70;
/// Microseconds that a busy-polling call may spin; long enough for one driver pass.
const BUSY_POLL_MICROSECONDS: u32 = 20;

fn set(fd: RawFd, name: libc::c_int, value: u32) -> io::Result<()> {
    // SAFETY: the kernel reads the 4 bytes of `value`, which outlives the call.
    let status = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, name, (&raw const value).cast(), U32_LEN) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets the driver's NAPI context run from this socket's system calls instead of from interrupts
/// (Documentation/networking/napi.rst, "busy polling"); `budget` packets per call.
pub(super) fn prefer_busy_poll(fd: RawFd, budget: u32) -> io::Result<()> {
    set(fd, SO_PREFER_BUSY_POLL, 1)?;
    set(fd, SO_BUSY_POLL, BUSY_POLL_MICROSECONDS)?;
    set(fd, SO_BUSY_POLL_BUDGET, budget.clamp(8, 512))
}

/// Reads back from the kernel whether the bound socket is zero-copy.
pub(super) fn zero_copy(fd: RawFd) -> io::Result<bool> {
    let mut options: u32 = 0;
    let mut size = U32_LEN;
    // SAFETY: the kernel writes at most `size` bytes to `options`; both outlive the call.
    let status =
        unsafe { libc::getsockopt(fd, SOL_XDP, XDP_OPTIONS, (&raw mut options).cast(), &raw mut size) };
    if status == 0 { Ok(options & XDP_OPTIONS_ZEROCOPY != 0) } else { Err(io::Error::last_os_error()) }
}

/// Lets the kernel take new chunks from the fill ring, and receive (`recvfrom` without a buffer, as
/// `xsk_recvmsg` expects it).
pub(super) fn wake_rx(fd: RawFd) -> io::Result<()> {
    // SAFETY: no buffer and no address are passed, so the kernel writes nothing.
    let status = unsafe {
        libc::recvfrom(
            fd,
            std::ptr::null_mut(),
            0,
            libc::MSG_DONTWAIT,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    match status {
        0.. => Ok(()),
        _ => passing(io::Error::last_os_error()),
    }
}

/// Sleeps until one of the sockets has something to receive, at most `timeout`. In copy mode this also makes
/// the kernel send what is on their tx rings.
pub(super) fn wait_readable(fds: &mut [libc::pollfd], timeout: Duration) -> io::Result<()> {
    let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: pointer and length are those of one live slice.
    let status = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, milliseconds) };
    match status {
        0.. => Ok(()),
        _ => passing(io::Error::last_os_error()),
    }
}

/// An eventfd(2) that never blocks.
pub(super) fn event() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed.
    let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given us this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes an eventfd readable. It fails only when its counter is full, and then it is readable already.
pub(super) fn signal_event(event: &OwnedFd) {
    let one = 1u64;
    // SAFETY: the kernel reads the 8 bytes of `one`, which outlives the call.
    let _ = unsafe { libc::write(event.as_raw_fd(), (&raw const one).cast(), 8) };
}

/// Makes an eventfd unreadable again. It fails only when it is so already.
pub(super) fn clear_event(event: &OwnedFd) {
    let mut count = 0u64;
    // SAFETY: the kernel writes the 8 bytes of `count`, which outlives the call.
    let _ = unsafe { libc::read(event.as_raw_fd(), (&raw mut count).cast(), 8) };
}

/// Errors that pass by themselves: nothing to do, interrupted, link down for now, ring being set up.
fn passing(error: io::Error) -> io::Result<()> {
    match error.raw_os_error() {
        Some(
            libc::EAGAIN | libc::EINTR | libc::EBUSY | libc::ENETDOWN | libc::ENOBUFS | libc::EOPNOTSUPP,
        ) => Ok(()),
        _ => Err(error),
    }
}
