//! Sleeping until a socket has something to receive.

use std::{io, os::fd::RawFd, time::Duration};

use super::options;

/// The sockets of one worker, as poll(2) wants them.
pub struct Poll {
    fds: Vec<libc::pollfd>,
}

impl Poll {
    /// Waits for these sockets.
    pub fn new(fds: impl IntoIterator<Item = RawFd>) -> Self {
        Self {
            fds: fds.into_iter().map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }).collect(),
        }
    }

    /// Sleeps until one of the sockets has something to receive, at most `timeout`. In copy mode this also
    /// makes the kernel send what is on their tx rings.
    pub fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        options::wait_readable(&mut self.fds, timeout)
    }
}
