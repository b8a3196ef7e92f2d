//! The cores this process may run on.

use std::{fs, io};

/// Cores of this process's affinity mask, ascending.
pub fn available() -> Vec<usize> {
    core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect()
}

/// Cores that run nothing unless it is pinned to them (boot parameter `isolcpus`).
pub fn isolated() -> Vec<usize> {
    let text = fs::read_to_string("/sys/devices/system/cpu/isolated").unwrap_or_default();
    let list = text.trim().parse::<crate::config::IndexList>();
    list.map(|list| list.as_slice().iter().map(|&core| core as usize).collect()).unwrap_or_default()
}

/// Lets the calling thread stand back wherever a worker wants the same core (nice 19).
///
/// # Errors
/// The system's reason; less priority than now is always allowed, unless a filter of system calls denies it.
pub fn stand_back() -> io::Result<()> {
    // SAFETY: setpriority reads no memory of ours. Process 0 is the calling thread: Linux has priorities per thread
    // (kernel/sys.c, setpriority).
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
