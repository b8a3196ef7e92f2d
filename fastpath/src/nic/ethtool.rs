//! What drivers tell and take through ioctl(SIOCETHTOOL) (linux/ethtool.h).
//!
//! Every structure is an array of 32-bit words, the first of which is the command. A driver that lacks a
//! command answers EOPNOTSUPP, which is `None` here. Sizes that the kernel reports are checked before use.

use std::io;

use super::link::{Control, Request, text};

const GSET: u32 = 0x01;
const GDRVINFO: u32 = 0x03;
const GLINK: u32 = 0x0a;
const GRXFH: u32 = 0x29;
const GSTRINGS: u32 = 0x1b;
const GSSET_INFO: u32 = 0x37;
const GRXFHINDIR: u32 = 0x38;
const GFEATURES: u32 = 0x3a;
const SFEATURES: u32 = 0x3b;
const GCHANNELS: u32 = 0x3c;
const GRSSH: u32 = 0x46;

/// The set of strings that names the features.
const SS_FEATURES: u32 = 4;
/// ETH_GSTRING_LEN in words.
const STRING_WORDS: usize = 8;
/// TCP_V4_FLOW to SCTP_V6_FLOW, those of a transport with ports.
const FLOWS_WITH_PORTS: [u32; 6] = [1, 2, 3, 5, 6, 7];
/// Largest plausible sizes: far above any driver's, small enough to allocate without thought.
const MAX_TABLE: u32 = 1 << 16;
const MAX_FEATURES: u32 = 1024;
const MAX_KEY: u32 = 1024;

/// Queues in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Rx queues: rx-only and combined channels.
    pub rx: u32,
    /// Tx queues: tx-only and combined channels.
    pub tx: u32,
    /// The most rx queues that the driver can have.
    pub most_rx: u32,
}

/// Name of the driver and the bus address of its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// `ice`, `veth`, …
    pub name: String,
    /// `0000:3b:00.0`; empty for virtual devices.
    pub bus: String,
}

/// Queues in use (`ethtool -l`).
pub fn channels(control: &Control, port: &str) -> io::Result<Option<Channels>> {
    // struct ethtool_channels: cmd, four maxima, then rx, tx, other, combined.
    let mut words = [0; 9];
    words[0] = GCHANNELS;
    // SAFETY: GCHANNELS writes one struct ethtool_channels of 9 words.
    let answered = supported(unsafe { exchange(control, port, &mut words) })?;
    let [_, most_rx, _, _, most_combined, rx, tx, _other, combined] = words;
    Ok(answered.map(|_| Channels {
        rx: rx.saturating_add(combined),
        tx: tx.saturating_add(combined),
        // Drivers with both count the same queues twice.
        most_rx: most_rx.max(most_combined),
    }))
}

/// The driver (`ethtool -i`).
pub fn driver(control: &Control, port: &str) -> io::Result<Option<Driver>> {
    // struct ethtool_drvinfo: cmd, then texts of 32 bytes (driver, version, firmware, bus, …); 196 bytes.
    let mut words = [0; 49];
    words[0] = GDRVINFO;
    // SAFETY: GDRVINFO writes one struct ethtool_drvinfo of 49 words.
    let answered = supported(unsafe { exchange(control, port, &mut words) })?;
    Ok(answered.map(|_| Driver { name: words_text(&words[1..9]), bus: words_text(&words[25..33]) }))
}

/// True when the far side of the link is there. Devices that cannot tell always have it.
pub fn carrier(control: &Control, port: &str) -> io::Result<bool> {
    let mut words = [GLINK, 0];
    // SAFETY: GLINK writes one struct ethtool_value of 2 words.
    let answered = supported(unsafe { exchange(control, port, &mut words) })?;
    Ok(answered.is_none() || words[1] != 0)
}

