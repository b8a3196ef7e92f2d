//! The hash itself: a few multiplications of 64 to 128 bits, folded (the way of wyhash and foldhash). Every bit of
//! the input reaches every bit of the result.

/// Digits of pi.
const KEYS: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];

/// One end of a flow, in an order that both directions agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint(u64);

impl Endpoint {
    pub(super) fn v4(address: [u8; 4], port: u16) -> Self {
        Self(u64::from(u32::from_ne_bytes(address)) << 16 | u64::from(port))
    }

    pub(super) fn v6(address: [u8; 16], port: u16) -> Self {
        let (high, low) = split(u128::from_ne_bytes(address));
        Self(fold(high ^ KEYS[2], low ^ KEYS[3]).wrapping_add(port.into()))
    }
}

/// The hash of a flow between two ends, the same in either order.
pub(super) fn pair(a: Endpoint, b: Endpoint, protocol: u8) -> u32 {
    let ends = fold(a.min(b).0 ^ KEYS[0], a.max(b).0 ^ KEYS[1]);
    let hash = fold(ends ^ u64::from(protocol), KEYS[2]);
    (hash >> 32) as u32
}

/// The product's two halves, mixed.
fn fold(a: u64, b: u64) -> u64 {
    let (high, low) = split(u128::from(a) * u128::from(b));
    high ^ low
}

fn split(both: u128) -> (u64, u64) {
    ((both >> 64) as u64, (both & 0xffff_ffff_ffff_ffff) as u64)
}
