//! classification.config: what `classtype` means.
//!
//! `config classification: SHORT-NAME,DESCRIPTION,PRIORITY` (Suricata: util-classification-config.c).

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
    sync::Arc,
};

use super::{
    fault::Fault,
    lexer::Token,
    line::{self, LineError},
    number::number,
};

/// Classes by their short names.
#[derive(Clone, Debug)]
pub struct Classification(BTreeMap<String, Class>);

/// What a class means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// What alerts call it (EVE `alert.category`).
    pub(super) description: Arc<str>,
    /// Of rules that do not have one of their own.
    pub(super) priority: u8,
}

/// The priority of a rule that neither says one nor has a known class.
pub(super) const DEFAULT_PRIORITY: u8 = 3;

impl Classification {
    /// Reads the text of such a file. A line that cannot be used is reported and left out; of several with the same name the first
    /// counts.
    pub fn parse(file: &Path, text: &str) -> (Self, Vec<LineError>) {
        let mut classes = BTreeMap::new();
        let failed = line::read(file, text, "classification", |entry| {
            let (at, class) = class(entry)?;
            match classes.entry(line::name(at)?) {
                Entry::Vacant(place) => _ = place.insert(class),
                Entry::Occupied(_) => {
                    return Err(at.fault(format!("`{}` stands here twice; the first counts", at.text)));
                }
            }
            Ok(())
        });
        (Self(classes), failed)
    }

    /// The class with this short name, in any case of letters.
    pub(super) fn get(&self, name: &str) -> Option<&Class> {
        self.0.get(&name.to_ascii_lowercase())
    }
}

impl Class {
    /// Of a name that is not known.
    pub(super) fn unknown() -> Self {
        Self { description: "".into(), priority: DEFAULT_PRIORITY }
    }
}

/// `name,description,priority`; only the description may have commas in it.
fn class(entry: Token<'_>) -> Result<(Token<'_>, Class), Fault> {
    let parts = entry
        .text
        .find(',')
        .zip(entry.text.rfind(','))
        .filter(|(first, last)| first < last)
        .ok_or_else(|| entry.fault("a class is `short-name,description,priority`"))?;
    let part = |from: usize, to: usize| {
        Token::trimmed(entry.text.get(from..to).unwrap_or_default(), entry.at + from)
    };
    let name = part(0, parts.0);
    let description = part(parts.0 + 1, parts.1);
    if description.text.is_empty() {
        return Err(description.fault("the class needs a description"));
    }
    let priority = number(part(parts.1 + 1, entry.text.len()), 1..=u8::MAX)?;
    Ok((name, Class { description: description.text.into(), priority }))
}

impl Default for Classification {
    /// The classes of the file that Suricata 8 ships.
    fn default() -> Self {
        let class = |&(name, description, priority): &(&str, &str, u8)| {
            (name.to_string(), Class { description: description.into(), priority })
        };
        Self(SURICATA.iter().map(class).collect())
    }
}