/// The rx queues that the RSS indirection table names, ascending (`ethtool -x`); `None` without a table.
pub fn rss_queues(control: &Control, port: &str) -> io::Result<Option<Vec<u32>>> {
    // struct ethtool_rxfh_indir: cmd, size, ring_index[size]. Size 0 asks for the size only.
    let mut head = [GRXFHINDIR, 0];
    // SAFETY: with size 0 the kernel writes back the size word and no entry.
    if supported(unsafe { exchange(control, port, &mut head) })?.is_none() || head[1] == 0 {
        return Ok(None);
    }
    let size = head[1];
    if size > MAX_TABLE {
        return Err(implausible("RSS indirection table", size));
    }
    let mut words = vec![0; 2 + size as usize];
    words[0] = GRXFHINDIR;
    words[1] = size;
    // SAFETY: the kernel writes its own table's entries, and refuses (EINVAL) when they are more than the
    // `size` told to it, which is what `words` has room for.
    unsafe { exchange(control, port, &mut words) }?;
    // The table may have shrunk since its size was asked for.
    let filled = words[1].min(size) as usize;
    let mut queues = words[2..2 + filled].to_vec();
    queues.sort_unstable();
    queues.dedup();
    Ok(Some(queues))
}

/// How a device spreads flows over its rx queues (`ethtool -x`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rss {
    /// ETH_RSS_HASH_* bit in use: 1 Toeplitz, 2 XOR, 4 CRC32; 0 when the driver does not say.
    pub function: u8,
    /// RXH_XFRM_* bits: what is done to addresses and ports before they are hashed.
    pub transform: u8,
    /// Hash key, bytes in the order they are used; empty when it cannot be read.
    pub key: Vec<u8>,
    /// Rx queue for each value of the hash's low bits; empty without a table.
    pub table: Vec<u32>,
    /// RXH_* bits of what is hashed of packets with ports, of all transports together; `None` when the driver does not tell
    /// it of each.
    pub fields: Option<u64>,
}

/// Hash function, key and indirection table of `port`; `None` where the driver tells none of them.
pub fn rss(control: &Control, port: &str) -> io::Result<Option<Rss>> {
    // struct ethtool_rxfh: cmd, context, table size, key size, {function, transform, 2 reserved}, reserved,
    // then the table's words and the key's bytes. Sizes 0 ask for the sizes only.
    const HEAD: usize = 6;
    let mut head = [GRSSH, 0, 0, 0, 0, 0];
    // SAFETY: with both sizes 0 the kernel writes back the head and nothing behind it.
    if supported(unsafe { exchange(control, port, &mut head) })?.is_none() {
        return Ok(None);
    }
    let (table, key) = (head[2], head[3]);
    if table > MAX_TABLE || key > MAX_KEY {
        return Err(implausible("RSS table and key", table.max(key)));
    }
    let table = table as usize;
    let key = key as usize;
    let mut words = vec![0; HEAD + table + key.div_ceil(4)];
    words[..HEAD].copy_from_slice(&[GRSSH, 0, head[2], head[3], 0, 0]);
    // SAFETY: the kernel refuses (EINVAL) sizes that are not its own, and writes a table and a key of the
    // sizes told to it, for which `words` has room.
    unsafe { exchange(control, port, &mut words) }?;
    let [function, transform, ..] = words[4].to_ne_bytes();
    let bytes = words[HEAD + table..].iter().flat_map(|word| word.to_ne_bytes()).take(key);
    let table = words[HEAD..HEAD + table].to_vec();
    Ok(Some(Rss { function, transform, key: bytes.collect(), table, fields: hash_fields(control, port) }))
}

/// What is hashed of packets with ports (`ethtool -n <port> rx-flow-hash tcp4`, …).
fn hash_fields(control: &Control, port: &str) -> Option<u64> {
    FLOWS_WITH_PORTS.into_iter().try_fold(0, |fields, flow| {
        // struct ethtool_rxnfc up to its data: cmd, flow type, 64 bits.
        let mut words = [GRXFH, flow, 0, 0];
        // SAFETY: for GRXFH of the device's own context the kernel reads and writes these 4 words (net/ethtool/ioctl.c).
        unsafe { exchange(control, port, &mut words) }.ok()?;
        let ([a, b, c, d], [e, f, g, h]) = (words[2].to_ne_bytes(), words[3].to_ne_bytes());
        Some(fields | u64::from_ne_bytes([a, b, c, d, e, f, g, h]))
    })
}

