//! Tests only: a network namespace of one thread. It ends with the thread, so nothing is left behind.

use std::process::Command;

/// Runs `test` on a thread of its own in a fresh network namespace. Panics (and so fails the test)
/// without the right to make one.
pub(crate) fn in_fresh_namespace(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: unshare takes no pointers; CLONE_NEWNET moves only this thread, which ends below.
            let made = unsafe { libc::unshare(libc::CLONE_NEWNET) };
            assert_eq!(made, 0, "these tests need root: {}", std::io::Error::last_os_error());
            test();
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Makes the veth pair `left`-`right` with `queues` rx and tx queues on both ends, up, and waits until the kernel says so.
pub(crate) fn veth(left: &str, right: &str, queues: u32) {
    let queues = format!("numrxqueues {queues} numtxqueues {queues}");
    ip(&format!("link add name {left} {queues} type veth peer name {right} {queues}"));
    ip(&format!("link set dev {left} up"));
    ip(&format!("link set dev {right} up"));
    // Up to a second later (net/core/link_watch.c).
    for _ in 0..500 {
        if [left, right].iter().all(|port| ip(&format!("link show dev {port}")).contains("state UP")) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{left} and {right} do not come up");
}

/// Runs `ip` with `arguments` (split at spaces) in this thread's namespace; its standard output.
pub(crate) fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("`ip` (iproute2) can be run");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
