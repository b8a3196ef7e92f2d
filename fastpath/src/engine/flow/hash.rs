//! The hashes of flows: one of the two ends, by which a packet finds its worker, and made of it one of the whole key, by
//! which it finds its flow there.

use super::key::FlowKey;

/// Hashes under a secret.
///
/// Multiplications folded to 64 bits, as wyhash and ahash do, with secret words on every input. Someone who does not know
/// the seed cannot compute flows that fall together, on one worker or in one bucket. It is no cryptographic PRF: it does not
/// resist someone who sees hashes (nothing shows them) or who can time single look-ups well enough to learn which keys fall
/// together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hasher([u64; 7]);

/// One end of a flow, in an order that both directions agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint(u64);

impl Hasher {
    /// Equal seeds give equal hashes.
    pub(super) fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(std::array::from_fn(|_| split_mix(&mut state)))
    }

    pub(super) fn v4(address: [u8; 4], port: u16) -> Endpoint {
        Endpoint(u64::from(u32::from_ne_bytes(address)) << 16 | u64::from(port))
    }

    pub(super) fn v6(&self, address: [u8; 16], port: u16) -> Endpoint {
        let [.., high_secret, low_secret] = self.0;
        let (high, low) = split(u128::from_ne_bytes(address));
        Endpoint(fold(high ^ high_secret, low ^ low_secret).wrapping_add(port.into()))
    }

    /// The hash of what lies between two ends, the same in either order.
    pub(super) fn between(&self, a: Endpoint, b: Endpoint, protocol: u8) -> u64 {
        let [first, second, third, ..] = self.0;
        let ends = fold(a.min(b).0 ^ first, a.max(b).0 ^ second);
        fold(ends ^ u64::from(protocol), third)
    }

    /// The hash of a flow, from that of its ends and what else is part of its key.
    pub(super) fn flow(&self, ends: u64, [outer, middle, inner]: [u16; 3], layer: u8) -> u64 {
        let [.., fourth, fifth, _, _] = self.0;
        let [outer, middle, inner] = [outer, middle, inner].map(u64::from);
        fold(ends ^ fourth, fifth ^ outer << 48 ^ middle << 32 ^ inner << 16 ^ u64::from(layer))
    }

    /// The hash of a flow with this key.
    pub(super) fn hash(&self, key: &FlowKey) -> u64 {
        let [low, high] = key.ends(self);
        self.flow(self.between(low, high, key.protocol()), key.vlan(), key.layer())
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let (high, low) = split(u128::from(a) * u128::from(b));
    high ^ low
}

fn split(both: u128) -> (u64, u64) {
    ((both >> 64) as u64, (both & 0xffff_ffff_ffff_ffff) as u64)
}

/// SplitMix64 (Steele, Lea, Flood 2014): spreads a seed over many words.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::key::{Tracking, Tuple};
    use super::*;

    /// How many of 65,536 neighbouring keys share 24 bits with another one: by chance about 256.
    fn collisions(shift: u32, seed: u64) -> usize {
        let hasher = Hasher::new(seed);
        let mut seen: Vec<u64> = (0..=u16::MAX)
            .map(|n| {
                let [a, b] = n.to_be_bytes();
                let tuple = Tuple {
                    source: [10, 0, a, b].into(),
                    destination: [10, 1, 0, 1].into(),
                    protocol: 6,
                    ports: (n.wrapping_mul(3), 80),
                    icmp_code: 0,
                    vlan: [None; 3],
                    recursion: 0,
                };
                hasher.hash(&FlowKey::of(&tuple, Tracking::default()).0) >> shift & 0xff_ffff
            })
            .collect();
        seen.sort_unstable();
        seen.dedup();
        65_536 - seen.len()
    }

    #[test]
    fn neighbours_are_spread_by_every_part_of_the_hash() {
        for seed in [0, 1, 0xdead_beef] {
            for shift in [0, 16, 32, 40] {
                let count = collisions(shift, seed);
                assert!((60..240).contains(&count), "{count} at {shift} with seed {seed}");
            }
        }
    }
}
