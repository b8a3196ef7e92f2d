//! Whether both directions of a connection come on the same queue number.

use super::{
    super::{
        Purpose,
        facts::{Facts, Port},
    },
    Check, Topic,
};
use crate::{config::Wire, nic::ethtool::Rss};

const SYMMETRY: Topic = Topic::new(
    "rss-symmetry",
    "where RSS is not symmetric the two directions of a connection come to different workers",
);

/// ETH_RSS_HASH_* (linux/ethtool.h, by bit).
const TOEPLITZ: u8 = 1;
const XOR: u8 = 1 << 1;
/// RXH_XFRM_SYM_XOR: addresses and ports are combined with XOR before they are hashed.
const SYMMETRIC_XOR: u8 = 1;
/// RXH_XFRM_SYM_OR_XOR: the same with both OR and XOR.
const SYMMETRIC_OR_XOR: u8 = 1 << 1;
/// Bytes of the key that a Toeplitz hash of the longest input uses: two IPv6 addresses and two ports are 36
/// bytes, and each bit of them takes the 32 bits of the key that start at its place.
const USED: usize = 36 + 4;
/// The same for IPv4: 12 bytes.
const LEAST: usize = 12 + 4;
/// RXH_IP_SRC and RXH_IP_DST, what a fragment is hashed by.
const ADDRESSES: u64 = 1 << 4 | 1 << 5;
/// Drivers that take their key from the kernel (netdev_rss_key_fill() in igb_main.c and igc_main.c), 40 bytes of
/// it, and in most versions do not tell it.
const KERNEL_KEY: &[&str] = &["igb", "igc"];

/// Whether two frames that differ by source and destination being swapped have the same hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetry {
    /// They have, because …
    Symmetric(&'static str),
    /// They have not, because …
    Asymmetric(&'static str),
    /// There is no telling, because …
    Unknown(&'static str),
}

/// Symmetry of a hash, by function, transform and key.
pub fn symmetry(rss: &Rss) -> Symmetry {
    if rss.transform & (SYMMETRIC_XOR | SYMMETRIC_OR_XOR) != 0 {
        return Symmetry::Symmetric("the driver hashes addresses and ports combined (symmetric-xor)");
    }
    match rss.function {
        XOR => Symmetry::Symmetric("an XOR hash does not tell source from destination"),
        TOEPLITZ => toeplitz(&rss.key),
        _ => Symmetry::Unknown("the driver does not say which hash function it uses"),
    }
}

/// Addresses and ports change places by 32, 128 or 16 bits, all multiples of 16: the hash is the same whenever
/// the key repeats every 16 bits over the length that is used.
fn toeplitz(key: &[u8]) -> Symmetry {
    let used = &key[..key.len().min(USED)];
    if used.len() < LEAST {
        return Symmetry::Unknown("the hash key cannot be read");
    }
    if used.iter().all(|byte| *byte == 0) {
        // Either the driver shows no key, or every flow has hash 0.
        return Symmetry::Unknown("the hash key is shown as zeros");
    }
    match used.iter().zip(&used[2..]).all(|(byte, next)| byte == next) {
        true => Symmetry::Symmetric("the Toeplitz key repeats every 16 bits"),
        false => Symmetry::Asymmetric("the Toeplitz key does not repeat every 16 bits"),
    }
}

/// Queues that frames can come on.
fn reached(port: &Port) -> usize {
    port.link.rss_queues.as_ref().map_or(port.link.rx_queues as usize, Vec::len)
}

/// What keeps fragments and the packets of tunnels from the queue of their flow: a hash that they are not hashed by.
fn strays(port: &Port) -> Option<&'static str> {
    match port.rss.as_ref().and_then(|rss| rss.fields) {
        _ if reached(port) <= 1 => None,
        Some(ADDRESSES) => None,
        Some(_) => Some(
            "fragments come on another queue than their flow, because its hash takes more than the addresses",
        ),
        None => Some(
            "the driver does not tell what its hash takes, so fragments may come on another queue than their flow",
        ),
    }
}

/// Symmetry of one port.
fn of_port(facts: &Facts, port: &Port) -> Symmetry {
    if reached(port) <= 1 {
        return Symmetry::Symmetric("all frames come on one queue");
    }
    let driver = port.driver();
    if driver == "veth" {
        return Symmetry::Asymmetric("a veth has no RSS: frames come on the number of the sender's tx queue");
    }
    match (&port.rss, &facts.machine.rss_key) {
        (Some(rss), _) if !rss.key.is_empty() || rss.function == XOR || rss.transform != 0 => symmetry(rss),
        (_, Some(key)) if KERNEL_KEY.contains(&driver) => toeplitz(key),
        _ => Symmetry::Unknown("the driver does not tell its hash key"),
    }
}

/// Whether all of every flow over `wire` comes on the same queue number, both directions and fragments too: what proves it, or
/// what is missing.
pub fn proof(facts: &Facts, wire: &Wire) -> Result<&'static str, String> {
    let mut ports = Vec::new();
    let mut proof = "";
    for name in wire.ports() {
        let port = facts.ports.iter().find(|port| port.link.name == name);
        let port = port.ok_or_else(|| format!("{name}: nothing is known of its RSS"))?;
        match of_port(facts, port) {
            Symmetry::Symmetric(why) => proof = why,
            Symmetry::Asymmetric(why) | Symmetry::Unknown(why) => return Err(format!("{name}: {why}")),
        }
        if let Some(why) = strays(port) {
            return Err(format!("{name}: {why}"));
        }
        ports.push(port);
    }
    match ports.as_slice() {
        [left, right] if !agree(facts, left, right) => {
            let (left, right) = (&left.link.name, &right.link.name);
            Err(format!("{left} and {right} do not map equal hashes to the same queues"))
        }
        _ => Ok(proof),
    }
}

