//! Sets of values that rules ask and add to (`dataset`, `datarep`; Suricata's "Datasets").

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
    net::{IpAddr, Ipv6Addr},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What the values of a set are, and how its file has them: one on a line, behind a comma a reputation if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any bytes; in base64.
    String,
    /// MD5 sums, 16 bytes; in hexadecimal.
    Md5,
    /// SHA-256 sums, 32 bytes; in hexadecimal.
    Sha256,
    /// IPv4 addresses.
    Ipv4,
    /// Addresses (`ip`, and `ipv6`, which takes both as well).
    Ip,
}

/// Where additions go; who adds to different parts does not wait for each other.
const SHARDS: usize = 16;

/// What a value costs beside its bytes, of those that count towards [`Limits::memory`].
const OVERHEAD: u64 = 64;

/// A set. What its file says is looked up without a lock, as long as nothing was changed.
///
/// What rules change lies beside that, in an ordered map per shard: its keys are the traffic's, and no choice of them makes it slow.
#[derive(Debug)]
pub struct Dataset {
    name: String,
    kind: Kind,
    /// As it was read, with reputations.
    loaded: HashMap<Box<[u8]>, u16, BuildHasherDefault<DefaultHasher>>,
    /// What rules have added (true) or taken out (false).
    changed: [RwLock<BTreeMap<Box<[u8]>, bool>>; SHARDS],
    /// How many changes there were: while there was none, no lock is needed.
    changes: AtomicU64,
    /// Bytes that the values take.
    memory: AtomicU64,
    memcap: u64,
    /// Values that were not added, because there was no room.
    refused: AtomicU64,
    /// Tells the text that it was read from from others.
    origin: u64,
    save: Option<String>,
}

/// Why a set's file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct BadLine {
    /// From 1.
    pub(in crate::engine::rules) line: usize,
    /// What is wrong.
    pub(in crate::engine::rules) reason: String,
}

/// What a rule says of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) struct Definition {
    pub(in crate::engine::rules) name: String,
    pub(in crate::engine::rules) kind: Kind,
    /// Bytes that its values may take.
    pub(in crate::engine::rules) memcap: u64,
    /// Name of the file that it is to be written to in the end.
    pub(in crate::engine::rules) save: Option<String>,
}

impl Dataset {
    /// A set with what `text`, its file, has.
    pub(in crate::engine::rules) fn new(definition: Definition, text: &str) -> Result<Self, BadLine> {
        let Definition { name, kind, memcap, save } = definition;
        let mut loaded: HashMap<Box<[u8]>, u16, _> = HashMap::default();
        let mut memory = 0_u64;
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let (value, reputation) = kind.parse_line(text).map_err(|reason| BadLine { line, reason })?;
            let size = OVERHEAD.saturating_add(value.len() as u64);
            if loaded.insert(value, reputation).is_none() {
                memory = memory.saturating_add(size);
            }
            if memory > memcap {
                return Err(BadLine {
                    line,
                    reason: format!("the values up to here take more than {memcap} bytes: raise `memcap`"),
                });
            }
        }
        Ok(Self {
            name,
            kind,
            loaded,
            changed: Default::default(),
            changes: AtomicU64::new(0),
            memory: AtomicU64::new(memory),
            memcap,
            refused: AtomicU64::new(0),
            origin: fingerprint(text),
            save,
        })
    }

    /// Whether it is what `definition` and `text` make, beside what rules have changed since.
    pub(super) fn is_of(&self, definition: &Definition, text: &str) -> bool {
        let Self { name, kind, memcap, save, .. } = self;
        (name, kind, memcap, save)
            == (&definition.name, &definition.kind, &definition.memcap, &definition.save)
            && self.origin == fingerprint(text)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its values are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Name of the file that [`Self::lines`] are to be written to in the end (`save`, `state`), as the rule has it.
    pub fn save(&self) -> Option<&str> {
        self.save.as_deref()
    }

    /// Values that could not be added, because the set's memory was used up.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether a buffer's bytes are in it. Of addresses these are 4 or 16, of sums the sum itself; others are in no such set.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.kind.value_of(bytes).is_some_and(|value| self.contains(value.as_slice()))
    }

    /// Adds a buffer's bytes; false when they were there, cannot be there, or there is no room for them ([`Self::refused`]).
    pub fn add(&self, bytes: &[u8]) -> bool {
        let Some(value) = self.kind.value_of(bytes) else { return false };
        let value = value.as_slice();
        if self.contains(value) {
            return false;
        }
        let mut shard = self.shard(value).write().unwrap_or_else(PoisonError::into_inner);
        let known = shard.get(value).copied();
        if known.unwrap_or_else(|| self.loaded.contains_key(value)) {
            return false;
        }
        // One that was taken out is still there as such.
        if known.is_none() && !self.reserve(value) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        shard.insert(value.into(), true);
        self.changes.fetch_add(1, Ordering::Release);
        true
    }

    /// Takes a buffer's bytes out; false when they were not there.
    pub fn remove(&self, bytes: &[u8]) -> bool {
        let Some(value) = self.kind.value_of(bytes) else { return false };
        let value = value.as_slice();
        if !self.contains(value) {
            return false;
        }
        let mut shard = self.shard(value).write().unwrap_or_else(PoisonError::into_inner);
        if self.loaded.contains_key(value) {
            self.changes.fetch_add(1, Ordering::Release);
            // No room is needed: at most all that was read is noted down once more.
            shard.insert(value.into(), false) != Some(false)
        } else {
            let there = shard.remove(value).is_some();
            if there {
                self.memory.fetch_sub(OVERHEAD.saturating_add(value.len() as u64), Ordering::Relaxed);
            }
            there
        }
    }

    /// The reputation of a buffer's bytes; none when they are not in the set. What rules have added has 0.
    pub fn reputation(&self, bytes: &[u8]) -> Option<u16> {
        let value = self.kind.value_of(bytes)?;
        let value = value.as_slice();
        self.contains(value).then(|| self.loaded.get(value).copied().unwrap_or(0))
    }

    /// What a file of it would have, in order.
    pub fn lines(&self) -> Vec<String> {
        let mut values: BTreeMap<Box<[u8]>, u16> =
            self.loaded.iter().map(|(value, reputation)| (value.clone(), *reputation)).collect();
        for shard in &self.changed {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            for (value, &there) in shard.iter() {
                if there {
                    values.entry(value.clone()).or_insert(0);
                } else {
                    values.remove(value);
                }
            }
        }
        let line = |(value, reputation): (Box<[u8]>, u16)| match reputation {
            0 => self.kind.text_of(&value),
            reputation => format!("{},{reputation}", self.kind.text_of(&value)),
        };
        values.into_iter().map(line).collect()
    }

    fn contains(&self, value: &[u8]) -> bool {
        if self.changes.load(Ordering::Acquire) != 0 {
            let shard = self.shard(value).read().unwrap_or_else(PoisonError::into_inner);
            if let Some(&there) = shard.get(value) {
                return there;
            }
        }
        self.loaded.contains_key(value)
    }

    fn shard(&self, value: &[u8]) -> &RwLock<BTreeMap<Box<[u8]>, bool>> {
        let [low, ..] = fingerprint(value).to_le_bytes();
        &self.changed[usize::from(low) % SHARDS]
    }

    /// Takes room for a value, if there is some.
    fn reserve(&self, value: &[u8]) -> bool {
        let size = OVERHEAD.saturating_add(value.len() as u64);
        let fits = |used: u64| used.checked_add(size).filter(|&used| used <= self.memcap);
        self.memory.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

fn fingerprint(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// A value as it is kept: of an IPv4 address that stands for itself in IPv6 (RFC 4291, section 2.5.5.2) its four bytes.
enum Value<'a> {
    Bytes(&'a [u8]),
    Ipv4([u8; 4]),
}

impl Value<'_> {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Ipv4(octets) => octets,
        }
    }
}

