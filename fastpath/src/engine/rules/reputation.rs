//! What is known of addresses (`iprep`; Suricata's "IP Reputation").

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, DefaultHasher},
    net::IpAddr,
};

/// Categories, and the scores that addresses and networks have in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reputation {
    /// Numbers by name.
    categories: BTreeMap<String, u8>,
    /// Of IPv4 and IPv6: networks by the length of their prefix, the longest first.
    networks: [Vec<(u8, Networks)>; 2],
}

/// Scores by category, of networks of one length, by the bits of their address.
type Networks = HashMap<u128, BTreeMap<u8, u8>, BuildHasherDefault<DefaultHasher>>;

/// Why reputations cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct ReputationError {
    /// File it stands in.
    pub file: String,
    /// Line from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// Categories have numbers below this (Suricata's SREP_MAX_CATS).
const MOST_CATEGORIES: u8 = 60;

/// The largest score.
pub(super) const MOST: u8 = 127;

impl Reputation {
    /// Reads the categories (`number,name,description` on each line) and the lists (`address or network,category,score`), each with the
    /// name it is reported under. A score above 127 counts as 127; of several for the same address the last counts.
    ///
    /// # Errors
    /// The first line that is neither of this form, nor empty, nor a comment (`#`).
    pub fn parse<'a>(
        categories: (&str, &str),
        lists: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ReputationError> {
        let mut this = Self::default();
        each_line(categories, |line| {
            let (number, name) = category(line)?;
            this.categories.insert(name, number);
            Ok(())
        })?;
        let mut networks: [BTreeMap<u8, Networks>; 2] = Default::default();
        for list in lists {
            each_line(list, |line| {
                let (address, length, category, score) = entry(line)?;
                let networks = networks[usize::from(address.is_ipv6())].entry(length).or_default();
                networks.entry(prefix(address, length)).or_default().insert(category, score);
                Ok(())
            })?;
        }
        this.networks = networks.map(|networks| networks.into_iter().rev().collect());
        Ok(this)
    }

    /// The number of a category.
    pub(super) fn category(&self, name: &str) -> Option<u8> {
        self.categories.get(name).copied()
    }

    /// The score of an address: that of the smallest network that has one.
    pub(super) fn score(&self, address: IpAddr, category: u8) -> Option<u8> {
        self.networks[usize::from(address.is_ipv6())]
            .iter()
            .find_map(|(length, networks)| networks.get(&prefix(address, *length))?.get(&category).copied())
    }
}

/// The first `length` bits of an address, the others 0.
fn prefix(address: IpAddr, length: u8) -> u128 {
    let (bits, all) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let others = u32::from(u8::saturating_sub(all, length));
    bits.checked_shr(others).and_then(|bits| bits.checked_shl(others)).unwrap_or(0)
}

fn each_line(
    (file, text): (&str, &str),
    mut read: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), ReputationError> {
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if !line.is_empty() && !line.starts_with('#') {
            read(line).map_err(|reason| ReputationError { file: file.to_string(), line: number, reason })?;
        }
    }
    Ok(())
}

fn number(text: &str) -> Result<u8, String> {
    let number = text.trim().parse().ok().filter(|number| (1..MOST_CATEGORIES).contains(number));
    number.ok_or_else(|| {
        format!("`{}` is no category: a number from 1 to {}", text.trim(), MOST_CATEGORIES - 1)
    })
}

fn category(line: &str) -> Result<(u8, String), String> {
    let mut parts = line.splitn(3, ',');
    let (Some(first), Some(name)) =
        (parts.next(), parts.next().map(str::trim).filter(|name| !name.is_empty()))
    else {
        return Err("a category is `number,name,description`".into());
    };
    Ok((number(first)?, name.to_string()))
}

fn entry(line: &str) -> Result<(IpAddr, u8, u8, u8), String> {
    let mut parts = line.split(',').map(str::trim);
    let (Some(network), Some(category), Some(score), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("an entry is `address or network,category,score`".into());
    };
    let (address, length) = match network.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (network, None),
    };
    let address: IpAddr = address.parse().map_err(|_| format!("`{address}` is no address"))?;
    let most = if address.is_ipv6() { 128 } else { 32 };
    let length = match length {
        Some(text) => text.parse().ok().filter(|&length| length <= most),
        None => Some(most),
    };
    let length =
        length.ok_or_else(|| format!("`{network}` is no network: the prefix has 0 to {most} bits"))?;
    let score: u16 =
        score.parse().map_err(|_| format!("`{score}` is no score: a number from 0 to {MOST}"))?;
    Ok((address, length, number(category)?, u8::try_from(score).unwrap_or(MOST).min(MOST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_network_with_a_score_counts() {
        let categories = ("c", "# comment\n1,Bad,very bad\n\n2, Good ,x, y\n");
        let list = "10.0.0.0/8,1,20\n10.1.2.3,1,100\n10.1.2.3,2,7\n10.1.0.0/16,2,9\r\n::/0,1,5\n2001:db8::1,1,200\n0.0.0.0/0,2,1";
        let reputation = Reputation::parse(categories, [("l", list)]).unwrap();
        assert_eq!(
            [reputation.category("Bad"), reputation.category("Good"), reputation.category("bad")],
            [Some(1), Some(2), None]
        );
        let score = |address: &str, category| reputation.score(address.parse().unwrap(), category);
        assert_eq!([score("10.1.2.3", 1), score("10.1.2.3", 2)], [Some(100), Some(7)]);
        assert_eq!([score("10.1.9.9", 1), score("10.1.9.9", 2)], [Some(20), Some(9)]);
        assert_eq!([score("11.0.0.1", 1), score("11.0.0.1", 2)], [None, Some(1)]);
        assert_eq!(
            [score("2001:db8::1", 1), score("2001:db8::2", 1), score("::1", 2)],
            [Some(127), Some(5), None]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let error = |categories: &str, list: &str| {
            Reputation::parse(("c", categories), [("l", list)]).unwrap_err().to_string()
        };
        assert_eq!(error("1,a,b\nx,a,b", ""), "c:2: `x` is no category: a number from 1 to 59");
        assert_eq!(error("1", ""), "c:1: a category is `number,name,description`");
        assert_eq!(error("60,a,b", ""), "c:1: `60` is no category: a number from 1 to 59");
        assert_eq!(error("", "\n1.1.1.1"), "l:2: an entry is `address or network,category,score`");
        assert_eq!(
            error("", "1.1.1.1/33,1,1"),
            "l:1: `1.1.1.1/33` is no network: the prefix has 0 to 32 bits"
        );
        assert_eq!(error("", "x,1,1"), "l:1: `x` is no address");
        assert_eq!(error("", "1.1.1.1,1,x"), "l:1: `x` is no score: a number from 0 to 127");
    }
}