/// One check per port, and for a bridge whether its ports agree: a flow goes into one and comes back into the
/// other.
pub(super) fn checks(purpose: &Purpose<'_>, facts: &Facts) -> Vec<Check> {
    let port = |name: &str| facts.ports.iter().find(|port| port.link.name == name);
    let mut all = Vec::new();
    for wire in &purpose.config.wires {
        let ports: Vec<&Port> = wire.ports().filter_map(port).collect();
        let mut symmetric = true;
        for port in &ports {
            let check = match of_port(facts, port) {
                Symmetry::Symmetric(why) => SYMMETRY.ok(why),
                Symmetry::Asymmetric(why) => SYMMETRY.warn(why, mend(port)),
                Symmetry::Unknown(why) => SYMMETRY.unknown(why),
            };
            symmetric &= check.status == super::Status::Ok;
            all.push(check.on(&port.link.name));
        }
        if let [left, right] = ports.as_slice()
            && symmetric
            && !agree(facts, left, right)
        {
            let (left, right) = (&left.link.name, &right.link.name);
            let fix = format!(
                "ethtool -x {left}, and give {right} the same key, table and number of queues (ethtool -X, -L)"
            );
            let finding =
                format!("each hash is symmetric, but {left} and {right} do not map it to the same queues");
            all.push(SYMMETRY.warn(finding, fix).on(left));
        }
    }
    all
}

/// Equal hashes come on equal queues.
fn agree(facts: &Facts, left: &Port, right: &Port) -> bool {
    let one = |port: &Port| {
        port.link.rss_queues.as_ref().map_or(port.link.rx_queues, |q| q.len().try_into().unwrap_or(0))
    };
    if one(left) == 1 || one(right) == 1 {
        return one(left) == one(right) && left.link.rss_queues == right.link.rss_queues;
    }
    match (&left.rss, &right.rss) {
        (Some(left), Some(right)) => left == right,
        // Both have the kernel's key.
        (None, None) => facts.machine.rss_key.is_some() && left.link.rss_queues == right.link.rss_queues,
        _ => false,
    }
}

