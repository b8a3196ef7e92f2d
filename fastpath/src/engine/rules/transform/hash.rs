//! `to_md5`, `to_sha1`, `to_sha256`.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine::rules) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
}

impl Algorithm {
    /// Bytes of a hash.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    pub(super) fn hash(self, input: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Md5 => out.extend_from_slice(&Md5::digest(input)),
            Self::Sha1 => out.extend_from_slice(&Sha1::digest(input)),
            Self::Sha256 => out.extend_from_slice(&Sha256::digest(input)),
        }
    }
}