impl Kind {
    /// The set types of the language.
    pub(in crate::engine::rules) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "md5" => Self::Md5,
            "sha256" => Self::Sha256,
            "ipv4" => Self::Ipv4,
            "ipv6" | "ip" => Self::Ip,
            _ => return None,
        })
    }

    fn value_of(self, bytes: &[u8]) -> Option<Value<'_>> {
        let whole = |length: usize| (bytes.len() == length).then_some(Value::Bytes(bytes));
        match self {
            Self::String => (!bytes.is_empty()).then_some(Value::Bytes(bytes)),
            Self::Md5 => whole(16),
            Self::Sha256 => whole(32),
            Self::Ipv4 => whole(4),
            Self::Ip => match <[u8; 16]>::try_from(bytes) {
                Ok(octets) => match Ipv6Addr::from(octets).to_ipv4_mapped() {
                    Some(v4) => Some(Value::Ipv4(v4.octets())),
                    None => whole(16),
                },
                Err(_) => whole(4),
            },
        }
    }

    fn parse_line(self, line: &str) -> Result<(Box<[u8]>, u16), String> {
        let (text, reputation) = match line.trim().split_once(',') {
            Some((text, reputation)) => (text.trim_end(), Some(reputation.trim())),
            None => (line.trim(), None),
        };
        let reputation = match reputation {
            Some(text) => {
                text.parse().map_err(|_| format!("`{text}` is no reputation: a number from 0 to 65535"))?
            }
            None => 0,
        };
        let bytes: Vec<u8> = match self {
            Self::String => {
                STANDARD.decode(text).map_err(|error| format!("`{text}` is no base64: {error}"))?
            }
            Self::Md5 | Self::Sha256 => {
                from_hex(text).ok_or_else(|| format!("`{text}` is no hexadecimal number"))?
            }
            Self::Ipv4 | Self::Ip => match text.parse() {
                Ok(IpAddr::V4(address)) => address.octets().to_vec(),
                Ok(IpAddr::V6(address)) => address.octets().to_vec(),
                Err(_) => return Err(format!("`{text}` is no address")),
            },
        };
        match self.value_of(&bytes) {
            Some(value) => Ok((value.as_slice().into(), reputation)),
            None => Err(format!("`{text}` is none of the values of such a set, by its length")),
        }
    }

    fn text_of(self, value: &[u8]) -> String {
        match (self, value) {
            (Self::String, _) => STANDARD.encode(value),
            (Self::Ipv4 | Self::Ip, &[a, b, c, d]) => IpAddr::from([a, b, c, d]).to_string(),
            (Self::Ip, _) if value.len() == 16 => {
                let mut octets = [0; 16];
                octets.copy_from_slice(value);
                IpAddr::from(octets).to_string()
            }
            _ => value.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests;
