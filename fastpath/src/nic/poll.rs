//! Sleeping until a socket has something to receive, or another worker calls.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering, fence},
    },
    time::Duration,
};

use super::options;

/// Wakes a worker that sleeps in [`Poll::wait`]. While it is awake this is one load.
#[derive(Debug)]
pub struct Bell {
    /// An eventfd(2), in the worker's poll set.
    event: OwnedFd,
    sleeping: AtomicBool,
}

impl Bell {
    /// Wakes the worker if it sleeps. What it is to find must have been put into place before.
    ///
    /// No call is lost. The caller puts something into place, then looks at the flag; the sleeper raises the flag, then
    /// looks whether something is in place ([`Poll::wait`]). With a sequentially consistent fence between the two steps of
    /// each, at least one of them sees what the other has done: the caller sees the flag and rings, or the sleeper sees
    /// what came and does not sleep. Weaker orders would let both loads go before both stores.
    pub fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::Relaxed) {
            options::signal_event(&self.event);
        }
    }
}

/// The sockets of one worker, as poll(2) wants them, and its bell as the last of them.
pub struct Poll {
    fds: Vec<libc::pollfd>,
    bell: Arc<Bell>,
}

impl Poll {
    /// Waits for these sockets.
    ///
    /// # Errors
    /// There are no file descriptors left.
    pub fn new(fds: impl IntoIterator<Item = RawFd>) -> io::Result<Self> {
        let bell = Arc::new(Bell { event: options::event()?, sleeping: AtomicBool::new(false) });
        let fds = fds.into_iter().chain([bell.event.as_raw_fd()]);
        let fds = fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }).collect();
        Ok(Self { fds, bell })
    }

    /// What wakes it.
    pub fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// Sleeps until one of the sockets has something to receive or the bell rings, at most `timeout`; not at all when
    /// `still_idle`, asked after the bell was set, says no. In copy mode this also makes the kernel send what is on
    /// their tx rings.
    pub fn wait(&mut self, timeout: Duration, still_idle: impl FnOnce() -> bool) -> io::Result<()> {
        self.bell.sleeping.store(true, Ordering::Relaxed);
        // See `Bell::ring`.
        fence(Ordering::SeqCst);
        let slept = match still_idle() {
            true => options::wait_readable(&mut self.fds, timeout),
            false => Ok(()),
        };
        self.bell.sleeping.store(false, Ordering::Relaxed);
        // A ring that came too late for this sleep ends the next one at once, which does no harm.
        if self.fds.last().is_some_and(|bell| bell.revents != 0) {
            options::clear_event(&self.bell.event);
        }
        slept
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crossbeam::queue::ArrayQueue;

    use super::*;

    /// Two threads that each sleep until the other one's ball comes: one lost call and both sleep on.
    #[test]
    fn no_call_is_lost() {
        const LONG: Duration = Duration::from_secs(30);
        let mut polls = [Poll::new([]).unwrap(), Poll::new([]).unwrap()];
        let bells = [polls[0].bell(), polls[1].bell()];
        let balls = [ArrayQueue::new(1), ArrayQueue::new(1)];
        balls[0].push(0u32).unwrap();
        std::thread::scope(|scope| {
            for (own, poll) in polls.iter_mut().enumerate() {
                let (balls, bells) = (&balls, &bells);
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        let ball = loop {
                            if let Some(ball) = balls[own].pop() {
                                break ball;
                            }
                            let start = Instant::now();
                            poll.wait(LONG, || balls[own].is_empty()).unwrap();
                            assert!(start.elapsed() < LONG, "slept through a call");
                        };
                        balls[1 - own].push(ball + 1).unwrap();
                        bells[1 - own].ring();
                    }
                });
            }
        });
        assert_eq!(balls[0].pop(), Some(40_000));
    }

    #[test]
    fn nobody_sleeps_who_has_something_to_do() {
        let mut poll = Poll::new([]).unwrap();
        poll.wait(Duration::from_secs(3600), || false).unwrap();
        // Awake: no call is made, so the next sleep lasts its time.
        poll.bell().ring();
        poll.wait(Duration::ZERO, || true).unwrap();
        assert_eq!(poll.fds[0].revents, 0);
    }
}