const SURICATA: &[(&str, &str, u8)] = &[
    ("not-suspicious", "Not Suspicious Traffic", 3),
    ("unknown", "Unknown Traffic", 3),
    ("bad-unknown", "Potentially Bad Traffic", 2),
    ("attempted-recon", "Attempted Information Leak", 2),
    ("successful-recon-limited", "Information Leak", 2),
    ("successful-recon-largescale", "Large Scale Information Leak", 2),
    ("attempted-dos", "Attempted Denial of Service", 2),
    ("successful-dos", "Denial of Service", 2),
    ("attempted-user", "Attempted User Privilege Gain", 1),
    ("unsuccessful-user", "Unsuccessful User Privilege Gain", 1),
    ("successful-user", "Successful User Privilege Gain", 1),
    ("attempted-admin", "Attempted Administrator Privilege Gain", 1),
    ("successful-admin", "Successful Administrator Privilege Gain", 1),
    ("rpc-portmap-decode", "Decode of an RPC Query", 2),
    ("shellcode-detect", "Executable code was detected", 1),
    ("string-detect", "A suspicious string was detected", 3),
    ("suspicious-filename-detect", "A suspicious filename was detected", 2),
    ("suspicious-login", "An attempted login using a suspicious username was detected", 2),
    ("system-call-detect", "A system call was detected", 2),
    ("tcp-connection", "A TCP connection was detected", 4),
    ("trojan-activity", "A Network Trojan was detected", 1),
    ("unusual-client-port-connection", "A client was using an unusual port", 2),
    ("network-scan", "Detection of a Network Scan", 3),
    ("denial-of-service", "Detection of a Denial of Service Attack", 2),
    ("non-standard-protocol", "Detection of a non-standard protocol or event", 2),
    ("protocol-command-decode", "Generic Protocol Command Decode", 3),
    ("web-application-activity", "access to a potentially vulnerable web application", 2),
    ("web-application-attack", "Web Application Attack", 1),
    ("misc-activity", "Misc activity", 3),
    ("misc-attack", "Misc Attack", 2),
    ("icmp-event", "Generic ICMP event", 3),
    ("inappropriate-content", "Inappropriate Content was Detected", 1),
    ("policy-violation", "Potential Corporate Privacy Violation", 1),
    ("default-login-attempt", "Attempt to login by a default username and password", 2),
    ("targeted-activity", "Targeted Malicious Activity was Detected", 1),
    ("exploit-kit", "Exploit Kit Activity Detected", 1),
    ("external-ip-check", "Device Retrieving External IP Address Detected", 2),
    ("domain-c2", "Domain Observed Used for C2 Detected", 1),
    ("pup-activity", "Possibly Unwanted Program Detected", 2),
    ("credential-theft", "Successful Credential Theft Detected", 1),
    ("social-engineering", "Possible Social Engineering Attempted", 2),
    ("coin-mining", "Crypto Currency Mining Activity Detected", 2),
    ("command-and-control", "Malware Command and Control Activity Detected", 1),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> (Classification, Vec<String>) {
        let (classes, failed) = Classification::parse(Path::new("c.config"), text);
        (classes, failed.iter().map(LineError::to_string).collect())
    }

    #[test]
    fn reads_names_descriptions_and_priorities() {
        let text =
            "# comment\n\nconfig classification: a-B_1,A, and b , 2\r\n  config  classification :x,y,255\n";
        let (classes, failed) = parse(text);
        assert_eq!(failed, [""; 0]);
        assert_eq!(classes.get("A-b_1"), Some(&Class { description: "A, and b".into(), priority: 2 }));
        assert_eq!(classes.get("x"), Some(&Class { description: "y".into(), priority: 255 }));
        assert_eq!(classes.get("not-suspicious"), None, "a file stands for all");
    }

    #[test]
    fn a_bad_line_is_named_and_the_others_count() {
        let text = "config classification: a,A,1\nconfig classification: b,B\nconfig reference: c C\n\
                    config classification: 9,N,1\nconfig classification: d,,1\nconfig classification: e,E,0\n\
                    config classification: a,A,2\nconfig classification: f,F,x1\nconfig classification: g,G,1";
        let (classes, failed) = parse(text);
        let parts = [
            "c.config:2:24: a class is",
            "c.config:3:1: a line is `config classification: …`",
            "c.config:4:24: `9` is no name",
            "c.config:5:26: the class needs a description",
            "c.config:6:28: `0` is no whole number from 1 to 255",
            "c.config:7:24: `a` stands here twice",
            "c.config:8:28: `x1` is no whole number",
        ];
        assert_eq!(failed.len(), parts.len(), "{failed:?}");
        for (failure, part) in failed.iter().zip(parts) {
            assert!(failure.starts_with(part), "{failure}");
        }
        assert_eq!((classes.get("a").unwrap().priority, classes.get("g").unwrap().priority), (1, 1));
    }

    #[test]
    fn a_file_of_another_kind_is_given_up() {
        let (_, failed) = parse(&"x\n".repeat(5000));
        assert_eq!(failed.len(), 1000);
        assert!(failed[999].contains("the rest is not read"), "{}", failed[999]);
    }

    #[test]
    fn suricatas_classes_are_there_without_a_file() {
        let classes = Classification::default();
        assert_eq!(classes.0.len(), SURICATA.len(), "each once");
        assert_eq!(classes.get("trojan-activity").unwrap().priority, 1);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(?s)(config classification: ?)?.{0,60}") {
            let lines = text.lines().count();
            for error in Classification::parse(Path::new("c"), &text).1 {
                prop_assert!(error.line as usize <= lines);
            }
        }
    }
}
