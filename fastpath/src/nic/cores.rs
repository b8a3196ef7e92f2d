//! The cores this process may run on.

use std::fs;

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
