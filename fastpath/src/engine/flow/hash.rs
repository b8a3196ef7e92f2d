//! The hash of a flow key.

use super::key::FlowKey;

/// Hashes keys under a secret.
///
/// Multiplications folded to 64 bits, as wyhash and ahash do, with secret words on every input. Someone who does not know
/// the seed cannot compute keys that fall together. It is no cryptographic PRF: it does not resist someone who sees hashes
/// (nothing shows them) or who can time single look-ups well enough to learn which keys fall together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hasher([u64; 7]);

impl Hasher {
    pub(super) fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(std::array::from_fn(|_| split_mix(&mut state)))
    }

    pub(super) fn hash(&self, key: &FlowKey) -> u64 {
        let [a, b, c, d, e, f] = key.words();
        let secret = &self.0;
        let low = fold(a ^ secret[0], b ^ secret[1]);
        let high = fold(c ^ secret[2], d ^ secret[3]);
        let rest = fold(e ^ secret[4], f ^ secret[5]);
        fold(low ^ high.rotate_left(23) ^ secret[6], rest ^ low.rotate_left(41) ^ high)
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product & 0xffff_ffff_ffff_ffff) as u64 ^ (product >> 64) as u64
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