/// Speed of the link in Mbit/s; `None` where there is none to tell (no carrier, a virtual device).
pub fn speed(control: &Control, port: &str) -> io::Result<Option<u32>> {
    // struct ethtool_cmd: 44 bytes; the speed's low half at byte 12, its high half at byte 28.
    let mut words = [0; 11];
    words[0] = GSET;
    // SAFETY: GSET writes one struct ethtool_cmd of 11 words.
    if supported(unsafe { exchange(control, port, &mut words) })?.is_none() {
        return Ok(None);
    }
    let ([a, b, ..], [c, d, ..]) = (words[3].to_ne_bytes(), words[7].to_ne_bytes());
    let speed = u32::from(u16::from_ne_bytes([c, d])) << 16 | u32::from(u16::from_ne_bytes([a, b]));
    // SPEED_UNKNOWN is all ones; some drivers write 0, or ones in the low half only.
    Ok((speed != 0 && speed != u32::MAX && speed != u32::from(u16::MAX)).then_some(speed))
}

/// The switches of a device (`ethtool -k`), by their kernel names (`rx-vlan-hw-parse`, `rx-lro`, …).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    names: Vec<String>,
    active: Vec<u32>,
    changeable: Vec<u32>,
}

impl Features {
    /// True when the feature is on. A name this kernel does not know is off.
    pub fn active(&self, feature: &str) -> bool {
        self.bit(feature).is_some_and(|bit| is_set(&self.active, bit))
    }

    /// True when the driver lets the feature be switched (not `[fixed]`).
    pub fn changeable(&self, feature: &str) -> bool {
        self.bit(feature).is_some_and(|bit| is_set(&self.changeable, bit))
    }

    fn bit(&self, feature: &str) -> Option<usize> {
        self.names.iter().position(|name| name == feature)
    }
}

/// The switches of `port`.
pub fn features(control: &Control, port: &str) -> io::Result<Features> {
    // struct ethtool_sset_info: cmd, reserved, a 64-bit mask of sets, one count per set in the mask.
    let mask = (1_u64 << SS_FEATURES).to_ne_bytes();
    let [m0, m1, m2, m3, m4, m5, m6, m7] = mask;
    let mask = [u32::from_ne_bytes([m0, m1, m2, m3]), u32::from_ne_bytes([m4, m5, m6, m7])];
    let mut info = [GSSET_INFO, 0, mask[0], mask[1], 0];
    // SAFETY: the mask names one set, so the kernel writes the head and one count: 5 words.
    unsafe { exchange(control, port, &mut info) }?;
    let count = info[4];
    if count == 0 || count > MAX_FEATURES {
        return Err(implausible("set of features", count));
    }

    // struct ethtool_gstrings: cmd, set, count, then texts of 32 bytes.
    let mut strings = vec![0; 3 + count as usize * STRING_WORDS];
    strings[..3].copy_from_slice(&[GSTRINGS, SS_FEATURES, count]);
    // SAFETY: the kernel writes as many texts as it has features, a constant of the running kernel that
    // was read just above.
    unsafe { exchange(control, port, &mut strings) }?;
    let names = strings[3..].chunks_exact(STRING_WORDS).map(words_text).collect();

    // struct ethtool_gfeatures: cmd, size, then {available, requested, active, never_changed} per 32 bits.
    let blocks = count.div_ceil(32);
    let mut words = vec![0; 2 + 4 * blocks as usize];
    words[..2].copy_from_slice(&[GFEATURES, blocks]);
    // SAFETY: the kernel writes at most the `size` blocks told to it, for which `words` has room.
    unsafe { exchange(control, port, &mut words) }?;
    let column = |at: usize| words[2..].chunks_exact(4).map(|block| block[at]).collect();
    Ok(Features { names, changeable: column(0), active: column(2) })
}

/// Switches the named features, all in one step. `Ok(false)` when the driver did not do all of it.
pub fn switch(control: &Control, port: &str, known: &Features, names: &[&str], on: bool) -> io::Result<bool> {
    // struct ethtool_sfeatures: cmd, size, then {valid, requested} per 32 bits.
    let blocks = known.active.len();
    let mut words = vec![0; 2 + 2 * blocks];
    words[0] = SFEATURES;
    words[1] = u32::try_from(blocks).map_err(io::Error::other)?;
    for name in names {
        let bit =
            known.bit(name).ok_or_else(|| io::Error::other(format!("this kernel knows no `{name}`")))?;
        let block = 2 + 2 * (bit / 32);
        words[block] |= 1 << (bit % 32);
        words[block + 1] |= u32::from(on) << (bit % 32);
    }
    // SAFETY: SFEATURES only reads, `size` blocks of 2 words, which `words` holds.
    let unmet = unsafe { exchange(control, port, &mut words) }?;
    Ok(unmet == 0)
}

