//! reference.config: where on the web what rules refer to is found.
//!
//! `config reference: SYSTEM URL` (Suricata: util-reference-config.c).

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    path::Path,
};

use super::{
    fault::Fault,
    lexer::Token,
    line::{self, LineError},
};

/// Beginnings of addresses by the names of the systems that they belong to.
#[derive(Clone, Debug)]
pub struct ReferenceSystems(BTreeMap<String, Box<str>>);

/// What a rule refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The system that knows of it, as the rule writes it.
    pub system: Box<str>,
    /// Its name there.
    pub id: Box<str>,
    /// Where it is found, when the system is known or the id is an address itself.
    pub url: Option<Box<str>>,
}

impl fmt::Display for Reference {
    /// The address, or what the rule says when there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.url {
            Some(url) => f.write_str(url),
            None => write!(f, "{},{}", self.system, self.id),
        }
    }
}

impl ReferenceSystems {
    /// Reads the text of such a file. A line that cannot be used is reported and left out; of several with the same name the first
    /// counts.
    pub fn parse(file: &Path, text: &str) -> (Self, Vec<LineError>) {
        let mut systems = BTreeMap::new();
        let failed = line::read(file, text, "reference", |entry| {
            let (system, url) = entry.word();
            if url.text.is_empty() {
                return Err(entry.fault("a reference system is `name url`"));
            }
            match systems.entry(line::name(system)?) {
                Entry::Vacant(place) => _ = place.insert(url.text.into()),
                Entry::Occupied(_) => {
                    return Err(
                        system.fault(format!("`{}` stands here twice; the first counts", system.text))
                    );
                }
            }
            Ok(())
        });
        (Self(systems), failed)
    }

    /// What a rule's `reference:system,id;` refers to.
    pub(super) fn resolve(&self, value: Token<'_>) -> Result<Reference, Fault> {
        let parts = value.split_once(",").map(|(system, id)| (system, id.text.trim_matches('"').trim()));
        let Some((system, id)) = parts.filter(|(_, id)| !id.is_empty()) else {
            return Err(value.fault("a reference is `type,value`"));
        };
        let known = self.0.get(&line::name(system)?);
        let url = match id.split_once("://") {
            Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) => Some(id.into()),
            _ => known.map(|beginning| format!("{beginning}{id}").into()),
        };
        Ok(Reference { system: system.text.into(), id: id.into(), url })
    }
}

impl Default for ReferenceSystems {
    /// The systems of the file that Suricata 8 ships.
    fn default() -> Self {
        Self(SURICATA.iter().map(|&(system, url)| (system.to_string(), url.into())).collect())
    }
}

const SURICATA: &[(&str, &str)] = &[
    ("cve", "https://cve.mitre.org/cgi-bin/cvename.cgi?name="),
    ("nessus", "https://www.tenable.com/plugins/nessus/"),
    ("url", "https://"),
    ("mcafee", "https://vil.nai.com/vil/content/v_"),
    ("bid", "https://www.securityfocus.com/bid/"),
    ("bugtraq", "https://www.securityfocus.com/bid/"),
    ("md5", "https://www.threatexpert.com/report.aspx?md5="),
    ("secunia", "https://www.secunia.com/advisories/"),
    ("arachnids", "https://www.whitehats.com/info/IDS"),
    ("exploitdb", "https://www.exploit-db.com/exploits/"),
    ("msft", "https://technet.microsoft.com/security/bulletin/"),
    ("et", "https://doc.emergingthreats.net/"),
    ("etpro", "https://doc.emergingthreatspro.com/"),
    ("telus", "https://"),
    ("xforce", "http://xforce.iss.net/xforce/xfdb/"),
    ("osvdb", "http://osvdb.org/show/osvdb/"),
    ("threatexpert", "http://www.threatexpert.com/report.aspx?md5="),
    ("openpacket", "https://www.openpacket.org/capture/grab/"),
    ("securitytracker", "http://securitytracker.com/id?"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(systems: &ReferenceSystems, text: &str) -> Result<String, Fault> {
        systems.resolve(Token { text, at: 10 }).map(|reference| reference.to_string())
    }

    #[test]
    fn reads_systems_and_finds_what_rules_refer_to() {
        let text = "# comment\nconfig reference: Bugs\t https://bugs.example/?id=\nconfig reference: bugs http://other\n\
                    config reference: alone\nconfig reference: 1 http://one\n";
        let (systems, failed) = ReferenceSystems::parse(Path::new("r.config"), text);
        let failed: Vec<_> = failed.iter().map(LineError::to_string).collect();
        assert_eq!(failed.len(), 3, "{failed:?}");
        assert!(failed[0].starts_with("r.config:3:19: `bugs` stands here twice"), "{failed:?}");
        assert!(failed[1].starts_with("r.config:4:19: a reference system is"), "{failed:?}");
        assert!(failed[2].starts_with("r.config:5:19: `1` is no name"), "{failed:?}");
        assert_eq!(resolve(&systems, "bUgs, 7").unwrap(), "https://bugs.example/?id=7");
        assert_eq!(resolve(&systems, "cve,2020-1").unwrap(), "cve,2020-1", "a file stands for all");
    }

    #[test]
    fn an_address_with_a_scheme_stands_for_itself() {
        let systems = ReferenceSystems::default();
        assert_eq!(resolve(&systems, "url,\"a.example/x,y\"").unwrap(), "https://a.example/x,y");
        assert_eq!(resolve(&systems, "url,http://a.example").unwrap(), "http://a.example");
        assert_eq!(resolve(&systems, "nowhere,gopher://a").unwrap(), "gopher://a");
        assert_eq!(resolve(&systems, "url,a?b=c://d").unwrap(), "https://a?b=c://d");
        assert_eq!(resolve(&systems, "McAfee,1").unwrap(), "https://vil.nai.com/vil/content/v_1");
        for bad in ["", "url", "url,", ",x", "url,\" \"", "a b,c"] {
            assert!(resolve(&systems, bad).is_err(), "{bad}");
        }
    }
}