/// The command that makes the hash symmetric. A key of another length is refused, so it is the port's own.
fn mend(port: &Port) -> String {
    let name = &port.link.name;
    match port.rss.as_ref().map_or(0, |rss| rss.key.len()) {
        0 => "none for this hash; one queue for everything (ethtool -L combined 1), or accept it".into(),
        length => {
            let key = vec!["6d:5a"; length / 2].join(":");
            format!(
                "ethtool -X {name} hkey {key} (or, where the driver has it: ethtool -X {name} xfrm symmetric-xor)"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::sample::{config, healthy, is_ok, is_unknown, purpose, warns},
        *,
    };

    /// The key that netdev_rss_key_fill() might make, and that of Microsoft's RSS specification.
    const MICROSOFT: [u8; 40] = [
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0,
        0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42,
        0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
    ];

    fn repeated(length: usize) -> Vec<u8> {
        [0x6d, 0x5a].into_iter().cycle().take(length).collect()
    }

    fn with_key(key: &[u8]) -> Rss {
        Rss { function: TOEPLITZ, transform: 0, key: key.into(), table: vec![0, 1, 2, 3], fields: Some(0xf0) }
    }

    /// The hash itself, to hold the claim against: Microsoft, "RSS hashing functions".
    fn hash(key: &[u8], input: &[u8]) -> u32 {
        let bit = |at: usize| key.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        let window = |at: usize| (0..32).fold(0, |word, i| word << 1 | u32::from(bit(at + i)));
        (0..input.len() * 8)
            .filter(|at| input[at / 8] >> (7 - at % 8) & 1 == 1)
            .fold(0, |hash, at| hash ^ window(at))
    }

    #[test]
    fn a_key_of_period_16_is_symmetric_and_no_other_is() {
        assert!(matches!(symmetry(&with_key(&repeated(40))), Symmetry::Symmetric(_)));
        // What lies behind the longest input is never used.
        let mut longer = repeated(52);
        longer[45] = 1;
        assert!(matches!(symmetry(&with_key(&longer)), Symmetry::Symmetric(_)));
        for at in 0..40 {
            let mut key = repeated(40);
            key[at] ^= 1;
            assert!(matches!(symmetry(&with_key(&key)), Symmetry::Asymmetric(_)), "byte {at}");
        }
        assert!(matches!(symmetry(&with_key(&MICROSOFT)), Symmetry::Asymmetric(_)));
        assert!(matches!(symmetry(&with_key(&[])), Symmetry::Unknown(_)));
        assert!(matches!(symmetry(&with_key(&[0; 40])), Symmetry::Unknown(_)));
    }

    #[test]
    fn the_hash_agrees() {
        // From Microsoft's verification suite: 66.9.149.187:2794 to 161.142.100.80:1766.
        let forth = [66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6];
        let back = [161, 142, 100, 80, 66, 9, 149, 187, 0x06, 0xe6, 0x0a, 0xea];
        assert_eq!(hash(&MICROSOFT, &forth), 0x51cc_c178);
        assert_ne!(hash(&MICROSOFT, &forth), hash(&MICROSOFT, &back));
        assert_eq!(hash(&repeated(40), &forth), hash(&repeated(40), &back));
        let six =
            |a: u8, b: u8| [[a; 16], [b; 16]].concat().into_iter().chain([a, 1, b, 2]).collect::<Vec<_>>();
        let swapped: Vec<u8> = [[9; 16], [3; 16]].concat().into_iter().chain([9, 2, 3, 1]).collect();
        assert_eq!(hash(&repeated(40), &six(3, 9)), hash(&repeated(40), &swapped));
        assert_ne!(hash(&MICROSOFT, &six(3, 9)), hash(&MICROSOFT, &swapped));
    }

    #[test]
    fn functions_and_transforms_go_before_the_key() {
        assert!(matches!(symmetry(&Rss { function: XOR, ..Rss::default() }), Symmetry::Symmetric(_)));
        let xor = Rss { transform: SYMMETRIC_XOR, ..with_key(&MICROSOFT) };
        assert!(matches!(symmetry(&xor), Symmetry::Symmetric(_)));
        assert!(matches!(symmetry(&Rss { function: 4, ..with_key(&MICROSOFT) }), Symmetry::Unknown(_)));
    }

    fn checked(change: impl FnOnce(&mut Facts)) -> Vec<Check> {
        let config = config();
        let mut facts = healthy();
        change(&mut facts);
        checks(&purpose(&config), &facts)
    }

    #[test]
    fn an_asymmetric_port_is_warned_of() {
        for check in checked(|_| {}) {
            is_ok(&check);
        }
        let found = checked(|f| f.ports[0].rss = Some(with_key(&MICROSOFT)));
        warns(&found[0], &format!("ethtool -X a hkey {} (", vec!["6d:5a"; 20].join(":")));
        assert_eq!(found.len(), 2);
        let veth = checked(|f| {
            f.ports[1].link.driver = Some("veth".into());
            f.ports[1].rss = None;
        });
        warns(&veth[1], "none");
        is_ok(
            &checked(|f| {
                f.ports[1].link.driver = Some("veth".into());
                f.ports[1].link.rss_queues = Some(vec![0]);
            })[1],
        );
    }

    #[test]
    fn two_symmetric_ports_must_agree() {
        let found = checked(|f| f.ports[1].rss.as_mut().unwrap().table = vec![3, 2, 1, 0]);
        assert_eq!(found.len(), 3);
        warns(&found[2], "give b the same key");
        let found = checked(|f| f.ports[1].rss.as_mut().unwrap().key = [1, 2].repeat(20));
        warns(&found[2], "give b the same key");
    }

    #[test]
    fn a_wire_needs_no_steering_only_by_proof() {
        let config = config();
        let proof = |change: fn(&mut Facts)| {
            let mut facts = healthy();
            facts.ports.iter_mut().for_each(|port| port.rss.as_mut().unwrap().fields = Some(ADDRESSES));
            change(&mut facts);
            proof(&facts, &config.wires[0])
        };
        assert!(proof(|_| {}).unwrap().contains("Toeplitz"));
        let error = |change| proof(change).unwrap_err();
        assert!(error(|f| f.ports[1].rss = None).starts_with("b: "));
        assert!(error(|f| f.ports[0].rss = Some(with_key(&MICROSOFT))).starts_with("a: "));
        assert!(error(|f| f.ports[1].rss.as_mut().unwrap().table = vec![3, 2, 1, 0]).contains("a and b"));
        assert!(error(|f| drop(f.ports.pop())).starts_with("b: "));
        assert!(error(|f| f.ports[1].rss.as_mut().unwrap().fields = Some(0xf0)).starts_with("b: fragments"));
        assert!(error(|f| f.ports[0].rss.as_mut().unwrap().fields = None).starts_with("a: the driver"));
        assert!(
            proof(|f| {
                for port in &mut f.ports {
                    port.link.rss_queues = Some(vec![0]);
                    port.rss = None;
                }
            })
            .is_ok()
        );
    }

    #[test]
    fn igb_has_the_kernel_s_key() {
        let igb = |key: Option<Vec<u8>>| {
            checked(|f| {
                for port in &mut f.ports {
                    port.link.driver = Some("igb".into());
                    port.rss = None;
                }
                f.machine.rss_key = key;
            })
        };
        warns(&igb(Some(MICROSOFT.into()))[0], "none");
        let symmetric = igb(Some(repeated(52)));
        assert_eq!(symmetric.len(), 2);
        is_ok(&symmetric[0]);
        is_unknown(&igb(Some(vec![0; 52]))[0]);
        is_unknown(&igb(None)[0]);
        is_unknown(&checked(|f| f.ports[0].rss = None)[0]);
    }
}