fn is_set(words: &[u32], bit: usize) -> bool {
    words.get(bit / 32).is_some_and(|word| word >> (bit % 32) & 1 == 1)
}

fn words_text(words: &[u32]) -> String {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    text(&bytes)
}

fn implausible(what: &str, size: u32) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the driver reports a {what} of {size} entries"))
}

/// EOPNOTSUPP is no error but the answer "I have none".
fn supported(answer: io::Result<u32>) -> io::Result<Option<u32>> {
    match answer {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(None),
        answer => answer.map(Some),
    }
}

/// Sends the command in `words[0]` and takes the answer in the same words.
///
/// # Safety
/// `words` must hold all that the kernel reads and writes for this command.
unsafe fn exchange(control: &Control, port: &str, words: &mut [u32]) -> io::Result<u32> {
    let mut request = Request::of(port);
    let address = words.as_mut_ptr().expose_provenance().to_ne_bytes();
    request.value[..address.len()].copy_from_slice(&address);
    // SAFETY: the union holds the address of `words`, borrowed for longer than the call; its length is the
    // caller's promise.
    unsafe { control.ioctl(libc::SIOCETHTOOL as libc::Ioctl, &mut request) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{
        super::namespace::{in_fresh_namespace, veth},
        *,
    };

    /// Features made by hand: (name, active, changeable).
    pub(crate) fn synthetic(features: &[(&str, bool, bool)]) -> Features {
        let bits = |pick: fn(&(&str, bool, bool)) -> bool| {
            features.chunks(32).map(move |block| {
                block
                    .iter()
                    .enumerate()
                    .fold(0, |word, (bit, feature)| word | u32::from(pick(feature)) << bit)
            })
        };
        Features {
            names: features.iter().map(|feature| feature.0.to_owned()).collect(),
            active: bits(|feature| feature.1).collect(),
            changeable: bits(|feature| feature.2).collect(),
        }
    }

    #[test]
    fn a_feature_is_found_beyond_the_first_word() {
        let mut all = vec![("other", false, false); 40];
        all.push(("rx-lro", true, false));
        let features = synthetic(&all);
        assert!(features.active("rx-lro") && !features.changeable("rx-lro"));
        assert!(!features.active("other") && !features.active("unheard-of"));
    }

    #[test]
    fn reads_and_switches_the_features_of_a_veth() {
        in_fresh_namespace(|| {
            veth("left", "right", 2);
            let control = Control::open().unwrap();
            let before = features(&control, "left").unwrap();
            assert!(before.active("rx-vlan-hw-parse") && before.changeable("rx-vlan-hw-parse"));
            assert!(!before.active("rx-lro"));
            assert!(switch(&control, "left", &before, &["rx-vlan-hw-parse"], false).unwrap());
            let after = features(&control, "left").unwrap();
            assert!(!after.active("rx-vlan-hw-parse"));
            assert!(after.active("rx-vlan-stag-hw-parse"), "only the named feature changes");
            // What a driver has fixed is refused, not taken for done.
            assert!(!before.changeable("rx-lro"));
            assert!(!switch(&control, "left", &before, &["rx-lro"], true).unwrap());
            assert!(switch(&control, "left", &before, &["unheard-of"], true).is_err());
        });
    }

    #[test]
    fn tells_channels_driver_and_the_absence_of_rss() {
        in_fresh_namespace(|| {
            veth("left", "right", 3);
            let control = Control::open().unwrap();
            assert_eq!(channels(&control, "left").unwrap(), Some(Channels { rx: 3, tx: 3, most_rx: 3 }));
            assert_eq!(channels(&control, "lo").unwrap(), None);
            assert_eq!(rss_queues(&control, "left").unwrap(), None);
            assert_eq!(rss(&control, "left").unwrap(), None);
            assert_eq!(speed(&control, "left").unwrap(), Some(10_000), "what a veth claims");
            assert_eq!(speed(&control, "lo").unwrap(), None);
            let veth = driver(&control, "left").unwrap();
            assert_eq!(veth, Some(Driver { name: "veth".into(), bus: String::new() }));
            assert!(channels(&control, "nothere").is_err());
        });
    }
}
